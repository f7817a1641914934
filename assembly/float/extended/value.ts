// The double extended format (SDM vol. 1, 4.2.2, 8.2): a significand of 64 bits with an explicit integer bit, and a sign and
// 15 bits of exponent, passed together as `se` (bit 15 sign). Functions of this room leave their result in `significand`
// and `exponent`: a Wasm function has one result only.

import { INVALID, meet } from '../environment';

export let significand: u64 = 0;
/** Sign and exponent of the result. */
export let exponent: u32 = 0;
/** The last rounding was away from zero: C1. */
export let roundedUp: bool = false;

// @ts-ignore: decorator
@inline export function deliver(sig: u64, se: u32): void {
  significand = sig;
  exponent = se;
}
// @ts-ignore: decorator
@inline export function setRoundedUp(value: bool): void {
  roundedUp = value;
}

export const INTEGER_BIT: u64 = 0x8000000000000000;
export const QUIET_BIT: u64 = 0x4000000000000000;
export const SIGN: u32 = 0x8000;
export const EXPONENT: u32 = 0x7fff;
export const BIAS: i32 = 0x3fff;

/** What a number is. From QNAN on it is none to calculate with. */
export const ZERO: u32 = 0;
/** Denormal or pseudo-denormal. */
export const TINY: u32 = 1;
export const NORMAL: u32 = 2;
export const INFINITE: u32 = 3;
export const QNAN: u32 = 4;
export const SNAN: u32 = 5;
/** Encodings without the integer bit that the 80387 and later reject: unnormals, pseudo-NaNs, pseudo-infinities (SDM vol. 1, 8.2.2). */
export const UNSUPPORTED: u32 = 6;

// @ts-ignore: decorator
@inline export function isNormal(sig: u64, se: u32): bool {
  return (se & EXPONENT) - 1 < 0x7ffe && <i64>sig < 0;
}
export function kindOf(sig: u64, se: u32): u32 {
  const e = se & EXPONENT;
  if (!e) return sig ? TINY : ZERO;
  if (<i64>sig >= 0) return UNSUPPORTED;
  if (e != EXPONENT) return NORMAL;
  if (sig == INTEGER_BIT) return INFINITE;
  return sig & QUIET_BIT ? QNAN : SNAN;
}
/** Exponent of a number that is not zero once its significand is normalized: may be below 1. */
// @ts-ignore: decorator
@inline export function trueExponent(sig: u64, se: u32): i32 {
  const e = <i32>(se & EXPONENT);
  return e ? e : 1 - <i32>clz(sig);
}
// @ts-ignore: decorator
@inline export function normalized(sig: u64): u64 {
  return sig << clz(sig);
}

export function deliverZero(sign: u32): void {
  deliver(0, sign);
}
export function deliverInfinity(sign: u32): void {
  deliver(INTEGER_BIT, sign | EXPONENT);
}
/** The default NaN ("real indefinite"). */
export function deliverDefault(): void {
  deliver(INTEGER_BIT | QUIET_BIT, SIGN | EXPONENT);
}
export function invalid(): void {
  meet(INVALID);
  deliverDefault();
}

/** One operand that is a NaN or unsupported. */
export function deliverNan(sig: u64, se: u32, kind: u32): void {
  if (kind == UNSUPPORTED) return invalid();
  if (kind == SNAN) meet(INVALID);
  deliver(sig | QUIET_BIT, se);
}
/** Two operands of which one at least is a NaN or unsupported (SDM vol. 1, table 4-7, x87 FPU). */
export function deliverNanOf(a: u64, ae: u32, ka: u32, b: u64, be: u32, kb: u32): void {
  if (ka == UNSUPPORTED || kb == UNSUPPORTED) return invalid();
  if (ka == SNAN || kb == SNAN) meet(INVALID);
  if (ka < QNAN) return deliver(b | QUIET_BIT, be);
  if (kb < QNAN) return deliver(a | QUIET_BIT, ae);
  if (ka != kb) {
    // a signaling one gives way to a quiet one
    if (ka == QNAN) deliver(a, ae);
    else deliver(b, be);
    return;
  }
  // the larger significand; of equal ones the positive NaN
  const first = a == b ? ae < be : a > b;
  if (first) deliver(a | QUIET_BIT, ae);
  else deliver(b | QUIET_BIT, be);
}
