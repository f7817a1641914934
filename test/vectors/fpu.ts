// Floating-point and vector state before and after a vector. What it is drawn from is the same as in generate/fpu.c.
import { Class, Draw, Temper } from './operands.js';
import { Prng } from './prng.js';

/** Where a register is in a state: 64 bits each. */
export const enum Slot {
  /** YMM0 … YMM15, four slots each. */
  Ymm = 0,
  /** Significands by physical number (not by ST(i)), which are MM0 … MM7, and their signs and exponents. */
  X87 = 64,
  Exponent = 72,
  Mxcsr = 80,
  Fcw,
  Fsw,
  /** Bit n: physical register n is not empty. */
  Tags,
  Fip,
  Fdp,
  Fop,
  Count,
}

/** What a form's state is drawn from. */
export interface Recipe {
  vector: Class;
  x87: Class;
  memory: Class;
}

/** Changes of a state: slot, low and high word each; with SLOT_DIFFERS the words are to be xor-ed. */
export type Edits = Uint32Array;
export const SLOT_DIFFERS = 128;

/** How results agree with hardware. */
export const enum Agreement {
  Exact,
  /** Each is off by a relative error of 1.5 · 2^-12 at most: RCPPS, RSQRTPS and their kind (SDM vol. 2). */
  Approximate,
  /** Transcendental x87 instructions: one unit in the last place, and neither C1 nor PE (SDM vol. 1, 8.3.10). */
  LastPlace,
}

/** What is compared and what is not. */
export interface FloatingMasks {
  /** Bits of the status word to compare. */
  fsw: number;
  /** Bits 0 to 2: compare FIP, FDP, FOP. */
  pointers: number;
  /** Bit n: physical x87 register n holds what the manual leaves to the processor. */
  x87Ignored: number;
  /** Ranges of the data pages that the instruction leaves undefined. */
  ignored: Array<{ offset: number; length: number }>;
}

/** The floating-point and vector part of a vector. */
export class FloatingPart {
  constructor(
    private readonly seed: number,
    private readonly recipe: Recipe,
    private readonly given: Edits | undefined,
    private readonly changed: Edits | undefined,
    readonly agreement: Agreement,
    readonly masks: FloatingMasks,
  ) {}

  /** The state before; made anew at every reading. */
  get before(): BigUint64Array {
    const state = new BigUint64Array(Slot.Count);
    derive(this.seed, this.recipe, state);
    if (this.given) apply(this.given, state);
    return state;
  }

  /** The state after. */
  get after(): BigUint64Array {
    const state = this.before;
    if (this.changed) apply(this.changed, state);
    return state;
  }
}

function apply(edits: Edits, state: BigUint64Array): void {
  const words = new Uint32Array(state.buffer);
  for (let i = 0; i < edits.length; i += 3) {
    const at = 2 * (edits[i]! & ~SLOT_DIFFERS);
    const differs = (edits[i]! & SLOT_DIFFERS) !== 0;
    words[at] = differs ? words[at]! ^ edits[i + 1]! : edits[i + 1]!;
    words[at + 1] = differs ? words[at + 1]! ^ edits[i + 2]! : edits[i + 2]!;
  }
}

const IE = 1;
const SF = 0x40;
const EXCEPTIONS = 0x3f;
/** ES and B, the summary of unmasked exceptions. */
export const SUMMARY = 0x8080;

function masks(r: number): number {
  const style = r & 15;
  const pick = (r >>> 8) & 63;
  if (style < 11) return 63;
  if (style === 11) return 0;
  return style < 14 ? 63 & ~(1 << (pick % 6)) : pick;
}

const rounding = (r: number): number => (((r >>> 4) & 1) !== 0 ? 0 : (r >>> 14) & 3);

function deriveX87(draw: Draw, kind: Class, words: Uint32Array): void {
  const { prng } = draw;
  const q = prng.next();
  const s = prng.next();
  const pick = (q >>> 16) & 7;
  const precision = pick < 5 ? 3 : pick === 5 ? 0 : 2;
  const fcw = 0x40 | masks(q) | (precision << 8) | (rounding(q) << 10);
  let fsw = ((q >>> 20) & 3) === 0 ? (q >>> 22) & EXCEPTIONS : 0;
  if ((fsw & IE) !== 0 && ((q >>> 28) & 1) !== 0) fsw |= SF;
  const top = s & 7;
  fsw |= (((s >>> 3) & 7) << 8) | (((s >>> 6) & 1) << 14) | (top << 11);
  if ((fsw & ~fcw & EXCEPTIONS) !== 0) fsw |= SUMMARY;
  const style = (s >>> 8) & 7;
  const tags = style < 3 ? 0x1f : style === 3 ? 0xff : style === 4 ? (s >>> 12) & 0xff : style === 5 ? 0 : 7;
  words[2 * Slot.Fcw] = fcw;
  words[2 * Slot.Fsw] = fsw;
  words[2 * Slot.Tags] = ((tags << top) | (tags >> (8 - top))) & 0xff;
  words[2 * Slot.Fop] = (s >>> 20) & 0x7ff;
  words[2 * Slot.Fip] = prng.next();
  words[2 * Slot.Fdp] = prng.next();
  for (let i = 0; i < 8; i++) {
    const at = 2 * (Slot.X87 + i);
    const exponent = 2 * (Slot.Exponent + i);
    if (kind !== Class.F80) {
      draw.draw64(kind, i & 3, words, at);
      words[exponent] = prng.next() & 0xffff;
      continue;
    }
    words[exponent] = draw.f80(words, at);
    const r = draw.related ? prng.next() : 1;
    if (i === 0 || (r & 1) !== 0) continue;
    words[at] = words[at - 2]!;
    words[at + 1] = words[at - 1]!;
    words[exponent] = words[exponent - 2]!;
    const how = (r >>> 8) & 3;
    if (how === 1) words[exponent]! ^= 0x8000;
    if (how === 2 && words[at] !== 0xffff_ffff) words[at]!++;
    if (how === 3) words[exponent]! ^= 1;
  }
}

