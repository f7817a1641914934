// The whole benchmark: what is measured, how often, and in what order. Repetitions go round all things measured, so that
// a drift of the machine (clock frequency, other load) touches all rows alike.

import { hostTurn } from '../vmm/host-turn.js';
import type { PagingMode } from '../vmm/options.js';
import { goalFor, leastTimed } from './clock-step.js';
import { CpuLoop } from './cpu.js';
import { Crossing } from './crossing.js';
import { Dispatch } from './dispatch.js';
import type { BenchHost } from './host.js';
import { TSC_KHZ } from './kick-lane.js';
import { kickRows, Lane, PIO } from './lane.js';
import { INTEGER_LOOPS, LOOPS } from './loops.js';
import { Reset } from './reset.js';
import {
  KICKS,
  PAGING_MODES,
  type BenchResult,
  type BenchStage,
  type CpuRow,
  type DoorbellsRow,
  type Kick,
} from './result.js';
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
  /** Told what has been found so far, whenever a lane or a repetition is done. */
  update?: (soFar: BenchResult, stage: BenchStage) => void;
  /** Ends the measurement: runBench() then rejects with the signal's reason. */
  signal?: AbortSignal;
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
/** For tables that somebody watches: kicks alone, soon there, and better with each repetition. */
export const LIVE: BenchOptions = {
  ...QUICK,
  repetitions: 40,
  warmUpMs: 150,
  doorbells: [],
  resets: [],
  cpuDivisor: 0,
};

/** Warming up is by runs of this goal at most, so that its end is near the time it is given. */
const WARM_UP_GOAL = 23;
/** Windows of the baselines: to warm up, and in each repetition. */
const WARM_UP_WINDOWS = 100;
const WINDOWS = 40;
/** About what a window takes by a fine clock. */
const WINDOW_MS = 0.2;
/** What is being measured, by which the result is made: all of it, or what there is so far. */
interface Parts {
  options: BenchOptions;
  host: BenchHost;
  goal: number;
  crossing: Crossing;
  dispatch: Dispatch;
  lanes: Lane[];
  resets: Reset[];
  loops: CpuLoop[];
}

/** Measures everything that the options name. Throws BenchError if a measurement did not do what its row says. */
export async function runBench(options: BenchOptions, host: BenchHost): Promise<BenchResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  const step = host.clockStep();
  const least = leastTimed(step);
  const kicks = KICKS.filter((kick) => kick === PIO || options.kicks.includes(kick));
  const parts: Parts = {
    options,
    host,
    goal: goalFor(options.goal, step, TSC_KHZ),
    crossing: new Crossing(least),
    dispatch: new Dispatch(least),
    lanes: [
      ...options.paging.map((mode) => new Lane(host, { paging: mode }, kicks)),
      ...options.doorbells.map((doorbells) => new Lane(host, { paging: options.paging[0]!, doorbells }, ['pv'])),
    ],
    resets: [],
    loops: [],
  };
  const close = (): void => {
    for (const lane of parts.lanes) void lane.close();
  };
  signal?.addEventListener('abort', close);
  try {
    await measureKicks(parts, least);
    for (const lane of parts.lanes) await lane.close();
    await measureResets(parts, least);
    await measureLoops(parts);
    return resultOf(parts);
  } catch (error) {
    signal?.throwIfAborted(); // what fails because of the signal is none of the caller's business
    throw error;
  } finally {
    signal?.removeEventListener('abort', close);
    for (const lane of parts.lanes) await lane.close();
  }
}

/** Where a signal is heard: nothing else gives the event loop a turn while this thread measures. */
async function mayEnd(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await hostTurn();
  signal.throwIfAborted();
}

function tell(parts: Parts, stage: BenchStage): void {
  parts.options.update?.(resultOf(parts), stage);
}

/** So many windows, or fewer of the longer ones that a coarse clock needs. */
function windows(count: number, least: number): number {
  return Math.max(1, Math.round(count * Math.min(1, WINDOW_MS / least)));
}

