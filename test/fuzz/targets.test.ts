// Each target finds a bug that is planted for it, makes the input small, writes it down so that it can be run again - and
// finds nothing in the machine as it is.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busTarget, commandsOf } from '../../src/fuzz/bus/target.js';
import { DECODE_ROOM, decodeTarget } from '../../src/fuzz/decode/target.js';
import { DispatchLab } from '../../src/fuzz/dispatch/lab.js';
import { caseOf, dispatchTarget } from '../../src/fuzz/dispatch/target.js';
import { executeTarget } from '../../src/fuzz/execute/target.js';
import { guestTarget } from '../../src/fuzz/guest/target.js';
import { readReproducer, runTarget, type Result, type Target } from '../../src/fuzz/index.js';
import { LAB_ROOM } from '../../src/fuzz/paging/lab.js';
import { pagingTarget } from '../../src/fuzz/paging/target.js';
import { LossyBuses, plant, rawCore, stepperWrongAfter } from './planted.js';

const NATIVE = process.platform === 'linux' && process.arch === 'x64';
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doorbell-fuzz-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function run(target: Target, runs: number, seed = 1): Promise<Result> {
  return runTarget(target, { runs, seed, findings: directory });
}

/** The first finding's input, after checking that it shows the bug again; and its report. */
async function again(target: Target, result: Result): Promise<{ input: Uint8Array; report: string }> {
  const found = result.found[0]!;
  const { target: name, input } = await readReproducer(found.path, undefined);
  expect(name).toBe(target.name);
  const [outcome] = await target.run([input]);
  expect(outcome?.finding?.kind).toBe(found.kind);
  return { input, report: await readFile(found.path.replace(/fuzz$/, 'txt'), 'utf8') };
}

describe('decode', () => {
  it('finds a length that is wrong for one opcode, and reduces it to the opcode', async () => {
    const core = await rawCore(DECODE_ROOM);
    // BSWAP EDX, 0F CA
    plant(core, 'decode', (real) => (at, available, size) => {
      const bytes = core.bytes.subarray(Number(at), Number(at) + 2);
      const length = real(at, available, size);
      return bytes[0] === 0x0f && bytes[1] === 0xca && length > 0 ? length + 1 : length;
    });
    const target = await decodeTarget({ core });
    const result = await run(target, 200_000);
    expect(result.found.map(({ summary }) => summary)).toContain('64-bit: length 3, iced 2 Bswap_r32');
    const { input, report } = await again(target, result);
    expect(input.length).toBe(3);
    expect([...input.subarray(1)]).toEqual([0x0f, 0xca]);
    expect(report).toMatch(/bswap e?dx/);
    await target.close();
  });
  it('finds nothing in the real one', async () => {
    const target = await decodeTarget();
    const result = await run(target, 60_000);
    expect(result.found).toEqual([]);
    expect(result.runs).toBe(60_000);
    expect(result.places).toBeGreaterThan(200);
    await target.close();
  });
});

describe('bus', () => {
  it('finds writes that get lost, and reduces them to a registration and the write', async () => {
    const target = busTarget(() => new LossyBuses());
    const result = await run(target, 2000);
    expect(result.findings).toBeGreaterThan(0);
    const { input } = await again(target, result);
    const commands = commandsOf(input);
    expect(commands.map(({ op }) => op).sort()).toEqual([expect.stringMatching(/assign|claim/), 'write']);
  });
  it('finds nothing in the real one', async () => {
    expect((await run(busTarget(), 1500)).found).toEqual([]);
  });
});

describe('dispatch', () => {
  it('finds a fast path that forgets a doorbell', { timeout: 120_000 }, async () => {
    const lab = await DispatchLab.create();
    const { doorbells } = lab.machines[0]!.vm;
    const real = doorbells.kick.bind(doorbells);
    const rings = (lo: number): boolean =>
      [...doorbells.entries()].some(({ addr }) => Number(addr & 0xffff_ffffn) === lo >>> 0);
    doorbells.kick = (lo, hi, length) => ((lo & 0xfff) === 4 && rings(lo) ? true : real(lo, hi, length));
    const target = await dispatchTarget(lab);
    const result = await run(target, 600);
    expect(result.findings).toBeGreaterThan(0);
    expect(result.found[0]!.summary).toMatch(/ept, fast.*(counts|exits)/);
    const { input, report } = await again(target, result);
    const { registrations, accesses } = caseOf(input);
    expect(registrations.length).toBe(1);
    // the first access makes the page known as MMIO, the second takes the short cut
    expect(accesses.length).toBeLessThanOrEqual(2);
    expect(report).toMatch(/eventfd 0 at 0xfe00.004/);
    lab.close();
  });
  it('finds nothing in the real one', { timeout: 120_000 }, async () => {
    const target = await dispatchTarget();
    expect((await run(target, 60)).found).toEqual([]);
    await target.close();
  });
});

