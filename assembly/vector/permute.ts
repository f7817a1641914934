// AVX and AVX2 operations that cross 128-bit lanes. All read their sources before they write.

import { YMM_HIGH } from '../state';
import { put } from './operands';

// @ts-ignore: decorator
@inline function putBoth(target: usize, low: v128, high: v128): bool {
  put(target, low);
  store<v128>(target, high, YMM_HIGH);
  return true;
}
// @ts-ignore: decorator
@inline function double(source: usize, indices: usize, element: usize): usize {
  return source + ((<usize>(load<u32>(indices + element * 4) & 7)) << 2);
}
// @ts-ignore: decorator
@inline function fourDoubles(source: usize, indices: usize, element: usize): v128 {
  let r = v128.load32_zero(double(source, indices, element));
  r = v128.load32_lane(double(source, indices, element + 1), r, 1);
  r = v128.load32_lane(double(source, indices, element + 2), r, 2);
  return v128.load32_lane(double(source, indices, element + 3), r, 3);
}
/** VPERMD, VPERMPS: eight elements by the low three bits of eight indices. */
export function permuteDoublesAcross(target: usize, indices: usize, source: usize): bool {
  const low = fourDoubles(source, indices, 0);
  return putBoth(target, low, fourDoubles(source, indices, 4));
}
// @ts-ignore: decorator
@inline function quad(source: usize, index: u32): usize {
  return source + ((<usize>(index & 3)) << 3);
}
/** VPERMQ, VPERMPD. */
export function permuteQuadsAcross(target: usize, source: usize, control: u32): bool {
  const low = v128.load64_lane(quad(source, control >> 2), v128.load64_zero(quad(source, control)), 1);
  const high = v128.load64_lane(quad(source, control >> 6), v128.load64_zero(quad(source, control >> 4)), 1);
  return putBoth(target, low, high);
}
// @ts-ignore: decorator
@inline function half(x: usize, y: usize, control: u32): v128 {
  if (control & 8) return i64x2.splat(0);
  return load<v128>((control & 2 ? y : x) + (control & 1 ? YMM_HIGH : 0));
}
/** VPERM2F128, VPERM2I128. */
export function permuteHalves(target: usize, x: usize, y: usize, control: u32): bool {
  const low = half(x, y, control);
  return putBoth(target, low, half(x, y, control >> 4));
}
/** VINSERTF128, VINSERTI128. */
export function insertHalf(target: usize, x: usize, y: usize, control: u32): bool {
  const low = load<v128>(control & 1 ? x : y);
  return putBoth(target, low, control & 1 ? load<v128>(y) : load<v128>(x, YMM_HIGH));
}
