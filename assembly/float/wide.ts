// Products of 128 bits.

/** The lower half of the last product. */
export let productLow: u64 = 0;

/** a × b; returns the upper half. */
export function multiplyWide(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const cross = aHigh * bLow + (low >> 32);
  const middle = aLow * bHigh + (cross & 0xffffffff);
  productLow = a * b;
  return aHigh * bHigh + (cross >> 32) + (middle >> 32);
}
