// Tables that AES and carry-less multiplication look up sixteen bytes at a time. Written into the memory when it is made.

import { VECTOR_TABLES } from '../state';

/** The S-box of FIPS 197 and its inverse: 256 bytes each. */
export const S_BOX: usize = VECTOR_TABLES;
export const INVERSE_S_BOX: usize = S_BOX + 256;
/** Carry-less products of two 4-bit numbers: 16 rows of 16 bytes. */
export const PRODUCTS: usize = INVERSE_S_BOX + 256;

// @ts-ignore: decorator
@inline function twice(x: u32): u32 {
  return ((x << 1) ^ (x & 0x80 ? 0x11b : 0)) & 0xff;
}

/** Product in GF(2^8). */
function product(a: u32, b: u32): u32 {
  let sum: u32 = 0;
  for (; b; b >>= 1, a = twice(a)) if (b & 1) sum ^= a;
  return sum;
}

/** FIPS 197, 5.1.1: the inverse, then an affine map. 3 generates the field and f6 is its inverse: q runs through the inverses of p. */
function initSBox(): void {
  let p: u32 = 1;
  let q: u32 = 1;
  do {
    const s = (q ^ turned(q, 1) ^ turned(q, 2) ^ turned(q, 3) ^ turned(q, 4) ^ 0x63) & 0xff;
    store<u8>(S_BOX + p, <u8>s);
    store<u8>(INVERSE_S_BOX + s, <u8>p);
    p = product(p, 3);
    q = product(q, 0xf6);
  } while (p != 1);
  store<u8>(S_BOX, 0x63); // zero has no inverse and stands for it
  store<u8>(INVERSE_S_BOX + 0x63, 0);
}
// @ts-ignore: decorator
@inline function turned(x: u32, n: u32): u32 {
  return (x << n) | (x >> (8 - n));
}

function initProducts(): void {
  for (let a: u32 = 0; a < 16; a++) {
    for (let b: u32 = 0; b < 16; b++) {
      let product: u32 = 0;
      for (let bit: u32 = 0; bit < 4; bit++) if ((b >> bit) & 1) product ^= a << bit;
      store<u8>(PRODUCTS + a * 16 + b, <u8>product);
    }
  }
}

export function initVectorTables(): void {
  initSBox();
  initProducts();
}
