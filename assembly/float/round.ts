// Rounding an exact result into a format, with overflow, underflow and inexactness as the environment says; and what DAZ does to operands.

import {
  DENORMAL,
  denormalsAreZero,
  DOWN,
  flushToZero,
  INEXACT,
  masked,
  meet,
  NEAREST,
  OVERFLOW,
  rounding,
  TRUNCATE,
  UNDERFLOW,
  UP,
} from './environment';
import { fractionBits, infinity, isDenormal, signBit } from './format';

/** An operand as arithmetic sees it. */
// @ts-ignore: decorator
@inline export function operand<T>(a: u64): u64 {
  if (!isDenormal<T>(a)) return a;
  if (denormalsAreZero) return a & signBit<T>();
  meet(DENORMAL);
  return a;
}

/** The same where it is known already that it raises nothing. */
// @ts-ignore: decorator
@inline export function quietOperand<T>(a: u64): u64 {
  return denormalsAreZero && isDenormal<T>(a) ? a & signBit<T>() : a;
}

/** Shifted right; a one in bit 0 stands for any ones that were lost. */
// @ts-ignore: decorator
@inline export function shiftSticky(a: u64, count: u64): u64 {
  if (count == 0) return a;
  if (count > 63) return a != 0 ? 1 : 0;
  return (a >> count) | (a << (64 - count) != 0 ? 1 : 0);
}

/** Does rounding go away from zero? `rest` is what is cut off, `half` half a unit, `odd` the last bit kept. */
// @ts-ignore: decorator
@inline export function roundsUp(negative: bool, rest: u64, half: u64, odd: u64): bool {
  if (rounding == NEAREST) return rest + odd > half;
  return rest != 0 && rounding == (negative ? DOWN : UP);
}

/** The format's number nearest, as the rounding mode has it, to significand / 2^63 * 2^(exponent - bias). Bit 63 of the significand is
 * set; its bit 0 stands for anything beyond. */
export function pack<T>(negative: bool, exponent: i32, significand: u64): u64 {
  if (exponent < 1) return packTiny<T>(negative, exponent, significand);
  const dropped = 63 - fractionBits<T>();
  const half = (<u64>1) << (dropped - 1);
  const rest = significand & (half + half - 1);
  let kept = significand >> dropped;
  if (rest) {
    meet(INEXACT);
    if (roundsUp(negative, rest, half, kept & 1)) kept++;
  }
  // the leading bit, or a carry out of the fraction, adds one to the exponent
  const bits = kept + ((<u64>(exponent - 1)) << fractionBits<T>());
  if (bits >= infinity<T>()) return overflowed<T>(negative);
  return negative ? bits | signBit<T>() : bits;
}

function overflowed<T>(negative: bool): u64 {
  meet(masked & OVERFLOW ? OVERFLOW | INEXACT : OVERFLOW);
  const sign = negative ? signBit<T>() : 0;
  const outwards = rounding == NEAREST || rounding == (negative ? DOWN : UP);
  return sign | (outwards ? infinity<T>() : infinity<T>() - 1);
}

/** A result below the normal numbers before rounding. It is tiny if it still is when rounded as if exponents had no limit (SDM vol.
 * 1, 4.9.1.5). */
function packTiny<T>(negative: bool, exponent: i32, significand: u64): u64 {
  const dropped = 63 - fractionBits<T>();
  const half = (<u64>1) << (dropped - 1);
  const sign = negative ? signBit<T>() : 0;
  const unlimited = significand & (half + half - 1);
  const ones = (<u64>-1) << dropped;
  const tiny = exponent < 0 || significand < ones || !roundsUp(negative, unlimited, half, 1);
  if (tiny) {
    if (!(masked & UNDERFLOW)) {
      // the handler would get the result with its exponent adjusted, so that is what can be inexact
      meet(unlimited ? UNDERFLOW | INEXACT : UNDERFLOW);
      return sign;
    }
    if (flushToZero && sizeof<T>() != 2) {
      meet(UNDERFLOW | INEXACT);
      return sign;
    }
  }
  const shifted = shiftSticky(significand, <u64>(1 - exponent));
  const rest = shifted & (half + half - 1);
  let kept = shifted >> dropped;
  if (rest) {
    meet(tiny ? UNDERFLOW | INEXACT : INEXACT);
    if (roundsUp(negative, rest, half, kept & 1)) kept++;
  }
  return sign | kept;
}

/** The sum of two numbers of equal magnitude and different sign. */
// @ts-ignore: decorator
@inline export function cancelled<T>(): u64 {
  return rounding == DOWN ? signBit<T>() : 0;
}