async function measureKicks(parts: Parts, least: number): Promise<void> {
  const { options, goal, crossing, dispatch, lanes } = parts;
  const { repetitions, warmUpMs, signal, progress = () => {} } = options;
  progress('warming up');
  crossing.measure(windows(WARM_UP_WINDOWS, least), false);
  dispatch.measure(windows(WARM_UP_WINDOWS, least), false);
  for (const lane of lanes) await lane.warmUp(Math.min(options.goal, WARM_UP_GOAL), warmUpMs);
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    progress(`kicks, repetition ${repetition} of ${repetitions}`);
    await mayEnd(signal);
    crossing.measure(windows(WINDOWS, least));
    dispatch.measure(windows(WINDOWS, least));
    for (const lane of lanes) {
      await lane.measure(goal);
      tell(parts, { what: 'kicks', repetition, repetitions });
    }
  }
}

async function measureResets(parts: Parts, least: number): Promise<void> {
  const { resets: all } = parts;
  const { resets, paging, repetitions, warmUpMs, signal, progress = () => {} } = parts.options;
  try {
    for (const mode of paging) for (const pages of resets) all.push(await Reset.create(mode, pages, least));
    if (all.length === 0) return;
    progress('resets, warming up');
    for (let index = 0, end = performance.now() + warmUpMs; performance.now() < end; index++) {
      all[index % all.length]!.measure(false);
    }
    for (let repetition = 1; repetition <= repetitions; repetition++) {
      progress(`resets, repetition ${repetition} of ${repetitions}`);
      await mayEnd(signal);
      for (const reset of all) reset.measure();
      tell(parts, { what: 'resets', repetition, repetitions });
    }
  } finally {
    for (const reset of all) reset.close();
  }
}

async function measureLoops(parts: Parts): Promise<void> {
  const { loops } = parts;
  const { cpuDivisor, cpuRepetitions, warmUpMs, signal, progress = () => {} } = parts.options;
  if (cpuDivisor === 0) return;
  loops.push(...(await Promise.all(LOOPS.map((name) => CpuLoop.load(name, parts.host.guestFile)))));
  progress('CPU loops, warming up');
  for (const loop of loops) await loop.check();
  // All loops run by the same code of the core: what one warms up serves the others.
  for (let index = 0, end = performance.now() + warmUpMs; performance.now() < end; index++) {
    await loops[index % loops.length]!.warmUp(cpuDivisor);
  }
  for (let repetition = 1; repetition <= cpuRepetitions; repetition++) {
    for (const loop of loops) {
      progress(`CPU loops, repetition ${repetition} of ${cpuRepetitions}: ${loop.name}`);
      await mayEnd(signal);
      await loop.measure(cpuDivisor);
      tell(parts, { what: 'cpu', repetition, repetitions: cpuRepetitions });
    }
  }
}

/** The result of what has been measured: there is a crossing, a dispatch and a lane at least. */
function resultOf({ options, host, goal, crossing, dispatch, lanes, resets, loops }: Parts): BenchResult {
  const { min: crossingNs, median: crossingMedianNs } = crossing.result();
  const operation = dispatch.result();
  const cpu = loops.filter(({ measured }) => measured).map((loop) => loop.result());
  const integer = cpu.filter(isInteger);
  const measured = lanes.filter((lane) => lane.measured);
  return {
    rows: measured
      .filter(({ options: { doorbells } }) => doorbells === undefined)
      .flatMap((lane) => kickRows(lane, options.kicks, crossingNs)),
    baseline: {
      crossingNs,
      crossingMedianNs,
      dispatchMips: 1e3 / operation.min,
      dispatchMedianMips: 1e3 / operation.median,
      emptyLoopNs: Math.min(...measured.flatMap((lane) => lane.nanoseconds('empty'))),
    },
    cpu,
    cpuGeometricMean: integer.length > 0 ? geometricMean(integer.map(({ mips }) => mips)) : null,
    doorbells: measured.flatMap((lane): DoorbellsRow[] => {
      const { paging, doorbells } = lane.options;
      if (doorbells === undefined) return [];
      const { min, median } = sampleOf(lane.nanoseconds('pv'));
      return [{ doorbells, paging, ns: min, medianNs: median }];
    }),
    resets: resets.filter((reset) => reset.measured).map((reset) => reset.result()),
    settings: { goal, repetitions: options.repetitions, tscKhz: TSC_KHZ },
    host: host.describe(),
  };
}

function isInteger({ name }: CpuRow): boolean {
  return INTEGER_LOOPS.some((loop) => loop === name);
}
