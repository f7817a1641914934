// Addition and subtraction.

import { DENORMAL, DOWN, meet, rounding } from '../environment';
import { roundTo } from './round';
import {
  deliver,
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
import { low, shiftRightSticky } from '../wide';

/** a + b. For a - b the caller turns the sign of b, unless it is a NaN (flipSign). */
export function add(a: u64, ae: u32, b: u64, be: u32): void {
  if (isNormal(a, ae) && isNormal(b, be)) {
    return addFinite(ae & SIGN, <i32>(ae & EXPONENT), a, be & SIGN, <i32>(be & EXPONENT), b);
  }
  setRoundedUp(false);
  const ka = kindOf(a, ae);
  const kb = kindOf(b, be);
  if (ka >= QNAN || kb >= QNAN) return deliverNanOf(a, ae, ka, b, be, kb);
  if (ka == INFINITE && kb == INFINITE && (ae ^ be) & SIGN) return invalid();
  if (ka == TINY || kb == TINY) meet(DENORMAL);
  if (ka == INFINITE) return deliver(a, ae);
  if (kb == INFINITE) return deliver(b, be);
  const sa = ae & SIGN;
  const sb = be & SIGN;
  if (ka == ZERO && kb == ZERO) return deliverZero(sa == sb ? sa : rounding == DOWN ? SIGN : 0);
  if (ka == ZERO) return roundTo(sb, trueExponent(b, be), normalized(b), 0);
  if (kb == ZERO) return roundTo(sa, trueExponent(a, ae), normalized(a), 0);
  addFinite(sa, trueExponent(a, ae), normalized(a), sb, trueExponent(b, be), normalized(b));
}

/** The sign of a subtrahend turned, so that it can be added; a NaN keeps its own. */
// @ts-ignore: decorator
@inline export function negated(sig: u64, se: u32): u32 {
  return (se & EXPONENT) == EXPONENT && sig != INTEGER_BIT ? se : se ^ SIGN;
}

function addFinite(sa: u32, ea: i32, a: u64, sb: u32, eb: i32, b: u64): void {
  if (ea < eb || (ea == eb && a < b)) {
    const s = sa;
    const e = ea;
    const sig = a;
    sa = sb;
    ea = eb;
    a = b;
    sb = s;
    eb = e;
    b = sig;
  }
  const aligned = shiftRightSticky(b, 0, ea - eb);
  let rest = low;
  if (sa == sb) {
    let sum = a + aligned;
    if (sum < a) {
      rest = (rest >> 1) | (rest & 1) | (sum << 63);
      sum = (sum >> 1) | INTEGER_BIT;
      ea++;
    }
    return roundTo(sa, ea, sum, rest);
  }
  let difference = a - aligned - u64(rest != 0);
  rest = 0 - rest;
  if (!difference) {
    if (!rest) {
      setRoundedUp(false);
      return deliverZero(rounding == DOWN ? SIGN : 0);
    }
    difference = rest;
    rest = 0;
    ea -= 64;
  }
  const shift = clz(difference);
  if (shift) {
    difference = (difference << shift) | (rest >> (64 - shift));
    rest <<= shift;
    ea -= <i32>shift;
  }
  roundTo(sa, ea, difference, rest);
}
