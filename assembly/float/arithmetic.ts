// Addition, subtraction, multiplication, division and square root of single and double precision, exact in every rounding
// mode and with every exception (SDM vol. 1, 4.8 and 4.9).

import { DIVIDE, meet } from './environment';
import {
  bias,
  exponentOf,
  infinity,
  invalid,
  isInfinite,
  isNaN,
  isNegative,
  isNormal,
  isZero,
  magnitude,
  propagate,
  signBit,
  significandOf,
} from './format';
import { cancelled, operand, pack, quietOperand, shiftSticky } from './round';
import { multiplyWide, low as productLow } from './wide';

export function add<T>(a: u64, b: u64): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return propagate<T>(a, b);
  return sum<T>(operand<T>(a), operand<T>(b));
}
export function subtract<T>(a: u64, b: u64): u64 {
  if (isNaN<T>(a) || isNaN<T>(b)) return propagate<T>(a, b);
  return sum<T>(operand<T>(a), operand<T>(b) ^ signBit<T>());
}

function sum<T>(x: u64, y: u64): u64 {
  const swap = magnitude<T>(x) < magnitude<T>(y);
  const a = swap ? y : x; // the larger
  const b = swap ? x : y;
  const opposite = ((a ^ b) & signBit<T>()) != 0;
  if (isInfinite<T>(a)) return isInfinite<T>(b) && opposite ? invalid<T>() : a;
  if (isZero<T>(b)) {
    if (isZero<T>(a)) return opposite ? cancelled<T>() : a;
    if (isNormal<T>(a)) return a;
    return pack<T>(isNegative<T>(a), exponentOf<T>(a), significandOf<T>(a));
  }
  const exponent = exponentOf<T>(a);
  const first = significandOf<T>(a) >> 1;
  // one bit of room for a carry; the bits lost do no harm where many leading ones cancel, for then the shift is at most one
  const second = shiftSticky(significandOf<T>(b) >> 1, <u64>(exponent - exponentOf<T>(b)));
  const result = opposite ? first - second : first + second;
  if (!result) return cancelled<T>();
  const shift = clz<u64>(result);
  return pack<T>(isNegative<T>(a), exponent + 1 - <i32>shift, result << shift);
}

export function multiply<T>(x: u64, y: u64): u64 {
  if (isNaN<T>(x) || isNaN<T>(y)) return propagate<T>(x, y);
  const a = operand<T>(x);
  const b = operand<T>(y);
  const sign = (a ^ b) & signBit<T>();
  if (isInfinite<T>(a) || isInfinite<T>(b)) {
    return isZero<T>(a) || isZero<T>(b) ? invalid<T>() : sign | infinity<T>();
  }
  if (isZero<T>(a) || isZero<T>(b)) return sign;
  let exponent = exponentOf<T>(a) + exponentOf<T>(b) - bias<T>() + 1;
  let product: u64;
  if (sizeof<T>() == 4) product = (significandOf<T>(a) >> 32) * (significandOf<T>(b) >> 32);
  else {
    product = multiplyWide(significandOf<T>(a), significandOf<T>(b));
    if (productLow) product |= 1;
  }
  if (<i64>product >= 0) {
    product <<= 1;
    exponent--;
  }
  return pack<T>(sign != 0, exponent, product);
}

export function divide<T>(x: u64, y: u64): u64 {
  if (isNaN<T>(x) || isNaN<T>(y)) return propagate<T>(x, y);
  // a division by zero comes before a denormal operand (SDM vol. 1, 4.9.2)
  if (isZero<T>(quietOperand<T>(y)) && !isInfinite<T>(x)) {
    if (isZero<T>(quietOperand<T>(x))) return invalid<T>();
    meet(DIVIDE);
    return ((x ^ y) & signBit<T>()) | infinity<T>();
  }
  const a = operand<T>(x);
  const b = operand<T>(y);
  const sign = (a ^ b) & signBit<T>();
  if (isInfinite<T>(a)) return isInfinite<T>(b) ? invalid<T>() : sign | infinity<T>();
  if (isInfinite<T>(b)) return sign;
  if (isZero<T>(a)) return sign;
  let exponent = exponentOf<T>(a) - exponentOf<T>(b) + bias<T>();
  const dividend = significandOf<T>(a);
  const divisor = significandOf<T>(b);
  const quotient = sizeof<T>() == 4 ? quotientSingle(dividend, divisor) : quotientDouble(dividend, divisor);
  const shift = clz<u64>(quotient);
  exponent -= <i32>shift;
  return pack<T>(sign != 0, exponent, quotient << shift);
}

/** dividend / divisor × 2^63, cut to 40 bits and a sticky bit. */
// @ts-ignore: decorator
@inline function quotientSingle(dividend: u64, divisor: u64): u64 {
  const d = divisor >> 40;
  const n = dividend >> 1;
  const q = n / d; // 39 or 40 bits, for d has 24
  return (q << 24) | (n != q * d ? 1 : 0);
}

/** dividend / divisor × 2^63, cut to 62 bits or more and a sticky bit. Plain division gives 53 of the bits, within one of their last;
 * the remainder, exact in 64 bits, puts that right and gives the others. */
// @ts-ignore: decorator
@inline function quotientDouble(dividend: u64, divisor: u64): u64 {
  const n = dividend >> 11;
  const d = divisor >> 11;
  let high = <i64>((<f64>n / <f64>d) * 4503599627370496.0); // 2^52
  let rest = <i64>((n << 52) - <u64>high * d);
  if (rest < 0) {
    high--;
    rest += d;
  } else if (rest >= <i64>d) {
    high++;
    rest -= d;
  }
  const part = (<u64>rest) << 11;
  const low = part / d; // 11 bits
  return ((<u64>high) << 11) | low | (part != low * d ? 1 : 0);
}

export function squareRoot<T>(x: u64): u64 {
  if (isNaN<T>(x)) return propagate<T>(x, x);
  if (isNegative<T>(x)) return isZero<T>(quietOperand<T>(x)) ? signBit<T>() : invalid<T>();
  const a = operand<T>(x);
  if (isZero<T>(a) || isInfinite<T>(a)) return a;
  const power = exponentOf<T>(a) - bias<T>();
  const exponent = (power >> 1) + bias<T>();
  // 53 or 54 bits, so that an even power of two is left
  const odd: u64 = power & 1;
  const value = (significandOf<T>(a) >> 11) << odd;
  // root of value × 2^52, within one; the remainder is exact in 64 bits
  let root = <i64>(sqrt<f64>(<f64>value) * 67108864.0); // 2^26
  let rest = <i64>((value << 52) - <u64>(root * root));
  if (rest < 0) {
    root--;
    rest += root + root + 1;
  } else if (rest > root + root) {
    rest -= root + root + 1;
    root++;
  }
  // (root + 1/2)^2 = root^2 + root + 1/4
  return pack<T>(false, exponent, ((<u64>root) << 11) | (rest > root ? 0x400 : 0) | (rest ? 1 : 0));
}
