// AES (FIPS 197; SDM vol. 2, AESENC and its like). The state's bytes stand in a vector column by column.

import { INVERSE_S_BOX, S_BOX } from './tables';

/** SubBytes: sixteen rows of the table, each gives zero for the bytes that are not its own. */
// @ts-ignore: decorator
@inline function row(table: usize, x: v128, index: u32): v128 {
  return i8x16.swizzle(load<v128>(table + (index << 4)), i8x16.sub(x, i8x16.splat(<i8>(index << 4))));
}
// @ts-ignore: decorator
@inline function rows(table: usize, x: v128, index: u32): v128 {
  return v128.or(
    v128.or(row(table, x, index), row(table, x, index + 1)),
    v128.or(row(table, x, index + 2), row(table, x, index + 3)),
  );
}
function substitute(table: usize, x: v128): v128 {
  return v128.or(v128.or(rows(table, x, 0), rows(table, x, 4)), v128.or(rows(table, x, 8), rows(table, x, 12)));
}
// @ts-ignore: decorator
@inline function shiftRows(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}
// @ts-ignore: decorator
@inline function inverseShiftRows(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
}
/** Every byte times x in GF(2^8). */
// @ts-ignore: decorator
@inline function twice(x: v128): v128 {
  return v128.xor(i8x16.shl(x, 1), v128.and(i8x16.shr_s(x, 7), i8x16.splat(0x1b)));
}
/** Each byte's neighbour, one or two rows on, in its column. */
// @ts-ignore: decorator
@inline function nextRow(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}
// @ts-ignore: decorator
@inline function oppositeRow(x: v128): v128 {
  return v128.shuffle<i16>(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
}
/** MixColumns: 2a + 3b + c + d = 2(a + b) + b + (c + d). */
// @ts-ignore: decorator
@inline function mixColumns(x: v128): v128 {
  const next = nextRow(x);
  const sum = v128.xor(x, next);
  return v128.xor(v128.xor(twice(sum), next), oppositeRow(sum));
}
/** The inverse matrix is MixColumns' after adding 4(a + c) to a and c, 4(b + d) to b and d. */
// @ts-ignore: decorator
@inline export function inverseMixColumns(x: v128): v128 {
  return mixColumns(v128.xor(x, twice(twice(v128.xor(x, oppositeRow(x))))));
}

// @ts-ignore: decorator
@inline export function encrypt(state: v128, key: v128): v128 {
  return v128.xor(mixColumns(substitute(S_BOX, shiftRows(state))), key);
}
// @ts-ignore: decorator
@inline export function encryptLast(state: v128, key: v128): v128 {
  return v128.xor(substitute(S_BOX, shiftRows(state)), key);
}
// @ts-ignore: decorator
@inline export function decrypt(state: v128, key: v128): v128 {
  return v128.xor(inverseMixColumns(substitute(INVERSE_S_BOX, inverseShiftRows(state))), key);
}
// @ts-ignore: decorator
@inline export function decryptLast(state: v128, key: v128): v128 {
  return v128.xor(substitute(INVERSE_S_BOX, inverseShiftRows(state)), key);
}
/** AESKEYGENASSIST: of doublewords 1 and 3, SubWord, and that rotated with the round constant added. */
// @ts-ignore: decorator
@inline export function keyAssist(key: v128, constant: u32): v128 {
  const s = substitute(S_BOX, key);
  const words = v128.shuffle<i8>(s, s, 4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12);
  return v128.xor(words, i64x2.splat((<i64>constant) << 32));
}
