// The whole benchmark: what is measured, how often, and in what order. Repetitions go round all things measured, so that
// a drift of the machine (clock frequency, other load) touches all rows alike.

import { cpus } from 'node:os';
import type { PagingMode } from '../vmm/options.js';
import { Crossing } from './crossing.js';
import { CpuLoop, INTEGER_LOOPS, LOOPS } from './cpu.js';
import { Dispatch } from './dispatch.js';
import { TSC_KHZ, type KickRun, type LaneOptions, type SubTest } from './kick-lane.js';
import { KickThread } from './kick-thread.js';
import {
  KICKS,
  PAGING_MODES,
  type BenchResult,
  type CpuRow,
  type DoorbellsRow,
  type Kick,
  type KickRow,
  type ResetRow,
} from './result.js';
import { Reset } from './reset.js';
import { geometricMean, sampleOf } from './sample.js';

export interface BenchOptions {
  /** Sub-tests run for at least 2^goal ticks. */
  goal: number;
  repetitions: number;
  /** Milliseconds that each lane runs before it is measured. */
  warmUpMs: number;
  paging: readonly PagingMode[];
  kicks: readonly Kick[];
  /** How many doorbells to compare; none: leave it out. */
  doorbells: readonly number[];
  /** How many pages the guests write to that are put back to a snapshot; none: leave it out. */
  resets: readonly number[];
  /** Divides the usual length of the CPU loops; 0: leave them out. */
  cpuDivisor: number;
  cpuRepetitions: number;
  /** Told what is being measured. */
  progress?: (what: string) => void;
}

/**
 * Many short repetitions rather than few long ones: a pass of a few milliseconds often gets by without being interrupted, so
 * that the fastest one is right even on a machine that does other things as well.
 */
export const FULL: BenchOptions = {
  goal: 22,
  repetitions: 60,
  warmUpMs: 1500,
  paging: PAGING_MODES,
  kicks: KICKS,
  doorbells: [1, 10_000],
  resets: [0, 16, 64, 256],
  cpuDivisor: 40,
  cpuRepetitions: 25,
};
export const QUICK: BenchOptions = {
  ...FULL,
  goal: 21,
  repetitions: 15,
  warmUpMs: 1000,
  cpuDivisor: 80,
  cpuRepetitions: 8,
};

/** Warming up is by runs of this goal at most, so that its end is near the time it is given. */
const WARM_UP_GOAL = 23;
/** A run that takes less than so much of the best one before is faster; and how often the time to warm up is extended for such. */
const FASTER = 0.95;
const PATIENCE = 4;
/** Windows of the baselines: to warm up, and in each repetition. */
const WARM_UP_WINDOWS = 100;
const WINDOWS = 40;
/** Ratios are to this one, whether its row was asked for or not. */
const PIO: Kick = 'pio-wildcard';

/** Measures everything that the options name. Throws BenchError if a measurement did not do what its row says. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { goal, repetitions, paging, progress = () => {} } = options;
  const kicks = KICKS.filter((kick) => kick === PIO || options.kicks.includes(kick));
  const crossing = new Crossing();
  const dispatch = new Dispatch();
  const lanes = [
    ...paging.map((mode) => new Lane({ paging: mode }, kicks)),
    ...options.doorbells.map((doorbells) => new Lane({ paging: paging[0]!, doorbells }, ['pv'])),
  ];
  try {
    progress('warming up');
    crossing.measure(WARM_UP_WINDOWS, false);
    dispatch.measure(WARM_UP_WINDOWS, false);
    for (const lane of lanes) await lane.warmUp(Math.min(goal, WARM_UP_GOAL), options.warmUpMs);
    for (let repetition = 1; repetition <= repetitions; repetition++) {
      progress(`kicks, repetition ${repetition} of ${repetitions}`);
      crossing.measure(WINDOWS);
      dispatch.measure(WINDOWS);
      for (const lane of lanes) await lane.measure(goal);
    }
  } finally {
    for (const lane of lanes) await lane.close();
  }

  const resets = await measureResets(options, paging, progress);

  const loops = options.cpuDivisor > 0 ? await Promise.all(LOOPS.map((name) => CpuLoop.load(name))) : [];
  progress('CPU loops, warming up');
  for (const loop of loops) await loop.check();
  // All loops run by the same code of the core: what one warms up serves the others.
  for (
    let index = 0, end = performance.now() + options.warmUpMs;
    loops.length > 0 && performance.now() < end;
    index++
  ) {
    await loops[index % loops.length]!.warmUp(options.cpuDivisor);
  }
  for (let repetition = 1; repetition <= options.cpuRepetitions; repetition++) {
    for (const loop of loops) {
      progress(`CPU loops, repetition ${repetition} of ${options.cpuRepetitions}: ${loop.name}`);
      await loop.measure(options.cpuDivisor);
    }
  }

  const { min: crossingNs, median: crossingMedianNs } = crossing.result();
  const operation = dispatch.result();
  const cpu = loops.map((loop) => loop.result());
  return {
    rows: lanes
      .filter(({ options: { doorbells } }) => doorbells === undefined)
      .flatMap((lane) => kickRows(lane, options.kicks, crossingNs)),
    baseline: {
      crossingNs,
      crossingMedianNs,
      dispatchMips: 1e3 / operation.min,
      dispatchMedianMips: 1e3 / operation.median,
      emptyLoopNs: Math.min(...lanes.flatMap((lane) => lane.nanoseconds('empty'))),
    },
    cpu,
    cpuGeometricMean: cpu.length > 0 ? geometricMean(cpu.filter(isInteger).map(({ mips }) => mips)) : null,
    doorbells: lanes.flatMap((lane): DoorbellsRow[] => {
      const { paging: mode, doorbells } = lane.options;
      if (doorbells === undefined) return [];
      const { min, median } = sampleOf(lane.nanoseconds('pv'));
      return [{ doorbells, paging: mode, ns: min, medianNs: median }];
    }),
    resets,
    settings: { goal, repetitions, tscKhz: TSC_KHZ },
    host: host(),
  };
}

async function measureResets(
  { resets, repetitions, warmUpMs }: BenchOptions,
  paging: readonly PagingMode[],
  progress: (what: string) => void,
): Promise<ResetRow[]> {
  const all: Reset[] = [];
  try {
    for (const mode of paging) for (const pages of resets) all.push(await Reset.create(mode, pages));
    progress('resets, warming up');
    for (let index = 0, end = performance.now() + warmUpMs; all.length > 0 && performance.now() < end; index++) {
      all[index % all.length]!.measure(false);
    }
    for (let repetition = 1; repetition <= repetitions; repetition++) {
      progress(`resets, repetition ${repetition} of ${repetitions}`);
      for (const reset of all) reset.measure();
    }
    return all.map((reset) => reset.result());
  } finally {
    for (const reset of all) reset.close();
  }
}

/** A lane's thread, and what it has measured. */
class Lane {
  readonly options: LaneOptions;
  readonly #thread: KickThread;
  readonly #kicks: readonly Kick[];
  readonly #runs: KickRun[] = [];

  constructor(options: LaneOptions, kicks: readonly Kick[]) {
    this.options = options;
    this.#kicks = kicks;
    this.#thread = new KickThread(options);
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

function kickRows(lane: Lane, wanted: readonly Kick[], crossingNs: number): KickRow[] {
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

function isInteger({ name }: CpuRow): boolean {
  return INTEGER_LOOPS.some((loop) => loop === name);
}

function host(): BenchResult['host'] {
  const processors = cpus();
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
  };
}
