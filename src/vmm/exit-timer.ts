// How long an exit takes, by the host's clock. Most exits are shorter than the clock's step in a browser, and than a look at the
// clock anywhere; one in many is timed and stands for the others. So the sum is an estimate, and two things must not spoil it:
// the look itself, and moments when the host gave the processor to somebody else in the middle of a timed exit.

import { TIMED_EVERY, TIMED_FIRST } from './exit-stats.js';

const LOOKS = 1000;
const ROUNDS = 4;

/** Milliseconds that a look takes. Averages, because a coarse clock stands still between two looks; the least of some. */
const LOOK_MS = lookCost();
function lookCost(): number {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let end = start;
    for (let look = 0; look < LOOKS; look++) end = performance.now();
    least = Math.min(least, (end - start) / LOOKS);
  }
  return least;
}

/** Milliseconds between two values that the clock can have: 5 µs to 1 ms in browsers. */
const STEP_MS = clockStep();
function clockStep(): number {
  const start = performance.now();
  for (;;) {
    const now = performance.now();
    if (now !== start) return now - start;
  }
}

/** A timed exit this much longer than the average of its reason was interrupted: it happened, but stands for no others. */
const INTERRUPTED_TIMES = 50;
const INTERRUPTED_MS = 0.02 + 2 * STEP_MS;

/**
 * Nanoseconds to add to a reason's sum for a timed exit that began at `start` (performance.now()): exit number `n` of its
 * reason, whose sum so far is `sum` ns. May be negative, of an exit within one step of the clock: only the sum means something.
 */
export function timedExit(start: number, n: number, sum: number): number {
  const ms = performance.now() - start - LOOK_MS;
  if (n < TIMED_FIRST) return ms * 1e6;
  const interrupted = ms > INTERRUPTED_MS && ms * 1e6 * n > INTERRUPTED_TIMES * sum;
  return interrupted ? ms * 1e6 : ms * 1e6 * TIMED_EVERY;
}
