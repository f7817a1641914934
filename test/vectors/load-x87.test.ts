// Recorded x87 instructions are those of the manual: 80-bit arithmetic in three precisions, conversions, the stack, C1,
// comparisons, remainders.
import { describe, expect, it } from 'vitest';
import { Slot } from './fpu.js';
import { convert, integral, toInteger } from './manual-convert.js';
import {
  DE,
  F32,
  F64,
  F80,
  IE,
  Round,
  UE,
  OE,
  ZE,
  bitLength,
  indefinite,
  isNaN,
  quieted,
  unpack,
  type Control,
  type Result,
  type Value,
} from './manual-float.js';
import { addition, division, multiplication, root } from './manual-sse.js';
import { AF, CF, OF, PF, SF, ZF, littleEndian } from './manual.js';
import { expectedMemory } from './load.js';
import { broken, sample, samples, stack, type Sample } from './samples.js';
import { loadVectors } from './load.js';

const EXCEPTIONS = 0x3f;
const STACK_FAULT = 0x40;
const C0 = 0x100;
const C1 = 0x200;
const C2 = 0x400;
const C3 = 0x4000;
const SUMMARY = 0x8080;
const MF = 16;
const PRECISION = [24, 0, 53, 64];

const word = (one: Sample, slot: Slot, when: 'before' | 'after' = 'before'): number => Number(one[when][slot]);
const top = (one: Sample): number => (word(one, Slot.Fsw) >> 11) & 7;
const empty = (one: Sample, i: number): boolean => ((word(one, Slot.Tags) >> ((top(one) + i) & 7)) & 1) === 0;
const st = (one: Sample, i: number): Value => unpack(F80, stack(one.before, i));
const pending = (one: Sample): boolean => (word(one, Slot.Fsw) & ~word(one, Slot.Fcw) & EXCEPTIONS) !== 0;

function control(one: Sample): Control {
  const fcw = word(one, Slot.Fcw);
  return { mode: (fcw >> 10) & 3, masks: fcw & EXCEPTIONS, precision: PRECISION[(fcw >> 8) & 3]! };
}

/** Of two NaNs the one with the greater significand; a quiet one before a signalling one (SDM vol. 1, table 4-7). */
function nanOf(values: Value[]): Result | undefined | 'either' {
  if (values.some((v) => v.kind === 'unsupported')) return { bits: indefinite(F80), flags: IE };
  const nans = values.filter(isNaN);
  if (nans.length === 0) return undefined;
  const flags = nans.some((v) => v.kind === 'signalling') ? IE : 0;
  const quiet = nans.filter((v) => v.kind === 'quiet');
  const [a, b] = quiet.length === 1 ? quiet : nans;
  if (b === undefined) return { bits: quieted(F80, a!), flags };
  if (a!.m === b.m) return a!.bits === b.bits ? { bits: quieted(F80, a!), flags } : 'either';
  return { bits: quieted(F80, a!.m > b.m ? a! : b), flags };
}

/** What is expected of ST(to), popped or not, of the status word and of the tags. */
function check(one: Sample, to: number, pop: boolean, faultOfStack: boolean, result: Result): string | undefined {
  const { masks } = control(one);
  const { vector } = one;
  if (pending(one)) return vector.expect.fault?.vector === MF ? undefined : 'no #MF';
  if (vector.expect.fault) return `#${vector.expect.fault.vector}`;
  const { flags } = result;
  const stopped = (flags & (IE | DE | ZE) & ~masks) !== 0;
  const flagged = stopped ? flags & (IE | DE | ZE) : flags;
  let status = (word(one, Slot.Fsw) | flagged) & ~(SUMMARY | C1);
  if (faultOfStack) status |= STACK_FAULT;
  else if (!stopped && result.up) status |= C1;
  if ((status & ~masks & EXCEPTIONS) !== 0) status |= SUMMARY;
  let tags = word(one, Slot.Tags);
  const number = (top(one) + to) & 7;
  if (!stopped) tags |= 1 << number;
  if (!stopped && pop) {
    tags &= ~(1 << top(one));
    status = (status & ~0x3800) | (((top(one) + 1) & 7) << 11);
  }
  const mask = vector.floating!.masks.fsw;
  const foundStatus = word(one, Slot.Fsw, 'after');
  if (((foundStatus ^ status) & mask) !== 0)
    return `FSW ${foundStatus.toString(16)}, by the manual ${status.toString(16)}`;
  const foundTags = word(one, Slot.Tags, 'after');
  if (foundTags !== tags) return `tags ${foundTags.toString(16)}, by the manual ${tags.toString(16)}`;
  const found = stack(one.after, to, top(one));
  const wanted = stopped ? stack(one.before, to) : result.bits;
  return found === wanted ? undefined : `${found.toString(16)}, by the manual ${wanted.toString(16)}`;
}

