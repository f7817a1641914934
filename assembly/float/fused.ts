// Fused multiply-add of single and double precision: one rounding, of a sum of up to 128 bits and a sticky bit.

import {
  bias,
  exponentOf,
  infinity,
  invalid,
  isDenormal,
  isInfinite,
  isNaN,
  isNegative,
  isSignalling,
  isZero,
  quietBit,
  signBit,
  significandOf,
} from './format';
import { DENORMAL, INVALID, meet } from './environment';
import { cancelled, pack, quietOperand, shiftSticky } from './round';
import { multiplyWide, low as productLow } from './wide';

/** ±(x × y) ± z; the signs are changed after NaNs have had their way (SDM vol. 1, 14.5). */
export function fuse<T>(x: u64, y: u64, z: u64, negateProduct: bool, negateAddend: bool): u64 {
  if (isNaN<T>(x) || isNaN<T>(y) || isNaN<T>(z)) {
    if (isSignalling<T>(x) || isSignalling<T>(y) || isSignalling<T>(z)) meet(INVALID);
    return (isNaN<T>(x) ? x : isNaN<T>(y) ? y : z) | quietBit<T>();
  }
  const a = quietOperand<T>(x) ^ (negateProduct ? signBit<T>() : 0);
  const b = quietOperand<T>(y);
  const c = quietOperand<T>(z) ^ (negateAddend ? signBit<T>() : 0);
  const sign = (a ^ b) & signBit<T>();
  const opposite = ((sign ^ c) & signBit<T>()) != 0;
  if (isInfinite<T>(a) || isInfinite<T>(b)) {
    if (isZero<T>(a) || isZero<T>(b)) return invalid<T>();
    if (isInfinite<T>(c) && opposite) return invalid<T>();
    if (isDenormal<T>(a) || isDenormal<T>(b) || isDenormal<T>(c)) meet(DENORMAL);
    return sign | infinity<T>();
  }
  if (isDenormal<T>(a) || isDenormal<T>(b) || isDenormal<T>(c)) meet(DENORMAL);
  if (isInfinite<T>(c)) return c;
  if (isZero<T>(a) || isZero<T>(b)) {
    if (isZero<T>(c)) return opposite ? cancelled<T>() : c;
    return pack<T>(isNegative<T>(c), exponentOf<T>(c), significandOf<T>(c));
  }
  // the product, with one bit of room for a carry
  let exponent = exponentOf<T>(a) + exponentOf<T>(b) - bias<T>() + 1;
  let high = multiplyWide(significandOf<T>(a), significandOf<T>(b));
  let low = productLow;
  if (<i64>high < 0) {
    low = (low >> 1) | (high << 63); // the lowest bits are zero
    high >>= 1;
  } else exponent--;
  let negative = sign != 0;
  if (!isZero<T>(c)) {
    let addend = significandOf<T>(c) >> 1;
    let addendLow: u64 = 0;
    const distance = exponent - exponentOf<T>(c);
    if (distance >= 0) {
      addendLow = shiftedLow(addend, 0, distance);
      addend = distance > 63 ? 0 : addend >> distance;
    } else {
      low = shiftedLow(high, low, -distance);
      high = distance < -63 ? 0 : high >> -distance;
      exponent -= distance;
    }
    if (!opposite) {
      low += addendLow;
      high += addend + <u64>(low < addendLow);
    } else {
      if (high < addend || (high == addend && low < addendLow)) {
        const h = high;
        const l = low;
        high = addend;
        low = addendLow;
        addend = h;
        addendLow = l;
        negative = !negative;
      }
      high -= addend + <u64>(low < addendLow);
      low -= addendLow;
      if (!(high | low)) return cancelled<T>();
    }
  }
  exponent++;
  if (!high) {
    high = low;
    low = 0;
    exponent -= 64;
  }
  const shift = clz<u64>(high);
  if (shift) {
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
  }
  return pack<T>(negative, exponent - <i32>shift, high | (low ? 1 : 0));
}

/** The lower half of high:low shifted right, with a sticky bit. */
function shiftedLow(high: u64, low: u64, count: i32): u64 {
  if (count == 0) return low;
  if (count < 64) return (high << (64 - count)) | shiftSticky(low, count);
  if (count == 64) return high | (low ? 1 : 0);
  return shiftSticky(high, count - 64) | (low ? 1 : 0);
}