describe('paging', () => {
  it('finds a walk that is wrong for one kind of access', async () => {
    const core = await rawCore(LAB_ROOM);
    // instruction fetches by the user look like reads
    plant(
      core,
      'walkFor',
      (real) =>
        (low, high, access, mmu, ...rest) =>
          real(low, high, mmu === 1 && access === 4 ? 1 : access, mmu!, ...rest),
    );
    const target = await pagingTarget({ core });
    const result = await run(target, 600);
    expect(result.findings).toBeGreaterThan(0);
    const { report } = await again(target, result);
    expect(report).toMatch(/access +4/);
    expect(report).toMatch(/mmu +1/);
  });
  it('finds nothing in the real one', async () => {
    const target = await pagingTarget();
    expect((await run(target, 1500)).found).toEqual([]);
  });
});

describe('guest', () => {
  it('finds a device that throws, and one that is not the same twice', { timeout: 120_000 }, async () => {
    const target = await guestTarget({
      prepare: ({ pc }, second) => {
        const device = {
          name: 'planted',
          // what nobody else claims: another value on the second machine
          read: () => (second ? 1 : 0),
          write: (offset: number) => {
            if (offset % 256 === 0x80) throw new Error('planted');
          },
        };
        pc.vm.pio.claim({ addr: 0n, len: 0x1_0000, device });
      },
    });
    const result = await run(target, 120);
    const kinds = result.found.map(({ kind }) => kind).join('\n');
    expect(kinds).toMatch(/twice/);
    await again(target, result);
    await target.close();
  });
  it('finds nothing in the real one', { timeout: 120_000 }, async () => {
    const target = await guestTarget();
    const result = await run(target, 25);
    expect(result.found).toEqual([]);
    await target.close();
  });
});

describe.runIf(NATIVE)('execute', () => {
  it('finds a result that is wrong for one opcode, and reduces it to that', { timeout: 120_000 }, async () => {
    const target = await executeTarget({ stepper: await stepperWrongAfter(0x98) }); // CWDE
    const result = await run(target, 30_000);
    expect(result.found.map(({ kind }) => kind)).toContain('Cwde: rdx');
    const first = result.found.find(({ kind }) => kind === 'Cwde: rdx')!;
    const { input } = await readReproducer(first.path, 'execute');
    const outcome = (await target.run([input]))[0];
    expect(outcome?.finding?.kind).toBe('Cwde: rdx');
    const report = await readFile(first.path.replace(/fuzz$/, 'txt'), 'utf8');
    expect(report).toMatch(/^0+8000[0-9a-f]{3} +98 +cwde$/m);
    expect(report).toMatch(/^rdx .*0000000000000100 .*0000000000000000 +<--$/m);
    await target.close();
  });
  it('finds nothing in the real one', { timeout: 120_000 }, async () => {
    const target = await executeTarget();
    const result = await run(target, 10_000);
    expect(result.found).toEqual([]);
    expect(result.places).toBeGreaterThan(1000);
    await target.close();
  });
});

describe('a run', () => {
  /** The inputs of a run, and what it found. */
  async function inputsOf(seed: number): Promise<string[]> {
    const target = busTarget();
    const seen: string[] = [];
    const recording: Target = {
      ...target,
      run: (inputs) => {
        seen.push(...inputs.map((input) => Buffer.from(input).toString('hex')));
        return target.run(inputs);
      },
    };
    await run(recording, 400, seed);
    return seen;
  }
  it('repeats with its seed, and is another with another', async () => {
    const first = await inputsOf(7);
    expect(first.length).toBe(400);
    expect(await inputsOf(7)).toEqual(first);
    expect(await inputsOf(8)).not.toEqual(first);
  });
  it('goes on from a corpus, and adds to it', async () => {
    const corpus = join(directory, 'corpus');
    const options = { seed: 1, corpus, findings: directory };
    const first = await runTarget(busTarget(), { ...options, runs: 300 });
    expect(first.corpus).toBeGreaterThan(50);
    // the same inputs reach the same, before a single new one is made
    const second = await runTarget(busTarget(), { ...options, runs: first.corpus });
    expect(second.runs).toBeGreaterThanOrEqual(first.corpus);
    expect(second.features).toBeGreaterThan(first.features * 0.9);
  });
});