const STACK: Result = { bits: indefinite(F80), flags: IE };

describe('x87 arithmetic', () => {
  const operations = { add: addition, sub: addition, mul: multiplication, div: division };
  it.each(Object.keys(operations) as Array<keyof typeof operations>)('f%s between registers', (name) => {
    expect(
      broken(samples('x87', new RegExp(`^f${name}r?p? st\\(`)), (one) => {
        const [to, from] = one.operands.map((operand) => operand!.number) as [number, number];
        const pop = one.mnemonic.endsWith('p');
        if (empty(one, to) || empty(one, from)) return check(one, to, pop, true, STACK);
        let [a, b] = [st(one, to), st(one, from)];
        if (one.mnemonic.includes('r', 2)) [a, b] = [b, a];
        const nan = nanOf([a, b]);
        if (nan === 'either') return undefined;
        if (name === 'sub' && !isNaN(b)) b = { ...b, negative: !b.negative };
        return check(one, to, pop, false, nan ?? operations[name](F80, a, b, control(one)));
      }),
    ).toEqual([]);
  });

  it('fsqrt', () => {
    expect(
      broken(samples('x87', /^fsqrt/), (one) => {
        if (empty(one, 0)) return check(one, 0, false, true, STACK);
        const a = st(one, 0);
        const nan = nanOf([a]);
        if (nan === 'either') return undefined;
        return check(one, 0, false, false, nan ?? root(F80, a, control(one)));
      }),
    ).toEqual([]);
  });

  it('frndint', () => {
    expect(
      broken(samples('x87', /^frndint/), (one) => {
        if (empty(one, 0)) return check(one, 0, false, true, STACK);
        const a = st(one, 0);
        if (a.kind === 'unsupported') return check(one, 0, false, false, STACK);
        const result = integral(F80, a, control(one).mode, false);
        return check(one, 0, false, false, { ...result, flags: result.flags | (a.denormal ? DE : 0) });
      }),
    ).toEqual([]);
  });
});

/** What an instruction stores: `bits` at the memory operand, or nothing where an unmasked exception stops it. */
function checkStore(
  one: Sample,
  bits: number,
  pop: boolean,
  faultOfStack: boolean,
  result: Result,
): string | undefined {
  const { vector } = one;
  if (pending(one)) return vector.expect.fault?.vector === MF ? undefined : 'no #MF';
  const { masks } = control(one);
  // A store with an unmasked overflow or underflow leaves memory and the stack alone (SDM vol. 1, 8.5.4 and 8.5.5).
  const stopped = (result.flags & (IE | DE | ZE | OE | UE) & ~masks) !== 0;
  let status = (word(one, Slot.Fsw) | result.flags) & ~(SUMMARY | C1);
  if (faultOfStack) status |= STACK_FAULT;
  else if (!stopped && result.up) status |= C1;
  if ((status & ~masks & EXCEPTIONS) !== 0) status |= SUMMARY;
  if (!stopped && pop) status = (status & ~0x3800) | (((top(one) + 1) & 7) << 11);
  const found = word(one, Slot.Fsw, 'after');
  let mask = vector.floating!.masks.fsw;
  // Whether a stopped store has a precision exception and C1 beside its own is not said.
  if (stopped) mask &= ~(0x20 | C1);
  if (((found ^ status) & mask) !== 0) return `FSW ${found.toString(16)}, by the manual ${status.toString(16)}`;
  const { offset } = vector.memory.patches[0]!;
  const before = littleEndian(vector.memory.bytes, offset, bits / 8);
  const value = littleEndian(expectedMemory(vector), offset, bits / 8);
  const wanted = stopped ? before : result.bits;
  return value === wanted ? undefined : `${value.toString(16)}, by the manual ${wanted.toString(16)}`;
}

