// How coarse a clock is. Browsers round performance.now(): 5 or 20 µs on isolated pages, 100 µs or 1 ms on others; what is
// timed must last long beside that, or the figures are those of the clock.

/** A stretch to time lasts at least so many steps: rounding its two ends then changes it by 2 % at most. */
const STEPS = 50;
/** Changes of the clock that are looked at; the least counts, as other threads may run between two looks. */
const LOOKS = 20;

/** The least difference of two readings that differ, in milliseconds. */
export function clockStep(now: () => number = () => performance.now()): number {
  let least = Infinity;
  let before = now();
  for (let look = 0; look < LOOKS;) {
    const time = now();
    if (time === before) continue;
    if (look > 0) least = Math.min(least, time - before);
    before = time;
    look++;
  }
  return least;
}

/** How long to time at least, in milliseconds, by a clock of that step. */
export function leastTimed(step: number): number {
  return STEPS * step;
}

/** The goal (2^goal ticks) of sub-tests that last so long, or `goal` if that is more. */
export function goalFor(goal: number, step: number, tscKhz: number): number {
  return Math.max(goal, Math.ceil(Math.log2(Math.max(leastTimed(step) * tscKhz, 1))));
}
