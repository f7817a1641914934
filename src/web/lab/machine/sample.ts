// The machine's counters at a moment, and what happened between two of them.

import type { ExitCounters, VmStats } from '../../../index.js';

/** Of the time between two looks. */
export interface Rates {
  /** Milliseconds on the clock of the machine's thread. */
  readonly duration: number;
  /** Million instructions a second. */
  readonly mips: number;
  /** Per exit reason that occurred since the machine was made; per second, and `nsPerExit` an estimate. */
  readonly exits: Readonly<Record<string, ExitRates>>;
  /** Exits a second, all reasons. */
  readonly exitsPerSecond: number;
  /** Share of exits without a decode, 0 to 1; undefined if there was no exit. */
  readonly decodeFree: number | undefined;
}

export interface ExitRates {
  readonly perSecond: number;
  readonly decodesPerSecond: number;
  readonly walksPerSecond: number;
  readonly decodeFreePerSecond: number;
  readonly nsPerExit: number | undefined;
}

const NOTHING: ExitCounters = { count: 0, decodes: 0, walks: 0, decodeFree: 0, ns: 0 };

/** What happened from one look at the counters to a later one of the same machine. */
export function ratesBetween(before: VmStats, after: VmStats): Rates {
  const duration = after.time - before.time;
  const seconds = Math.max(duration, 0.001) / 1000;
  const exits: Record<string, ExitRates> = {};
  let count = 0;
  let decodeFree = 0;
  for (const [reason, now] of Object.entries(after.exits)) {
    const then = before.exits[reason] ?? NOTHING;
    const made = now.count - then.count;
    exits[reason] = {
      perSecond: made / seconds,
      decodesPerSecond: (now.decodes - then.decodes) / seconds,
      walksPerSecond: (now.walks - then.walks) / seconds,
      decodeFreePerSecond: (now.decodeFree - then.decodeFree) / seconds,
      nsPerExit: made > 0 ? (now.ns - then.ns) / made : undefined,
    };
    count += made;
    decodeFree += now.decodeFree - then.decodeFree;
  }
  return {
    duration,
    mips: (after.instructions - before.instructions) / seconds / 1e6,
    exits,
    exitsPerSecond: count / seconds,
    decodeFree: count > 0 ? decodeFree / count : undefined,
  };
}
