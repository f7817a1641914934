// Random operands of floating-point and vector cases: values of a class, edges first. generate/operands.c is the same
// arithmetic in C, and explains it; a change here needs the same change there.
import type { Prng } from './prng.js';

/** What a 64-bit draw is made of. */
export const enum Class {
  None,
  I8,
  I16,
  I32,
  I64,
  F16,
  F32,
  F64,
  String,
  F80,
}

export const enum Temper {
  Calm,
  Mixed,
  Wild,
}

interface Format {
  bias: number;
  fraction: number;
}
const F16: Format = { bias: 15, fraction: 10 };
const F32: Format = { bias: 127, fraction: 23 };
const F64: Format = { bias: 1023, fraction: 52 };
const F80: Format = { bias: 16383, fraction: 63 };

const LIMITS = [6, 7, 14, 15, 30, 31, 62, 63];
const NARROW = [127, 128, -126, -127, -149, -150, -151, 1023, 1024, -1022, -1023, -1074, -1075, 15, -14, -25];
const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x81, 0x40, 0x0f];
const WORDS = [0, 1, 0x7fff, 0x8000, 0xffff, 0x8001, 0xff, 0x100];
const LETTERS = [0x41, 0x42, 0x80, 0xff];
const WIDE_LETTERS = [0x41, 0x42, 0x8000, 0xff41];

/** The draws of one case. */
export class Draw {
  temper = Temper.Calm;
  related = false;
  wide = false;
  baseClass = Class.None;
  readonly base = new Uint32Array(8);

  // The number drawn last, before it is packed.
  #negative = 0;
  #exponent = 0;
  #high = 0;
  #low = 0;
  #last = 0;
  #odd = false;

  constructor(readonly prng: Prng) {}

