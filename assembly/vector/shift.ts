// Shifts of elements by one count for all, by a count for each, and of whole registers by bytes. A count of the element's
// width or more shifts everything out.

import { DISP, V_IMMEDIATE } from '../uop';
import { flags, last } from './operands';

/** Count of a shift: an immediate, or all the 64 low bits of the last operand; capped to something that fits. */
// @ts-ignore: decorator
@inline export function count(op: usize): i32 {
  if (flags(op) & V_IMMEDIATE) return load<u8>(op, DISP);
  return <i32>min<u64>(load<u64>(last(op)), 255);
}

// @ts-ignore: decorator
@inline export function right16(a: v128, n: i32): v128 {
  return n > 15 ? i64x2.splat(0) : i16x8.shr_u(a, n);
}
// @ts-ignore: decorator
@inline export function signed16(a: v128, n: i32): v128 {
  return i16x8.shr_s(a, min(n, 15));
}
// @ts-ignore: decorator
@inline export function left16(a: v128, n: i32): v128 {
  return n > 15 ? i64x2.splat(0) : i16x8.shl(a, n);
}
// @ts-ignore: decorator
@inline export function right32(a: v128, n: i32): v128 {
  return n > 31 ? i64x2.splat(0) : i32x4.shr_u(a, n);
}
// @ts-ignore: decorator
@inline export function signed32(a: v128, n: i32): v128 {
  return i32x4.shr_s(a, min(n, 31));
}
// @ts-ignore: decorator
@inline export function left32(a: v128, n: i32): v128 {
  return n > 31 ? i64x2.splat(0) : i32x4.shl(a, n);
}
// @ts-ignore: decorator
@inline export function right64(a: v128, n: i32): v128 {
  return n > 63 ? i64x2.splat(0) : i64x2.shr_u(a, n);
}
// @ts-ignore: decorator
@inline export function left64(a: v128, n: i32): v128 {
  return n > 63 ? i64x2.splat(0) : i64x2.shl(a, n);
}

// @ts-ignore: decorator
@inline function bytes(): v128 {
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
// An index outside 0-15 makes i8x16.swizzle give zero, which is just what is shifted in.
/** PSRLDQ. */
// @ts-ignore: decorator
@inline export function rightBytes(a: v128, n: u32): v128 {
  return i8x16.swizzle(a, i8x16.add(bytes(), i8x16.splat(<i8>min<u32>(n, 16))));
}
/** PSLLDQ. */
// @ts-ignore: decorator
@inline export function leftBytes(a: v128, n: u32): v128 {
  return i8x16.swizzle(a, i8x16.sub(bytes(), i8x16.splat(<i8>min<u32>(n, 16))));
}
/** PALIGNR: 16 bytes of `high:low`, n bytes from its lower end. */
// @ts-ignore: decorator
@inline export function align(high: v128, low: v128, n: u32): v128 {
  const from = i8x16.add(bytes(), i8x16.splat(<i8>min<u32>(n, 32)));
  return v128.or(i8x16.swizzle(low, from), i8x16.swizzle(high, i8x16.sub(from, i8x16.splat(16))));
}

/** VPSLLVD, VPSRLVD, VPSRAVD. */
// @ts-ignore: decorator
@inline function shl(a: u32, n: u32): u32 {
  return n > 31 ? 0 : a << n;
}
// @ts-ignore: decorator
@inline function shr(a: u32, n: u32): u32 {
  return n > 31 ? 0 : a >> n;
}
// @ts-ignore: decorator
@inline function sar(a: i32, n: u32): i32 {
  return a >> min<u32>(n, 31);
}
// @ts-ignore: decorator
@inline function part(x: usize, index: usize): u32 {
  return load<u32>(x + index * 4);
}
export function leftEach32(x: usize, y: usize): v128 {
  return elements(
    shl(part(x, 0), part(y, 0)),
    shl(part(x, 1), part(y, 1)),
    shl(part(x, 2), part(y, 2)),
    shl(part(x, 3), part(y, 3)),
  );
}
export function rightEach32(x: usize, y: usize): v128 {
  return elements(
    shr(part(x, 0), part(y, 0)),
    shr(part(x, 1), part(y, 1)),
    shr(part(x, 2), part(y, 2)),
    shr(part(x, 3), part(y, 3)),
  );
}
export function signedEach32(x: usize, y: usize): v128 {
  return elements(
    sar(part(x, 0), part(y, 0)),
    sar(part(x, 1), part(y, 1)),
    sar(part(x, 2), part(y, 2)),
    sar(part(x, 3), part(y, 3)),
  );
}
// @ts-ignore: decorator
@inline function elements(a: u32, b: u32, c: u32, d: u32): v128 {
  const ab = i32x4.replace_lane(i32x4.splat(a), 1, b);
  return i32x4.replace_lane(i32x4.replace_lane(ab, 2, c), 3, d);
}
/** VPSLLVQ, VPSRLVQ. */
// @ts-ignore: decorator
@inline function shl64(x: usize, y: usize): u64 {
  const n = load<u64>(y);
  return n > 63 ? 0 : load<u64>(x) << n;
}
// @ts-ignore: decorator
@inline function shr64(x: usize, y: usize): u64 {
  const n = load<u64>(y);
  return n > 63 ? 0 : load<u64>(x) >> n;
}
export function leftEach64(x: usize, y: usize): v128 {
  return i64x2.replace_lane(i64x2.splat(shl64(x, y)), 1, shl64(x + 8, y + 8));
}
export function rightEach64(x: usize, y: usize): v128 {
  return i64x2.replace_lane(i64x2.splat(shr64(x, y)), 1, shr64(x + 8, y + 8));
}
