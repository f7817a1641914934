// Arithmetic on 128 bits, which Wasm has not.

/** Second half of the last result: of a product or a shift the lower, of a division the remainder. */
export let low: u64 = 0;

// @ts-ignore: decorator
@inline const HALF: u64 = 0xffffffff;

/** Upper half of a × b; the lower is in `low`. */
export function multiplyWide(a: u64, b: u64): u64 {
  const aLow = a & HALF;
  const aHigh = a >> 32;
  const bLow = b & HALF;
  const bHigh = b >> 32;
  const cross = aHigh * bLow + ((aLow * bLow) >> 32);
  const middle = aLow * bHigh + (cross & HALF);
  low = a * b;
  return aHigh * bHigh + (cross >> 32) + (middle >> 32);
}

/** (hi:lo) / d for a normalized d > hi; the remainder is in `low`. Two digits of 32 bits (Knuth, vol. 2, 4.3.1, algorithm D). */
export function divideWide(hi: u64, lo: u64, d: u64): u64 {
  const dh = d >> 32;
  const dl = d & HALF;
  let q1 = hi / dh;
  let r = hi - q1 * dh;
  while (q1 >> 32 || q1 * dl > ((r << 32) | (lo >> 32))) {
    q1--;
    r += dh;
    if (r >> 32) break;
  }
  const middle = ((hi << 32) | (lo >> 32)) - q1 * d;
  let q0 = middle / dh;
  r = middle - q0 * dh;
  while (q0 >> 32 || q0 * dl > ((r << 32) | (lo & HALF))) {
    q0--;
    r += dh;
    if (r >> 32) break;
  }
  low = ((middle << 32) | (lo & HALF)) - q0 * d;
  return (q1 << 32) + q0;
}

/** (hi:lo) >> count, count ≥ 0; what is shifted out stays visible in the lowest bit of `low`. */
export function shiftRightSticky(hi: u64, lo: u64, count: u32): u64 {
  if (!count) {
    low = lo;
    return hi;
  }
  const n = <u64>count;
  if (count < 64) {
    low = (hi << (64 - n)) | (lo >> n) | u64(lo << (64 - n) != 0);
    return hi >> n;
  }
  if (count == 64) low = hi | u64(lo != 0);
  else if (count < 128) low = (hi >> (n - 64)) | u64(((hi << (128 - n)) | lo) != 0);
  else low = u64((hi | lo) != 0);
  return 0;
}
