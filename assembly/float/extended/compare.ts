// Comparison.

import { DENORMAL, INVALID, meet } from '../environment';
import { kindOf, QNAN, SIGN, SNAN, TINY, ZERO, trueExponent, normalized, EXPONENT, INFINITE } from './value';

export const LESS: u32 = 0;
export const EQUAL: u32 = 1;
export const GREATER: u32 = 2;
export const UNORDERED: u32 = 3;

/** How a stands to b. `quiet`: quiet NaNs are no invalid operation (FUCOM). */
export function compare(a: u64, ae: u32, b: u64, be: u32, quiet: bool): u32 {
  const ka = kindOf(a, ae);
  const kb = kindOf(b, be);
  if (ka >= QNAN || kb >= QNAN) {
    if (!quiet || ka >= SNAN || kb >= SNAN) meet(INVALID);
    return UNORDERED;
  }
  if (ka == TINY || kb == TINY) meet(DENORMAL);
  if (ka == ZERO && kb == ZERO) return EQUAL;
  const sa = ae & SIGN;
  const sb = be & SIGN;
  if (ka == ZERO) return sb ? GREATER : LESS;
  if (kb == ZERO || sa != sb) return sa ? LESS : GREATER;
  const order = magnitudes(a, ae, ka, b, be, kb);
  return sa ? GREATER - order : order;
}
function magnitudes(a: u64, ae: u32, ka: u32, b: u64, be: u32, kb: u32): u32 {
  const ea = ka == INFINITE ? <i32>EXPONENT : trueExponent(a, ae);
  const eb = kb == INFINITE ? <i32>EXPONENT : trueExponent(b, be);
  if (ea != eb) return ea < eb ? LESS : GREATER;
  const na = normalized(a);
  const nb = normalized(b);
  return na == nb ? EQUAL : na < nb ? LESS : GREATER;
}
