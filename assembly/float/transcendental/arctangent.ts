// FPATAN: the angle of the point (x, y).

import { DENORMAL, meet } from '../environment';
import { roundTo, useFullPrecision } from '../extended/round';
import {
  BIAS,
  deliverNanOf,
  deliverZero,
  INFINITE,
  kindOf,
  normalized,
  QNAN,
  setRoundedUp,
  SIGN,
  TINY,
  trueExponent,
  ZERO,
} from '../extended/value';
import {
  deliverRounded,
  divideSmall,
  high,
  justBelow,
  low,
  minus,
  normalize,
  ONE,
  plus,
  power,
  ratio,
  set,
  setPower,
  shiftRight,
  times,
} from './number';

/** π to 128 bits, exponent 1. */
const PI_HIGH: u64 = 0xc90fdaa22168c234;
const PI_LOW: u64 = 0xc4c6628b80dc1cd1;

/** atan (i / 8) as a fraction of 128 bits. */
function angleOfEighths(i: u32): void {
  switch (i) {
    case 1:
      return set(0x1fd5ba9aac2f6dc6, 0x5912f313e7d111de);
    case 2:
      return set(0x3eb6ebf25901bac5, 0x5b71e7bd7de885f9);
    case 3:
      return set(0x5bd86507937bc239, 0xc55190916e7f2241);
    case 4:
      return set(0x76b19c1586ed3da2, 0xb7f222f65e1d4681);
    case 5:
      return set(0x8f005d5ef7f59f9b, 0x5c835e1665c43747);
    case 6:
      return set(0xa4bc7d1934f70924, 0x19a87f2a457dac9e);
    case 7:
      return set(0xb8053e2bc2319e73, 0xcb2da55210a4443d);
    default:
      return set(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
  }
}

export function arctangent(y: u64, ye: u32, x: u64, xe: u32): void {
  setRoundedUp(false);
  useFullPrecision();
  const ky = kindOf(y, ye);
  const kx = kindOf(x, xe);
  if (kx >= QNAN || ky >= QNAN) return deliverNanOf(y, ye, ky, x, xe, kx);
  const sign = ye & SIGN;
  const left = (xe & SIGN) != 0;
  if (kx == TINY || ky == TINY) meet(DENORMAL);
  // the table of FPATAN (SDM vol. 2)
  if (ky == INFINITE) {
    if (kx != INFINITE) return deliverPi(sign, 0);
    if (!left) return deliverPi(sign, -1);
    set(PI_HIGH, PI_LOW);
    return deliverThreeQuarters(sign);
  }
  if (ky == ZERO || kx == INFINITE) {
    if (left) return deliverPi(sign, 1);
    return deliverZero(sign);
  }
  if (kx == ZERO) return deliverPi(sign, 0);
  const ey = trueExponent(y, ye);
  const ex = trueExponent(x, xe);
  const a = normalized(y);
  const b = normalized(x);
  const steep = ey > ex || (ey == ex && a > b);
  if (steep) angle(b, ex, a, ey);
  else angle(a, ey, b, ex);
  if (steep) {
    // π/2 ∓ the angle
    if (left) addToPi(0, false);
    else addToPi(0, true);
  } else if (left) addToPi(1, true);
  deliverRounded(sign, BIAS);
}

/** π × 2^(e - 1). */
function deliverPi(sign: u32, e: i32): void {
  roundTo(sign, e + BIAS, PI_HIGH, PI_LOW);
}
function deliverThreeQuarters(sign: u32): void {
  // 3/4 π = π/2 + π/4
  setPower(-1);
  addToPi(0, false);
  deliverRounded(sign, BIAS);
}
/** π × 2^(e - 1) ± the number at hand, which is smaller. */
function addToPi(e: i32, subtract: bool): void {
  // one bit of room for a carry
  shiftRight(high, low, e + 1 - power);
  const h = high;
  const l = low;
  shiftRight(PI_HIGH, PI_LOW, 1);
  if (subtract) minus(high, low, h, l);
  else plus(high, low, h, l);
  setPower(e + 1);
  normalize();
}

/** atan (a / b), a ≤ b, both normalized. */
function angle(a: u64, ea: i32, b: u64, eb: i32): void {
  const distance = eb - ea;
  let eighths: u32 = 0;
  if (distance <= 4) {
    // to the nearest eighth
    eighths = <u32>(((<f64>a / <f64>b) * 8.0) / <f64>(1 << distance) + 0.5);
  }
  if (!eighths) {
    ratio(a, 0, ea, b, 0, eb);
    return series();
  }
  // atan t = atan c + atan ((t - c) / (1 + t c)), c in eighths: (8 a - i b) / (8 b + i a), exact with 8 bits to spare above
  shiftRight(a, 0, 8 + distance);
  const ah = high;
  const al = low;
  const bh = b >> 8;
  const bl = b << 56;
  const i = <u64>eighths;
  scaled(bh, bl, i);
  const ibh = high;
  const ibl = low;
  scaled(ah, al, i);
  plus((bh << 3) | (bl >> 61), bl << 3, high, low);
  setPower(0);
  normalize();
  const dh = high;
  const dl = low;
  const dp = power;
  const ah8 = (ah << 3) | (al >> 61);
  const al8 = al << 3;
  const below = ah8 < ibh || (ah8 == ibh && al8 < ibl);
  if (below) minus(ibh, ibl, ah8, al8);
  else minus(ah8, al8, ibh, ibl);
  if (high | low) {
    setPower(0);
    normalize();
    ratio(high, low, power, dh, dl, dp);
    series();
    shiftRight(high, low, -1 - power);
  }
  const h = high;
  const l = low;
  angleOfEighths(eighths);
  if (below) minus(high, low, h, l);
  else plus(high, low, h, l);
  setPower(-1);
  normalize();
}
/** (h:l) × n, n ≤ 8. */
function scaled(h: u64, l: u64, n: u64): void {
  const part = (l & 0xffffffff) * n;
  const middle = (l >> 32) * n + (part >> 32);
  set(h * n + (middle >> 32), (middle << 32) | (part & 0xffffffff));
}

/** atan s = s - s³/3 + s⁵/5 - … of the number at hand, s ≤ 1/16. */
function series(): void {
  const sh = high;
  const sl = low;
  const sp = power;
  shiftRight(sh, sl, -1 - sp);
  times(high, low, high, low);
  const zh = high;
  const zl = low;
  let th: u64 = 0;
  let tl: u64 = 0;
  for (let n: i64 = sp < -64 ? 3 : sp < -12 ? 13 : 33; n > 0; n -= 2) {
    times(zh, zl, th, tl);
    const ph = high;
    const pl = low;
    divideSmall(ONE, 0, <u64>n);
    minus(high, low, ph, pl);
    th = high;
    tl = low;
  }
  if (th == ONE && !tl) justBelow();
  else set(th, tl);
  times(sh, sl, high, low);
  setPower(sp + 1);
  normalize();
}