  #number({ bias, fraction }: Format): void {
    const r = this.prng.next();
    let kind = r & 31;
    const a = (r >>> 8) & 0xffff;
    if (kind < 16 && (this.temper === Temper.Calm || (this.temper === Temper.Mixed && ((r >>> 5) & 7) !== 0)))
      kind |= 16;
    const m = this.prng.next();
    const n = fraction > 32 ? this.prng.next() : 0;
    const top = 2 * bias + 1;
    let exponent = bias;
    this.#negative = r >>> 31;
    this.#exponent = 0;
    this.#last = 0;
    this.#odd = false;
    let high = m;
    let low = n;
    switch (kind) {
      case 0:
        return this.#set(0, 0, 0);
      case 1:
        return this.#set(0, 0, 0, 1);
      case 2:
        return this.#set(-1, -1, 0);
      case 3:
        high = low = 0;
        exponent = 1;
        break;
      case 4:
        high = low = -1;
        exponent = top - 1;
        break;
      case 5:
        return this.#set(0, 0, top);
      case 6:
        return this.#set(0x8000_0000, 0, top);
      case 7:
        return this.#set(m | 0x8000_0000, n, top);
      case 8:
        return this.#set(m & 0x7fff_ffff, n, top, 1);
      case 9:
        return this.#set(m >>> (a & 15), n, 0);
      case 10:
        exponent = 1 + (a & 3);
        break;
      case 11:
        exponent = top - 1 - (a & 3);
        break;
      case 12: {
        exponent = bias + LIMITS[a & 7]! + ((a >>> 3) & 1);
        const style = (a >>> 4) & 3;
        high = style === 1 ? -1 : style === 2 ? -1 << ((a >>> 6) & 31) : 0;
        low = style === 1 ? -1 : 0;
        if (style === 3) this.#last = 1;
        break;
      }
      case 13:
        high = low = 0;
        break;
      case 14:
        exponent = (((a >>> 2) & 1) !== 0 ? bias + (bias >>> 1) : bias >>> 1) + (a & 3);
        break;
      case 15:
        this.#odd = true;
        return this.#set(m, n, a % (top + 1), a >>> 14);
      case 16:
      case 17:
        high &= 0xfe00_0000;
        low = 0;
        exponent = bias + (a & 7) - 4;
        break;
      case 18:
        high &= 0xe000_0000;
        low = 0;
        exponent = bias + (a & 63) - 32;
        break;
      case 19:
        high &= 0xc000_0000;
        low = 0;
        this.#last = (a >>> 8) & 3;
        exponent = bias + (a & 7) - 4;
        break;
      case 20:
      case 21:
      case 22:
        exponent = bias + (a & 3) - 2;
        break;
      case 23:
      case 24: {
        const integer = a & 0xff;
        if (integer === 0) return this.#set(0, 0, 0);
        const bits = 31 - Math.clz32(integer);
        high = bits !== 0 ? integer << (32 - bits) : 0;
        low = 0;
        exponent = bias + bits - ((a >>> 8) & 3);
        break;
      }
      case 25:
        exponent = bias + (a & 31) - 16;
        break;
      case 26:
        exponent = bias + 20 + (a & 15);
        break;
      case 27:
        exponent = bias + fraction - 2 + (a & 3);
        break;
      case 28:
        if ((a & 3) === 1) low = (n & 0xffff_f000) | 0x800;
        else {
          high = (a & 3) === 0 ? (m & 0xffc0_0000) | 0x20_0000 : (m & 0xffff_fe00) | 0x100;
          low = 0;
        }
        this.#last = ((a >>> 8) & 3) === 0 ? 1 : 0;
        exponent = bias + ((a >>> 2) & 7) - 4;
        break;
      case 29:
        high &= 0xffff_ff80;
        low = 0;
        exponent = bias + NARROW[a & 15]!;
        break;
      case 30:
        exponent = bias - 1 - (a & 15);
        break;
      default:
        exponent = bias + (a & 255) - 128;
        break;
    }
    this.#set(high, low, Math.min(Math.max(exponent, 1), top - 1), this.#last);
  }

  #set(high: number, low: number, exponent: number, last = 0): void {
    this.#high = high;
    this.#low = low;
    this.#exponent = exponent;
    this.#last = last;
  }

  #float16(): number {
    this.#number(F16);
    return (this.#negative << 15) | (this.#exponent << 10) | (this.#high >>> 22) | this.#last;
  }

  #float32(): number {
    this.#number(F32);
    return (this.#negative << 31) | (this.#exponent << 23) | (this.#high >>> 9) | this.#last;
  }

  #bytes(): number {
    const r = this.prng.next();
    if (this.temper === Temper.Calm || (r & 3) === 0) return this.prng.next();
    let value = 0;
    for (let i = 0; i < 4; i++) value |= BYTES[(r >>> (4 + 3 * i)) & 7]! << (8 * i);
    return value;
  }

  #words(): number {
    const r = this.prng.next();
    if (this.temper === Temper.Calm || (r & 3) === 0) return this.prng.next();
    return (WORDS[(r >>> 7) & 7]! << 16) | WORDS[(r >>> 4) & 7]!;
  }

  #doubleword(): number {
    const r = this.prng.next();
    const byte = (r >>> 8) & 0xff;
    if (this.temper === Temper.Calm) return this.prng.next();
    switch (r & 15) {
      case 0:
        return 0;
      case 1:
        return 1;
      case 2:
        return -1;
      case 3:
        return 0x7fff_ffff;
      case 4:
        return 0x8000_0000;
      case 5:
        return byte;
      case 6:
        return -byte;
      case 7:
        return 1 << (byte & 31);
      case 8:
        return 0xffff;
      case 9:
        return 0x8000;
      default:
        return this.prng.next();
    }
  }

  #letters(): number {
    const r = this.prng.next();
    let value = 0;
    for (let i = 0; i < (this.wide ? 2 : 4); i++) {
      const pick = (r >>> (4 * i)) & 15;
      if (pick !== 0) value |= this.wide ? WIDE_LETTERS[pick & 3]! << (16 * i) : LETTERS[pick & 3]! << (8 * i);
    }
    return value;
  }

  #fresh(kind: Class, to: Uint32Array, at: number): void {
    switch (kind) {
      case Class.I8:
        to[at] = this.#bytes();
        to[at + 1] = this.#bytes();
        break;
      case Class.I16:
        to[at] = this.#words();
        to[at + 1] = this.#words();
        break;
      case Class.I32:
        to[at] = this.#doubleword();
        to[at + 1] = this.#doubleword();
        break;
      case Class.I64:
        this.prng.edge64(to, at);
        break;
      case Class.F16:
        for (let i = 0; i < 2; i++) {
          const low = this.#float16();
          to[at + i] = low | (this.#float16() << 16);
        }
        break;
      case Class.F32:
        to[at] = this.#float32();
        to[at + 1] = this.#float32();
        break;
      case Class.F64:
        this.#number(F64);
        to[at] = (this.#high << 20) | (this.#low >>> 12) | this.#last;
        to[at + 1] = (this.#negative << 31) | (this.#exponent << 20) | (this.#high >>> 12);
        break;
      case Class.String:
        to[at] = this.#letters();
        to[at + 1] = this.#letters();
        break;
      default:
        to[at] = to[at + 1] = 0;
    }
  }

  /** Writes a 64-bit group of elements to words `at` and `at + 1`; `place` 0 … 3 is its part of a register. */
  draw64(kind: Class, place: number, to: Uint32Array, at: number): void {
    if (kind === Class.None) {
      to[at] = to[at + 1] = 0;
      return;
    }
    if (!this.related || this.baseClass !== kind) return this.#fresh(kind, to, at);
    const r = this.prng.next();
    if ((r & 1) !== 0) return this.#fresh(kind, to, at);
    const low = this.base[2 * place]!;
    const high = this.base[2 * place + 1]!;
    to[at] = low;
    to[at + 1] = high;
    if (kind === Class.I32 || kind === Class.F32) {
      to[at] = tweak32(low, r >>> 8);
      to[at + 1] = tweak32(high, r >>> 11);
    } else if (kind === Class.I64 || kind === Class.F64) tweak64(to, at, r >>> 8);
    else if (((r >>> 8) & 3) === 0) {
      const bit = (r >>> 10) & 63;
      to[at + (bit >>> 5)]! ^= 1 << (bit & 31);
    }
  }

  /** Writes a significand to words `at` and `at + 1`, and returns sign and exponent. */
  f80(to: Uint32Array, at: number): number {
    this.#number(F80);
    let integer = this.#exponent !== 0 ? 1 : 0;
    if (this.#odd) {
      if ((this.#last & 1) !== 0) integer ^= 1;
      if ((this.#last & 2) !== 0) {
        this.#exponent = (this.#high & 1) !== 0 ? 0x7fff : 0;
        integer = (this.#high >>> 1) & 1;
      }
      this.#last = 0;
    }
    to[at] = (this.#high << 31) | (this.#low >>> 1) | this.#last;
    to[at + 1] = (integer << 31) | (this.#high >>> 1);
    return (this.#negative << 15) | this.#exponent;
  }
}

function tweak32(value: number, how: number): number {
  switch (how & 7) {
    case 3:
      return value ^ 0x8000_0000;
    case 4:
      return value + 1;
    case 5:
      return value - 1;
    case 6:
      return value + 0x80_0000;
    case 7:
      return value ^ 0x8000_0001;
    default:
      return value;
  }
}

function tweak64(words: Uint32Array, at: number, how: number): void {
  switch (how & 7) {
    case 3:
      words[at + 1]! ^= 0x8000_0000;
      break;
    case 4:
      words[at]!++;
      if (words[at] === 0) words[at + 1]!++;
      break;
    case 5:
      if (words[at]!-- === 0) words[at + 1]!--;
      break;
    case 6:
      words[at + 1]! += 0x10_0000;
      break;
    case 7:
      words[at]! ^= 1;
      words[at + 1]! ^= 0x8000_0000;
      break;
  }
}
