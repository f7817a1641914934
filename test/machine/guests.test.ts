// Every guest of guests/ in the PC, under each way of paging: what they print is in guests/README.md, how often promise
// rings its doorbell in guests/promise/expected.json, the checksums of the C loops in guests/bench/expected.json.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import { arrivedAt } from './arrived.js';
import type { RunResult } from '../../src/machine/run-result.js';
import type { DoorbellMode, PagingMode } from '../../src/vmm/options.js';

const guestFile = (name: string): Uint8Array => readFileSync(new URL(`../../guests/${name}`, import.meta.url));
const guestJson = (name: string): unknown => JSON.parse(new TextDecoder().decode(guestFile(name)));

interface Ended extends RunResult {
  lines: string[];
}

/** Runs a guest to its end; `onLine` hears of each line while the guest stands behind the OUT that ended it. */
async function run(
  name: string,
  options: PcOptions,
  onLine: (line: string, pc: Pc) => void = () => {},
): Promise<Ended> {
  const lines: string[] = [];
  let text = '';
  const pc: Pc = await Pc.create({
    kernel: guestFile(name),
    memory: 16 << 20,
    ...options,
    serial: (bytes) => {
      text += new TextDecoder().decode(bytes);
      if (!text.endsWith('\n')) return;
      lines.push(text.trimEnd());
      text = '';
      onLine(lines.at(-1)!, pc);
    },
  });
  try {
    return { ...(await pc.run({ timeoutMs: 20_000, maxInstructions: 200_000_000 })), lines };
  } finally {
    pc.close();
  }
}

const SUB_TESTS = [
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
/** Names by kvm-ioeventfd-spec 6.4, with the suffix of the benchmark. */
const PCI_TESTS = ['mmio:pci-mem', 'portio:pci-io'].flatMap((where) =>
  ['no', 'wildcard', 'datamatch'].map((kind) => where.replace(':', `-${kind}-eventfd:`)),
);

/** What has arrived at each doorbell. */
function kicksOf(pc: Pc): Record<string, number> {
  return arrivedAt(pc.device(DoorbellPage)!);
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

    it('vmexit: nine sub-tests and those of pci-testdev, and as many kicks arrive as are made', async () => {
      const made: Record<string, number> = {};
      const arrived: Record<string, number> = {};
      const { lines, status } = await run(
        'vmexit/vmexit.bin',
        { paging, doorbells, cmdline: 'goal=13 raw pci', devices: ['doorbells', 'pci-testdev'] },
        (line, pc) => {
          const [name, , iterations] = line.split(' ') as [string, string, string];
          // A pass has twice the kicks of the one before, beginning with 64.
          made[name] = 2 * Number(iterations) - 64;
          const kicks = kicksOf(pc)[name];
          if (kicks !== undefined) arrived[name] = kicks;
        },
      );
      expect(status).toBe(1);
      const rows = lines.filter((line) => !line.startsWith('pci-testdev at '));
      expect(rows.map((line) => line.split(' ')[0])).toEqual([...SUB_TESTS, ...PCI_TESTS]);
      for (const line of rows) {
        expect(line).toMatch(/^\S+ \d+ \d+ \d+$/);
        const [perKick, iterations, ticks] = line.split(' ').slice(1).map(Number) as [number, number, number];
        expect(perKick).toBe(Math.floor(ticks / iterations));
        expect(ticks).toBeGreaterThanOrEqual(2 ** 13);
      }
      expect(Object.keys(arrived)).toEqual(SUB_TESTS.slice(1));
      for (const [name, kicks] of Object.entries(arrived)) expect([name, kicks]).toEqual([name, made[name]]);
    });
  });

  it.each(Object.entries(guestJson('bench/expected.json') as Record<string, { n1: string }>))(
    'bench/%s: the checksum of the native build',
    async (name, { n1 }) => {
      const { lines, status } = await run(`bench/${name}.bin`, { paging, cmdline: 'n=1' });
      expect({ lines, status }).toEqual({ lines: [`${name} ${n1}`], status: 1 });
    },
  );
});
