// A second model of 80-bit arithmetic, written from the manual: exact fractions of BigInt, rounded once.

import type { Extended, Result } from './extended-harness.js';

/** numerator / denominator × 2^power; the denominator is positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly power: number;
}

const BIAS = 16383;
const OE = 8;
const UE = 16;
const PE = 32;
const [NEAREST, DOWN, UP] = [0, 1, 2];

export function exactly({ se, sig }: Extended): Rational {
  const exponent = Math.max(se & 0x7fff, 1) - BIAS - 63;
  return { numerator: se & 0x8000 ? -sig : sig, denominator: 1n, power: exponent };
}
const shifted = (value: bigint, by: number): bigint => (by > 0 ? value << BigInt(by) : value);
export function sum(a: Rational, b: Rational): Rational {
  const power = Math.min(a.power, b.power);
  const numerator =
    shifted(a.numerator, a.power - power) * b.denominator + shifted(b.numerator, b.power - power) * a.denominator;
  return { numerator, denominator: a.denominator * b.denominator, power };
}
export function product(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.numerator,
    denominator: a.denominator * b.denominator,
    power: a.power + b.power,
  };
}
export function quotient(a: Rational, b: Rational): Rational {
  const numerator = a.numerator * b.denominator * (b.numerator < 0n ? -1n : 1n);
  const denominator = a.denominator * (b.numerator < 0n ? -b.numerator : b.numerator);
  return { numerator, denominator, power: a.power - b.power };
}
export const bitLength = (value: bigint): number => value.toString(2).length;
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(bitLength(value) / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
/** A fraction that rounds as the root does: what the root has beyond 100 bits is replaced by one more bit. */
export function squareRoot({ numerator, power }: Rational): Rational {
  const even = power & 1 ? power - 1 : power;
  const radicand = shifted(numerator, power - even) << 200n;
  const root = integerRoot(radicand);
  const numeratorOfRoot = 2n * root + (root * root === radicand ? 0n : 1n);
  return { numerator: numeratorOfRoot, denominator: 1n, power: even / 2 - 101 };
}

/** |value| in units of 2^unit: whole units, and what is left over: none, less than half, half, more. */
function units(value: Rational, unit: number): { whole: bigint; rest: number } {
  const magnitude = value.numerator < 0n ? -value.numerator : value.numerator;
  const numerator = shifted(magnitude, value.power - unit);
  const denominator = shifted(value.denominator, unit - value.power);
  const whole = numerator / denominator;
  const rest = numerator % denominator;
  return { whole, rest: rest === 0n ? 0 : 2n * rest < denominator ? 1 : 2n * rest === denominator ? 2 : 3 };
}
function away(rest: number, odd: boolean, negative: boolean, rounding: number): boolean {
  if (rest === 0) return false;
  if (rounding === NEAREST) return rest === 3 || (rest === 2 && odd);
  return rounding === (negative ? DOWN : UP);
}

/** The nearest 80-bit number of `precision` bits, everything masked (SDM vol. 1, 4.8.4 and 4.9.1). The value is not zero. */
export function round(value: Rational, precision: number, rounding: number): Result {
  const negative = value.numerator < 0n;
  const sign = negative ? 0x8000 : 0;
  const magnitude = negative ? -value.numerator : value.numerator;
  let exponent = bitLength(magnitude) - bitLength(value.denominator) + value.power;
  if (units(value, exponent).whole === 0n) exponent--;
  const attempt = (unit: number) => {
    const { whole, rest } = units(value, unit);
    const up = away(rest, (whole & 1n) === 1n, negative, rounding);
    return { significand: (whole + (up ? 1n : 0n)) << BigInt(64 - precision), up, inexact: rest !== 0 };
  };
  const free = attempt(exponent - precision + 1);
  let { significand } = free;
  if (significand >> 64n) {
    significand >>= 1n;
    exponent++;
  }
  if (exponent > BIAS) {
    const infinite = rounding === NEAREST || rounding === (negative ? DOWN : UP);
    if (infinite) return { se: sign | 0x7fff, sig: 1n << 63n, exceptions: OE | PE, roundedUp: true };
    const largest = ((1n << BigInt(precision)) - 1n) << BigInt(64 - precision);
    return { se: sign | 0x7ffe, sig: largest, exceptions: OE | PE, roundedUp: false };
  }
  if (exponent >= 1 - BIAS) {
    return {
      se: sign | (exponent + BIAS),
      sig: significand,
      exceptions: free.inexact ? PE : 0,
      roundedUp: free.up,
    };
  }
  const tiny = attempt(1 - BIAS - precision + 1);
  return {
    se: sign | Number(tiny.significand >> 63n),
    sig: tiny.significand,
    exceptions: tiny.inexact ? UE | PE : 0,
    roundedUp: tiny.up,
  };
}
