// FYL2X: y log2 x, and FYL2XP1: y log2 (x + 1).

import { DENORMAL, DIVIDE, INEXACT, meet, UNDERFLOW } from '../environment';
import { roundTo, useFullPrecision } from '../extended/round';
import {
  BIAS,
  deliver,
  deliverInfinity,
  deliverNanOf,
  deliverZero,
  EXPONENT,
  exponent,
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
} from '../extended/value';
import {
  divideSmall,
  high,
  low,
  minus,
  normalize,
  ONE,
  plus,
  power,
  product,
  ratio,
  set,
  setPower,
  shiftRight,
  times,
} from './number';

/** log2 e to 128 bits, exponent 0. */
const LOG2E_HIGH: u64 = 0xb8aa3b295c17f0bb;
const LOG2E_LOW: u64 = 0xbe87fed0691d3e88;
/** Significand of the square root of 2. */
const ROOT2: u64 = 0xb504f333f9de6484;

/** log2 ((1 + s) / (1 - s)) = 2 log2 e (s + s³/3 + s⁵/5 + …) of the number at hand, |s| ≤ 1/3, in its place. */
function artanh(): void {
  const sh = high;
  const sl = low;
  const sp = power;
  shiftRight(sh, sl, -1 - sp);
  times(high, low, high, low);
  const zh = high;
  const zl = low;
  let th: u64 = 0;
  let tl: u64 = 0;
  for (let n: i64 = sp < -64 ? 3 : sp < -10 ? 17 : 71; n > 0; n -= 2) {
    times(zh, zl, th, tl);
    const ph = high;
    const pl = low;
    divideSmall(ONE, 0, <u64>n);
    plus(high, low, ph, pl);
    th = high;
    tl = low;
  }
  product(sh, sl, sp, th, tl, 0);
  product(high, low, power, LOG2E_HIGH, LOG2E_LOW, 1);
}

/** Sign of the last logarithm; it was an integer. */
let negative: bool = false;
let exact: bool = false;
/** log2 of a normalized number: high:low, power, negative. */
function logarithm(h: u64, l: u64, e: i32): void {
  exact = h == INTEGER_BIT && !l;
  negative = e < 0;
  if (exact) {
    set(<u64>(e < 0 ? -e : e), 0);
    setPower(63);
    return normalize();
  }
  // s = (m - 1) / (m + 1), m between √½ and √2
  const above = h > ROOT2;
  if (above) {
    e++;
    minus(0, 0, h, l);
  } else set(h - INTEGER_BIT, l);
  setPower(0);
  normalize();
  const dh = (h >> 1) + (above ? INTEGER_BIT : INTEGER_BIT >> 1);
  ratio(high, low, above ? power - 1 : power, dh, (h << 63) | (l >> 1), above ? 0 : 1);
  artanh();
  if (e) addInteger(e, above);
  else negative = above;
}
/** e ± the number at hand, which is smaller. */
function addInteger(e: i32, minusNumber: bool): void {
  negative = e < 0;
  const whole = <u64>(negative ? -e : e);
  const shift = clz(whole);
  const wp = 63 - <i32>shift;
  shiftRight(high, low, wp - power);
  if (minusNumber == negative) plus(whole << shift, 0, high, low);
  else minus(whole << shift, 0, high, low);
  setPower(wp);
  normalize();
}

/** y times the logarithm at hand. */
function multiplied(y: u64, ye: u32): void {
  const sign = (ye & SIGN) ^ (negative ? SIGN : 0);
  product(normalized(y), 0, trueExponent(y, ye) - BIAS, high, low, power);
  roundTo(sign, power + BIAS, high, exact ? low : low | 1);
  // processors do not tell which logarithms are exact
  meet(exponent & EXPONENT ? INEXACT : INEXACT | UNDERFLOW);
}

export function yLog2x(x: u64, xe: u32, y: u64, ye: u32): void {
  setRoundedUp(false);
  useFullPrecision();
  const kx = kindOf(x, xe);
  const ky = kindOf(y, ye);
  if (kx >= QNAN || ky >= QNAN) return deliverNanOf(x, xe, kx, y, ye, ky);
  const sign = ye & SIGN;
  if (kx == ZERO) {
    if (ky == ZERO) return invalid();
    if (ky != INFINITE) meet(DIVIDE);
    return deliverInfinity(sign ^ SIGN);
  }
  if (xe & SIGN) return invalid();
  if (kx == INFINITE) {
    if (ky == ZERO) return invalid();
    if (ky == TINY) meet(DENORMAL);
    return deliverInfinity(sign);
  }
  const e = trueExponent(x, xe) - BIAS;
  const sig = normalized(x);
  const one = e == 0 && sig == INTEGER_BIT;
  if (ky == INFINITE && one) return invalid();
  if (kx == TINY || ky == TINY) meet(DENORMAL);
  const turned = e < 0 ? sign ^ SIGN : sign;
  if (ky == INFINITE) return deliverInfinity(turned);
  if (ky == ZERO || one) return deliverZero(turned);
  logarithm(sig, 0, e);
  multiplied(y, ye);
}

export function yLog2xPlus1(x: u64, xe: u32, y: u64, ye: u32): void {
  setRoundedUp(false);
  useFullPrecision();
  const kx = kindOf(x, xe);
  const ky = kindOf(y, ye);
  if (kx >= QNAN || ky >= QNAN) return deliverNanOf(x, xe, kx, y, ye, ky);
  const sign = (xe ^ ye) & SIGN;
  if (kx == INFINITE) {
    if (xe & SIGN || ky == ZERO) return invalid();
    if (ky == TINY) meet(DENORMAL);
    return deliverInfinity(sign);
  }
  if (kx == ZERO && ky == INFINITE) return invalid();
  if (kx == TINY || ky == TINY) meet(DENORMAL);
  if (kx == ZERO || ky == ZERO) return deliverZero(sign);
  if (ky == INFINITE) return deliverInfinity(sign);
  const e = trueExponent(x, xe) - BIAS;
  const sig = normalized(x);
  if (e < -1) small(sig, e, (xe & SIGN) != 0);
  else if (!large(sig, e, (xe & SIGN) != 0)) {
    // no logarithm: undefined by the manual, the operand on AMD's processors
    meet(INEXACT);
    return deliver(x, xe);
  }
  multiplied(y, ye);
}
/** s = x / (2 + x). */
function small(sig: u64, e: i32, minusX: bool): void {
  exact = false;
  negative = minusX;
  shiftRight(sig, 0, 1 - e);
  if (minusX) minus(ONE, 0, high, low);
  else plus(ONE, 0, high, low);
  setPower(1);
  normalize();
  ratio(sig, 0, e, high, low, power);
  artanh();
}
/** 1 + x: beyond |x| < 1 - √½ the manual leaves the result undefined (SDM vol. 2, FYL2XP1). */
function large(sig: u64, e: i32, minusX: bool): bool {
  if (minusX && e >= 0) return false;
  if (e >= 0) {
    if (e < 64) {
      shiftRight(ONE, 0, e + 1);
      const h = high;
      const l = low;
      shiftRight(sig, 0, 1);
      plus(high, low, h, l);
      setPower(e + 1);
    } else {
      set(sig, 0);
      setPower(e);
    }
  } else {
    shiftRight(sig, 0, -e);
    if (minusX) minus(ONE, 0, high, low);
    else plus(ONE, 0, high, low);
    setPower(0);
  }
  normalize();
  logarithm(high, low, power);
  return true;
}
