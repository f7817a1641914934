// PCLMULQDQ: a product of two 64-bit polynomials over GF(2), by 4 bits of one against all of the other at a time.

import { PRODUCTS } from './tables';

/** The products of n with sixteen 4-bit numbers: a row of the table. */
// @ts-ignore: decorator
@inline function rowOf(n: u64): v128 {
  return load<v128>(PRODUCTS + (((<usize>n) & 15) << 4));
}
/** One byte up. */
// @ts-ignore: decorator
@inline function up(x: v128): v128 {
  return v128.shuffle<i8>(x, i64x2.splat(0), 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
}

// @ts-ignore: decorator
@inline export function carrylessProduct(a: u64, b: u64): v128 {
  const wide = i64x2.replace_lane(i64x2.splat(0), 0, a);
  const low = v128.and(wide, i8x16.splat(15));
  const high = i8x16.shr_u(wide, 4);
  // sums of the partial products that begin at bit 0, 4 and 8 of a byte
  let even = i64x2.splat(0);
  let odd = i64x2.splat(0);
  let next = i64x2.splat(0);
  for (let shift: i32 = 56; shift >= 0; shift -= 8) {
    const n = rowOf(b >> shift);
    const m = rowOf(b >> (shift + 4));
    even = v128.xor(up(even), i8x16.swizzle(n, low));
    odd = v128.xor(up(odd), v128.xor(i8x16.swizzle(n, high), i8x16.swizzle(m, low)));
    next = v128.xor(up(next), i8x16.swizzle(m, high));
  }
  const middle = v128.xor(i8x16.shl(odd, 4), up(i8x16.shr_u(odd, 4)));
  return v128.xor(v128.xor(even, up(next)), middle);
}
