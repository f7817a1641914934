// Scalar arithmetic of SSE as the manual defines it: NaNs, infinities, zeros, denormals and flags (SDM vol. 1, 4.8.3.5,
// table 4-7, 4.9 and 11.5). What is exact is in manual-float.ts.
import {
  DE,
  IE,
  ZE,
  indefinite,
  infinity,
  isNaN,
  isZero,
  product,
  quieted,
  quotient,
  round,
  squareRoot,
  sum,
  unpack,
  zero,
  type Control,
  type Exact,
  type Format,
  type Result,
  type Value,
} from './manual-float.js';

export type Operation = 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'min' | 'max';

const negated = (v: Value): Value => (isNaN(v) ? v : { ...v, negative: !v.negative });

/** Operands as they count: DAZ makes denormals zeros without any exception (SDM vol. 1, 10.2.3.4). */
export function operand(format: Format, bits: bigint, { daz }: Control): Value {
  const v = unpack(format, bits);
  return daz && v.denormal ? unpack(format, zero(format, v.negative)) : v;
}

/** The NaN that comes out: the first of the operands that are NaNs, made quiet (table 4-7). */
export function propagate(format: Format, values: Value[]): Result | undefined {
  const nan = values.find(isNaN);
  if (!nan) return undefined;
  return { bits: quieted(format, nan), flags: values.some((v) => v.kind === 'signalling') ? IE : 0 };
}

const denormals = (values: Value[]): number => (values.some((v) => v.denormal) ? DE : 0);
const rounded = (format: Format, exact: Exact, control: Control): Result =>
  exact.m === 0n ? { bits: zero(format, exact.negative), flags: 0 } : round(format, exact, control);

/** a + b or a · b + c. */
export function finish(format: Format, values: Value[], exact: () => Exact, control: Control): Result {
  const result = rounded(format, exact(), control);
  return { ...result, flags: result.flags | denormals(values) };
}

export function addition(format: Format, a: Value, b: Value, control: Control): Result {
  const infinite = [a, b].filter((v) => v.kind === 'infinity');
  if (infinite.length === 2 && a.negative !== b.negative) return { bits: indefinite(format), flags: IE };
  if (infinite.length > 0) {
    return { bits: infinity(format, infinite[0]!.negative), flags: denormals([a, b]) };
  }
  return finish(format, [a, b], () => sum(a, b, control.mode), control);
}

export function multiplication(format: Format, a: Value, b: Value, control: Control): Result {
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (isZero(a) || isZero(b)) return { bits: indefinite(format), flags: IE };
    return { bits: infinity(format, negative), flags: denormals([a, b]) };
  }
  return finish(format, [a, b], () => product(a, b), control);
}

export function division(format: Format, a: Value, b: Value, control: Control): Result {
  const negative = a.negative !== b.negative;
  const infinite = [a.kind === 'infinity', b.kind === 'infinity'];
  if ((infinite[0] && infinite[1]) || (isZero(a) && isZero(b))) return { bits: indefinite(format), flags: IE };
  if (infinite[0]) return { bits: infinity(format, negative), flags: denormals([a, b]) };
  if (infinite[1]) return { bits: zero(format, negative), flags: denormals([a, b]) };
  // Dividing by zero has priority over a denormal operand (SDM vol. 1, 4.9.2).
  if (isZero(b)) return { bits: infinity(format, negative), flags: ZE };
  if (isZero(a)) return { bits: zero(format, negative), flags: denormals([a, b]) };
  return finish(format, [a, b], () => quotient(a, b), control);
}

export function root(format: Format, a: Value, control: Control): Result {
  if (isZero(a)) return { bits: a.bits, flags: 0 };
  if (a.negative) return { bits: indefinite(format), flags: IE };
  if (a.kind === 'infinity') return { bits: a.bits, flags: 0 };
  return finish(format, [a], () => squareRoot(a), control);
}

function compare(a: Value, b: Value): number {
  const line = (v: Value): bigint => {
    const magnitude = v.kind === 'infinity' ? 1n << 5000n : v.m << BigInt(v.e + 2000);
    return v.negative ? -magnitude : magnitude;
  };
  const [x, y] = [line(a), line(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

export function calculate(operation: Operation, format: Format, x: bigint, y: bigint, control: Control): Result {
  const a = operand(format, x, control);
  const b = operand(format, y, control);
  if (operation === 'min' || operation === 'max') {
    // Not commutative: the second operand for NaNs of any kind and for two zeros ("MINPS").
    if (isNaN(a) || isNaN(b)) return { bits: b.bits, flags: IE };
    const order = compare(a, b);
    const first = operation === 'min' ? order < 0 : order > 0;
    return { bits: first ? a.bits : b.bits, flags: denormals([a, b]) };
  }
  if (operation === 'sqrt') return propagate(format, [b]) ?? root(format, b, control);
  const nan = propagate(format, [a, b]);
  if (nan) return nan;
  if (operation === 'mul') return multiplication(format, a, b, control);
  if (operation === 'div') return division(format, a, b, control);
  return addition(format, a, operation === 'sub' ? negated(b) : b, control);
}

/** ± a · b ± c with one rounding (SDM vol. 1, 14.5.2 and table 14-17 … 14-19). */
export function fused(
  format: Format,
  [x, y, z]: [bigint, bigint, bigint],
  { negateProduct, negateAddend }: { negateProduct: boolean; negateAddend: boolean },
  control: Control,
): Result {
  const [a, b, c] = [x, y, z].map((bits) => operand(format, bits, control)) as [Value, Value, Value];
  const nan = propagate(format, [a, b, c]);
  const infinite = a.kind === 'infinity' || b.kind === 'infinity';
  const invalid = infinite && (isZero(a) || isZero(b));
  if (nan) return nan;
  if (invalid) return { bits: indefinite(format), flags: IE };
  const negative = (a.negative !== b.negative) !== negateProduct;
  const addend = negateAddend ? { ...c, negative: !c.negative } : c;
  if (infinite) {
    if (addend.kind === 'infinity' && addend.negative !== negative) return { bits: indefinite(format), flags: IE };
    return { bits: infinity(format, negative), flags: denormals([a, b, c]) };
  }
  if (addend.kind === 'infinity') return { bits: infinity(format, addend.negative), flags: denormals([a, b, c]) };
  return finish(format, [a, b, c], () => sum({ ...product(a, b), negative }, addend, control.mode), control);
}
