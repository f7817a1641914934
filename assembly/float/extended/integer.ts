// Integers: rounding to one (FRNDINT), storing as one (FIST, FISTTP, FBSTP).

import { DENORMAL, INEXACT, INVALID, meet, rounding, TRUNCATE, useRounding } from '../environment';
import { roundsUp } from './round';
import {
  BIAS,
  deliver,
  deliverNan,
  deliverZero,
  EXPONENT,
  INFINITE,
  INTEGER_BIT,
  kindOf,
  QNAN,
  setRoundedUp,
  SIGN,
  TINY,
  ZERO,
} from './value';
import { low, shiftRightSticky } from '../wide';

/** Of the last magnitudeOf(): something was cut off; the last rounding was away from zero. */
let lost: bool = false;
let up: bool = false;
/** |x| rounded to an integer; x is finite and below 2^64 before rounding. */
function magnitudeOf(sig: u64, se: u32): u64 {
  const whole = shiftRightSticky(sig, 0, BIAS + 63 - <i32>(se & EXPONENT));
  lost = low != 0;
  up = roundsUp(se & SIGN, whole, low, 0);
  return whole + u64(up);
}

export function roundToInteger(sig: u64, se: u32): void {
  setRoundedUp(false);
  const kind = kindOf(sig, se);
  if (kind >= QNAN) return deliverNan(sig, se, kind);
  if (kind == ZERO || kind == INFINITE) return deliver(sig, se);
  if (kind == TINY) meet(DENORMAL);
  const e = <i32>(se & EXPONENT);
  if (e >= BIAS + 63) return deliver(sig, se);
  const sign = se & SIGN;
  const magnitude = magnitudeOf(sig, se);
  if (lost) meet(INEXACT);
  setRoundedUp(up);
  if (!magnitude) return deliverZero(sign);
  const shift = clz(magnitude);
  // a carry out of 63 bits leaves the top bit set, so the exponent follows from the shift alone
  deliver(magnitude << shift, sign | (BIAS + 63 - <i32>shift));
}

/** As a signed integer of so many bits; what does not fit is invalid and gives the integer indefinite. */
export function toInteger(sig: u64, se: u32, bits: u32, truncate: bool): i64 {
  setRoundedUp(false);
  const kind = kindOf(sig, se);
  const indefinite = (<i64>-1) << (bits - 1);
  if (kind >= INFINITE || <i32>(se & EXPONENT) > BIAS + 63) {
    meet(INVALID);
    return indefinite;
  }
  if (kind == ZERO) return 0;
  const control = rounding;
  if (truncate) useRounding(TRUNCATE);
  const magnitude = magnitudeOf(sig, se);
  useRounding(control);
  const limit = INTEGER_BIT >> (64 - bits);
  if (se & SIGN ? magnitude > limit : magnitude >= limit) {
    meet(INVALID);
    return indefinite;
  }
  if (lost) meet(INEXACT);
  setRoundedUp(up);
  return se & SIGN ? 0 - <i64>magnitude : <i64>magnitude;
}

const BCD_LIMIT: u64 = 1000000000000000000;
/** FBSTP: 18 decimal digits. Both halves of the ten bytes: the upper two are in `decimalHigh`. */
export let decimalHigh: u32 = 0;
export function toDecimal(sig: u64, se: u32): u64 {
  setRoundedUp(false);
  const kind = kindOf(sig, se);
  if (kind < INFINITE && <i32>(se & EXPONENT) <= BIAS + 63) {
    let magnitude = kind == ZERO ? 0 : magnitudeOf(sig, se);
    if (magnitude < BCD_LIMIT) {
      if (kind != ZERO) {
        if (lost) meet(INEXACT);
        setRoundedUp(up);
      }
      let digits: u64 = 0;
      for (let at: u64 = 0; at < 64; at += 4) {
        digits |= (magnitude % 10) << at;
        magnitude /= 10;
      }
      decimalHigh = (<u32>magnitude % 10) | ((<u32>magnitude / 10) << 4) | (se & SIGN);
      return digits;
    }
  }
  meet(INVALID);
  decimalHigh = 0xffff;
  return 0xc000000000000000;
}
/** FBLD: the magnitude; the sign is bit 15 of `high`. Digits above 9 are undefined; they count as what they are. */
export function fromDecimal(digits: u64, high: u32): u64 {
  let magnitude = <u64>((high >> 4) & 15) * 10 + (high & 15);
  for (let at: i64 = 60; at >= 0; at -= 4) magnitude = magnitude * 10 + ((digits >> at) & 15);
  return magnitude;
}
