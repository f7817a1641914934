// F2XM1: 2^x - 1 for -1 ≤ x ≤ 1.

import { DENORMAL, INEXACT, meet } from '../environment';
import { useFullPrecision } from '../extended/round';
import {
  BIAS,
  deliver,
  deliverNan,
  deliverZero,
  EXPONENT,
  INFINITE,
  INTEGER_BIT,
  kindOf,
  normalized,
  QNAN,
  setRoundedUp,
  SIGN,
  TINY,
  trueExponent,
  ZERO,
} from '../extended/value';
import {
  deliverRounded,
  divideSmall,
  high,
  low,
  minus,
  normalize,
  ONE,
  plus,
  power,
  product,
  setPower,
  shiftRight,
  times,
} from './number';

/** ln 2 to 128 bits, exponent -1. */
const LN2_HIGH: u64 = 0xb17217f7d1cf79ab;
const LN2_LOW: u64 = 0xc9e3b39803f2f6af;

export function exponentialMinusOne(sig: u64, se: u32): void {
  setRoundedUp(false);
  useFullPrecision();
  const kind = kindOf(sig, se);
  if (kind >= QNAN) return deliverNan(sig, se, kind);
  const sign = se & SIGN;
  if (kind == ZERO) return deliver(sig, se);
  if (kind == INFINITE) {
    if (sign) return deliver(INTEGER_BIT, SIGN | BIAS);
    return deliver(sig, se);
  }
  if (kind == TINY) meet(DENORMAL);
  const e = trueExponent(sig, se) - BIAS;
  if (e >= 0) {
    meet(INEXACT);
    if (e == 0 && sig == INTEGER_BIT) {
      if (sign) return deliver(INTEGER_BIT, SIGN | (BIAS - 1));
      return deliver(INTEGER_BIT, BIAS);
    }
    // outside the range the result is undefined (SDM vol. 2, F2XM1): the operand, as on AMD's processors
    return deliver(sig, se);
  }
  // e^y - 1 = y (1 + y/2 (1 + y/3 (1 + …))), y = x ln 2
  product(normalized(sig), 0, e, LN2_HIGH, LN2_LOW, -1);
  const yh = high;
  const yl = low;
  const yp = power;
  shiftRight(yh, yl, -1 - yp);
  const fh = high;
  const fl = low;
  let sh: u64 = ONE;
  let sl: u64 = 0;
  for (let n: u64 = yp < -64 ? 3 : yp < -12 ? 12 : 30; n > 1; n--) {
    times(fh, fl, sh, sl);
    divideSmall(high, low, n);
    if (sign) minus(ONE, 0, high, low);
    else plus(ONE, 0, high, low);
    sh = high;
    sl = low;
  }
  times(yh, yl, sh, sl);
  setPower(yp + 1);
  normalize();
  deliverRounded(sign, BIAS);
}
