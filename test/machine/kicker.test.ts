// guests/kicker: makes the kicks that the doorbells device's switch says, and others as soon as the switch is turned.

import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { KICKS, type Kick, type WantedKick } from '../../src/machine/devices/kick.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import { arrivedAt } from './arrived.js';

const kernel = readFileSync(new URL('../../guests/kicker/kicker.bin', import.meta.url));
/** Enough of the guest's time for a look at the switch, whatever it does between two: a round of `none` is 360,448. */
const A_WHILE = 400_000;
/** Kicks between two looks. */
const BATCH = 4096;

let open: Pc | undefined;
afterEach(() => open?.close());

async function start(options: Partial<PcOptions> = {}): Promise<{ pc: Pc; page: DoorbellPage; lines: () => string[] }> {
  let text = '';
  const pc = await Pc.create({
    kernel,
    memory: 16 << 20,
    devices: ['doorbells'],
    serial: (bytes) => void (text += new TextDecoder().decode(bytes)),
    ...options,
  });
  open = pc;
  return { pc, page: pc.device(DoorbellPage)!, lines: () => text.split('\n').slice(0, -1) };
}

/** Kicks that have arrived at each end, and CPUID exits. */
function arrived(pc: Pc, page: DoorbellPage): Record<Kick, number> {
  return {
    cpuid: pc.vm.stats().exits.CPUID?.count ?? 0,
    ...arrivedAt(page),
  };
}

/** Turns the switch and runs until the guest has seen it and a while longer; what came in that while, by its end. */
async function kicksOf(pc: Pc, page: DoorbellPage, kick: WantedKick): Promise<Record<string, number>> {
  page.want(kick);
  await pc.run({ maxInstructions: A_WHILE });
  pc.vm.resetStats();
  const before = arrived(pc, page);
  await pc.run({ maxInstructions: A_WHILE });
  const after = arrived(pc, page);
  return Object.fromEntries(KICKS.map((one) => [one, after[one] - before[one]]).filter(([, more]) => more !== 0));
}

it.each([
  ['ept', 'intel'],
  ['npt', 'amd'],
  ['shadow', 'intel'],
] as const)('every kind arrives where it should, and nothing else, under %s (%s)', async (paging, vendor) => {
  const { pc, page, lines } = await start({ paging, cpu: { vendor } });
  const order: WantedKick[] = ['pv', ...KICKS, 'none', 'pv'];
  for (const kick of order) {
    const kicks = await kicksOf(pc, page, kick);
    expect(Object.keys(kicks)).toEqual(kick === 'none' ? [] : [kick]);
    if (kick === 'none') continue;
    // Three or four instructions a kick, and a look at the switch in each batch.
    expect(kicks[kick]).toBeGreaterThan(A_WHILE / 4 - 2 * BATCH);
    expect(pc.vm.stats().exits.IO!.count).toBeGreaterThan(A_WHILE / 5 / BATCH);
  }
  const changes = order.filter((kick, index) => kick !== order[index - 1]);
  expect(lines()).toEqual(['kicker: a register says which kick', ...changes.map((kick) => `kick ${kick}`)]);
});

it.each([
  ['ept', 'EPT_MISCONFIG'],
  ['npt', 'NPF'],
  ['shadow', 'PAGE_FAULT'],
] as const)('no PV kick is decoded under %s', async (paging, reason) => {
  const { pc, page } = await start({ paging });
  const { pv } = await kicksOf(pc, page, 'pv');
  const { count, decodes, walks } = pc.vm.stats().exits[reason]!;
  expect({ count, decodes, walks }).toEqual({ count: pv, decodes: 0, walks: 0 });
  await kicksOf(pc, page, 'mmio-wildcard');
  expect(pc.vm.stats().exits[reason]!.decodes).toBeGreaterThan(A_WHILE / 4 - 2 * BATCH);
});

it('a snapshot has the switch in it, and a reset leaves it', async () => {
  const { pc, page, lines } = await start();
  page.want('cpuid');
  const snapshot = pc.snapshot();
  page.want('hypercall');
  page.reset();
  expect(page.wanted).toBe('hypercall');
  pc.restore(snapshot);
  expect(page.wanted).toBe('cpuid');
  await pc.run({ maxInstructions: A_WHILE });
  expect(lines().at(-1)).toBe('kick cpuid');
});

it('refuses what is no kick', async () => {
  const { page } = await start();
  expect(() => page.want('kick' as WantedKick)).toThrow(/the kick must be one of none, cpuid, .*, pv, not "kick"/);
  expect(page.wanted).toBe('pv');
});

it('ends with a line when there is no such device', async () => {
  const { pc, lines } = await start({ devices: [] });
  expect(await pc.run({ maxInstructions: A_WHILE })).toMatchObject({ reason: 'debug-exit', value: 1 });
  expect(lines().at(-1)).toBe('kicker: no kick has number 65535');
});
