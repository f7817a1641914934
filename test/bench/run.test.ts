// The engine on a host that is this process: results fill and sharpen while it runs, a signal ends it, and a coarse clock
// makes it measure longer.

import { expect, it } from 'vitest';
import { FULL, runBench, type BenchOptions } from '../../src/bench/bench.js';
import type { BenchHost } from '../../src/bench/host.js';
import { serveLane, type LaneAnswer } from '../../src/bench/lane-server.js';
import { guestFile, nodeHost } from '../../src/bench/node-host.js';
import { KICKS, type BenchResult, type BenchStage } from '../../src/bench/result.js';

const SHORT: BenchOptions = {
  ...FULL,
  goal: 12,
  repetitions: 3,
  warmUpMs: 0,
  paging: ['ept', 'npt'],
  doorbells: [3],
  resets: [0, 2],
  cpuDivisor: 0,
};

interface Here extends BenchHost {
  started: number;
  closed: number;
}

/** Lanes without threads. */
function here(step = 0): Here {
  const host: Here = {
    ...nodeHost,
    started: 0,
    closed: 0,
    clockStep: () => step,
    startLane: (options) => {
      host.started++;
      const answer = serveLane(options, guestFile);
      let told: (message: LaneAnswer) => void;
      let open = true;
      return {
        listen: (answered) => (told = answered),
        request: (request) => void answer(request).then((message) => open && told(message)),
        close: () => {
          if (open) host.closed++;
          open = false;
          return Promise.resolve();
        },
      };
    },
  };
  return host;
}

it('tells the result so far after every lane; the fastest only gets faster', async () => {
  const told: { soFar: BenchResult; stage: BenchStage }[] = [];
  const host = here();
  const result = await runBench({ ...SHORT, update: (soFar, stage) => told.push({ soFar, stage }) }, host);

  expect(told.map(({ stage: { what, repetition } }) => `${what} ${repetition}`)).toEqual([
    ...[1, 2, 3].flatMap((repetition) => Array.from({ length: 3 }, () => `kicks ${repetition}`)),
    ...['resets 1', 'resets 2', 'resets 3'],
  ]);
  const counts = told.map(({ soFar: { rows, doorbells, resets } }) => [rows.length, doorbells.length, resets.length]);
  expect(counts.slice(0, 4)).toEqual([
    [9, 0, 0],
    [18, 0, 0],
    [18, 1, 0],
    [18, 1, 0],
  ]);
  expect(counts.at(-1)).toEqual([18, 1, 4]);
  expect(told.at(-1)!.soFar).toEqual(result);

  for (const [index, { soFar }] of told.entries()) {
    for (const [at, row] of soFar.rows.entries()) {
      const before = told[index - 1]?.soFar.rows[at];
      if (before !== undefined) {
        expect(row.ns).toBeLessThanOrEqual(before.ns);
        expect(row.kicks).toBeGreaterThanOrEqual(before.kicks);
      }
      if (row.kick === 'pv') expect([row.decodesPerExit, row.walksPerExit]).toEqual([0, 0]);
      if (row.kick === 'pio-wildcard') expect(row.ratioToPio).toBe(1);
      expect(row.ratioToCrossing).toBeCloseTo(row.ns / soFar.baseline.crossingNs, 9);
    }
  }
  expect([host.started, host.closed]).toEqual([3, 3]);
});

it.each(['kicks', 'resets', 'cpu'] as const)('a signal ends it among the %s, and the lanes with it', async (what) => {
  const controller = new AbortController();
  const host = here();
  const seen: string[] = [];
  const run = runBench(
    {
      ...SHORT,
      kicks: ['pv'],
      repetitions: 5,
      cpuDivisor: 1e9,
      cpuRepetitions: 5,
      signal: controller.signal,
      update: (_, stage) => {
        seen.push(stage.what);
        if (stage.what === what) controller.abort(new Error('enough'));
      },
    },
    host,
  );
  await expect(run).rejects.toThrow('enough');
  expect(seen.filter((each) => each === what)).toHaveLength(1);
  expect(host.closed).toBe(host.started);
});

it('does not start when the signal has been given before', async () => {
  const host = here();
  const run = runBench({ ...SHORT, signal: AbortSignal.abort(new Error('too late')) }, host);
  await expect(run).rejects.toThrow('too late');
  expect(host.started).toBe(0);
});

it('measures for 50 steps of a coarse clock at least, and says so', async () => {
  const options: BenchOptions = { ...SHORT, repetitions: 1, paging: ['ept'], doorbells: [], resets: [2] };
  const result = await runBench(options, here(0.02));
  expect(result.settings.goal).toBe(22); // 50 × 20 µs are 2.8 million ticks
  expect(result.rows.map(({ kick }) => kick)).toEqual(KICKS);
  // A sub-test of two passes or more, the last of 1 ms at least.
  for (const { kicks, ns } of result.rows) expect(kicks * ns).toBeGreaterThan(1e6);
});
