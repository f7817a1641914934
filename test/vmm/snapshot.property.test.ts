// Restoring is exact: whatever ran since, and in whatever order snapshots are gone back to, registers and memory are as they
// were and what runs then repeats what ran. Random guests in every operating mode, with tables and code they overwrite.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DeviceError, ExitReason, MemoryFlag, type Exit, type PagingMode, type Snapshot } from '../../src/index.js';
import { MODES } from '../core/guest.js';
import { Random } from '../../src/fuzz/random.js';
import { PAGING_MODES } from './guest.js';
import { RAM_SIZE, randomGuest, type RandomGuest } from './random-guest.js';

const GUESTS = process.env.CI ? 16 : 2;
const RUNS_MOST = 30;

const json = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString(16) : field));

/** All there is to see of a machine. */
function fingerprint({ vm, oracle }: RandomGuest): string {
  const memory = createHash('sha1').update(vm.memory.read(0, RAM_SIZE)).digest('hex');
  const vcpus = vm.vcpus.map((vcpu) => {
    const { retired, halted, readyForInterrupt } = vcpu;
    const pending = vcpu.pending === undefined ? null : { ...vcpu.pending };
    return [
      vcpu.getRegs(),
      vcpu.getSregs(),
      vcpu.getDebugRegs(),
      vcpu.getMsrs(),
      [...vcpu.getFpu()],
      { retired, halted, readyForInterrupt, pending },
    ];
  });
  return json([memory, vm.clock.ticks(), oracle.state, vcpus]);
}

function describeExit(exit: Exit): string {
  return json({ ...exit, message: undefined });
}

/** Runs as a seed says: slices, injections, answers to exits. Everything that can be seen on the way. */
function drive(guest: RandomGuest, seed: number, slices: number): string[] {
  const random = new Random(seed);
  const seen: string[] = [];
  guest.oracle.log = [];
  for (let slice = 0; slice < slices; slice++) {
    const vcpu = random.pick(guest.vm.vcpus as never[]) as (typeof guest.vm.vcpus)[number];
    if (random.oneIn(12)) vcpu.injectNmi();
    if (random.oneIn(6) && vcpu.readyForInterrupt) vcpu.injectInterrupt(32 + random.below(200));
    const maxInstructions = random.oneIn(3) ? random.below(5) : random.below(3000);
    let exit: Exit;
    try {
      exit = vcpu.run({ maxInstructions });
    } catch (error) {
      expect(error).toBeInstanceOf(DeviceError);
      seen.push(`${vcpu.index} ${vcpu.retired} failed`);
      break;
    }
    seen.push(`${vcpu.index} ${vcpu.retired} ${describeExit(exit)}`);
    if (exit.reason === ExitReason.Io || exit.reason === ExitReason.Mmio) exit.complete(random.next());
    if (exit.reason === ExitReason.Shutdown) break;
  }
  seen.push(...guest.oracle.log, fingerprint(guest));
  return seen;
}

interface Moment {
  snapshot: Snapshot;
  expected: string;
  /** Seed of the run that began here, and what was seen of it. */
  seed: number;
  seen: string[];
}

const SLICES = 12;

function mark(guest: RandomGuest, seed: number): Moment {
  const snapshot = guest.vm.snapshot();
  const expected = fingerprint(guest);
  return { snapshot, expected, seed, seen: drive(guest, seed, SLICES) };
}

/** What others than the guest may do to a machine. */
function meddle({ vm, vcpu }: RandomGuest, random: Random): void {
  for (let times = random.below(4); times > 0; times--) {
    const length = 1 + random.below(6000);
    vm.memory.fill(random.below(RAM_SIZE - length), random.next() & 0xff, length);
  }
  vm.memory.writeU32(random.below(RAM_SIZE - 4), random.next());
  if (random.oneIn(3)) vcpu.setRegs({ ...vcpu.getRegs(), rax: random.quad(), rflags: 2n });
  if (random.oneIn(5)) vcpu.reset();
  if (random.oneIn(3)) vm.skipTime(1000);
}

describe.each(PAGING_MODES)('under %s', (paging: PagingMode) => {
  it.each(MODES)('in mode %s', async (mode) => {
    for (let n = 0; n < GUESTS; n++) {
      const seed = 1000 * n + 7 * MODES.indexOf(mode) + paging.length;
      const random = new Random(seed + 1);
      const shape = { mode, system: random.oneIn(2), wild: random.oneIn(2) };
      const guest = await randomGuest(seed, shape, paging, random.oneIn(2));
      const { vm } = guest;
      if (random.oneIn(3)) {
        const second = vm.createVcpu();
        second.setSregs(guest.vcpu.getSregs());
        second.setRegs(guest.vcpu.getRegs());
      }
      const logs = random.oneIn(3);
      if (logs) {
        const { LogDirtyPages: flags } = MemoryFlag;
        vm.setMemoryRegion({ slot: 0, guestPhysAddr: 0n, memorySize: RAM_SIZE, flags });
      }
      drive(guest, seed + 2, random.below(SLICES));
      const moments = [mark(guest, random.next())];
      for (let runs = 0; runs < RUNS_MOST; runs++) {
        const at = random.below(10);
        if (at === 0) moments.push(mark(guest, random.next()));
        else if (at === 1) meddle(guest, random);
        else if (at === 2 && moments.length > 1) {
          const [gone] = moments.splice(random.below(moments.length), 1);
          gone!.snapshot.close();
        } else {
          const { snapshot, expected, seed: again, seen } = random.pick(moments);
          if (logs && random.oneIn(2)) vm.getDirtyLog(0);
          const before = logs ? vm.memory.read(0, RAM_SIZE) : undefined;
          vm.restore(snapshot);
          expect(fingerprint(guest)).toBe(expected);
          if (before !== undefined)
            expect(unlogged(vm.getDirtyLog(0), before, vm.memory.read(0, RAM_SIZE))).toEqual([]);
          if (random.oneIn(4)) continue;
          expect(drive(guest, again, SLICES)).toEqual(seen);
        }
      }
      vm.close();
    }
  });
});

/** Pages that differ and are not in the log. */
function unlogged(log: Uint8Array, before: Uint8Array, after: Uint8Array): number[] {
  const pages = Array.from({ length: RAM_SIZE / 4096 }, (_, page) => page);
  return pages.filter((page) => {
    const [from, to] = [page * 4096, page * 4096 + 4096];
    return (
      (log[page >> 3]! & (1 << (page & 7))) === 0 &&
      Buffer.compare(before.subarray(from, to), after.subarray(from, to)) !== 0
    );
  });
}
