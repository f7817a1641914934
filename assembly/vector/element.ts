// One element into a vector or out of it: PINSR*, INSERTPS, PEXTR*.

import { isMemory } from './operands';

// @ts-ignore: decorator
@inline function bytes(): v128 {
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
// @ts-ignore: decorator
@inline export function insertByte(a: v128, source: usize, index: u32): v128 {
  const here = i8x16.eq(bytes(), i8x16.splat(<i8>(index & 15)));
  return v128.bitselect(v128.load8_splat(source), a, here);
}
// @ts-ignore: decorator
@inline export function insertWord(a: v128, source: usize, index: u32): v128 {
  const here = i16x8.eq(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>(index & 7)));
  return v128.bitselect(v128.load16_splat(source), a, here);
}
// @ts-ignore: decorator
@inline export function insertDouble(a: v128, source: usize, index: u32): v128 {
  const here = i32x4.eq(i32x4(0, 1, 2, 3), i32x4.splat(index & 3));
  return v128.bitselect(v128.load32_splat(source), a, here);
}
// @ts-ignore: decorator
@inline export function insertQuad(a: v128, source: usize, index: u32): v128 {
  const b = v128.load64_splat(source);
  return index & 1 ? v128.shuffle<i64>(a, b, 0, 2) : v128.shuffle<i64>(a, b, 2, 1);
}
/** INSERTPS: the immediate has the element of a register source (bits 7-6), where it goes (5-4), and what is cleared (3-0). */
// @ts-ignore: decorator
@inline export function insertSingle(a: v128, source: usize, control: u32): v128 {
  const element = isMemory(source) ? source : source + ((<usize>(control >> 6)) & 3) * 4;
  const inserted = insertDouble(a, element, control >> 4);
  const bits = i32x4(1, 2, 4, 8);
  const cleared = i32x4.eq(v128.and(i32x4.splat(control), bits), bits);
  return v128.andnot(inserted, cleared);
}
