// Shuffles inside 128 bits by an immediate or by a vector, and blends. Immediate ones load the chosen elements by address:
// Wasm's own shuffle takes constants only.

// @ts-ignore: decorator
@inline function double(source: usize, index: u32): usize {
  return source + ((<usize>(index & 3)) << 2);
}
// @ts-ignore: decorator
@inline function word(source: usize, index: u32): usize {
  return source + ((<usize>(index & 3)) << 1);
}
/** PSHUFD; SHUFPS takes the upper two from another source. */
// @ts-ignore: decorator
@inline export function shuffleDoubles(low: usize, high: usize, control: u32): v128 {
  let r = v128.load32_zero(double(low, control));
  r = v128.load32_lane(double(low, control >> 2), r, 1);
  r = v128.load32_lane(double(high, control >> 4), r, 2);
  return v128.load32_lane(double(high, control >> 6), r, 3);
}
/** PSHUFLW; its lower half is PSHUFW. */
// @ts-ignore: decorator
@inline export function shuffleLowWords(source: usize, control: u32): v128 {
  let r = v128.load16_lane(word(source, control), load<v128>(source), 0);
  r = v128.load16_lane(word(source, control >> 2), r, 1);
  r = v128.load16_lane(word(source, control >> 4), r, 2);
  return v128.load16_lane(word(source, control >> 6), r, 3);
}
/** PSHUFHW. */
// @ts-ignore: decorator
@inline export function shuffleHighWords(source: usize, control: u32): v128 {
  let r = v128.load16_lane(word(source + 8, control), load<v128>(source), 4);
  r = v128.load16_lane(word(source + 8, control >> 2), r, 5);
  r = v128.load16_lane(word(source + 8, control >> 4), r, 6);
  return v128.load16_lane(word(source + 8, control >> 6), r, 7);
}
/** SHUFPD; VPERMILPD by an immediate takes both from one source. */
// @ts-ignore: decorator
@inline export function shuffleQuads(low: usize, high: usize, control: u32): v128 {
  const r = v128.load64_zero(low + (((<usize>control) & 1) << 3));
  return v128.load64_lane(high + (((<usize>control) & 2) << 2), r, 1);
}
/** PSHUFB: bit 7 of an index clears, bits 3-0 choose. i8x16.swizzle clears for any index above 15. */
// @ts-ignore: decorator
@inline export function shuffleBytes(a: v128, indices: v128): v128 {
  return i8x16.swizzle(a, v128.and(indices, i8x16.splat(-0x71)));
}
/** VPERMILPS by a vector: bits 1-0 of each element. */
// @ts-ignore: decorator
@inline export function permuteSingles(a: v128, control: v128): v128 {
  const element = v128.and(control, i32x4.splat(3));
  const bytes = i32x4.add(i32x4.mul(element, i32x4.splat(0x04040404)), i32x4.splat(0x03020100));
  return i8x16.swizzle(a, bytes);
}
/** VPERMILPD by a vector: bit 1 of each element. */
// @ts-ignore: decorator
@inline export function permuteDoubles(a: v128, control: v128): v128 {
  const upper = i64x2.shr_s(i64x2.shl(control, 62), 63);
  return v128.bitselect(v128.shuffle<i64>(a, a, 1, 1), v128.shuffle<i64>(a, a, 0, 0), upper);
}

// Blends: bit n of the immediate, or the sign of the mask's element n, chooses the second source.
// @ts-ignore: decorator
@inline export function blendWords(a: v128, b: v128, control: u32): v128 {
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  return v128.bitselect(b, a, i16x8.eq(v128.and(i16x8.splat(<i16>control), bits), bits));
}
// @ts-ignore: decorator
@inline export function blendDoubles(a: v128, b: v128, control: u32): v128 {
  const bits = i32x4(1, 2, 4, 8);
  return v128.bitselect(b, a, i32x4.eq(v128.and(i32x4.splat(control), bits), bits));
}
// @ts-ignore: decorator
@inline export function blendQuads(a: v128, b: v128, control: u32): v128 {
  const bits = i64x2(1, 2);
  return v128.bitselect(b, a, i64x2.eq(v128.and(i64x2.splat(control), bits), bits));
}
/** PBLENDVB. */
// @ts-ignore: decorator
@inline export function chooseBytes(a: v128, b: v128, mask: v128): v128 {
  return v128.bitselect(b, a, i8x16.shr_s(mask, 7));
}
/** BLENDVPS. */
// @ts-ignore: decorator
@inline export function chooseDoubles(a: v128, b: v128, mask: v128): v128 {
  return v128.bitselect(b, a, i32x4.shr_s(mask, 31));
}
/** BLENDVPD. */
// @ts-ignore: decorator
@inline export function chooseQuads(a: v128, b: v128, mask: v128): v128 {
  return v128.bitselect(b, a, i64x2.shr_s(mask, 63));
}
