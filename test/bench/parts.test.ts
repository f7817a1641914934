// The parts of the benchmark that can be right or wrong: arithmetic, layout, and that the baselines do what they time.

import { describe, expect, it } from 'vitest';
import { Crossing } from '../../src/bench/crossing.js';
import { Dispatch } from '../../src/bench/dispatch.js';
import { guestFile } from '../../src/bench/node-host.js';
import { geometricMean, sampleOf } from '../../src/bench/sample.js';
import { bar, textTable } from '../../src/bench/text-table.js';
import { moduleBytes, unsigned } from '../../src/bench/wasm-bytes.js';

describe('sampleOf', () => {
  it('is the least and the middle one', () => {
    expect(sampleOf([5, 1, 9])).toEqual({ min: 1, median: 5 });
    expect(sampleOf([4, 1, 2, 9])).toEqual({ min: 1, median: 3 });
    expect(sampleOf([7])).toEqual({ min: 7, median: 7 });
    expect(() => sampleOf([])).toThrow(RangeError);
  });

  it('geometricMean multiplies', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
    expect(geometricMean([100, 100, 100])).toBeCloseTo(100, 9);
  });
});

describe('text-table', () => {
  it('aligns columns', () => {
    const columns = [
      { title: 'kick', align: 'left' },
      { title: 'ns', align: 'right' },
    ] as const;
    expect(
      textTable(columns, [
        ['pv', '7'],
        ['mmio-none', '1234'],
      ]),
    ).toEqual(['kick         ns', 'pv            7', 'mmio-none  1234']);
  });

  it('draws bars to an eighth of a character', () => {
    expect(bar(10, 10, 4)).toBe('████');
    expect(bar(5, 10, 4)).toBe('██');
    expect(bar(1, 32, 4)).toBe('▏');
    expect(bar(0, 10, 4)).toBe('');
    expect(bar(0, 0, 4)).toBe('');
  });
});

describe('wasm-bytes', () => {
  it('writes LEB128 as the specification’s examples', () => {
    expect(unsigned(2)).toEqual([2]);
    expect(unsigned(128)).toEqual([0x80, 0x01]);
    expect(unsigned(624_485)).toEqual([0xe5, 0x8e, 0x26]);
  });

  it('writes modules that engines accept', () => {
    const bytes = moduleBytes({ types: [{ params: [], results: [] }], run: { type: 0, locals: [], code: [] } });
    expect(WebAssembly.validate(bytes)).toBe(true);
  });
});

describe('the baselines', () => {
  it('a crossing calls JavaScript as often as it says', () => {
    const crossing = new Crossing();
    crossing.measure(1, false);
    crossing.measure(2);
    expect(crossing.calls).toBe(3 * 20_000);
    const { min, median } = crossing.result();
    expect(min).toBeGreaterThan(0);
    expect(median).toBeGreaterThanOrEqual(min);
  });

  it('dispatch runs its loop of nine operations to the end', () => {
    const dispatch = new Dispatch();
    dispatch.measure(2);
    expect(dispatch.rounds).toBe(45_000 / 9);
    expect(dispatch.result().min).toBeGreaterThan(0);
  });
});

it('a guest that is not there is named', async () => {
  await expect(guestFile('bench/no-such-guest.bin')).rejects.toThrow(/no-such-guest\.bin is missing/);
});
