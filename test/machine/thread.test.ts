// A PC whose processor has a thread of its own: its guests print and end as in the calling thread, and every kick arrives.

import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { KICKS } from '../../src/machine/devices/kick.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import { arrivedAt } from './arrived.js';
import { buildCommand, WORKER } from '../vmm/thread/guest.js';

const file = (name: string): Uint8Array => readFileSync(new URL(`../../guests/${name}`, import.meta.url));
const json = (name: string): unknown => JSON.parse(new TextDecoder().decode(file(name)));

let open: Pc | undefined;
beforeAll(buildCommand);
afterEach(() => open?.close());

async function start(
  image: string,
  options: Partial<PcOptions> = {},
  onLine: (line: string, pc: Pc) => void = () => {},
): Promise<{ pc: Pc; lines: string[] }> {
  const lines: string[] = [];
  let text = '';
  const pc: Pc = await Pc.create({
    kernel: file(image),
    memory: 16 << 20,
    clock: 'real',
    thread: { url: WORKER },
    serial: (bytes) => {
      text += new TextDecoder().decode(bytes);
      if (!text.endsWith('\n')) return;
      const line = text.trimEnd();
      lines.push(line);
      text = '';
      onLine(line, pc);
    },
    ...options,
  });
  open = pc;
  return { pc, lines };
}

it.each([
  ['hello-real/hello-real.bin', 'Hello from real mode'],
  ['hello-protected/hello-protected.elf', 'Hello from protected mode'],
  ['hello-long/hello-long.bin', 'Hello from long mode'],
])('%s', async (image, line) => {
  const { pc, lines } = await start(image);
  expect(await pc.run()).toMatchObject({ reason: 'debug-exit', status: 1 });
  expect(lines).toEqual([line]);
  // once more, from its image
  pc.reset();
  expect(await pc.run()).toMatchObject({ reason: 'debug-exit', status: 1 });
  expect(lines).toEqual([line, line]);
});

it.each(['ept', 'npt', 'shadow'] as const)('vmexit: every kick of every kind arrives, under %s', async (paging) => {
  const counted = new Map<string, number>();
  const { pc, lines } = await start(
    'vmexit/vmexit.bin',
    { paging, cmdline: 'goal=21 raw', devices: ['doorbells'], cpu: { vendor: paging === 'npt' ? 'amd' : 'intel' } },
    (line, machine) => {
      const name = line.split(' ')[0]!;
      counted.set(name, arrived(machine)[name] ?? NaN);
    },
  );
  expect(await pc.run()).toMatchObject({ reason: 'debug-exit', status: 1 });
  const rows = lines.map((line) => line.split(' '));
  expect(rows.map(([name]) => name)).toEqual(KICKS);
  // 64 + 128 + … (guests/README.md); CPUID arrives nowhere.
  const made = rows.map(([name, , iterations]) => [name, 2 * Number(iterations) - 64]);
  expect([...counted].slice(1)).toEqual(made.slice(1));
});

function arrived(pc: Pc): Record<string, number> {
  return arrivedAt(pc.device(DoorbellPage)!);
}

it('kicker: the switch is turned while it runs', async () => {
  const { pc, lines } = await start('kicker/kicker.bin', { devices: ['doorbells'] });
  const page = pc.device(DoorbellPage)!;
  const controller = new AbortController();
  const run = pc.run({ signal: controller.signal });
  for (const kick of ['pv', 'mmio-none', 'pv'] as const) {
    page.want(kick);
    const from = arrived(pc)[kick]!;
    while (arrived(pc)[kick]! < from + 3 * 4096) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  controller.abort();
  expect(await run).toMatchObject({ reason: 'aborted' });
  expect(lines.slice(1)).toEqual(['kick pv', 'kick mmio-none', 'kick pv']);
  // Kicks of the short way cost no decode, the others one each.
  const { count, decodes } = pc.vm.stats().exits['EPT_MISCONFIG']!;
  expect(count).toBe(arrived(pc)['pv']! + arrived(pc)['mmio-none']!);
  expect(decodes).toBe(arrived(pc)['mmio-none']);
});

it('promise: the 83 cases ring as often as they should', async () => {
  const rung: Record<string, number> = {};
  const { pc, lines } = await start('promise/promise.bin', { devices: ['doorbells'] }, (line, machine) => {
    rung[line.split(' ')[0]!] = Number(machine.device(DoorbellPage)!.pv.tryRead() ?? 0n);
  });
  expect(await pc.run()).toMatchObject({ reason: 'debug-exit', status: 1 });
  const cases = json('promise/expected.json') as { case: string; signals: number }[];
  const skipped = new Set(lines.filter((line) => line.includes(' skipped ')).map((line) => line.split(' ')[0]));
  expect(Object.entries(rung)).toEqual(cases.map((row) => [row.case, skipped.has(row.case) ? 0 : row.signals]));
});

it.each(['smc/smc.bin', 'faults/faults.bin', 'legacy/legacy.bin'])('%s finds nothing wrong', async (image) => {
  const here = await start(image, { thread: false });
  const expected = await here.pc.run();
  here.pc.close();
  const there = await start(image);
  expect(await there.pc.run()).toMatchObject({ reason: 'debug-exit', status: 1, instructions: expected.instructions });
  expect(there.lines).toEqual(here.lines);
});

it('limits, and a guest that nothing can wake', async () => {
  const spin = Uint8Array.of(0xeb, 0xfe);
  const { pc } = await start('hello-real/hello-real.bin', { kernel: spin });
  expect(await pc.run({ maxInstructions: 100_000 })).toMatchObject({ reason: 'budget', instructions: 100_000 });
  expect(await pc.run({ timeoutMs: 20 })).toMatchObject({ reason: 'timeout' });
  expect(await pc.run({ signal: AbortSignal.timeout(20) })).toMatchObject({ reason: 'aborted' });
  pc.close();
  const halted = await start('hello-real/hello-real.bin', { kernel: Uint8Array.of(0xfa, 0xf4) });
  expect(await halted.pc.run()).toMatchObject({ reason: 'halted' });
  await expect(Pc.create({ kernel: spin, thread: true, clock: 'virtual' })).rejects.toThrow(/virtual/);
});
