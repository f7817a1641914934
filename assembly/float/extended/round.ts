// Rounding to a register: precision and rounding control, overflow, underflow, C1 (SDM vol. 1, 4.8.4, 4.9.1, 8.5).

import { DOWN, INEXACT, masked, meet, NEAREST, OVERFLOW, rounding, UNDERFLOW, UP } from '../environment';
import { BIAS, deliver, deliverInfinity, deliverZero, INTEGER_BIT, setRoundedUp } from './value';
import { low, shiftRightSticky } from '../wide';

/** Bits at the low end of a significand that precision control takes away. */
export let dropped: u64 = 0;

/** Added to or taken from the exponent of a result that overflows or underflows unmasked (SDM vol. 1, 4.9.1.4, 4.9.1.5). */
const ADJUST: i32 = 24576;
const MAX: i32 = 0x7ffe;

/** Precision control of the control word: 24, 53 or 64 bits (SDM vol. 1, table 8-2; 1 is reserved and means 64 here). */
export function usePrecision(control: u32): void {
  dropped = control == 2 ? 0x7ff : control == 0 ? 0xffffffffff : 0;
}
// @ts-ignore: decorator
@inline export function useFullPrecision(): void {
  dropped = 0;
}

/** Does a significand that goes on with `rest` round away from zero, when the bits of `mask` are cut off? */
// @ts-ignore: decorator
@inline export function roundsUp(sign: u32, sig: u64, rest: u64, mask: u64): bool {
  if (rounding == NEAREST) {
    if (!mask) return <i64>rest < 0 && (rest << 1 != 0 || (sig & 1) != 0);
    const unit = mask + 1;
    const cut = sig & mask;
    const half = unit >> 1;
    return cut > half || (cut == half && (rest != 0 || (sig & unit) != 0));
  }
  if (rounding == UP) return !sign && (rest | (sig & mask)) != 0;
  if (rounding == DOWN) return sign != 0 && (rest | (sig & mask)) != 0;
  return false;
}

/** Deliver ± significand:rest × 2^(e - BIAS - 63); the significand is normalized, e may be anything. */
export function roundTo(sign: u32, e: i32, sig: u64, rest: u64): void {
  const mask = dropped;
  const inexact = (rest | (sig & mask)) != 0;
  const up = inexact && roundsUp(sign, sig, rest, mask);
  let rounded = (sig & ~mask) + (up ? mask + 1 : 0);
  let exponent = e;
  if (up && !rounded) {
    rounded = INTEGER_BIT;
    exponent++;
  }
  setRoundedUp(up);
  if (<u32>(exponent - 1) < <u32>MAX) {
    if (inexact) meet(INEXACT);
    return deliver(rounded, sign | exponent);
  }
  if (exponent > MAX) overflow(sign, exponent, rounded, inexact);
  else underflow(sign, e, sig, rest, exponent, rounded, inexact);
}

function overflow(sign: u32, exponent: i32, rounded: u64, inexact: bool): void {
  if (!(masked & OVERFLOW)) {
    meet(OVERFLOW | (inexact ? INEXACT : 0));
    if (exponent - ADJUST > MAX) {
      // FSCALE can be that far off
      meet(INEXACT);
      setRoundedUp(true);
      return deliverInfinity(sign);
    }
    return deliver(rounded, sign | (exponent - ADJUST));
  }
  meet(OVERFLOW | INEXACT);
  const away = rounding == NEAREST || rounding == (sign ? DOWN : UP);
  setRoundedUp(away);
  if (away) deliverInfinity(sign);
  else deliver(~dropped, sign | MAX);
}

/** A result that is tiny after rounding as if the exponent had no end. */
function underflow(sign: u32, e: i32, sig: u64, rest: u64, exponent: i32, rounded: u64, inexact: bool): void {
  if (!(masked & UNDERFLOW)) {
    meet(UNDERFLOW | (inexact ? INEXACT : 0));
    if (exponent + ADJUST < 1) {
      meet(INEXACT);
      setRoundedUp(false);
      return deliverZero(sign);
    }
    return deliver(rounded, sign | (exponent + ADJUST));
  }
  const mask = dropped;
  const part = shiftRightSticky(sig, rest, 1 - e);
  const lost = (low | (part & mask)) != 0;
  const up = lost && roundsUp(sign, part, low, mask);
  const tiny = (part & ~mask) + (up ? mask + 1 : 0);
  if (lost) meet(UNDERFLOW | INEXACT);
  setRoundedUp(up);
  // rounding may have made it the smallest normal number
  deliver(tiny, sign | (<u32>(tiny >> 63)));
}

/** An integer to a register: exact. */
export function deliverInteger(sign: u32, magnitude: u64): void {
  setRoundedUp(false);
  if (!magnitude) return deliverZero(sign);
  const shift = clz(magnitude);
  deliver(magnitude << shift, sign | (BIAS + 63 - <i32>shift));
}
