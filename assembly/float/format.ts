// Binary interchange formats as bit patterns: which bits mean what, and what kind of number a pattern is. A pattern stands in the
// low bits of a u64 whatever its size; the type parameter names its format: u16 half, u32 single, u64 double precision
// (SDM vol. 1, 4.2.2 and 4.8).

import { INVALID, meet } from './environment';

// @ts-ignore: decorator
@inline export function fractionBits<T>(): u64 {
  return sizeof<T>() == 8 ? 52 : sizeof<T>() == 4 ? 23 : 10;
}
// @ts-ignore: decorator
@inline export function bias<T>(): i32 {
  return sizeof<T>() == 8 ? 1023 : sizeof<T>() == 4 ? 127 : 15;
}
// @ts-ignore: decorator
@inline export function signBit<T>(): u64 {
  const position: u64 = sizeof<T>() * 8 - 1;
  return (<u64>1) << position;
}
/** The implied bit of a normal number's significand: the smallest normal number. */
// @ts-ignore: decorator
@inline export function leadingBit<T>(): u64 {
  return (<u64>1) << fractionBits<T>();
}
// @ts-ignore: decorator
@inline export function infinity<T>(): u64 {
  return signBit<T>() - leadingBit<T>();
}
/** The first bit of the fraction: set in a quiet NaN. */
// @ts-ignore: decorator
@inline export function quietBit<T>(): u64 {
  return leadingBit<T>() >> 1;
}
/** The QNaN floating-point indefinite (SDM vol. 1, table 4-3): what an invalid operation gives. */
// @ts-ignore: decorator
@inline export function defaultNaN<T>(): u64 {
  return signBit<T>() | infinity<T>() | quietBit<T>();
}
// @ts-ignore: decorator
@inline export function magnitude<T>(a: u64): u64 {
  return a & (signBit<T>() - 1);
}
// @ts-ignore: decorator
@inline export function isNegative<T>(a: u64): bool {
  return (a & signBit<T>()) != 0;
}
// @ts-ignore: decorator
@inline export function isNaN<T>(a: u64): bool {
  return magnitude<T>(a) > infinity<T>();
}
// @ts-ignore: decorator
@inline export function isSignalling<T>(a: u64): bool {
  return isNaN<T>(a) && (a & quietBit<T>()) == 0;
}
// @ts-ignore: decorator
@inline export function isInfinite<T>(a: u64): bool {
  return magnitude<T>(a) == infinity<T>();
}
// @ts-ignore: decorator
@inline export function isZero<T>(a: u64): bool {
  return magnitude<T>(a) == 0;
}
// @ts-ignore: decorator
@inline export function isDenormal<T>(a: u64): bool {
  return magnitude<T>(a) - 1 < leadingBit<T>() - 1;
}
/** Neither zero, denormal, infinite nor NaN: adding one to such an exponent gives neither 0 nor 1. */
// @ts-ignore: decorator
@inline export function isNormal<T>(a: u64): bool {
  return ((a + leadingBit<T>()) & (infinity<T>() - leadingBit<T>())) != 0;
}

/** Biased exponent of a number that is not zero; less than 1 for denormal ones. */
// @ts-ignore: decorator
@inline export function exponentOf<T>(a: u64): i32 {
  const exponent = <i32>(magnitude<T>(a) >> fractionBits<T>());
  if (exponent) return exponent;
  return 1 + <i32>(63 - fractionBits<T>()) - <i32>clz<u64>(magnitude<T>(a));
}
/** Significand of a number that is not zero, its first bit in bit 63. */
// @ts-ignore: decorator
@inline export function significandOf<T>(a: u64): u64 {
  const fraction = a & (leadingBit<T>() - 1);
  if (magnitude<T>(a) >= leadingBit<T>()) return (fraction | leadingBit<T>()) << (63 - fractionBits<T>());
  return fraction << clz<u64>(fraction);
}

/** The result for two operands one of which at least is NaN: the first of them, quieted (SDM vol. 1, table 4-7). */
export function propagate<T>(a: u64, b: u64): u64 {
  if (isSignalling<T>(a) || isSignalling<T>(b)) meet(INVALID);
  return (isNaN<T>(a) ? a : b) | quietBit<T>();
}
export function invalid<T>(): u64 {
  meet(INVALID);
  return defaultNaN<T>();
}
