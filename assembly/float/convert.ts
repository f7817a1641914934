// Conversions: between formats, from and to integers, to integral values.

import { denormalsAreZero, INEXACT, INVALID, meet } from './environment';
import {
  bias,
  exponentOf,
  fractionBits,
  infinity,
  isDenormal,
  isInfinite,
  isNaN,
  isNegative,
  isSignalling,
  isZero,
  leadingBit,
  propagate,
  quietBit,
  signBit,
  significandOf,
} from './format';
import { operand, pack, roundsUp } from './round';

/** From format F to format T. A NaN keeps the upper bits of its payload. */
export function convert<F, T>(x: u64): u64 {
  const sign: u64 = isNegative<F>(x) ? signBit<T>() : 0;
  if (isNaN<F>(x)) {
    if (isSignalling<F>(x)) meet(INVALID);
    const fraction = (x & (leadingBit<F>() - 1)) << (63 - fractionBits<F>());
    return sign | infinity<T>() | quietBit<T>() | (fraction >> (63 - fractionBits<T>()));
  }
  // denormal halves are operands like others (SDM vol. 2, VCVTPH2PS)
  const a = sizeof<F>() == 2 ? x : operand<F>(x);
  if (isInfinite<F>(a)) return sign | infinity<T>();
  if (isZero<F>(a)) return sign;
  return pack<T>(sign != 0, exponentOf<F>(a) - bias<F>() + bias<T>(), significandOf<F>(a));
}

/** A signed integer in format T. */
export function fromInteger<T>(value: i64): u64 {
  if (!value) return 0;
  const size: u64 = value < 0 ? 0 - <u64>value : <u64>value;
  const shift = clz<u64>(size);
  return pack<T>(value < 0, bias<T>() + 63 - <i32>shift, size << shift);
}

/** Whether the last integral() was inexact. */
let lossy: bool = false;

/** Magnitude of a number that is not zero and less than 2^64, rounded to an integer as the environment says. */
function integral<T>(a: u64): u64 {
  const significand = significandOf<T>(a);
  const dropped = 63 + bias<T>() - exponentOf<T>(a); // bits behind the point
  lossy = dropped > 64;
  if (dropped > 64) return roundsUp(isNegative<T>(a), 1, 2, 0) ? 1 : 0;
  if (dropped < 1) return significand;
  const half = (<u64>1) << (dropped - 1);
  const rest = significand & (half + half - 1);
  const whole = dropped == 64 ? 0 : significand >> dropped;
  lossy = rest != 0;
  return roundsUp(isNegative<T>(a), rest, half, whole & 1) ? whole + 1 : whole;
}

/** To a signed integer of `size` bits (32 or 64), as the environment rounds. What does not fit is invalid and gives the integer
 * indefinite (SDM vol. 1, table 4-1). Denormal operands are not reported. */
export function toInteger<T>(x: u64, size: u64): i64 {
  if (isZero<T>(x) || (isDenormal<T>(x) && denormalsAreZero)) return 0;
  const most: u64 = ((<u64>1) << (size - 1)) - (isNegative<T>(x) ? 0 : 1);
  if (exponentOf<T>(x) < bias<T>() + 64) {
    const whole = integral<T>(x);
    if (whole <= most) {
      if (lossy) meet(INEXACT);
      return isNegative<T>(x) ? 0 - <i64>whole : <i64>whole;
    }
  }
  meet(INVALID);
  return (<i64>-1) << (size - 1);
}

/** To an integral value in the same format (SDM vol. 2, ROUNDPD); `silently`: inexactness is not reported. */
export function toIntegral<T>(x: u64, silently: bool): u64 {
  if (isNaN<T>(x)) return propagate<T>(x, x);
  const sign = x & signBit<T>();
  if (isZero<T>(x) || (isDenormal<T>(x) && denormalsAreZero)) return sign;
  if (exponentOf<T>(x) >= bias<T>() + <i32>fractionBits<T>()) return x;
  const whole = integral<T>(x);
  if (lossy && !silently) meet(INEXACT);
  if (!whole) return sign;
  const shift = clz<u64>(whole);
  return pack<T>(sign != 0, bias<T>() + 63 - <i32>shift, whole << shift);
}
