// Vm.setPaging() and Vm.setDoorbells(): a guest that is moved from one way of paging to another in the middle of its run
// prints, computes and leaves behind what it would have in one of them; so does one that moves to another Vm in a snapshot.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { WANTED_KICKS } from '../../src/machine/devices/kick.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import type { DoorbellMode, PagingMode } from '../../src/vmm/options.js';
import { ExitReason } from '../../src/vmm/exit.js';
import { Snapshot } from '../../src/vmm/snapshot.js';
import type { Vm } from '../../src/vmm/vm.js';
import { longMode } from '../vmm/guest.js';

const MODES: PagingMode[] = ['ept', 'npt', 'shadow'];
const PAIRS = MODES.flatMap((from) => MODES.filter((to) => to !== from).map((to) => [from, to] as const));
const MEMORY = 8 << 20;

interface Guest {
  image: string;
  cmdline?: string;
  /** Ends the run here instead of where the guest does. */
  until?: number;
  /** A REP instruction of it faults in its middle, and how many instructions that counts depends on the mode (docs/limits-and-quirks.md). */
  uncounted?: boolean;
}
const GUESTS: Record<string, Guest> = {
  vmexit: { image: 'vmexit/vmexit.bin', cmdline: 'goal=15 raw' },
  promise: { image: 'promise/promise.bin' },
  faults: { image: 'faults/faults.bin', uncounted: true },
  smc: { image: 'smc/smc.bin' },
  sieve: { image: 'bench/sieve.bin', cmdline: 'n=1 ticks' },
  'nbody-sse2': { image: 'bench/nbody-sse2.bin', cmdline: 'n=1 ticks' },
  'mandelbrot-x87': { image: 'bench/mandelbrot-x87.bin', cmdline: 'n=1 ticks' },
  kicker: { image: 'kicker/kicker.bin', until: 1_000_000 },
};

interface Machine {
  pc: Pc;
  text: () => string;
}
async function create({ image, cmdline = '' }: Guest, options: Partial<PcOptions>): Promise<Machine> {
  let text = '';
  const pc = await Pc.create({
    kernel: readFileSync(new URL(`../../guests/${image}`, import.meta.url)),
    memory: MEMORY,
    devices: ['doorbells'],
    cmdline,
    serial: (bytes) => void (text += new TextDecoder().decode(bytes)),
    ...options,
  });
  return { pc, text: () => text };
}

const TSC = 0x10;

/** All that can be seen of a machine. */
function look({ pc, text }: Machine, { uncounted = false }: Guest): Record<string, unknown> {
  const { vcpu, vm } = pc;
  const page = pc.device(DoorbellPage)!;
  const { mmioWildcard, mmioDatamatch, pv, hypercall, pioWildcard, pioDatamatch } = page;
  return {
    text: text(),
    regs: vcpu.getRegs(),
    sregs: vcpu.getSregs(),
    msrs: vcpu.getMsrs().filter(({ index }) => !uncounted || index !== TSC),
    debug: vcpu.getDebugRegs(),
    fpu: Buffer.from(vcpu.getXsave()).toString('hex'),
    retired: uncounted ? undefined : vcpu.retired,
    memory: createHash('sha256').update(vm.memory.read(0n, MEMORY)).digest('hex'),
    counts: [mmioWildcard, mmioDatamatch, pv, hypercall, pioWildcard, pioDatamatch].map((fd) => fd.count),
    others: [page.mmioNone.count, page.pioNone.count],
  };
}

/** Runs a guest to its end; `at` happens when so many instructions have been retired. */
async function run(machine: Machine, guest: Guest, at: [number, () => void][] = []): Promise<Record<string, unknown>> {
  const { pc } = machine;
  const { until } = guest;
  for (const [instructions, what] of at) {
    await pc.run({ maxInstructions: instructions - pc.vcpu.retired });
    what();
  }
  const limit = until === undefined ? {} : { maxInstructions: until - pc.vcpu.retired };
  expect((await pc.run(limit)).reason).toBe(until === undefined ? 'debug-exit' : 'budget');
  return look(machine, guest);
}

describe.each(Object.entries(GUESTS))('%s', (name, guest) => {
  const expected: Record<string, Record<string, unknown>> = {};
  let length = 0;
  beforeAll(async () => {
    for (const paging of MODES) {
      const machine = await create(guest, { paging });
      expected[paging] = await run(machine, guest);
      length = machine.pc.vcpu.retired;
      machine.pc.close();
    }
  });

  it('is the same in all three to begin with', () => {
    expect(length).toBeGreaterThan(5000);
    expect(expected.npt).toEqual(expected.ept);
    expect(expected.shadow).toEqual(expected.ept);
  });

  it.each(PAIRS)('from %s to %s, in its place and as a snapshot in another Vm', async (from, to) => {
    const machine = await create(guest, { paging: from, doorbells: 'fast' });
    const other = await create(guest, { paging: to, doorbells: 'emulate' });
    let printed = '';
    const move = (): void => {
      other.pc.restore(Snapshot.fromBytes(machine.pc.snapshot().toBytes()));
      printed = machine.text();
      machine.pc.vm.setPaging(to);
      machine.pc.vm.setDoorbells('emulate');
      expect(machine.pc.vm.options).toMatchObject({ paging: to, doorbells: 'emulate' });
    };
    expect(await run(machine, guest, [[Math.floor(length / 2), move]])).toEqual(expected.ept);
    const { text, ...rest } = await run(other, guest);
    expect({ text: printed + (text as string), ...rest }).toEqual(expected.ept);
    for (const { pc } of [machine, other]) pc.close();
  });

  it('through all of them again and again, with a step back now and then', async () => {
    const machine = await create(guest, { paging: 'shadow' });
    const { pc } = machine;
    const doorbells: DoorbellMode[] = ['emulate', 'fast'];
    const at = Array.from({ length: 40 }, (_, index): [number, () => void] => [
      Math.floor((length * (index + 1)) / 41),
      () => {
        const snapshot = pc.snapshot();
        pc.vm.setPaging(MODES[index % 3]!);
        pc.vm.setDoorbells(doorbells[index % 2]!);
        if (index % 4 === 0) pc.restore(snapshot);
        snapshot.close();
      },
    ]);
    expect(await run(machine, guest, at)).toEqual(expected.ept);
    pc.close();
  });
});

