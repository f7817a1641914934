// Square root.

import { DENORMAL, meet } from '../environment';
import { roundTo } from './round';
import {
  BIAS,
  deliver,
  deliverNan,
  INFINITE,
  INTEGER_BIT,
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
import { low, multiplyWide } from '../wide';

export function squareRoot(a: u64, ae: u32): void {
  setRoundedUp(false);
  const kind = kindOf(a, ae);
  if (kind >= QNAN) return deliverNan(a, ae, kind);
  if (kind == ZERO) return deliver(a, ae);
  if (ae & SIGN) return invalid();
  if (kind == INFINITE) return deliver(a, ae);
  if (kind == TINY) meet(DENORMAL);
  const power = trueExponent(a, ae) - BIAS;
  const sig = normalized(a);
  // radicand of 128 bits with an even power of two, so that the root has 64 bits
  if (power & 1) rootOf((power >> 1) + BIAS, sig, 0);
  else rootOf((power >> 1) + BIAS, sig >> 1, sig << 63);
}

/** Root of hi:lo ≥ 2^126. */
function rootOf(e: i32, hi: u64, lo: u64): void {
  // 52 bits from the double's root, the others from one step of Newton's
  const estimate = sqrt<f64>(<f64>hi) * 4294967296.0;
  let root: u64 = estimate >= 18446744073709549568.0 ? 0xfffffffffffff800 : <u64>estimate;
  let square = multiplyWide(root, root);
  const distance = <f64>(<i64>(hi - square - u64(lo < low))) * 18446744073709551616.0 + <f64>(lo - low);
  const step = <i64>floor<f64>(distance / (2.0 * <f64>root));
  // now it is less than one off; make sure that it is not above
  const next = root + <u64>step;
  root = (step > 0 && next < root ? 0xffffffffffffffff : next) - 1;
  square = multiplyWide(root, root);
  let rest = lo - low;
  let above = hi - square - u64(lo < low);
  for (;;) {
    // (root + 1)² = root² + 2 root + 1
    const moreLow = (root << 1) | 1;
    const moreHigh = root >> 63;
    if (above < moreHigh || (above == moreHigh && rest < moreLow)) break;
    above -= moreHigh + u64(rest < moreLow);
    rest -= moreLow;
    root++;
  }
  // there is no tie: more than root² + root is more than half
  roundTo(0, e, root, rest | above ? (above || rest > root ? INTEGER_BIT | 1 : 1) : 0);
}
