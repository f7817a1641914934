// Arithmetic on 64-bit counters in two unsigned 32-bit halves, without BigInt: these run for every read of a clock.

import type { WideValue } from '../../../bus/device.js';

const WORD = 0x1_0000_0000;

/** `to` = a counter at (lo, hi) after a number of ticks, below 2^53; with `bits` 32 the upper half is 0. */
export function addTicks(to: WideValue, { lo, hi }: WideValue, ticks: number, bits: 32 | 64 = 64): void {
  const high = Math.floor(ticks / WORD);
  const sum = lo + (ticks - high * WORD);
  to.lo = sum >>> 0;
  to.hi = bits === 32 ? 0 : (hi + high + (sum >= WORD ? 1 : 0)) >>> 0;
}

/** Ticks from a counter's value to another, modulo 2^bits: exact below 2^53, and beyond that large. */
export function ticksBetween(from: WideValue, to: WideValue, bits: 32 | 64): number {
  const low = to.lo - from.lo;
  if (bits === 32) return low >>> 0;
  const high = (to.hi - from.hi - (low < 0 ? 1 : 0)) >>> 0;
  return high * WORD + (low >>> 0);
}
