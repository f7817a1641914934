// What the laboratory shows of the counters: figures, the edges of the exit path, the last minute.

import { describe, expect, it } from 'vitest';
import type { ExitRates, Rates } from '../../src/web/lab/machine/sample.js';
import { DEFAULTS } from '../../src/web/lab/machine/settings.js';
import { duration, percent, perSecond, round, short } from '../../src/web/lab/parts/figures.js';
import { Flow } from '../../src/web/lab/parts/flow.js';
import { History, REASONS } from '../../src/web/lab/parts/history.js';

function exits(perSecond: number, decodes = 0, nsPerExit = 100): ExitRates {
  return {
    perSecond,
    decodesPerSecond: decodes,
    walksPerSecond: 0,
    decodeFreePerSecond: perSecond - decodes,
    nsPerExit,
  };
}

function rates(of: Record<string, ExitRates>): Rates {
  const all = Object.values(of);
  const exitsPerSecond = all.reduce((sum, { perSecond }) => sum + perSecond, 0);
  const free = all.reduce((sum, { decodeFreePerSecond }) => sum + decodeFreePerSecond, 0);
  const decodeFree = exitsPerSecond > 0 ? free / exitsPerSecond : undefined;
  return { duration: 100, mips: 10, exits: of, exitsPerSecond, decodeFree };
}

describe('figures', () => {
  it.each([
    [0, '0'],
    [0.56, '0.56'],
    [999.4, '999'],
    [999.6, '1.00 k'],
    [12_345, '12.3 k'],
    [999_600, '1.00 M'],
    [4_123_456, '4.12 M'],
    [2.5e9, '2.50 G'],
  ])('%d is %s', (value, text) => expect(short(value)).toBe(text));

  it('write rates, times, shares and round numbers', () => {
    expect([perSecond(0), perSecond(5e6)]).toEqual(['0 /s', '5.00 M/s']);
    expect([duration(33.6), duration(999.6), duration(2.5e6), duration(undefined)]).toEqual([
      '34 ns',
      '1.00 µs',
      '2.50 ms',
      '–',
    ]);
    expect([percent(0), percent(1), percent(0.99999), percent(0.5), percent(undefined)]).toEqual([
      '0 %',
      '100 %',
      '99.9 %',
      '50.0 %',
      '– %',
    ]);
    expect([round(0), round(25e6), round(500)]).toEqual(['0', '25 M', '500']);
  });
});

describe('the exit path', () => {
  it('parts kicks that leave early from those that go the long way, by decodes', () => {
    const flow = new Flow();
    flow.take(rates({ EPT_MISCONFIG: exits(1000, 400), IO: exits(50) }), DEFAULTS);
    expect(flow.read('marker').perSecond).toBe(1000);
    expect(flow.read('early')).toEqual({ perSecond: 600, ns: undefined, atMost: false });
    expect(flow.read('long').perSecond).toBe(400);
    expect(flow.read('bus').perSecond).toBe(450);
    expect(flow.read('io')).toEqual({ perSecond: 50, ns: 100, atMost: false });
  });

  it.each(['npt', 'shadow'] as const)(
    'under %s counts pages that are mapped apart when doorbells are emulated',
    (paging) => {
      const flow = new Flow();
      const reason = paging === 'npt' ? 'NPF' : 'PAGE_FAULT';
      flow.take(rates({ [reason]: exits(100, 90) }), { ...DEFAULTS, paging, doorbells: 'emulate' });
      expect(flow.read('early').perSecond).toBe(0);
      expect(flow.read('map').perSecond).toBeCloseTo(10);
      expect(flow.read('long').perSecond).toBe(90);
    },
  );

  it('shows no time that is longer than from one exit to the next', () => {
    const flow = new Flow();
    flow.take(rates({ EPT_MISCONFIG: exits(10_000_000, 0, 800) }), DEFAULTS);
    expect(flow.read('early')).toEqual({ perSecond: 10_000_000, ns: 100, atMost: true });
  });

  it('an edge is empty soon after the kind of kick has changed, and when the machine stands', () => {
    const flow = new Flow();
    flow.take(rates({ EPT_MISCONFIG: exits(1e7) }), DEFAULTS);
    for (let looks = 0; looks < 3; looks++) flow.take(rates({ EPT_MISCONFIG: exits(0), CPUID: exits(1e7) }), DEFAULTS);
    expect(flow.read('early').perSecond).toBe(0);
    expect(flow.read('cpuid').perSecond).toBeGreaterThan(0);
    flow.take(undefined, DEFAULTS);
    expect(flow.read('cpuid').perSecond).toBe(0);
  });
});

describe('the last minute', () => {
  it('stacks the reasons, and gathers those without a colour', () => {
    const history = new History();
    history.add(rates({ EPT_MISCONFIG: exits(5), IO: exits(3), RDMSR: exits(1), WRMSR: exits(1) }), 1000);
    const top = (reason: (typeof REASONS)[number]): number => history.stacked[REASONS.indexOf(reason)]!.at(-1)!;
    expect([top('EPT_MISCONFIG'), top('IO'), top('other')]).toEqual([10, 5, 2]);
    expect(history.decodeFree.at(-1)).toBe(100);
  });

  it('moves to the left by the time that passes, with a gap while the machine stands', () => {
    const history = new History();
    const { times, mips } = history;
    history.add(rates({}), 1000);
    history.add(rates({}), 1100);
    history.add(undefined, 1200);
    history.add(undefined, 1300);
    history.add(rates({}), 6200);
    expect(Array.from(mips.subarray(-4))).toEqual([10, 10, Number.NaN, 10]);
    expect(times.at(-1)).toBe(0);
    expect(times.at(-2)).toBeCloseTo(-5);
    expect(times.at(-4)).toBeCloseTo(-5.2);
    expect(history.decodeFree.at(-1)).toBeNaN();
  });

  it('takes no rate from two looks that came together', () => {
    const history = new History();
    history.add(rates({}), 1000);
    history.add({ ...rates({}), mips: 9000, duration: 2 }, 1002);
    expect(history.largest(history.mips)).toBe(10);
  });

  it('forgets what is older than a minute', () => {
    const history = new History();
    history.add({ ...rates({}), mips: 500 }, 1000);
    history.add(rates({}), 2000);
    expect(history.largest(history.mips)).toBe(500);
    history.add(rates({}), 62_000);
    expect(history.largest(history.mips)).toBe(10);
  });
});
