// Every guest of guests/ in the PC, under each way of paging: what they print is in guests/README.md, how often promise
// rings its doorbell in guests/promise/expected.json, the checksums of the C loops in guests/bench/expected.json.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import type { RunResult } from '../../src/machine/run-result.js';
import type { DoorbellMode, PagingMode } from '../../src/vmm/options.js';

const guestFile = (name: string): Uint8Array => readFileSync(new URL(`../../guests/${name}`, import.meta.url));
const guestJson = (name: string): unknown => JSON.parse(new TextDecoder().decode(guestFile(name)));

interface Ended extends RunResult {
  lines: string[];
  pc: Pc;
}

/** Runs a guest to its end; `onLine` hears of each line while the guest stands behind the OUT that ended it. */
async function run(
  name: string,
  options: PcOptions,
  onLine: (line: string, pc: Pc) => void = () => {},
): Promise<Ended> {
  const lines: string[] = [];
  const pc: Pc = await Pc.create({
    kernel: guestFile(name),
    memory: 16 << 20,
    ...options,
    serial: (bytes) => {
      const line = new TextDecoder().decode(bytes).trimEnd();
      lines.push(line);
      onLine(line, pc);
    },
  });
  try {
    return { ...(await pc.run({ timeoutMs: 20_000, maxInstructions: 50_000_000 })), lines, pc };
  } finally {
    pc.close();
  }
}

const MODES: PagingMode[] = ['ept', 'npt', 'shadow'];
const DOORBELLS: DoorbellMode[] = ['fast', 'emulate'];

describe.each(MODES)('%s', (paging) => {
  it.each([
    ['hello-real/hello-real.bin', 'Hello from real mode'],
    ['hello-protected/hello-protected.elf', 'Hello from protected mode'],
    ['hello-long/hello-long.bin', 'Hello from long mode'],
  ])('%s', async (name, line) => {
    const { lines, reason, status } = await run(name, { paging });
    expect({ lines, reason, status }).toEqual({ lines: [line], reason: 'debug-exit', status: 1 });
  });

  it('smc: 23 cases', async () => {
    const { lines, status } = await run('smc/smc.bin', { paging });
    expect(lines.filter((line) => !/^\S+ ok\b/.test(line))).toEqual([]);
    expect([lines.length, status]).toEqual([23, 1]);
  });

  it('faults: every case is ok, or skipped for the lack of an FPU', async () => {
    const { lines, status } = await run('faults/faults.bin', { paging });
    expect(lines.filter((line) => !/^\S+ ok\b/.test(line) && line !== 'nm skipped no FPU')).toEqual([]);
    expect(status).toBe(1);
  });

  it('faults: the triple fault', async () => {
    const { lines, reason, crash } = await run('faults/faults.bin', { paging, cmdline: 'triple' });
    expect([lines.at(-1), reason]).toEqual(['triple fault next', 'shutdown']);
    expect(crash!.listing).toMatch(/ud2$/);
  });

  describe.each(DOORBELLS)('doorbells: %s', (doorbells) => {
    it('promise: 83 cases, each with its signals', async () => {
      const expected = guestJson('promise/expected.json') as { case: string; signals: number }[];
      const signals: Record<string, number> = {};
      const { lines, status } = await run(
        'promise/promise.bin',
        { paging, doorbells, devices: ['doorbells'] },
        (line, pc) => {
          signals[line.split(' ')[0]!] = Number(pc.device(DoorbellPage)!.pv.tryRead() ?? 0n);
        },
      );
      expect(lines.filter((line) => !/^\S+ (ok\b|skipped )/.test(line))).toEqual([]);
      expect([lines.length, status]).toEqual([83, 1]);
      const skipped = new Set(lines.filter((line) => line.includes(' skipped ')).map((line) => line.split(' ')[0]));
      expect(signals).toEqual(
        Object.fromEntries(expected.map((row) => [row.case, skipped.has(row.case) ? 0 : row.signals])),
      );
    });

    it('vmexit: nine sub-tests, and as many kicks as were made', async () => {
      const kicks: Record<string, number> = {};
      const { lines, status, pc } = await run('vmexit/vmexit.bin', {
        paging,
        doorbells,
        cmdline: 'goal=13 raw',
        devices: ['doorbells'],
      });
      expect(status).toBe(1);
      for (const line of lines) {
        expect(line).toMatch(/^\S+ \d+ \d+ \d+$/);
        const [name, perKick, iterations, ticks] = line.split(' ') as [string, string, string, string];
        expect(Number(perKick)).toBe(Math.floor(Number(ticks) / Number(iterations)));
        expect(Number(ticks)).toBeGreaterThanOrEqual(2 ** 13);
        kicks[name] = 2 * Number(iterations) - 64;
      }
      const page = pc.device(DoorbellPage);
      expect(page).toBeUndefined();
      expect(Object.keys(kicks)).toEqual(
        'cpuid hypercall pio-none pio-wildcard pio-datamatch mmio-none mmio-wildcard mmio-datamatch pv'.split(' '),
      );
    });
  });
});
