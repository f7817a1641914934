// The parts of the fuzzer by themselves: coverage counters, minimisation, reproducers, the watchdog.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, EncodingKind, Instruction } from 'iced-x86';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCoreBytes } from '../../src/core/module.js';
import { Coverage } from '../../src/fuzz/coverage.js';
import { formsOf } from '../../src/fuzz/forms.js';
import { decodeReproducer, encodeReproducer } from '../../src/fuzz/index.js';
import { COVERAGE_SIZE, instrument } from '../../src/fuzz/instrument.js';
import { minimise } from '../../src/fuzz/minimise.js';
import { mutateBytes } from '../../src/fuzz/mutate.js';
import { Random } from '../../src/fuzz/random.js';
import { RawCore } from '../../src/fuzz/raw-core.js';
import { buildCommand, projectFile } from '../cli/built.js';

describe('an instrumented core', () => {
  it('does what the core does, counts places once, and keeps its bytes out of the way', async () => {
    const bytes = await loadCoreBytes();
    const plain = new RawCore(bytes, 4096, undefined, false);
    const counting = new RawCore(bytes, 4096);
    expect(instrument(bytes).sites).toBe(counting.sites);
    expect(counting.sites).toBeGreaterThan(5000);
    expect(counting.constant('MEMORY_FREE')).toBeGreaterThanOrEqual(plain.constant('MEMORY_FREE') + COVERAGE_SIZE);
    const before = counting.places();
    const random = new Random(3);
    const code = new Uint8Array(16);
    const counts: number[] = [];
    for (let n = 0; n < 5000; n++) {
      random.fill(code);
      const results = [plain, counting].map((core) => {
        const decoder = core.decoder();
        core.bytes.set(code, decoder.scratch);
        const length = decoder.decode(decoder.scratch, 15, n % 3);
        return [
          length,
          Buffer.from(core.bytes.subarray(core.state, core.state + core.constant('STATE_SIZE'))).toString('hex'),
        ];
      });
      expect(results[1]).toEqual(results[0]);
      counts.push(counting.places());
    }
    expect(counting.places()).toBeGreaterThan(before + 100);
    expect(counting.places()).toBeLessThan(counting.sites);
    // what has been reached is not counted again
    expect(counts[4999]! - counts[2500]!).toBeLessThan(counts[2500]! - before);
    random.fill(code);
    const again = counting.places();
    counting.exports.decode!(counting.free, 15, 2);
    counting.exports.decode!(counting.free, 15, 2);
    expect(counting.places()).toBe(again);
  });
});

describe('coverage', () => {
  it('counts a feature once, and grows with what it watches', () => {
    const coverage = new Coverage();
    let places = 0;
    coverage.watch(() => places);
    coverage.feature(1, 2);
    coverage.feature(1, 2);
    expect(coverage.total).toBe(1);
    coverage.feature(2, 1);
    expect(coverage.total).toBe(2);
    places = 40;
    expect([coverage.total, coverage.features, coverage.places]).toEqual([42, 2, 40]);
  });
});

describe('minimise', () => {
  it('gets to the least that still shows the bug', async () => {
    const random = new Random(1);
    const input = new Uint8Array(500);
    random.fill(input);
    input.set([0x42, 0x99], 333);
    // the bug needs a byte of at least 40 somewhere before one of exactly 99
    const shows = async (bytes: Uint8Array): Promise<boolean> => {
      const at = bytes.findIndex((byte) => byte >= 0x40);
      return at >= 0 && bytes.indexOf(0x99, at + 1) > at;
    };
    const { input: small } = await minimise(input, { shows, attempts: 5000 });
    expect([...small]).toEqual([expect.any(Number), 0x99]);
    expect(small[0]).toBeLessThan(0x80);
    expect(await shows(small)).toBe(true);
  });
  it('stops when its attempts are used up, with an input that shows the bug', async () => {
    let attempts = 0;
    const shows = async (bytes: Uint8Array): Promise<boolean> => {
      attempts++;
      return bytes.includes(1);
    };
    const input = new Uint8Array(64).fill(1);
    const result = await minimise(input, { shows, attempts: 10 });
    expect(attempts).toBe(10);
    expect(result.input.includes(1)).toBe(true);
  });
});

