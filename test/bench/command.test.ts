// `doorbell bench` as scripts use it: the JSON's shape, in a run too short to be worth anything else.

import { beforeAll, expect, it } from 'vitest';
import type { BenchResult } from '../../src/bench/result.js';
import { buildCommand, doorbell } from '../cli/built.js';

const KICKS = [
  'cpuid',
  'hypercall',
  'pio-none',
  'pio-wildcard',
  'pio-datamatch',
  'mmio-none',
  'mmio-wildcard',
  'mmio-datamatch',
  'pv',
];
const INTEGER_LOOPS = ['sieve', 'crc32', 'sha256', 'quicksort', 'tree', 'matrix', 'mix', 'bytecode', 'fib', 'strings'];
const LOOPS = [...INTEGER_LOOPS, 'nbody-sse2', 'mandelbrot-sse2', 'nbody-x87', 'mandelbrot-x87'];

beforeAll(buildCommand, 120_000);

const positive = expect.toSatisfy((value: unknown) => typeof value === 'number' && value > 0 && value < Infinity);

it('--json prints one line with the agreed fields', async () => {
  const { status, stdout, stderr } = await doorbell(['bench', '--json', '--quick', '--goal', '12']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^[^\n]+\n$/);
  const result = JSON.parse(stdout) as BenchResult;

  const pairs = ['ept', 'npt', 'shadow'].flatMap((paging) => KICKS.map((kick) => ({ kick, paging })));
  expect(result.rows.map(({ kick, paging }) => ({ kick, paging }))).toEqual(pairs);
  for (const row of result.rows) {
    expect(row).toMatchObject({ cycles: positive, ns: positive, ratioToPio: positive });
    // The TSC is 2.8 GHz of the clock that nanoseconds are of.
    expect(row.cycles / row.ns).toBeCloseTo(2.8, 9);
    const [decodes, walks] = [row.decodesPerExit, row.walksPerExit];
    if (row.kick.startsWith('mmio-')) expect(Math.min(decodes, walks)).toBeGreaterThan(0);
    else expect([decodes, walks]).toEqual([0, 0]);
  }
  expect(result.rows.filter(({ kick }) => kick === 'pio-wildcard').map(({ ratioToPio }) => ratioToPio)).toEqual([
    1, 1, 1,
  ]);
  expect(result.baseline.crossingNs).toEqual(positive);
  expect(result.cpu).toEqual(LOOPS.map((name) => expect.objectContaining({ name, mips: positive })));
  expect(result.resets.map(({ paging, pages }) => [paging, pages])).toEqual(
    ['ept', 'npt', 'shadow'].flatMap((paging) => [0, 16, 64, 256].map((pages) => [paging, pages])),
  );
  for (const { perSecond, ns, restoreNs } of result.resets) {
    expect([perSecond, restoreNs]).toEqual([positive, positive]);
    expect(perSecond * ns).toBeCloseTo(1e9, 0);
  }
  expect(result.doorbells.map(({ doorbells }) => doorbells)).toEqual([1, 10_000]);
  expect(result.host).toMatchObject({ node: process.version, v8: process.versions.v8 });
}, 120_000);

it('prints the rows that were asked for, and the figures of 2013 as what they are', async () => {
  const args = ['bench', '--quick', '--goal', '12', '--kick', 'pv', '--kick', 'mmio-wildcard', '--paging', 'npt'];
  const { status, stdout } = await doorbell(args);
  expect(status).toBe(0);
  const rows = [
    ...stdout.matchAll(/^(ept|npt|shadow)? +(\S+) +\d+ +[\d.]+ +[\d.]+ +(\S+) +(\S+) +[\d.]+ +[\d.]+ +\S+$/gm),
  ];
  expect(rows.map(([, paging, kick]) => [paging, kick])).toEqual([
    ['npt', 'mmio-wildcard'],
    [undefined, 'pv'],
  ]);
  expect(rows[1]!.slice(3, 5)).toEqual(['0', '0']);
  expect(stdout).toMatch(/not measured here: KVM in 2013/);
  for (const figure of ['3529', '1878', '1846']) expect(stdout).toContain(figure);
  expect(stdout).toMatch(/^geometric mean +\d+/m);
}, 120_000);
