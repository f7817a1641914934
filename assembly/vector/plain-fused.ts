// Fused multiply-add by means of Wasm's additions and multiplications, where MXCSR rounds to nearest, masks everything and has
// PE set: products split into two numbers without error, and the last but one sum rounded to odd, after which the last
// rounding is as if there had been no other (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved
// algorithms using rounding to odd", 2008).

import { aboveTiny32 } from './quick';

/** Whether the last result is valid. */
export let fusedFit: bool = false;

/** A sum that was rounded to nearest, and its error: the same rounded to odd. */
// @ts-ignore: decorator
@inline function toOdd(sum: f64, error: f64): f64 {
  const bits = reinterpret<i64>(sum);
  if (error == 0 || bits & 1) return sum;
  return reinterpret<f64>(bits + (error > 0 == sum > 0 ? 1 : -1));
}
// @ts-ignore: decorator
@inline function errorOf(a: f64, b: f64, sum: f64): f64 {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

// @ts-ignore: decorator
@inline function regularSingle(a: f32): bool {
  const size = abs<f32>(a);
  return a == 0 || (size >= 1.1754943508222875e-38 && size < <f32>Infinity);
}
export function fuseSingle(x: f32, y: f32, z: f32): f32 {
  fusedFit = false;
  if (!regularSingle(x) || !regularSingle(y) || !regularSingle(z)) return 0;
  const product = <f64>x * <f64>y; // exact
  const sum = product + <f64>z;
  const result = <f32>toOdd(sum, errorOf(product, z, sum));
  fusedFit = sum == 0 || aboveTiny32(reinterpret<u32>(result));
  return result;
}

/** 2^27 + 1: splits 53 bits into 26 and 26 (Veltkamp). */
const SPLITTER: f64 = 134217729.0;
/** 2^-350 and 2^350, for factors; 2^-700 and 2^700, for addends: all that is computed on the way is then a normal number or zero. */
const LEAST: f64 = 4.360155818666e-106;
const MOST: f64 = 2.293496129869e105;
const LEAST_ADDEND: f64 = 1.901095876e-211;
const MOST_ADDEND: f64 = 5.26012449e210;

// @ts-ignore: decorator
@inline function between(a: f64, least: f64, most: f64): bool {
  const size = abs<f64>(a);
  return size > least && size < most;
}
export function fuseDouble(x: f64, y: f64, z: f64): f64 {
  fusedFit = between(x, LEAST, MOST) && between(y, LEAST, MOST) && (z == 0 || between(z, LEAST_ADDEND, MOST_ADDEND));
  if (!fusedFit) return 0;
  const product = x * y;
  if (z == 0) return product;
  let part = x * SPLITTER;
  const xHigh = part - (part - x);
  const xLow = x - xHigh;
  part = y * SPLITTER;
  const yHigh = part - (part - y);
  const yLow = y - yHigh;
  const error = xHigh * yHigh - product + xHigh * yLow + xLow * yHigh + xLow * yLow;
  const low = z + error;
  const lowest = errorOf(z, error, low);
  const high = product + low;
  const middle = errorOf(product, low, high);
  const rest = middle + lowest;
  const result = high + toOdd(rest, errorOf(middle, lowest, rest));
  fusedFit = result != 0;
  return result;
}
