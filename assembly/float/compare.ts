// Order of floating-point numbers: MIN, MAX, comparisons.

import { INVALID, meet } from './environment';
import { isNaN, isNegative, isSignalling, magnitude } from './format';
import { operand, quietOperand } from './round';

export const LESS: u32 = 1;
export const EQUAL: u32 = 2;
export const GREATER: u32 = 4;
export const UNORDERED: u32 = 8;

/** A number's place among all others. */
// @ts-ignore: decorator
@inline function rank<T>(a: u64): i64 {
  return isNegative<T>(a) ? -(<i64>magnitude<T>(a)) : <i64>a;
}

/** How a stands to b. A quiet NaN is an invalid operand only if `signalling`. */
export function relate<T>(x: u64, y: u64, signalling: bool): u32 {
  if (isNaN<T>(x) || isNaN<T>(y)) {
    if (signalling || isSignalling<T>(x) || isSignalling<T>(y)) meet(INVALID);
    return UNORDERED;
  }
  const a = rank<T>(operand<T>(x));
  const b = rank<T>(operand<T>(y));
  return a < b ? LESS : a == b ? EQUAL : GREATER;
}

/** The second operand where neither is less: for equal zeros and for NaN, which is always invalid (SDM vol. 2, MINPS). */
export function minimum<T>(x: u64, y: u64): u64 {
  if (isNaN<T>(x) || isNaN<T>(y)) {
    meet(INVALID);
    return quietOperand<T>(y);
  }
  const a = operand<T>(x);
  const b = operand<T>(y);
  return rank<T>(a) < rank<T>(b) ? a : b;
}
export function maximum<T>(x: u64, y: u64): u64 {
  if (isNaN<T>(x) || isNaN<T>(y)) {
    meet(INVALID);
    return quietOperand<T>(y);
  }
  const a = operand<T>(x);
  const b = operand<T>(y);
  return rank<T>(a) > rank<T>(b) ? a : b;
}

/** What relations make each of the first sixteen predicates true, a digit each from the right: EQ LT LE UNORD NEQ NLT NLE ORD, EQ_U NGE
 * NGT FALSE NEQ_O GE GT TRUE (SDM vol. 2, table 3-1). The other sixteen differ in whether quiet NaNs are invalid. */
export const PREDICATES: u64 = 0xf4650b9a7ced8312;

export function predicate<T>(a: u64, b: u64, code: u32): bool {
  const signalling = ((((code + 1) >> 1) ^ (code >> 4)) & 1) != 0;
  return ((PREDICATES >> ((code & 15) << 2)) & relate<T>(a, b, signalling)) != 0;
}