/** Those whose memory operand lies in the data pages, so that nothing but the instruction decides. */
function* stored(form: RegExp): Generator<Sample, void, undefined> {
  for (const vector of loadVectors('x87')) {
    const at = vector.memory.patches[0];
    const faults = vector.expect.fault !== undefined && vector.expect.fault.vector !== MF;
    if (form.test(vector.form) && at !== undefined && !faults) yield sample(vector);
  }
}

describe('x87 stores', () => {
  it.each([16, 32, 64])('integers of %i bits', (bits) => {
    expect(
      broken(stored(new RegExp(`^fistt?p? m${bits}int`)), (one) => {
        const pop = one.mnemonic.endsWith('p');
        const nothing = { bits: 1n << BigInt(bits - 1), flags: IE };
        if (empty(one, 0)) return checkStore(one, bits, pop, true, nothing);
        const mode = one.mnemonic === 'fisttp' ? Round.Zero : control(one).mode;
        return checkStore(one, bits, pop, false, toInteger(st(one, 0), bits, mode));
      }),
    ).toEqual([]);
  });

  it.each([
    ['m32fp', F32, 32],
    ['m64fp', F64, 64],
  ] as const)('%s', (name, format, bits) => {
    expect(
      broken(stored(new RegExp(`^fstp? ${name}`)), (one) => {
        const pop = one.mnemonic === 'fstp';
        if (empty(one, 0)) return checkStore(one, bits, pop, true, { bits: indefinite(format), flags: IE });
        const value = st(one, 0);
        if (value.kind === 'unsupported') {
          return checkStore(one, bits, pop, false, { bits: indefinite(format), flags: IE });
        }
        const { mode, masks } = control(one);
        const result = convert(format, F80, value, { mode, masks });
        // A denormal of 80 bits is no denormal operand here: it is tiny in any case ("FST").
        return checkStore(one, bits, pop, false, { ...result, flags: result.flags & ~DE });
      }),
    ).toEqual([]);
  });

  it('packed decimals of 18 digits', () => {
    expect(
      broken(stored(/^fbstp/), (one) => {
        const nothing = { bits: 0xffff_c000_0000_0000_0000n, flags: IE };
        if (empty(one, 0)) return checkStore(one, 80, true, true, nothing);
        const value = st(one, 0);
        const integer = toInteger(value, 80, control(one).mode);
        const magnitude = value.negative ? BigInt.asUintN(80, -integer.bits) : integer.bits;
        if ((integer.flags & IE) !== 0 || magnitude >= 10n ** 18n) return checkStore(one, 80, true, false, nothing);
        const digits = BigInt(`0x${magnitude}`);
        const bits = (value.negative ? 1n << 79n : 0n) | digits;
        return checkStore(one, 80, true, false, { ...integer, bits });
      }),
    ).toEqual([]);
  });
});

