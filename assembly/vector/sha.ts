// SHA-1 and SHA-256 steps (SDM vol. 2, SHA1RNDS4 and its like). Element 3 of a vector is the first of the manual's letters or
// of SHA-1's message words; SHA-256's message words stand the other way.

import { put } from './operands';

// @ts-ignore: decorator
@inline function element(at: usize, index: usize): u32 {
  return load<u32>(at + index * 4);
}
// @ts-ignore: decorator
@inline function elements(e0: u32, e1: u32, e2: u32, e3: u32): v128 {
  const low = i32x4.replace_lane(i32x4.splat(e0), 1, e1);
  return i32x4.replace_lane(i32x4.replace_lane(low, 2, e2), 3, e3);
}
// @ts-ignore: decorator
@inline function choose(x: u32, y: u32, z: u32): u32 {
  return (x & y) ^ (~x & z);
}
// @ts-ignore: decorator
@inline function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) ^ (x & z) ^ (y & z);
}

function logic1(control: u32, b: u32, c: u32, d: u32): u32 {
  switch (control & 3) {
    case 0:
      return choose(b, c, d) + 0x5a827999;
    case 1:
      return (b ^ c ^ d) + 0x6ed9eba1;
    case 2:
      return majority(b, c, d) + 0x8f1bbcdc;
    default:
      return (b ^ c ^ d) + 0xca62c1d6;
  }
}
/** SHA1RNDS4. E of the first round is in the message word already. */
export function rounds1(target: usize, x: usize, y: usize, control: u32): bool {
  let a = element(x, 3);
  let b = element(x, 2);
  let c = element(x, 1);
  let d = element(x, 0);
  let e: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const next = logic1(control, b, c, d) + rotl<u32>(a, 5) + element(y, 3 - i) + e;
    e = d;
    d = c;
    c = rotl<u32>(b, 30);
    b = a;
    a = next;
  }
  return put(target, elements(d, c, b, a));
}
/** SHA1NEXTE. */
// @ts-ignore: decorator
@inline export function nextE(x: usize, y: usize): v128 {
  return i32x4.add(load<v128>(y), elements(0, 0, 0, rotl<u32>(element(x, 3), 30)));
}
/** SHA1MSG1. */
// @ts-ignore: decorator
@inline export function schedule1First(a: v128, b: v128): v128 {
  return v128.xor(a, v128.shuffle<i64>(a, b, 3, 0));
}
/** SHA1MSG2: the last word takes the first of the new ones in. */
// @ts-ignore: decorator
@inline export function schedule1Second(x: usize, y: usize): v128 {
  const w16 = rotl<u32>(element(x, 3) ^ element(y, 2), 1);
  const w17 = rotl<u32>(element(x, 2) ^ element(y, 1), 1);
  const w18 = rotl<u32>(element(x, 1) ^ element(y, 0), 1);
  return elements(rotl<u32>(element(x, 0) ^ w16, 1), w18, w17, w16);
}

/** SHA256RNDS2: ABEF in the second source, CDGH in the first, two message words with their constants in the third. */
export function rounds256(target: usize, x: usize, y: usize, words: usize): bool {
  let a = element(y, 3);
  let b = element(y, 2);
  let c = element(x, 3);
  let d = element(x, 2);
  let e = element(y, 1);
  let f = element(y, 0);
  let g = element(x, 1);
  let h = element(x, 0);
  for (let i: usize = 0; i < 2; i++) {
    const sum1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const sum0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t = choose(e, f, g) + sum1 + element(words, i) + h;
    const next = t + majority(a, b, c) + sum0;
    h = g;
    g = f;
    f = e;
    e = t + d;
    d = c;
    c = b;
    b = a;
    a = next;
  }
  return put(target, elements(f, e, b, a));
}
// @ts-ignore: decorator
@inline function turned(x: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}
/** SHA256MSG1. */
// @ts-ignore: decorator
@inline export function schedule256First(a: v128, b: v128): v128 {
  const w = v128.shuffle<i32>(a, b, 1, 2, 3, 4);
  return i32x4.add(a, v128.xor(v128.xor(turned(w, 7), turned(w, 18)), i32x4.shr_u(w, 3)));
}
// @ts-ignore: decorator
@inline function sigma1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
}
/** SHA256MSG2: the upper two words take the lower new ones in. */
// @ts-ignore: decorator
@inline export function schedule256Second(x: usize, y: usize): v128 {
  const w16 = element(x, 0) + sigma1(element(y, 2));
  const w17 = element(x, 1) + sigma1(element(y, 3));
  return elements(w16, w17, element(x, 2) + sigma1(w16), element(x, 3) + sigma1(w17));
}