it.each(PAIRS)('with an MMIO read or a write in pieces still to be finished: from %s to %s', async (from, to) => {
  // MOV RAX, F0000000; ADD [RAX + FFC], RBX (read, then two writes: it crosses a page); MOV CL, [RAX]; HLT
  const code = [0x48, 0xb8, 0, 0, 0, 0xf0, 0, 0, 0, 0, 0x48, 0x01, 0x98, 0xfc, 0x0f, 0, 0, 0x8a, 0x08, 0xf4];
  const exits = async (change: (vm: Vm) => void): Promise<unknown[]> => {
    const { vm, vcpu } = await longMode(code, { paging: from });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: 0x1111_1111_1111_1111n });
    const seen: unknown[] = [];
    for (;;) {
      const exit = vcpu.run({ maxInstructions: 100 });
      change(vm);
      const { rip, rcx, rbx, rflags } = vcpu.getRegs();
      seen.push([exit.reason, rip, rcx, rbx, rflags, vcpu.retired]);
      if (exit.reason !== ExitReason.Mmio) break;
      seen.push([exit.physAddr, exit.length, exit.isWrite, exit.value]);
      if (!exit.isWrite) exit.complete(0x22);
    }
    seen.push(vcpu.getSregs());
    vm.close();
    return seen;
  };
  const expected = await exits(() => {});
  expect(expected.length).toBeGreaterThan(8);
  let turn = 0;
  expect(await exits((vm) => vm.setPaging([to, from][turn++ % 2]!))).toEqual(expected);
});

it('changes what exits there are, while the guest runs and the host holds on to everything', async () => {
  const { pc, text } = await create(GUESTS.kicker!, {});
  const page = pc.device(DoorbellPage)!;
  const reasons = { ept: 'EPT_MISCONFIG', npt: 'NPF', shadow: 'PAGE_FAULT' };
  for (const paging of [...MODES, ...MODES.toReversed()]) {
    for (const doorbells of ['fast', 'emulate'] as const) {
      pc.vm.setPaging(paging);
      pc.vm.setDoorbells(doorbells);
      await pc.run({ maxInstructions: 20_000 });
      pc.vm.resetStats();
      const before = Number(page.pv.count);
      await pc.run({ maxInstructions: 100_000 });
      const kicks = Number(page.pv.count) - before;
      const exits = pc.vm.stats().exits;
      expect(kicks).toBeGreaterThan(30_000);
      const { count, decodes } = exits[reasons[paging]]!;
      expect([count, decodes]).toEqual([kicks, doorbells === 'fast' ? 0 : kicks]);
      expect(Object.keys(exits).filter((reason) => Object.values(reasons).includes(reason))).toHaveLength(1);
    }
  }
  expect(text()).toBe('kicker: a register says which kick\nkick pv\n');
  pc.close();
});

it('may happen while Pc.run() goes on, in the turns that it gives the host', async () => {
  const { pc, text } = await create(GUESTS.kicker!, {});
  const page = pc.device(DoorbellPage)!;
  const stop = new AbortController();
  const running = pc.run({ signal: stop.signal });
  for (const [index, kick] of WANTED_KICKS.entries()) {
    pc.vm.setPaging(MODES[index % 3]!);
    page.want(kick);
    while (!text().endsWith(`kick ${kick}\n`)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  stop.abort();
  expect((await running).reason).toBe('aborted');
  pc.close();
});

it('is refused for a mode that there is not, inside a run, and once the Vm is closed', async () => {
  const { pc } = await create(GUESTS.kicker!, {});
  const { vm } = pc;
  expect(() => vm.setPaging('tdp' as PagingMode)).toThrow(
    /setPaging: paging must be 'ept' or 'npt' or 'shadow', not "tdp"/,
  );
  expect(() => vm.setDoorbells('slow' as DoorbellMode)).toThrow(/setDoorbells: doorbells must be 'fast' or 'emulate'/);
  const failures: unknown[] = [];
  const attempt = (): void => {
    for (const change of [() => vm.setPaging('npt'), () => vm.setDoorbells('emulate')]) {
      try {
        change();
      } catch (error) {
        failures.push((error as { code: string }).code);
      }
    }
  };
  vm.pio.claim({ addr: 0x80n, len: 1, device: { name: 'meddler', read: () => 0, write: attempt } });
  vm.memory.write(0x1000, Uint8Array.of(0xe6, 0x80, 0xf4)); // OUT 80, AL; HLT
  const sregs = pc.vcpu.getSregs();
  pc.vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n } });
  pc.vcpu.setRegs({ ...pc.vcpu.getRegs(), rip: 0x1000n });
  expect((await pc.run({ maxInstructions: 100 })).reason).toBe('halted');
  expect(failures).toEqual(['EBUSY', 'EBUSY']);
  expect(vm.options).toMatchObject({ paging: 'ept', doorbells: 'fast' });
  pc.close();
  attempt();
  expect(failures).toEqual(['EBUSY', 'EBUSY', 'EBADF', 'EBADF']);
});
