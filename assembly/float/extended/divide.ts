// Division.

import { DENORMAL, DIVIDE, meet } from '../environment';
import { roundTo } from './round';
import {
  BIAS,
  deliverInfinity,
  deliverNanOf,
  deliverZero,
  EXPONENT,
  INFINITE,
  INTEGER_BIT,
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
import { divideWide, low } from '../wide';

export function divide(a: u64, ae: u32, b: u64, be: u32): void {
  const sign = (ae ^ be) & SIGN;
  if (isNormal(a, ae) && isNormal(b, be)) {
    return divideFinite(sign, <i32>(ae & EXPONENT), a, <i32>(be & EXPONENT), b);
  }
  setRoundedUp(false);
  const ka = kindOf(a, ae);
  const kb = kindOf(b, be);
  if (ka >= QNAN || kb >= QNAN) return deliverNanOf(a, ae, ka, b, be, kb);
  if ((ka == INFINITE && kb == INFINITE) || (ka == ZERO && kb == ZERO)) return invalid();
  if (kb == ZERO && ka != INFINITE) {
    // division by zero ranks before a denormal operand (SDM vol. 1, 4.9.2)
    meet(DIVIDE);
    return deliverInfinity(sign);
  }
  if (ka == TINY || kb == TINY) meet(DENORMAL);
  if (ka == INFINITE) return deliverInfinity(sign);
  if (ka == ZERO || kb == INFINITE) return deliverZero(sign);
  divideFinite(sign, trueExponent(a, ae), normalized(a), trueExponent(b, be), normalized(b));
}

function divideFinite(sign: u32, ea: i32, a: u64, eb: i32, b: u64): void {
  let e = ea - eb + BIAS;
  let quotient: u64;
  if (a >= b) quotient = divideWide(a >> 1, a << 63, b);
  else {
    quotient = divideWide(a, 0, b);
    e--;
  }
  const remainder = low;
  let rest: u64 = 0;
  if (remainder) {
    // half of the last place or more?
    const double = remainder << 1;
    const above = <i64>remainder < 0 || double >= b;
    rest = above ? INTEGER_BIT | u64(double != b) : 1;
  }
  roundTo(sign, e, quotient, rest);
}
