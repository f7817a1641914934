// Products and sums of products or of differences, on elements.

/** PMULHW: upper halves of signed 16-bit products. */
// @ts-ignore: decorator
@inline export function highSigned(a: v128, b: v128): v128 {
  const low = i32x4.extmul_low_i16x8_s(a, b);
  return v128.shuffle<i16>(low, i32x4.extmul_high_i16x8_s(a, b), 1, 3, 5, 7, 9, 11, 13, 15);
}
/** PMULHUW. */
// @ts-ignore: decorator
@inline export function highUnsigned(a: v128, b: v128): v128 {
  const low = i32x4.extmul_low_i16x8_u(a, b);
  return v128.shuffle<i16>(low, i32x4.extmul_high_i16x8_u(a, b), 1, 3, 5, 7, 9, 11, 13, 15);
}
/** PMULHRSW: as Wasm's rounding multiplication, but -1 times -1 stays -1 where Wasm saturates. */
// @ts-ignore: decorator
@inline export function highRounded(a: v128, b: v128): v128 {
  const least = i16x8.splat(-0x8000);
  const both = v128.and(i16x8.eq(a, least), i16x8.eq(b, least));
  return v128.xor(i16x8.q15mulr_sat_s(a, b), both);
}
/** PMULUDQ: even 32-bit elements. */
// @ts-ignore: decorator
@inline export function evenUnsigned(a: v128, b: v128): v128 {
  return i64x2.extmul_low_i32x4_u(v128.shuffle<i32>(a, a, 0, 2, 0, 2), v128.shuffle<i32>(b, b, 0, 2, 0, 2));
}
/** PMULDQ. */
// @ts-ignore: decorator
@inline export function evenSigned(a: v128, b: v128): v128 {
  return i64x2.extmul_low_i32x4_s(v128.shuffle<i32>(a, a, 0, 2, 0, 2), v128.shuffle<i32>(b, b, 0, 2, 0, 2));
}
/** PMADDUBSW: unsigned bytes by signed ones; a product fits 16 bits, the sum of two saturates. */
// @ts-ignore: decorator
@inline export function multiplyAddBytes(a: v128, b: v128): v128 {
  const even = i16x8.mul(v128.and(a, i16x8.splat(0xff)), i16x8.shr_s(i16x8.shl(b, 8), 8));
  const odd = i16x8.mul(i16x8.shr_u(a, 8), i16x8.shr_s(b, 8));
  return i16x8.add_sat_s(even, odd);
}
/** PSADBW: sums of eight absolute differences. */
// @ts-ignore: decorator
@inline export function sumDifferences(a: v128, b: v128): v128 {
  const difference = i8x16.sub(i8x16.max_u(a, b), i8x16.min_u(a, b));
  const fours = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(difference));
  return i64x2.add(v128.and(fours, i64x2.splat(0xffffffff)), i64x2.shr_u(fours, 32));
}
/** One of MPSADBW's four differences: bytes of `a` from `from` on against byte `at` of b. */
// @ts-ignore: decorator
@inline function difference(a: v128, b: v128, from: u32, at: u32): v128 {
  const bytes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const left = i16x8.extend_low_i8x16_u(i8x16.swizzle(a, i8x16.add(bytes, i8x16.splat(<i8>from))));
  const right = i16x8.extend_low_i8x16_u(i8x16.swizzle(b, i8x16.splat(<i8>at)));
  return i16x8.abs(i16x8.sub(left, right));
}
/** MPSADBW: eight sums, each of four bytes of `a` from a moving place against a block of four of `b`. */
// @ts-ignore: decorator
@inline export function blockDifferences(a: v128, b: v128, control: u32): v128 {
  const from = control & 4;
  const block = (control & 3) << 2;
  const first = i16x8.add(difference(a, b, from, block), difference(a, b, from + 1, block + 1));
  return i16x8.add(first, i16x8.add(difference(a, b, from + 2, block + 2), difference(a, b, from + 3, block + 3)));
}
/** PHMINPOSUW: the least word, and in the next where it first is. */
// @ts-ignore: decorator
@inline export function minimumPosition(source: usize): v128 {
  let least: u32 = 0x10000;
  let where: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const value = <u32>load<u16>(source + (i << 1));
    if (value < least) {
      least = value;
      where = i;
    }
  }
  return i32x4.replace_lane(i64x2.splat(0), 0, least | (where << 16));
}
/** PSIGN*: negated, kept or cleared by the sign of b's element; `negated` = -a, `negative` and `zero` say which. */
// @ts-ignore: decorator
@inline export function withSign(a: v128, negated: v128, negative: v128, zero: v128): v128 {
  return v128.andnot(v128.bitselect(negated, a, negative), zero);
}
