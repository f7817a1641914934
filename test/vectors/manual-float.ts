// Binary floating point as the manual defines it (SDM vol. 1, 4.8 and 4.9), in exact integers: every operation is worked
// out without error and rounded once. Written independently of the core and of the generator.

/** Precision in bits with the integer bit, and exponents of normal numbers; `explicit`: the integer bit is stored. */
export interface Format {
  p: number;
  emin: number;
  emax: number;
  explicit?: boolean;
}
export const F16: Format = { p: 11, emin: -14, emax: 15 };
export const F32: Format = { p: 24, emin: -126, emax: 127 };
export const F64: Format = { p: 53, emin: -1022, emax: 1023 };
export const F80: Format = { p: 64, emin: -16382, emax: 16383, explicit: true };

export const IE = 1;
export const DE = 2;
export const ZE = 4;
export const OE = 8;
export const UE = 16;
export const PE = 32;

/** Rounding as MXCSR.RC and FCW.RC number it. */
export const enum Round {
  Nearest,
  Down,
  Up,
  Zero,
}

/** A number is ± m · 2^e; `sticky` says that a little more than that follows, which is less than one unit of m. */
export interface Exact {
  negative: boolean;
  m: bigint;
  e: number;
  sticky?: boolean;
}
export interface Value extends Exact {
  kind: 'number' | 'infinity' | 'quiet' | 'signalling' | 'unsupported';
  denormal: boolean;
  bits: bigint;
}

export const bitLength = (m: bigint): number => (m === 0n ? 0 : m.toString(2).length);
const width = ({ p, emax, explicit }: Format): number => p + bitLength(BigInt(emax)) + 1 + (explicit ? 1 : 0);
export const widthOf = width;
const fractionBits = ({ p, explicit }: Format): number => (explicit ? p : p - 1);

export function unpack(format: Format, bits: bigint): Value {
  const { p, emin, emax } = format;
  const stored = fractionBits(format);
  const negative = bits >> BigInt(width(format) - 1) === 1n;
  const fraction = bits & ((1n << BigInt(p - 1)) - 1n);
  const exponent = Number((bits >> BigInt(stored)) & BigInt(2 * emax + 1));
  const top = 2 * emax + 1;
  const integer = format.explicit ? (bits >> 63n) & 1n : exponent === 0 ? 0n : 1n;
  const value: Value = {
    kind: 'number',
    negative,
    m: fraction | (integer << BigInt(p - 1)),
    e: Math.max(exponent - emax, emin) - p + 1,
    denormal: exponent === 0 && (fraction !== 0n || integer !== 0n),
    bits,
  };
  // Without their integer bit these are none of x87's numbers (SDM vol. 1, 8.2.2).
  if (format.explicit && exponent !== 0 && integer === 0n) value.kind = 'unsupported';
  else if (exponent === top) {
    value.kind = fraction === 0n ? 'infinity' : (fraction >> BigInt(p - 2)) & 1n ? 'quiet' : 'signalling';
  }
  return value;
}

export const isNaN = (v: Value): boolean => v.kind === 'quiet' || v.kind === 'signalling';
export const isZero = (v: Value): boolean => v.kind === 'number' && v.m === 0n;
export const quieted = (format: Format, v: Value): bigint => v.bits | (1n << BigInt(format.p - 2));

function pack(format: Format, negative: boolean, exponent: number, m: bigint): bigint {
  const sign = negative ? 1n << BigInt(width(format) - 1) : 0n;
  const fraction = format.explicit ? m : m & ((1n << BigInt(format.p - 1)) - 1n);
  return sign | (BigInt(exponent) << BigInt(fractionBits(format))) | fraction;
}
export const zero = (format: Format, negative: boolean): bigint => pack(format, negative, 0, 0n);
export const infinity = (format: Format, negative: boolean): bigint =>
  pack(format, negative, 2 * format.emax + 1, 1n << BigInt(format.p - 1));
/** The QNaN floating-point indefinite (SDM vol. 1, 4.8.3.7). */
export const indefinite = (format: Format): bigint =>
  pack(format, true, 2 * format.emax + 1, 3n << BigInt(format.p - 2));

export interface Rounded {
  m: bigint;
  e: number;
  inexact: boolean;
  /** The magnitude has grown. */
  up: boolean;
}