/** Fills a state; the draw that is returned goes on with the memory operands. */
export function derive(seed: number, recipe: Recipe, state: BigUint64Array): Draw {
  const prng = new Prng(seed ^ 0x4650_5558);
  const draw = new Draw(prng);
  const words = new Uint32Array(state.buffer);
  const w = prng.next();
  const m = prng.next();
  const temper = w & 7;
  draw.temper = temper < 3 ? Temper.Calm : temper < 6 ? Temper.Mixed : Temper.Wild;
  draw.related = ((w >>> 3) & 3) === 0;
  draw.wide = ((w >>> 5) & 1) !== 0;
  words[2 * Slot.Fcw] = 0x37f;
  words[2 * Slot.Mxcsr] = 0x1f80;
  if (recipe.vector !== Class.None) {
    let mxcsr = (masks(m) << 7) | (rounding(m) << 13);
    if (((m >>> 16) & 3) === 0) mxcsr |= 0x8000;
    if (((m >>> 18) & 3) === 0) mxcsr |= 0x40;
    if (((m >>> 20) & 1) !== 0) mxcsr |= (m >>> 21) & 0x3f;
    words[2 * Slot.Mxcsr] = mxcsr;
    for (let i = 0; i < 64; i++) {
      draw.draw64(recipe.vector, i & 3, words, 2 * i);
      if (i === 3) {
        draw.base.set(words.subarray(0, 8));
        draw.baseClass = recipe.vector;
      }
    }
  }
  if (recipe.x87 !== Class.None) deriveX87(draw, recipe.x87, words);
  return draw;
}

export const IMAGE_SIZE = 832;

/** Writes a state as an XSAVE image in standard form with x87, SSE and AVX (SDM vol. 1, 13.4). */
export function toImage(state: BigUint64Array, image: DataView): void {
  for (let at = 0; at < IMAGE_SIZE; at += 4) image.setUint32(at, 0, true);
  const low = (slot: Slot): number => Number(state[slot]! & 0xffff_ffffn);
  image.setUint16(0, low(Slot.Fcw), true);
  image.setUint16(2, low(Slot.Fsw), true);
  image.setUint8(4, low(Slot.Tags));
  image.setUint16(6, low(Slot.Fop), true);
  image.setBigUint64(8, state[Slot.Fip]!, true);
  image.setBigUint64(16, state[Slot.Fdp]!, true);
  image.setUint32(24, low(Slot.Mxcsr), true);
  const top = (low(Slot.Fsw) >>> 11) & 7;
  for (let i = 0; i < 8; i++) {
    const number = (top + i) & 7;
    image.setBigUint64(32 + 16 * i, state[Slot.X87 + number]!, true);
    image.setUint16(40 + 16 * i, low(Slot.Exponent + number), true);
  }
  for (let n = 0; n < 16; n++) {
    for (let half = 0; half < 2; half++) {
      image.setBigUint64(160 + 16 * n + 8 * half, state[4 * n + half]!, true);
      image.setBigUint64(576 + 16 * n + 8 * half, state[4 * n + 2 + half]!, true);
    }
  }
  image.setUint32(512, 7, true);
}

/** The state in an image; a component whose bit in XSTATE_BV is clear is in its initial configuration. */
export function fromImage(image: DataView): BigUint64Array {
  const state = new BigUint64Array(Slot.Count);
  const present = image.getUint32(512, true);
  state[Slot.Fcw] = 0x37fn;
  if ((present & 1) !== 0) {
    state[Slot.Fcw] = BigInt(image.getUint16(0, true));
    state[Slot.Fsw] = BigInt(image.getUint16(2, true));
    state[Slot.Tags] = BigInt(image.getUint8(4));
    state[Slot.Fop] = BigInt(image.getUint16(6, true));
    state[Slot.Fip] = image.getBigUint64(8, true);
    state[Slot.Fdp] = image.getBigUint64(16, true);
    const top = (image.getUint16(2, true) >>> 11) & 7;
    for (let i = 0; i < 8; i++) {
      const number = (top + i) & 7;
      state[Slot.X87 + number] = image.getBigUint64(32 + 16 * i, true);
      state[Slot.Exponent + number] = BigInt(image.getUint16(40 + 16 * i, true));
    }
  }
  state[Slot.Mxcsr] = BigInt(image.getUint32(24, true));
  for (let n = 0; n < 16; n++) {
    for (let half = 0; half < 2; half++) {
      if ((present & 2) !== 0) state[4 * n + half] = image.getBigUint64(160 + 16 * n + 8 * half, true);
      if ((present & 4) !== 0) state[4 * n + 2 + half] = image.getBigUint64(576 + 16 * n + 8 * half, true);
    }
  }
  return state;
}
