// Numbers of 128 bits for the transcendental functions: a significand `high`:`low`, normalized or a fixed-point fraction. With
// twice the bits of a result, what is cut off on the way hardly ever decides how it is rounded.

import { INTEGER_BIT } from '../extended/value';
import { divideWide, low as half, multiplyWide, shiftRightSticky } from '../wide';
import { roundTo } from '../extended/round';

/** Result of the last operation; `power` is its exponent where it has one: ± high:low × 2^(power - 127). */
export let high: u64 = 0;
export let low: u64 = 0;
export let power: i32 = 0;

// @ts-ignore: decorator
@inline export function set(h: u64, l: u64): void {
  high = h;
  low = l;
}
// @ts-ignore: decorator
@inline export function setPower(value: i32): void {
  power = value;
}

/** Upper 128 bits of a product, or one unit less. */
export function times(ah: u64, al: u64, bh: u64, bl: u64): void {
  const cross = multiplyWide(ah, bl);
  const crossLow = half;
  const other = multiplyWide(al, bh);
  const carry = u64(crossLow + half < crossLow);
  const top = multiplyWide(ah, bh);
  const first = half + cross;
  const second = first + other;
  const third = second + carry;
  high = top + u64(first < cross) + u64(second < other) + u64(third < carry);
  low = third;
}
/** The product of normalized numbers, normalized; exponents added. */
export function product(ah: u64, al: u64, ap: i32, bh: u64, bl: u64, bp: i32): void {
  times(ah, al, bh, bl);
  power = ap + bp + 1;
  normalize();
}
/** (h:l) / divisor, divisor < 2^32. */
export function divideSmall(h: u64, l: u64, divisor: u64): void {
  const first = h / divisor;
  const second = ((h - first * divisor) << 32) | (l >> 32);
  const digit = second / divisor;
  const third = ((second - digit * divisor) << 32) | (l & 0xffffffff);
  high = first;
  low = (digit << 32) | (third / divisor);
}
/** Shift left until the top bit is set; `power` follows. */
export function normalize(): void {
  if (!high) {
    high = low;
    low = 0;
    power -= 64;
  }
  const shift = clz(high);
  if (!shift || !high) return;
  high = (high << shift) | (low >> (64 - shift));
  low <<= shift;
  power -= <i32>shift;
}
/** high:low shifted right, as a fraction of so many bits less. */
export function shiftRight(h: u64, l: u64, count: i32): void {
  high = shiftRightSticky(h, l, count);
  low = half;
}
export function plus(ah: u64, al: u64, bh: u64, bl: u64): void {
  const l = al + bl;
  high = ah + bh + u64(l < al);
  low = l;
}
export function minus(ah: u64, al: u64, bh: u64, bl: u64): void {
  high = ah - bh - u64(al < bl);
  low = al - bl;
}

/** One digit of 64 bits of (nh:nl:0) / (dh:dl); the remainder is in high:low. Knuth, vol. 2, 4.3.1, algorithm D. */
function digit(nh: u64, nl: u64, dh: u64, dl: u64): u64 {
  let q: u64 = nh >= dh ? 0xffffffffffffffff : divideWide(nh, nl, dh);
  const middle = multiplyWide(q, dl);
  const p0 = half;
  let p2 = multiplyWide(q, dh);
  const p1 = half + middle;
  p2 += u64(p1 < middle);
  let r0 = 0 - p0;
  const borrow = u64(p0 != 0);
  let r1 = nl - p1 - borrow;
  let r2 = <i64>(nh - p2 - u64(nl < p1 || (nl == p1 && borrow)));
  while (r2 < 0) {
    q--;
    r0 += dl;
    const carry = u64(r0 < dl);
    const sum = r1 + dh;
    const more = u64(sum < dh);
    r1 = sum + carry;
    r2 += more + u64(r1 < carry);
  }
  high = r1;
  low = r0;
  return q;
}
/** The quotient of normalized numbers, normalized; exponents subtracted. */
export function ratio(nh: u64, nl: u64, np: i32, dh: u64, dl: u64, dp: i32): void {
  power = np - dp;
  if (nh > dh || (nh == dh && nl >= dl)) {
    nl = (nl >> 1) | (nh << 63);
    nh >>= 1;
  } else power--;
  const first = digit(nh, nl, dh, dl);
  const second = digit(high, low, dh, dl);
  high = first;
  low = second;
}
/** Smaller by nothing that could be seen, unless it decides the direction of rounding: for 1 - ε. */
export function justBelow(): void {
  if (!low) high--;
  low--;
}
/** Deliver the normalized number, known to be inexact. */
export function deliverRounded(sign: u32, bias: i32): void {
  roundTo(sign, power + bias, high, low | 1);
}
/** 1 as a fraction of 127 bits. */
export const ONE: u64 = INTEGER_BIT;
