// FSIN, FCOS, FSINCOS, FPTAN.

import { DENORMAL, meet } from '../environment';
import { useFullPrecision } from '../extended/round';
import {
  BIAS,
  deliver,
  deliverNan,
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
  significand,
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
  power,
  product,
  ratio,
  set,
  setPower,
  shiftRight,
  times,
} from './number';

/** Half of the processor's π of 66 bits, in units of 2^-65 (SDM vol. 1, 8.3.8): the upper two bits and the others. */
const HALF_PI_HIGH: u64 = 3;
const HALF_PI_LOW: u64 = 0x243f6a8885a308d3;
/** Significand of π/4, exponent -1: below it there is nothing to reduce. */
const QUARTER_PI: u64 = 0xc90fdaa22168c234;

/** The argument is 2^63 or more: C2. */
export let outOfRange: bool = false;
/** Second result of sineCosine(): the cosine's. */
export let cosineSignificand: u64 = 0;
export let cosineExponent: u32 = 0;

/** The reduced argument, |r| ≤ π/4, and the quadrant it was in. */
let rh: u64 = 0;
let rl: u64 = 0;
let rp: i32 = 0;
let turned: bool = false;
let quadrant: u32 = 0;

function reduce(sig: u64, e: i32, negative: bool): void {
  rh = sig;
  rl = 0;
  rp = e;
  turned = negative;
  quadrant = 0;
  if (e < -1 || (e == -1 && sig <= QUARTER_PI)) return;
  // sig × 2^(e + 2) mod half π, bit by bit
  let h: u64 = 0;
  let l = sig;
  let q: u32 = 0;
  for (let n = e + 2; n > 0; n--) {
    h = (h << 1) | (l >> 63);
    l <<= 1;
    q <<= 1;
    if (h > HALF_PI_HIGH || (h == HALF_PI_HIGH && l >= HALF_PI_LOW)) {
      h -= HALF_PI_HIGH + u64(l < HALF_PI_LOW);
      l -= HALF_PI_LOW;
      q++;
    }
  }
  // nearer to the next multiple
  minus(HALF_PI_HIGH, HALF_PI_LOW, h, l);
  let away = false;
  if (high < h || (high == h && low < l)) {
    away = true;
    q++;
  } else set(h, l);
  setPower(62);
  normalize();
  rh = high;
  rl = low;
  rp = power;
  // sin -x = -sin x: a negative argument counts its quadrants backwards
  turned = away != negative;
  quadrant = negative ? (0 - q) & 3 : q & 3;
}

/** 1 - z/a (1 - z/b (1 - …)), a = first (first + 1), z = r²: sine without its factor r, or cosine. */
function alternating(first: i64): void {
  shiftRight(rh, rl, -1 - rp);
  times(high, low, high, low);
  const zh = high;
  const zl = low;
  let th: u64 = ONE;
  let tl: u64 = 0;
  for (let n: i64 = first + (rp < -64 ? 2 : rp < -10 ? 12 : 32); n >= first; n -= 2) {
    times(zh, zl, th, tl);
    divideSmall(high, low, <u64>(n * (n + 1)));
    minus(ONE, 0, high, low);
    th = high;
    tl = low;
  }
  if (th == ONE && !tl) justBelow();
}
/** sin r and cos r, normalized and without sign. */
function sineOf(): void {
  alternating(2);
  times(rh, rl, high, low);
  setPower(rp + 1);
  normalize();
}
function cosineOf(): void {
  alternating(1);
  setPower(0);
  normalize();
}
function deliverSine(quarter: u32): void {
  let sign: u32 = quarter & 2 ? SIGN : 0;
  if (quarter & 1) cosineOf();
  else {
    sineOf();
    if (turned) sign ^= SIGN;
  }
  deliverRounded(sign, BIAS);
}

/** Everything that is no ordinary argument. `cosine`: of zero it is 1. */
function special(sig: u64, se: u32, cosine: bool): bool {
  setRoundedUp(false);
  useFullPrecision();
  outOfRange = false;
  const kind = kindOf(sig, se);
  if (kind == INFINITE) invalid();
  else if (kind >= QNAN) deliverNan(sig, se, kind);
  else if (kind == ZERO) {
    if (cosine) deliver(INTEGER_BIT, BIAS);
    else deliver(sig, se);
  } else {
    if (kind == TINY) meet(DENORMAL);
    const e = trueExponent(sig, se) - BIAS;
    if (e >= 63) {
      outOfRange = true;
      deliver(sig, se);
      return true;
    }
    reduce(normalized(sig), e, (se & SIGN) != 0);
    return false;
  }
  return true;
}

export function sine(sig: u64, se: u32): void {
  if (!special(sig, se, false)) deliverSine(quadrant);
}
export function cosine(sig: u64, se: u32): void {
  if (!special(sig, se, true)) deliverSine(quadrant + 1);
}
/** The sine is delivered last, so that C1 is its. */
export function sineCosine(sig: u64, se: u32): void {
  const ordinary = !special(sig, se, true);
  if (ordinary) deliverSine(quadrant + 1);
  cosineSignificand = significand;
  cosineExponent = exponent;
  if (ordinary) deliverSine(quadrant);
  else if (!((se & EXPONENT) | u32(sig != 0))) deliver(sig, se);
}
export function tangent(sig: u64, se: u32): void {
  if (special(sig, se, false)) return;
  if (rp < -63 && !(quadrant & 1)) {
    // larger than its argument, but not by what 128 bits could show
    set(rh, rl);
    setPower(rp);
    return deliverRounded(turned ? SIGN : 0, BIAS);
  }
  sineOf();
  const h = high;
  const l = low;
  const p = power;
  cosineOf();
  if (quadrant & 1) ratio(high, low, power, h, l, p);
  else ratio(h, l, p, high, low, power);
  deliverRounded(turned != ((quadrant & 1) != 0) ? SIGN : 0, BIAS);
}
