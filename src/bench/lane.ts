// One kick lane as the benchmark sees it: its thread, what it has measured, and the rows made of that.

import type { BenchHost } from './host.js';
import { TSC_KHZ, type KickRun, type LaneOptions, type SubTest } from './kick-lane.js';
import { KickThread } from './kick-thread.js';
import { KICKS, type Kick, type KickRow } from './result.js';
import { sampleOf } from './sample.js';

/** Ratios are to this one, whether its row was asked for or not. */
export const PIO: Kick = 'pio-wildcard';
/** A run that takes less than so much of the best one before is faster; and how often the time to warm up is extended for such. */
const FASTER = 0.95;
const PATIENCE = 4;

/** A lane's thread, and what it has measured. */
export class Lane {
  readonly options: LaneOptions;
  readonly #thread: KickThread;
  readonly #kicks: readonly Kick[];
  readonly #runs: KickRun[] = [];

  constructor(host: BenchHost, options: LaneOptions, kicks: readonly Kick[]) {
    this.options = options;
    this.#kicks = kicks;
    this.#thread = new KickThread(host.startLane(options), options.paging);
  }

  /** V8 compiles the core and the exit path well only after they have run for a while: until runs no longer get faster. */
  async warmUp(goal: number, milliseconds: number): Promise<void> {
    const start = performance.now();
    let best = Infinity;
    for (let faster = true; faster || performance.now() < start + milliseconds;) {
      const runs = await this.#thread.run({ goal, kicks: this.#kicks });
      const sum = runs.reduce((total, { ticks, iterations }) => total + ticks / iterations, 0);
      faster = sum < best * FASTER && performance.now() < start + milliseconds * PATIENCE;
      best = Math.min(best, sum);
    }
  }

  async measure(goal: number): Promise<void> {
    this.#runs.push(...(await this.#thread.run({ goal, kicks: this.#kicks })));
  }

  /** Whether there is anything to make rows of. */
  get measured(): boolean {
    return this.#runs.length > 0;
  }

  runs(subTest: SubTest): KickRun[] {
    return this.#runs.filter((run) => run.kick === subTest);
  }

  /** Of each repetition. */
  nanoseconds(subTest: SubTest): number[] {
    return this.runs(subTest).map(({ ticks, iterations }) => (ticks / iterations / TSC_KHZ) * 1e6);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** The rows of `wanted`; none before the lane has measured anything. */
export function kickRows(lane: Lane, wanted: readonly Kick[], crossingNs: number): KickRow[] {
  if (!lane.measured) return [];
  const pio = sampleOf(lane.nanoseconds(PIO)).min;
  return KICKS.filter((kick) => wanted.includes(kick)).map((kick) => {
    const { min, median } = sampleOf(lane.nanoseconds(kick));
    const runs = lane.runs(kick);
    const total = (what: 'kicks' | 'decodes' | 'walks'): number => runs.reduce((sum, run) => sum + run[what], 0);
    const made = total('kicks');
    return {
      kick,
      paging: lane.options.paging,
      cycles: (min * TSC_KHZ) / 1e6,
      ns: min,
      medianNs: median,
      decodesPerExit: total('decodes') / made,
      walksPerExit: total('walks') / made,
      ratioToPio: min / pio,
      ratioToCrossing: min / crossingNs,
      kicks: made,
    };
  });
}
