// Multiplication.

import { DENORMAL, meet } from '../environment';
import { roundTo } from './round';
import {
  BIAS,
  deliverInfinity,
  deliverNanOf,
  deliverZero,
  EXPONENT,
  INFINITE,
  invalid,
  isNormal,
  kindOf,
  normalized,
  QNAN,
  setRoundedUp,
  SIGN,
  TINY,
  trueExponent,
  ZERO,
} from './value';
import { low, multiplyWide } from '../wide';

export function multiply(a: u64, ae: u32, b: u64, be: u32): void {
  const sign = (ae ^ be) & SIGN;
  if (isNormal(a, ae) && isNormal(b, be)) {
    return multiplyFinite(sign, <i32>(ae & EXPONENT), a, <i32>(be & EXPONENT), b);
  }
  setRoundedUp(false);
  const ka = kindOf(a, ae);
  const kb = kindOf(b, be);
  if (ka >= QNAN || kb >= QNAN) return deliverNanOf(a, ae, ka, b, be, kb);
  if (ka == INFINITE || kb == INFINITE) {
    if (ka == ZERO || kb == ZERO) return invalid();
    if (ka == TINY || kb == TINY) meet(DENORMAL);
    return deliverInfinity(sign);
  }
  if (ka == TINY || kb == TINY) meet(DENORMAL);
  if (ka == ZERO || kb == ZERO) return deliverZero(sign);
  multiplyFinite(sign, trueExponent(a, ae), normalized(a), trueExponent(b, be), normalized(b));
}

function multiplyFinite(sign: u32, ea: i32, a: u64, eb: i32, b: u64): void {
  const product = multiplyWide(a, b);
  const e = ea + eb - BIAS;
  if (<i64>product < 0) roundTo(sign, e + 1, product, low);
  else roundTo(sign, e, (product << 1) | (low >> 63), low << 1);
}
