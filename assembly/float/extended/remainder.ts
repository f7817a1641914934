// Partial remainder (FPREM, FPREM1).

import { DENORMAL, meet } from '../environment';
import { roundTo, useFullPrecision } from './round';
import {
  deliver,
  deliverNanOf,
  deliverZero,
  INFINITE,
  invalid,
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

/** Low bits of the quotient, if there is one; the reduction was only a partial one. */
export let quotient: u32 = 0;
export let complete: bool = false;
export let partial: bool = false;

/** a - b × q; q is the quotient rounded toward zero, or to the nearest (IEEE 754's remainder). */
export function remainder(a: u64, ae: u32, b: u64, be: u32, nearest: bool): void {
  setRoundedUp(false);
  useFullPrecision();
  quotient = 0;
  partial = false;
  complete = false;
  const ka = kindOf(a, ae);
  const kb = kindOf(b, be);
  if (ka >= QNAN || kb >= QNAN) return deliverNanOf(a, ae, ka, b, be, kb);
  if (ka == INFINITE || kb == ZERO) return invalid();
  if (ka == TINY || kb == TINY) meet(DENORMAL);
  complete = true;
  if (ka == ZERO) return deliver(a, ae);
  const sign = ae & SIGN;
  const ea = trueExponent(a, ae);
  if (kb == INFINITE) return roundTo(sign, ea, normalized(a), 0);
  reduce(sign, ea, normalized(a), trueExponent(b, be), normalized(b), nearest);
}

function reduce(sign: u32, ea: i32, a: u64, eb: i32, b: u64, nearest: bool): void {
  const distance = ea - eb;
  if (distance < -1 || (distance < 0 && !nearest)) return roundTo(sign, ea, a, 0);
  if (distance < 0) {
    // a lies between b / 4 and b: the nearest multiple is b if a is more than half of it
    if (a <= b) return roundTo(sign, ea, a, 0);
    quotient = 1;
    return deliverRemainder(sign ^ SIGN, ea, b - (a - b));
  }
  // at most 63 bits of the quotient at once; the manual leaves how many to the processor (SDM vol. 2, FPREM)
  const step = distance < 64 ? distance : 32 + (distance & 31);
  partial = distance >= 64;
  complete = !partial;
  let q: u64 = u64(a >= b);
  let r = q ? a - b : a;
  if (step) {
    const digits = divideWide(r >> (64 - <u64>step), r << (<u64>step), b);
    r = low;
    q = (q << (<u64>step)) + digits;
  }
  if (partial) return deliverRemainder(sign, ea - step, r);
  if (nearest) {
    const other = b - r;
    if (r > other || (r == other && q & 1)) {
      q++;
      r = other;
      sign ^= SIGN;
    }
  }
  quotient = (<u32>q) & 7;
  deliverRemainder(sign, eb, r);
}
function deliverRemainder(sign: u32, e: i32, r: u64): void {
  if (!r) return deliverZero(sign);
  roundTo(sign, e - <i32>clz(r), r << clz(r), 0);
}