describe('x87 comparisons and remainders', () => {
  /** Less, equal, greater, or undefined for unordered. */
  const order = (a: Value, b: Value): number | undefined => {
    if ([a, b].some((v) => isNaN(v) || v.kind === 'unsupported')) return undefined;
    const line = (v: Value): bigint => {
      const magnitude = v.kind === 'infinity' ? 1n << 40000n : v.m << BigInt(v.e + 16445);
      return v.negative ? -magnitude : magnitude;
    };
    const [x, y] = [line(a), line(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
  const invalid = (one: Sample, a: Value, b: Value): boolean =>
    [a, b].some(
      (v) => v.kind === 'signalling' || v.kind === 'unsupported' || (isNaN(v) && !one.mnemonic.startsWith('fu')),
    );

  it('fcomi and its kind set ZF, PF and CF and clear OF, SF and AF', () => {
    expect(
      broken(samples('x87', /^fu?comip? /), (one) => {
        const { vector } = one;
        if (pending(one)) return vector.expect.fault?.vector === MF ? undefined : 'no #MF';
        const from = one.operands[1]!.number;
        const unordered = ZF | PF | CF;
        const fault = empty(one, 0) || empty(one, from);
        const [a, b] = [st(one, 0), st(one, from)];
        const less = fault ? undefined : order(a, b);
        const stopped = (fault || invalid(one, a, b)) && (control(one).masks & IE) === 0;
        const flags = less === undefined ? unordered : less < 0 ? CF : less === 0 ? ZF : 0;
        const mask = OF | SF | ZF | AF | PF | CF;
        const denormal = (a.denormal || b.denormal) && less !== undefined && (control(one).masks & DE) === 0;
        // Intel's processors leave the flags alone then ("FCOMI"), this one does not.
        if (stopped || denormal) return (vector.expect.flagsMask & mask) === 0 ? undefined : 'flags are compared';
        if ((vector.expect.flagsMask & mask) !== mask) return 'flags are not compared';
        const found = vector.expect.flags & mask;
        return found === flags ? undefined : `flags ${found.toString(16)}, by the manual ${flags.toString(16)}`;
      }),
    ).toEqual([]);
  });

  it('fcom and its kind set C3, C2 and C0', () => {
    expect(
      broken(samples('x87', /^fu?comp? st\(/), (one) => {
        const { vector } = one;
        if (pending(one)) return vector.expect.fault?.vector === MF ? undefined : 'no #MF';
        const from = one.operands.at(-1)!.number;
        const fault = empty(one, 0) || empty(one, from);
        const [a, b] = [st(one, 0), st(one, from)];
        const less = fault ? undefined : order(a, b);
        const denormal = (a.denormal || b.denormal) && less !== undefined && (control(one).masks & DE) === 0;
        if (((fault || invalid(one, a, b)) && (control(one).masks & IE) === 0) || denormal) {
          return (vector.floating!.masks.fsw & (C3 | C2 | C0)) === 0 ? undefined : 'the codes are compared';
        }
        const wanted = less === undefined ? C3 | C2 | C0 : less < 0 ? C0 : less === 0 ? C3 : 0;
        const found = word(one, Slot.Fsw, 'after') & (C3 | C2 | C1 | C0);
        return found === wanted ? undefined : `FSW ${found.toString(16)}, by the manual ${wanted.toString(16)}`;
      }),
    ).toEqual([]);
  });

  it('fprem and fprem1 below 2^64: the remainder, and its quotient in C0, C3 and C1', () => {
    let partial = 0;
    expect(
      broken(samples('x87', /^fprem/), (one) => {
        if (pending(one) || empty(one, 0) || empty(one, 1) || control(one).masks !== EXCEPTIONS) return undefined;
        const [a, b] = [st(one, 0), st(one, 1)];
        if (a.kind !== 'number' || b.kind !== 'number' || a.m === 0n || b.m === 0n) return undefined;
        const distance = bitLength(a.m) + a.e - bitLength(b.m) - b.e;
        const status = word(one, Slot.Fsw, 'after');
        if (distance >= 64) {
          partial++;
          const mask = one.vector.floating!.masks;
          const open = (mask.x87Ignored >> top(one)) & 1;
          return (status & C2) !== 0 && open && (mask.fsw & (C0 | C1 | C3)) === 0 ? undefined : 'a partial remainder';
        }
        const e = Math.min(a.e, b.e);
        const [x, y] = [a.m << BigInt(a.e - e), b.m << BigInt(b.e - e)];
        let q = x / y;
        let r = x % y;
        if (one.mnemonic === 'fprem1' && (2n * r > y || (2n * r === y && (q & 1n) === 1n))) [q, r] = [q + 1n, r - y];
        const found = unpack(F80, stack(one.after, 0));
        const negative = r === 0n ? a.negative : a.negative !== r < 0n;
        const magnitude = r < 0n ? -r : r;
        const same =
          found.e >= e ? found.m << BigInt(found.e - e) === magnitude : found.m === magnitude << BigInt(e - found.e);
        if (!same || found.negative !== negative) return `${stack(one.after, 0).toString(16)} is not the remainder`;
        const bits = Number(q & 7n);
        const codes = (bits & 4 ? C0 : 0) | (bits & 2 ? C3 : 0) | (bits & 1 ? C1 : 0);
        const seen = status & (C0 | C1 | C2 | C3);
        return seen === codes ? undefined : `FSW ${seen.toString(16)}, by the manual ${codes.toString(16)}`;
      }),
    ).toEqual([]);
    expect(partial).toBeGreaterThan(5);
  });
});