describe('mutateBytes', () => {
  it('keeps to the length and the part it is given', () => {
    const random = new Random(5);
    let different = 0;
    for (let n = 0; n < 3000; n++) {
      const input = new Uint8Array(1 + random.below(40));
      random.fill(input);
      const other = new Uint8Array(random.below(40));
      random.fill(other);
      const fixed = mutateBytes(random, input, other, {
        longest: 40,
        fixed: true,
        from: Math.min(3, input.length - 1),
      });
      expect(fixed.length).toBe(input.length);
      const kept = Math.min(3, input.length - 1);
      expect(fixed.subarray(0, kept)).toEqual(input.subarray(0, kept));
      const free = mutateBytes(random, input, other, { longest: 40 });
      expect(free.length).toBeGreaterThan(0);
      expect(free.length).toBeLessThanOrEqual(40);
      if (Buffer.compare(free, input) !== 0) different++;
    }
    expect(different).toBeGreaterThan(2700);
  });
});

describe('instruction forms', () => {
  it.each([16, 32, 64] as const)('reach nearly all that iced-x86 knows in %i-bit code', (bits) => {
    const reached = new Set(formsOf(bits).map(({ code }) => code));
    const instruction = new Instruction();
    const known = Object.values(Code).filter((code): code is Code => {
      if (typeof code !== 'number') return false;
      instruction.code = code;
      const { encoding, isInstruction, mode16, mode32, mode64 } = instruction.opCode;
      const there = { 16: mode16, 32: mode32, 64: mode64 }[bits];
      return there && isInstruction && (encoding === EncodingKind.Legacy || encoding === EncodingKind.VEX);
    });
    // the rest are other makes', other sizes by 67, or FWAIT and something
    expect(known.length).toBeGreaterThan(2000);
    expect(known.filter((code) => reached.has(code)).length / known.length).toBeGreaterThan(0.9);
  });
});

describe('a reproducer', () => {
  it('says what it is for, and is refused if it does not', () => {
    const input = Uint8Array.of(0, 10, 255);
    const bytes = encodeReproducer({ target: 'paging', input });
    expect(decodeReproducer(bytes, undefined)).toEqual({ target: 'paging', input });
    expect(decodeReproducer(input, 'bus')).toEqual({ target: 'bus', input });
    expect(() => decodeReproducer(input, undefined)).toThrow(/--target/);
    expect(() => decodeReproducer(bytes, 'bus')).toThrow(/for paging, not for bus/);
    expect(() => decodeReproducer(new TextEncoder().encode('doorbell-fuzz 1 toaster\nx'), undefined)).toThrow(
      /toaster/,
    );
  });
});

describe('the watchdog', () => {
  beforeAll(buildCommand, 120_000);
  it('writes down an input that never comes back, and ends the process', { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'doorbell-hang-'));
    const script = join(directory, 'hang.mjs');
    await writeFile(
      script,
      `import { runTarget } from ${JSON.stringify(projectFile('dist/fuzz/index.js'))};
       const target = { name: 'guest', batch: 1, coverage: { places: 0, features: 0 }, seeds: () => [Uint8Array.of(7, 8, 9)],
         fresh: () => Uint8Array.of(1), mutate: () => Uint8Array.of(1), explain: async () => ({ text: '' }), close() {},
         run() { for (;;); } };
       await runTarget(target, { runs: 1, seed: 1, findings: ${JSON.stringify(directory)}, patienceMs: 300 });`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const signal = await new Promise((resolve) => child.on('close', (_code, by) => resolve(by)));
    expect(signal).toBe('SIGTERM');
    expect(said).toMatch(/guest has not come back for 0.3 s from an input: .*guest-hang-0\.fuzz/);
    const names = await readdir(directory);
    expect(names).toContain('guest-hang-0.fuzz');
    await rm(directory, { recursive: true });
  });
});
