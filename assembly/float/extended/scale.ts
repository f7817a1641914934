// Scaling by powers of two (FSCALE) and taking exponent and significand apart (FXTRACT).

import { DENORMAL, DIVIDE, meet } from '../environment';
import { deliverInteger, roundTo, useFullPrecision } from './round';
import {
  BIAS,
  deliver,
  deliverInfinity,
  deliverNan,
  deliverNanOf,
  deliverZero,
  EXPONENT,
  exponent,
  INFINITE,
  invalid,
  kindOf,
  normalized,
  QNAN,
  setRoundedUp,
  SIGN,
  significand,
  TINY,
  trueExponent,
  ZERO,
} from './value';

/** Beyond the reach of any exponent, and still far from the end of an i32. */
const FAR: i32 = 0x10000;

/** a × 2^b, b rounded toward zero (SDM vol. 2, FSCALE, table 3-34). */
export function scale(a: u64, ae: u32, b: u64, be: u32): void {
  setRoundedUp(false);
  useFullPrecision();
  const ka = kindOf(a, ae);
  const kb = kindOf(b, be);
  if (ka >= QNAN || kb >= QNAN) return deliverNanOf(a, ae, ka, b, be, kb);
  const sign = ae & SIGN;
  if (kb == INFINITE) {
    if (be & SIGN ? ka == INFINITE : ka == ZERO) return invalid();
    if (ka == TINY) meet(DENORMAL);
    return be & SIGN ? deliverZero(sign) : deliverInfinity(sign);
  }
  if (ka == TINY || kb == TINY) meet(DENORMAL);
  if (ka == ZERO || ka == INFINITE) return deliver(a, ae);
  const e = <i32>(be & EXPONENT) - BIAS;
  let by: i32 = 0;
  if (e >= 16) by = FAR;
  else if (e >= 0) by = <i32>(b >> (63 - e));
  roundTo(sign, trueExponent(a, ae) + (be & SIGN ? -by : by), normalized(a), 0);
}

export let extractedExponent: u32 = 0;
export let extractedSignificand: u64 = 0;
/** FXTRACT: the significand is delivered as a number of exponent 0, the exponent in `extracted…`. */
export function extract(sig: u64, se: u32): void {
  setRoundedUp(false);
  const kind = kindOf(sig, se);
  if (kind >= INFINITE) {
    if (kind == INFINITE) deliver(sig, se);
    else deliverNan(sig, se, kind);
    extractedSignificand = significand;
    extractedExponent = kind == INFINITE ? EXPONENT : exponent;
    return;
  }
  if (kind == ZERO) {
    meet(DIVIDE);
    deliverInfinity(SIGN);
    extractedSignificand = significand;
    extractedExponent = exponent;
    return deliver(sig, se);
  }
  if (kind == TINY) meet(DENORMAL);
  const e = trueExponent(sig, se) - BIAS;
  deliverInteger(e < 0 ? SIGN : 0, <u64>(e < 0 ? -e : e));
  extractedSignificand = significand;
  extractedExponent = exponent;
  deliver(normalized(sig), (se & SIGN) | BIAS);
}
