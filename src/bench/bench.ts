// The whole benchmark: what is measured, how often, and in what order. Repetitions go round all things measured, so that
// a drift of the machine (clock frequency, other load) touches all rows alike.

import { cpus } from 'node:os';
import type { PagingMode } from '../vmm/options.js';
import { Crossing } from './crossing.js';
import { CpuLoop, LOOPS } from './cpu.js';
import { Dispatch } from './dispatch.js';
import { runKicks, TSC_KHZ, type KickRun } from './kicks.js';
import { KICKS, PAGING_MODES, type BenchResult, type DoorbellsRow, type Kick, type KickRow } from './result.js';
import { geometricMean, sampleOf } from './sample.js';

export interface BenchOptions {
  /** Sub-tests run for at least 2^goal ticks. */
  goal: number;
  repetitions: number;
  paging: readonly PagingMode[];
  kicks: readonly Kick[];
  /** How many doorbells to compare; none: leave it out. */
  doorbells: readonly number[];
  /** Divides the usual length of the CPU loops; 0: leave them out. */
  cpuDivisor: number;
  cpuRepetitions: number;
  /** Told what is being measured. */
  progress?: (what: string) => void;
}

export const FULL: BenchOptions = {
  goal: 26,
  repetitions: 5,
  paging: PAGING_MODES,
  kicks: KICKS,
  doorbells: [1, 10_000],
  cpuDivisor: 4,
  cpuRepetitions: 3,
};
export const QUICK: BenchOptions = { ...FULL, goal: 23, repetitions: 3, cpuDivisor: 16, cpuRepetitions: 2 };

/** V8 compiles the core and the exit path well only after they have run for a while; so long is that while. */
const WARM_UP_GOAL = 25;
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
  const kickRuns = new Map<PagingMode, KickRun[]>(paging.map((mode) => [mode, []]));
  const crowdRuns = new Map<number, KickRun[]>(options.doorbells.map((count) => [count, []]));

  const round = async (exponent: number, record: boolean): Promise<void> => {
    crossing.measure(record ? WINDOWS : WARM_UP_WINDOWS, record);
    dispatch.measure(record ? WINDOWS : WARM_UP_WINDOWS, record);
    for (const mode of paging) {
      const runs = await runKicks({ paging: mode, goal: exponent, kicks });
      if (record) kickRuns.get(mode)!.push(...runs);
    }
    for (const doorbells of options.doorbells) {
      const runs = await runKicks({ paging: paging[0]!, goal: exponent, kicks: ['pv'], doorbells });
      if (record) crowdRuns.get(doorbells)!.push(...runs);
    }
  };
  progress('warming up');
  await round(Math.min(goal, WARM_UP_GOAL), false);
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    progress(`kicks, repetition ${repetition} of ${repetitions}`);
    await round(goal, true);
  }

  const loops = options.cpuDivisor > 0 ? await Promise.all(LOOPS.map((name) => CpuLoop.load(name))) : [];
  progress('CPU loops, warming up');
  for (const loop of loops) await loop.warmUp();
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
    rows: paging.flatMap((mode) => kickRows(mode, kickRuns.get(mode)!, options.kicks, crossingNs)),
    baseline: {
      crossingNs,
      crossingMedianNs,
      dispatchMips: 1e3 / operation.min,
      dispatchMedianMips: 1e3 / operation.median,
    },
    cpu,
    cpuGeometricMean: cpu.length > 0 ? geometricMean(cpu.map(({ mips }) => mips)) : null,
    doorbells: [...crowdRuns].map(([doorbells, runs]): DoorbellsRow => {
      const { min, median } = sampleOf(runs.map(nanoseconds));
      return { doorbells, paging: paging[0]!, ns: min, medianNs: median };
    }),
    settings: { goal, repetitions, tscKhz: TSC_KHZ },
    host: host(),
  };
}

function nanoseconds({ ticks, iterations }: KickRun): number {
  return (ticks / iterations / TSC_KHZ) * 1e6;
}

function kickRows(paging: PagingMode, runs: KickRun[], wanted: readonly Kick[], crossingNs: number): KickRow[] {
  const of = (kick: Kick): KickRun[] => runs.filter((run) => run.kick === kick);
  const pio = sampleOf(of(PIO).map(nanoseconds)).min;
  return KICKS.filter((kick) => wanted.includes(kick)).map((kick) => {
    const mine = of(kick);
    const { min, median } = sampleOf(mine.map(nanoseconds));
    const total = (what: 'kicks' | 'decodes' | 'walks'): number => mine.reduce((sum, run) => sum + run[what], 0);
    const made = total('kicks');
    return {
      kick,
      paging,
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
