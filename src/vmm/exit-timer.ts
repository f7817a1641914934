// How long an exit takes, by the host's clock. Most exits are shorter than the clock's step in a browser, and than a look at the
// clock anywhere; one in many is timed and stands for the others. So the sum is an estimate, and two things must not spoil it:
// the look itself, and moments when the host gave the processor to somebody else in the middle of a timed exit.

import { TIMED_EVERY, TIMED_FIRST } from './exit-stats.js';

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
const INTERRUPTED_NS = INTERRUPTED_MS * 1e6;

/**
 * Nanoseconds to add to a reason's sum for a timed exit that began at `start` (performance.now()): exit number `n` of its
 * reason, whose sum so far is `sum` ns. May be negative, of an exit within one step of the clock: only the sum means something.
 */
export function timedExit(start: number, n: number, sum: number): number {
  const end = performance.now();
  // a second look costs what the first did, here and now: by a coarse clock on average
  const look = performance.now() - end;
  const ns = (end - start - (look > INTERRUPTED_MS ? 0 : look)) * 1e6;
  if (n < TIMED_FIRST) return ns;
  const much = Math.abs(ns);
  if (much > INTERRUPTED_NS && much * n > INTERRUPTED_TIMES * sum) return Math.max(0, ns);
  return ns * TIMED_EVERY;
}
