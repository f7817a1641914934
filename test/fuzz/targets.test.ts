// Each target finds a bug that was planted for it, and what it writes down shows the bug again and is small.

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCoreBytes } from '../../src/core/module.js';
import { Buses } from '../../src/fuzz/bus/buses.js';
import { busTarget } from '../../src/fuzz/bus/target.js';
import { decodeTarget } from '../../src/fuzz/decode/target.js';
import { DispatchLab } from '../../src/fuzz/dispatch/lab.js';
import { dispatchTarget } from '../../src/fuzz/dispatch/target.js';
import { executeTarget } from '../../src/fuzz/execute/target.js';
import { guestTarget } from '../../src/fuzz/guest/target.js';
import { readReproducer, record, runTarget, type Found, type Target } from '../../src/fuzz/index.js';
import { pagingTarget } from '../../src/fuzz/paging/target.js';
import { wrongCarry, wrongDecoder, wrongWalk } from './planted.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doorbell-fuzz-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Takes note of the first input that shows something. */
function spied(target: Target): { target: Target; first: () => Uint8Array | undefined } {
  let first: Uint8Array | undefined;
  const run = async (inputs: readonly Uint8Array[]) => {
    const outcomes = await target.run(inputs);
    const index = outcomes.findIndex(({ finding }) => finding !== undefined);
    if (index >= 0) first ??= inputs[index];
    return outcomes;
  };
  return { target: { ...bound(target), run }, first: () => first };
}

/** A target whose methods need no `this`. */
function bound(target: Target): Target {
  return {
    name: target.name,
    coverage: target.coverage,
    batch: target.batch,
    seeds: () => target.seeds(),
    fresh: (random) => target.fresh(random),
    mutate: (random, input, other) => target.mutate(random, input, other),
    run: (inputs) => target.run(inputs),
    simpler: (input) => target.simpler?.(input) ?? [],
    explain: (input) => target.explain(input),
    close: () => target.close(),
  };
}

/** Fuzzes until the first finding. */
async function firstFinding(made: Target): Promise<{ found: Found; original: Uint8Array }> {
  const { target, first } = spied(made);
  const stop = new AbortController();
  const one: Found[] = [];
  await runTarget(target, {
    seconds: 25,
    seed: 1,
    findings: directory,
    // what the same batch shows besides is not minimised
    signal: stop.signal,
    found: (found) => {
      one.push(found);
      stop.abort();
    },
  });
  expect(one, 'the planted bug is found').not.toHaveLength(0);
  return { found: one[0]!, original: first()! };
}

/** The reproducer and the report of a finding. */
async function check(target: Target, found: Found, original: Uint8Array): Promise<{ input: Uint8Array; text: string }> {
  const { target: name, input } = await readReproducer(found.path, undefined);
  expect(name).toBe(target.name);
  expect(input.length).toBeLessThanOrEqual(original.length);
  const [outcome] = await target.run([input]);
  expect(outcome?.finding).toEqual({ kind: found.kind, summary: found.summary });
  const text = await readFile(found.path.replace(/fuzz$/, 'txt'), 'utf8');
  expect(text.split('\n')[0]).toBe(`${name}: ${found.summary}`);
  expect(text).toContain(`doorbell fuzz --replay ${found.path}`);
  return { input, text };
}

/** Buses of which one drops the upper half of addresses. */
class WrongBuses extends Buses {
  override store(addr: bigint, length: number, value = 0n, bus = this.mmio): boolean {
    return super.store(BigInt.asUintN(32, addr), length, value, bus);
  }
}

describe('a planted bug', () => {
  it('decode: an instruction is a byte too long', async () => {
    const target = await decodeTarget({ core: await wrongDecoder() });
    try {
      const { found, original } = await firstFinding(target);
      const { input, text } = await check(target, found, original);
      // the code size and the opcode; nothing else is needed
      expect(input.at(-1)).toBe(0x98);
      expect(input.length).toBeLessThanOrEqual(2);
      expect(text).toContain('iced-x86');
    } finally {
      await target.close();
    }
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('execute: an overflow carries', async () => {
    const target = await executeTarget({ core: await wrongCarry() });
    try {
      const { found, original } = await firstFinding(target);
      expect(found.kind).toMatch(/rflags/i);
      await check(target, found, original);
      expect((await stat(found.path.replace(/fuzz$/, 'bin'))).size).toBeGreaterThan(0);
    } finally {
      await target.close();
    }
  });

  it('dispatch: one machine does not look at the value', async () => {
    const lab = await DispatchLab.create();
    const { vm } = lab.machines.find(({ name }) => name === 'npt, fast')!;
    const right = vm.ioeventfd.bind(vm);
    vm.ioeventfd = (args) => right({ ...args, flags: args.flags & ~1, datamatch: 0n });
    const target = await dispatchTarget(lab);
    try {
      const { found, original } = await firstFinding(target);
      expect(found.summary).toMatch(/npt, fast|accepted by some only/);
      await check(target, found, original);
    } finally {
      await target.close();
      lab.close();
    }
  });

  it('bus: the upper half of an address is dropped', async () => {
    const target = busTarget(() => new WrongBuses());
    const { found, original } = await firstFinding(target);
    const { input } = await check(target, found, original);
    // one to take the access, and the access
    expect(input.length).toBeLessThanOrEqual(2 * 6);
    expect(found.summary).toMatch(/write/);
  });

  it('paging: user accesses go to the next page', async () => {
    const target = await pagingTarget({ core: await wrongWalk() });
    try {
      const { found, original } = await firstFinding(target);
      const { text } = await check(target, found, original);
      expect(text).toMatch(/^mmu +1$/m);
    } finally {
      await target.close();
    }
  });

  it('guest: two runs differ', async () => {
    const target = await guestTarget({ cores: [await loadCoreBytes(), await wrongCarry()] });
    try {
      // MOV AL, 7F; INC AL; MOV BX, 1234; HLT: OF without CF
      const original = Uint8Array.of(0, 7, 1, 2, 0xb0, 0x7f, 0xfe, 0xc0, 0xbb, 0x34, 0x12, 0xf4);
      const [outcome] = await target.run([original]);
      expect(outcome?.finding?.summary).toMatch(/rflags/);
      const found = await record(target, original, outcome!.finding!, directory);
      const { input } = await check(target, found, original);
      const image = await readFile(found.path.replace(/fuzz$/, 'bin'));
      expect([...image]).toEqual([...input.subarray(4)]);
    } finally {
      await target.close();
    }
  });
});

describe('without one', () => {
  it.each([
    ['decode', decodeTarget, 1024],
    ['bus', busTarget, 512],
    ['paging', pagingTarget, 512],
  ] as const)('%s: equal seeds give equal runs, and nothing is found', async (_name, make, runs) => {
    const run = async (seed: number) => {
      const target = await make();
      const inputs: string[] = [];
      const watched = {
        ...bound(target),
        run: (batch: readonly Uint8Array[]) => {
          inputs.push(...batch.map((input) => Buffer.from(input).toString('hex')));
          return target.run(batch);
        },
      };
      const {
        runs: done,
        places,
        features,
        corpus,
        found,
      } = await runTarget(watched, { runs, seed, findings: directory });
      await target.close();
      return { inputs, done, places, features, corpus, found };
    };
    const one = await run(5);
    expect(one.found).toEqual([]);
    expect(one.done).toBe(runs);
    expect(one.features).toBeGreaterThan(0);
    expect(await run(5)).toEqual(one);
    expect((await run(6)).inputs).not.toEqual(one.inputs);
  });
});