/** Rounds ± m · 2^e to a multiple of 2^unit. */
export function roundTo({ negative, m, e, sticky }: Exact, unit: number, mode: Round): Rounded {
  // two bits below the unit at the least, and the sticky one
  const spare = BigInt(Math.max(0, e - unit + 2));
  let scaled = (m << (spare + 1n)) | (sticky ? 1n : 0n);
  let at = e - Number(spare) - 1;
  if (at > unit - 2) {
    scaled <<= BigInt(at - unit + 2);
    at = unit - 2;
  }
  const drop = BigInt(unit - at);
  const rest = scaled & ((1n << drop) - 1n);
  const half = 1n << (drop - 1n);
  const whole = scaled >> drop;
  const up =
    rest !== 0n &&
    (mode === Round.Nearest
      ? rest > half || (rest === half && (whole & 1n) === 1n)
      : mode === Round.Up
        ? !negative
        : mode === Round.Down
          ? negative
          : false);
  return { m: whole + (up ? 1n : 0n), e: unit, inexact: rest !== 0n, up };
}

export interface Control {
  mode: Round;
  /** Exception masks, in the places of the flags; a set bit masks. */
  masks: number;
  /** Flush results that are tiny to zero; only where underflow is masked. */
  ftz?: boolean;
  daz?: boolean;
  /** x87: bits of precision; results with an unmasked overflow or underflow are scaled by 2^24576. */
  precision?: number;
}
export interface Result {
  bits: bigint;
  flags: number;
  up?: boolean;
}

/** Rounds an exact number, not zero, into a format (SDM vol. 1, 4.8.4, 4.9.1.4 … 4.9.1.6). */
export function round(format: Format, exact: Exact, control: Control): Result {
  const { emin, emax } = format;
  const p = control.precision ?? format.p;
  const { negative } = exact;
  const { mode, masks } = control;
  let { e } = exact;
  const exponent = bitLength(exact.m) - 1 + e;
  const free = roundTo(exact, exponent - p + 1, mode);
  const freeExponent = bitLength(free.m) - 1 + free.e;
  const finish = (r: Rounded, flags: number, scale = 0): Result => {
    const place = bitLength(r.m) - 1 + r.e + scale;
    const lowest = Math.max(place, emin) - format.p + 1;
    const shift = r.e + scale - lowest;
    const m = shift >= 0 ? r.m << BigInt(shift) : r.m >> BigInt(-shift);
    const stored = place < emin || m === 0n ? 0 : place + emax;
    return { bits: pack(format, negative, stored, m), flags: flags | (r.inexact ? PE : 0), up: r.up };
  };
  const extended = control.precision !== undefined;
  if (freeExponent > emax) {
    if ((masks & OE) === 0)
      return extended ? finish(free, OE, -24576) : { bits: 0n, flags: OE | (free.inexact ? PE : 0) };
    const toInfinity = mode === Round.Nearest || (mode === Round.Up && !negative) || (mode === Round.Down && negative);
    const greatest = pack(format, negative, 2 * emax, ((1n << BigInt(p)) - 1n) << BigInt(format.p - p));
    return { bits: toInfinity ? infinity(format, negative) : greatest, flags: OE | PE, up: toInfinity };
  }
  // Tiny after rounding as if exponents had no end.
  const tiny = freeExponent < emin;
  if (!tiny) return finish(exponent < emin ? free : roundTo(exact, exponent - p + 1, mode), 0);
  if ((masks & UE) === 0) return extended ? finish(free, UE, 24576) : { bits: 0n, flags: UE | (free.inexact ? PE : 0) };
  if (control.ftz) return { bits: zero(format, negative), flags: UE | PE };
  e = emin - p + 1;
  const r = roundTo(exact, e, mode);
  return finish(r, r.inexact ? UE : 0);
}

/** Exact sum; where it is zero, its sign (SDM vol. 1, 4.8.3.1 and IEEE 754: minus only where rounding down, or both are). */
export function sum(a: Exact, b: Exact, mode: Round): Exact {
  const e = Math.min(a.e, b.e);
  const signed = (x: Exact): bigint => (x.negative ? -1n : 1n) * (x.m << BigInt(x.e - e));
  const total = signed(a) + signed(b);
  if (total !== 0n) return { negative: total < 0n, m: total < 0n ? -total : total, e };
  const same = a.negative === b.negative;
  return { negative: same ? a.negative : mode === Round.Down, m: 0n, e };
}

export const product = (a: Exact, b: Exact): Exact => ({
  negative: a.negative !== b.negative,
  m: a.m * b.m,
  e: a.e + b.e,
});

export function quotient(a: Exact, b: Exact): Exact {
  const spare = BigInt(Math.max(0, bitLength(b.m) - bitLength(a.m)) + 140);
  const m = (a.m << spare) / b.m;
  return { negative: a.negative !== b.negative, m, e: a.e - b.e - Number(spare), sticky: m * b.m !== a.m << spare };
}

export function squareRoot(a: Exact): Exact {
  const spare = 160n + BigInt(a.e & 1);
  const n = a.m << spare;
  let root = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (let next = (root + n / root) >> 1n; next < root; next = (root + n / root) >> 1n) root = next;
  return { negative: a.negative, m: root, e: (a.e - Number(spare)) / 2, sticky: root * root !== n };
}
