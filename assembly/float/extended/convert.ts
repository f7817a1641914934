// From and to single and double precision (FLD, FST and memory operands).

import { DOWN, INEXACT, INVALID, masked, meet, NEAREST, OVERFLOW, rounding, UNDERFLOW, UP } from '../environment';
import { roundsUp } from './round';
import {
  BIAS,
  deliver,
  INFINITE,
  INTEGER_BIT,
  kindOf,
  QNAN,
  QUIET_BIT,
  setRoundedUp,
  SIGN,
  SNAN,
  trueExponent,
  normalized,
  EXPONENT,
  UNSUPPORTED,
  ZERO,
} from './value';
import { low, shiftRightSticky } from '../wide';

/** The number converted last was denormal: arithmetic reports that where it counts, after NaNs. */
export let wasDenormal: bool = false;
/** The number at hand comes from somewhere else: an integer, a register. */
export function notDenormal(): void {
  wasDenormal = false;
}

/** Exact; signaling NaNs stay signaling. */
export function fromDouble(bits: u64): void {
  const sign = (<u32>(bits >> 48)) & SIGN;
  const e = (<u32>(bits >> 52)) & 0x7ff;
  const fraction = bits << 11;
  wasDenormal = false;
  if (e - 1 < 0x7fe) return deliver(fraction | INTEGER_BIT, sign | (e + (BIAS - 1023)));
  if (e) return deliver(fraction | INTEGER_BIT, sign | EXPONENT);
  tiny(sign, fraction & ~INTEGER_BIT, BIAS - 1022);
}
export function fromSingle(bits: u32): void {
  const sign = (bits >> 16) & SIGN;
  const e = (bits >> 23) & 0xff;
  const fraction = (<u64>bits) << 40;
  wasDenormal = false;
  if (e - 1 < 0xfe) return deliver(fraction | INTEGER_BIT, sign | (e + (BIAS - 127)));
  if (e) return deliver(fraction | INTEGER_BIT, sign | EXPONENT);
  tiny(sign, fraction & ~INTEGER_BIT, BIAS - 126);
}
function tiny(sign: u32, fraction: u64, e: i32): void {
  if (!fraction) return deliver(0, sign);
  wasDenormal = true;
  const shift = clz(fraction);
  deliver(fraction << shift, sign | (e - <i32>shift));
}

export function toDouble(sig: u64, se: u32): u64 {
  const e = <i32>(se & EXPONENT) - (BIAS - 1023);
  if (<u32>(e - 1) < 0x7fe && <i64>sig < 0 && !(sig & 0x7ff)) {
    setRoundedUp(false);
    return ((<u64>(se & SIGN)) << 48) | ((<u64>e) << 52) | ((sig << 1) >> 12);
  }
  return narrowed(sig, se, 52, 1023);
}
export function toSingle(sig: u64, se: u32): u32 {
  return <u32>narrowed(sig, se, 23, 127);
}

/**
 * Rounded to `digits` bits behind the integer bit and an exponent of bias `bias`, in that format's encoding. With overflow or
 * underflow unmasked there is no result, and nothing is said of how it would have been rounded.
 */
function narrowed(sig: u64, se: u32, digits: u32, bias: i32): u64 {
  setRoundedUp(false);
  const kind = kindOf(sig, se);
  const all = <u64>(2 * bias + 1);
  const place = <u64>digits;
  const sign = (<u64>(se >> 15)) << (digits == 52 ? 63 : 31);
  if (kind >= INFINITE) {
    if (kind >= SNAN) meet(INVALID);
    if (kind == UNSUPPORTED) return narrowed(INTEGER_BIT | QUIET_BIT, SIGN | EXPONENT, digits, bias);
    const fraction = ((kind >= QNAN ? sig | QUIET_BIT : sig) << 1) >> (64 - place);
    return sign | (all << place) | fraction;
  }
  if (kind == ZERO) return sign;
  const mask = INTEGER_BIT >> place; // the unit of the last place
  const e = trueExponent(sig, se) - BIAS + bias;
  const number = normalized(sig);
  const negative = se & SIGN;
  const inexact = (number & (mask - 1)) != 0;
  const up = inexact && roundsUp(negative, number, 0, mask - 1);
  let rounded = (number >> (63 - place)) + u64(up);
  let exponent = e;
  if (rounded >> (place + 1)) {
    rounded >>= 1;
    exponent++;
  }
  if (exponent >= <i32>all) {
    meet(OVERFLOW);
    if (!(masked & OVERFLOW)) return 0;
    meet(INEXACT);
    const away = rounding == NEAREST || rounding == (negative ? DOWN : UP);
    setRoundedUp(away);
    return sign | (away ? all << place : (all << place) - 1);
  }
  if (exponent >= 1) {
    if (inexact) meet(INEXACT);
    setRoundedUp(up);
    return sign | ((<u64>exponent) << place) | (rounded & ~((<u64>1) << place));
  }
  if (!(masked & UNDERFLOW)) {
    meet(UNDERFLOW);
    return 0;
  }
  const part = shiftRightSticky(number, 0, 1 - e);
  const lost = low != 0 || (part & (mask - 1)) != 0;
  const more = lost && roundsUp(negative, part, low, mask - 1);
  if (lost) meet(UNDERFLOW | INEXACT);
  setRoundedUp(more);
  // a carry into the integer bit is the smallest normal number's exponent
  return sign | ((part >> (63 - place)) + u64(more));
}
