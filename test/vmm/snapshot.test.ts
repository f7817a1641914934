// Vm.snapshot() and Vm.restore(): what is state and what is not, what is refused, what a restore keeps. That restoring is
// exact under whatever guests do is snapshot.property.test.ts's.

import { afterEach, describe, expect, it } from 'vitest';
import {
  CoalescedZones,
  EventFd,
  ExitReason,
  IoEventFdFlag,
  MemoryFlag,
  Snapshot,
  Vm,
  type IoExit,
  type MmioExit,
  type VmOptions,
} from '../../src/index.js';
import { CODE, longMode, MIB, PAGING_MODES, realMode, type Guest } from './guest.js';

let vm: Vm;
afterEach(() => vm.close());

const HLT = 0xf4;
/** INC BYTE [2000]; HLT; JMP back */
const COUNTER = [0xfe, 0x06, 0x00, 0x20, HLT, 0xeb, 0xf9];

async function counter(options: VmOptions = {}): Promise<Guest> {
  const guest = await realMode(COUNTER, options);
  vm = guest.vm;
  return guest;
}
const codeOf = (action: () => void): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

/** Vitest's own comparison takes seconds for a MiB. */
const differs = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) !== 0;

describe.each(PAGING_MODES)('under %s', (paging) => {
  it('memory, registers and time go back, as often as one likes', async () => {
    const { vcpu } = await counter({ paging });
    vcpu.run();
    const snapshot = vm.snapshot();
    const [ticks, regs, retired] = [vm.clock.ticks(), vcpu.getRegs(), vcpu.retired];
    for (let times = 0; times < 3; times++) {
      for (let more = 2; more < 5; more++) {
        vcpu.run();
        expect(vm.memory.readU8(0x2000)).toBe(more);
      }
      vm.restore(snapshot);
      expect(vm.memory.readU8(0x2000)).toBe(1);
      expect(vcpu.getRegs()).toEqual(regs);
      expect([vm.clock.ticks(), vcpu.retired]).toEqual([ticks, retired]);
    }
  });

  it('snapshots form a tree, through which one goes in any direction', async () => {
    const { vcpu } = await counter({ paging });
    const at = (value: number): number => vm.memory.readU8(0x2000) * 1000 + vm.memory.readU8(0x3000 + value * 0x1000);
    const grow = (value: number): void => {
      vcpu.run();
      vm.memory.writeU8(0x3000 + value * 0x1000, value);
    };
    const root = vm.snapshot();
    grow(1);
    const one = vm.snapshot();
    grow(2);
    const two = vm.snapshot();
    vm.restore(root);
    grow(5);
    const five = vm.snapshot();
    grow(6);
    const expected = new Map([
      [root, [0, 0, 0, 0]],
      [one, [1001, 1000, 1000, 1000]],
      [two, [2001, 2002, 2000, 2000]],
      [five, [1000, 1000, 1005, 1000]],
    ]);
    const order = [two, one, five, root, five, two, root, one, two];
    for (const snapshot of order) {
      vm.restore(snapshot);
      expect([1, 2, 5, 6].map(at)).toEqual(expected.get(snapshot));
    }
    // without the ones between, the others still find their way
    one.close();
    root.close();
    for (const snapshot of [five, two, five]) {
      vm.restore(snapshot);
      expect([1, 2, 5, 6].map(at)).toEqual(expected.get(snapshot));
      grow(6);
    }
    five.close();
    vm.restore(two);
    expect([1, 2, 5, 6].map(at)).toEqual(expected.get(two));
  });

  it('only pages that were written are looked at, and only once', async () => {
    const { vcpu } = await counter({ paging });
    const snapshot = vm.snapshot();
    for (let times = 0; times < 3; times++) {
      vm.resetStats();
      for (let kicks = 0; kicks < 10; kicks++) vcpu.run();
      expect(vm.stats().exits.PML_FULL?.count).toBe(1);
      vm.restore(snapshot);
    }
    vm.resetStats();
    snapshot.close();
    vcpu.run();
    expect(vm.stats().exits.PML_FULL).toBeUndefined();
  });

  it('decoded code of pages that were not written survives, and of those that were, too, if it is the same', async () => {
    // the counter is on the code's own page: MOV AL, 1; INC BYTE [1800]; HLT
    ({ vm } = await realMode([0xb0, 1, 0xfe, 0x06, 0x00, 0x18, HLT], { paging }));
    const [vcpu] = vm.vcpus;
    const snapshot = vm.snapshot();
    vcpu!.run();
    const decoded = vm.mapped().blocks;
    for (let times = 0; times < 5; times++) {
      vm.restore(snapshot);
      expect(vm.memory.readU8(0x1800)).toBe(0);
      vcpu!.run();
    }
    expect(vm.mapped().blocks).toBe(decoded);
  });

  it('code that was overwritten runs as it was', async () => {
    // MOV AL, 1; MOV BYTE [1001], 7; HLT
    ({ vm } = await realMode([0xb0, 1, 0xc6, 0x06, 0x01, 0x10, 7, HLT], { paging }));
    const [vcpu] = vm.vcpus;
    const snapshot = vm.snapshot();
    for (let times = 0; times < 3; times++) {
      for (const expected of [1n, 7n]) {
        vcpu!.setRegs({ ...vcpu!.getRegs(), rip: BigInt(CODE) });
        vcpu!.run();
        expect(vcpu!.getRegs().rax & 0xffn).toBe(expected);
      }
      vm.restore(snapshot);
    }
  });

  it('accessed and dirty bits of the guest’s tables go back', async () => {
    // MOV [4000000000], AL; HLT, through a page table of its own
    ({ vm } = await longMode([0x48, 0xb8, 0, 0, 0, 0, 0x40, 0, 0, 0, 0x88, 0x00, HLT], { paging }));
    vm.memory.writeU64(0x8_3000, 0x5003n);
    const [vcpu] = vm.vcpus;
    const snapshot = vm.snapshot();
    for (let times = 0; times < 2; times++) {
      expect(vcpu!.run().reason).toBe(ExitReason.Hlt);
      expect(vm.memory.readU64(0x8_3000)).toBe(0x5063n);
      vm.restore(snapshot);
      expect(vm.memory.readU64(0x8_3000)).toBe(0x5003n);
    }
  });

  it('a write to a read-only slot is still nobody’s but the bus’s', async () => {
    const { vcpu } = await counter({ paging, memory: 0x2000 });
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x2000n, memorySize: 0x1000, flags: MemoryFlag.ReadOnly });
    vm.memory.writeU8(0x2000, 41);
    const snapshot = vm.snapshot();
    for (let times = 0; times < 3; times++) {
      expect(vcpu.run()).toMatchObject({ reason: ExitReason.Mmio, isWrite: true, data: Uint8Array.of(42) });
      expect(vm.memory.readU8(0x2000)).toBe(41);
      vm.restore(snapshot);
    }
    // from outside it can be written, and that goes back
    vm.memory.writeU8(0x2000, 7);
    vm.restore(snapshot);
    expect(vm.memory.readU8(0x2000)).toBe(41);
  });
});

describe('writes from outside', () => {
  it.each([
    ['write', (): void => vm.memory.write(0x2ffe, Uint8Array.of(1, 2, 3, 4))],
    ['fill', (): void => vm.memory.fill(0x2ffe, 9, 0x1004)],
    ['writeU8', (): void => vm.memory.writeU8(0x2fff, 1)],
    ['writeU16', (): void => vm.memory.writeU16(0x2fff, 0x1234)],
    ['writeU32', (): void => vm.memory.writeU32(0x2ffe, 0x12345678)],
    ['writeU64', (): void => vm.memory.writeU64(0x2ffb, ~0n & 0xffff_ffff_ffffn)],
    ['a view', (): void => void vm.memory.view(0x2ffe, 4).fill(5)],
  ])('%s', async (_what, write) => {
    await counter();
    vm.memory.fill(0x2000, 0xee, 0x2000);
    const before = vm.memory.read(0, MIB);
    const snapshot = vm.snapshot();
    for (let times = 0; times < 2; times++) {
      write();
      expect(differs(vm.memory.read(0, MIB), before)).toBe(true);
      vm.restore(snapshot);
      expect(differs(vm.memory.read(0, MIB), before)).toBe(false);
    }
  });
  it('through a view from before the snapshot, unseen', async () => {
    await counter();
    const view = vm.memory.view(0x3000, 0x1001);
    const snapshot = vm.snapshot();
    for (let times = 0; times < 3; times++) {
      view[0] = 1;
      view[0x1000] = 2;
      vm.restore(snapshot);
      expect([view[0], view[0x1000]]).toEqual([0, 0]);
    }
  });
});

describe('exits that wait to be completed', () => {
  it('IN', async () => {
    ({ vm } = await realMode([0xe4, 0x10, HLT])); // IN AL, 10; HLT
    const [vcpu] = vm.vcpus;
    const exit = vcpu!.run() as IoExit;
    const snapshot = vm.snapshot();
    for (const value of [1, 2]) {
      expect(vcpu!.pending).toBe(exit);
      exit.complete(value);
      expect(vcpu!.run().reason).toBe(ExitReason.Hlt);
      expect(vcpu!.getRegs().rax & 0xffn).toBe(BigInt(value));
      vm.restore(snapshot);
      expect(exit.value).toBe(0);
    }
  });
  it('a read of MMIO, with half of the instruction done', async () => {
    // ADD AL, [A0000] (twice a byte, from two pages): ADD AX, [9FFFF] with RAM up to A0000
    ({ vm } = await realMode([0xb8, 0xff, 0x9f, 0x8e, 0xd8, 0x03, 0x06, 0x0f, 0x00, HLT], { memory: 0xa_0000 }));
    vm.memory.writeU8(0x9_ffff, 5);
    const [vcpu] = vm.vcpus;
    const exit = vcpu!.run() as MmioExit;
    expect(exit).toMatchObject({ physAddr: 0xa_0000n, length: 1 });
    const snapshot = vm.snapshot();
    expect(codeOf(() => snapshot.toBytes())).toBe('EBUSY');
    for (const value of [1, 2]) {
      exit.complete(value);
      expect(vcpu!.run().reason).toBe(ExitReason.Hlt);
      expect(vcpu!.getRegs().rax & 0xffffn).toBe(BigInt((0x9fff + 5 + value * 256) & 0xffff));
      vm.restore(snapshot);
    }
  });
  it('a halt', async () => {
    const { vcpu } = await counter();
    vcpu.run();
    const snapshot = vm.snapshot();
    vm.restore(snapshot);
    expect(vcpu.halted).toBe(true);
    vcpu.run();
    expect(vm.memory.readU8(0x2000)).toBe(2);
  });
});

describe('what belongs to it', () => {
  it('counts of registered eventfds, without a signal', async () => {
    // MOV AX, FE00... a doorbell by port: OUT 20, AL; HLT; JMP back
    ({ vm } = await realMode([0xe6, 0x20, HLT, 0xeb, 0xfb]));
    const [vcpu] = vm.vcpus;
    const [fd, other] = [new EventFd(), new EventFd()];
    vm.ioeventfd({ fd, addr: 0x20n, len: 1, flags: IoEventFdFlag.Pio });
    let signals = 0;
    fd.onSignal(() => signals++);
    vcpu!.run();
    const snapshot = vm.snapshot();
    vcpu!.run();
    other.signal();
    expect([fd.count, signals]).toEqual([2n, 2]);
    vm.restore(snapshot);
    expect([fd.count, other.count, signals]).toEqual([1n, 1n, 2]);
    fd.read();
    vm.restore(snapshot);
    expect(fd.count).toBe(1n);
    fd.write(2n ** 63n);
    const large = vm.snapshot();
    fd.read();
    vm.restore(large);
    expect(fd.read()).toBe(2n ** 63n + 1n);
    // no longer the Vm's: its count is its owner's
    vm.ioeventfd({ fd, addr: 0x20n, len: 1, flags: IoEventFdFlag.Pio | IoEventFdFlag.Deassign });
    vm.restore(snapshot);
    expect(fd.count).toBe(0n);
    for (const one of [fd, other]) one.close();
  });
  it('coalesced writes that nobody has taken', async () => {
    ({ vm } = await realMode([0xe6, 0x20, HLT]));
    const zones = new CoalescedZones(vm);
    zones.register({ addr: 0x20n, size: 1, pio: 1 });
    vm.vcpus[0]!.run();
    const snapshot = vm.snapshot();
    for (let times = 0; times < 2; times++) {
      expect(zones.ring.shift()).toMatchObject({ addr: 0x20n, pio: true });
      expect(zones.ring.shift()).toBeUndefined();
      vm.restore(snapshot);
    }
  });
  it('pins, pending interrupts and interrupt windows', async () => {
    // STI; NOP; HLT
    ({ vm } = await realMode([0xfb, 0x90, HLT]));
    const [vcpu] = vm.vcpus;
    vcpu!.injectInterrupt(0x20);
    vm.memory.writeU16(0x80, 0x500);
    vm.memory.writeU8(0x500, HLT);
    const snapshot = vm.snapshot();
    for (let times = 0; times < 2; times++) {
      vcpu!.run();
      expect(vcpu!.getRegs().rip).toBe(0x501n);
      vm.restore(snapshot);
      expect(codeOf(() => vcpu!.injectInterrupt(0x21))).toBe('EEXIST');
    }
  });
  it('time put forward, under either clock', async () => {
    await counter();
    vm.skipTime(1000);
    const snapshot = vm.snapshot();
    const ticks = vm.clock.ticks();
    vm.skipTime(5000);
    vm.restore(snapshot);
    expect(vm.clock.ticks()).toBe(ticks);

    const real = await Vm.create({ clock: 'real' });
    const then = real.snapshot();
    const first = real.clock.ticks();
    const end = performance.now() + 20;
    while (performance.now() < end);
    real.restore(then);
    // it goes on from there, and the 20 ms are not in it
    expect(real.clock.ticks() - first).toBeLessThan(0.02 * real.options.tscKhz * 1000);
    real.close();
  });
});

describe('what does not belong to it', () => {
  it('statistics count on', async () => {
    const { vcpu } = await counter();
    const snapshot = vm.snapshot();
    for (let times = 1; times <= 3; times++) {
      vcpu.run();
      vm.restore(snapshot);
      expect(vm.stats().instructions).toBe(2 * times);
      expect(vm.stats().exits.HLT?.count).toBe(times);
    }
  });
  it('the dirty log gains the pages put back', async () => {
    const { vcpu } = await counter();
    vm.setMemoryRegion({ slot: 0, guestPhysAddr: 0n, memorySize: MIB, flags: MemoryFlag.LogDirtyPages });
    const snapshot = vm.snapshot();
    vcpu.run();
    expect(vm.getDirtyLog(0)[0]).toBe(1 << 2);
    vm.restore(snapshot);
    expect(vm.getDirtyLog(0)[0]).toBe(1 << 2);
    vcpu.run();
    expect(vm.getDirtyLog(0)[0]).toBe(1 << 2);
  });
});

describe('a snapshot as bytes', () => {
  async function like(options: VmOptions = {}): Promise<Vm> {
    const other = await Vm.create({ memory: MIB, ...options });
    other.createVcpu();
    return other;
  }
  it.each(PAGING_MODES)('makes another Vm the same, under %s', async (paging) => {
    const { vcpu } = await counter({ paging });
    vcpu.run();
    const bytes = vm.snapshot().toBytes();
    vcpu.run();
    const other = await like({ paging });
    other.memory.fill(0x5000, 0xff, 0x3000);
    const snapshot = Snapshot.fromBytes(bytes);
    for (let times = 0; times < 3; times++) {
      other.restore(snapshot);
      expect(other.memory.readU8(0x2000)).toBe(1);
      expect(other.memory.readU8(0x5000)).toBe(0);
      other.vcpus[0]!.run();
      expect(differs(other.memory.read(0, MIB), vm.memory.read(0, MIB))).toBe(false);
      expect(other.vcpus[0]!.getRegs()).toEqual(vcpu.getRegs());
      expect(other.clock.ticks()).toBe(vm.clock.ticks());
    }
    // JMP, INC, HLT after each restore
    expect(other.stats().instructions).toBe(9);
    other.close();
  });
  it('is of the moment it was taken, whatever has been written since', async () => {
    const { vcpu } = await counter();
    const snapshot = vm.snapshot();
    const bytes = snapshot.toBytes();
    vcpu.run();
    const later = vm.snapshot();
    vcpu.run();
    expect(snapshot.toBytes()).toEqual(bytes);
    vm.restore(snapshot);
    vm.restore(Snapshot.fromBytes(later.toBytes()));
    expect(vm.memory.readU8(0x2000)).toBe(1);
  });
  it('has the exit that waits, for the other Vm’s user to complete', async () => {
    ({ vm } = await realMode([0xe4, 0x10, HLT]));
    vm.vcpus[0]!.run();
    const other = await like();
    other.restore(Snapshot.fromBytes(vm.snapshot().toBytes()));
    const [vcpu] = other.vcpus;
    expect(vcpu!.pending).toMatchObject({ direction: 'in', port: 0x10, size: 1 });
    vcpu!.pending!.complete(0x55);
    expect(vcpu!.run().reason).toBe(ExitReason.Hlt);
    expect(vcpu!.getRegs().rax & 0xffn).toBe(0x55n);
    other.close();
  });
  it('has counts of eventfds, by what they are registered for', async () => {
    const bind = (machine: Vm, fd: EventFd): void =>
      machine.ioeventfd({ fd, addr: 0x20n, len: 1, flags: IoEventFdFlag.Pio });
    ({ vm } = await realMode([0xe6, 0x20, HLT]));
    const [ours, theirs] = [new EventFd(), new EventFd()];
    bind(vm, ours);
    vm.vcpus[0]!.run();
    const other = await like();
    bind(other, theirs);
    other.restore(Snapshot.fromBytes(vm.snapshot().toBytes()));
    expect(theirs.count).toBe(1n);
    other.close();
    for (const one of [ours, theirs]) one.close();
  });
  it.each([
    ['memory', { memory: 2 * MIB }, /of a Vm with memory 1048576, this one has 2097152/],
    ['clock', { clock: 'real' }, /with clock/],
    ['processor', { cpu: { la57: true } }, /with cpu/],
  ] as const)('is refused by a Vm of another %s', async (_what, options, message) => {
    await counter();
    const bytes = vm.snapshot().toBytes();
    const other = await like(options);
    expect(() => other.restore(Snapshot.fromBytes(bytes))).toThrow(message);
    other.close();
  });
  it('is refused by a Vm with other vCPUs or slots', async () => {
    await counter();
    const snapshot = Snapshot.fromBytes(vm.snapshot().toBytes());
    const other = await Vm.create({ memory: MIB });
    expect(() => other.restore(snapshot)).toThrow(/EINVAL.* vCPUs: 1, this one has 0/);
    other.createVcpu();
    other.setMemoryRegion({ slot: 3, guestPhysAddr: 0x100_0000n, memorySize: 4096 });
    expect(() => other.restore(snapshot)).toThrow(/EINVAL.*memory slots/);
    other.close();
  });
  it('is refused when it is none, incomplete, damaged, or of another version', async () => {
    await counter();
    const bytes = vm.snapshot().toBytes();
    const broken = (change: (copy: Uint8Array) => Uint8Array | void): (() => void) => {
      const copy = bytes.slice();
      const changed = change(copy) ?? copy;
      return () => Snapshot.fromBytes(changed);
    };
    expect(() => Snapshot.fromBytes(new Uint8Array(0))).toThrow(/EINVAL: snapshot: these bytes are no snapshot/);
    expect(broken((copy) => void copy.fill(0, 0, 4))).toThrow(/no snapshot/);
    expect(broken((copy) => void (copy[8] = 9))).toThrow(/version 9; this Doorbell reads version 1/);
    expect(broken((copy) => copy.subarray(0, -1))).toThrow(/damaged or incomplete/);
    expect(broken((copy) => void (copy[copy.length >> 1]! ^= 1))).toThrow(/damaged or incomplete/);
  });
});

describe('what is refused', () => {
  it('a snapshot of another Vm', async () => {
    await counter();
    const other = await Vm.create({ memory: MIB });
    const snapshot = other.snapshot();
    expect(() => vm.restore(snapshot)).toThrow(/EINVAL.*another Vm/);
    other.close();
  });
  it('a closed one, and anything of a closed Vm', async () => {
    await counter();
    const snapshot = vm.snapshot();
    const second = vm.snapshot();
    snapshot.close();
    snapshot.close();
    expect(snapshot.closed).toBe(true);
    for (const action of [(): void => vm.restore(snapshot), (): unknown => snapshot.toBytes()]) {
      expect(codeOf(action)).toBe('EBADF');
    }
    vm.close();
    for (const action of [(): void => vm.restore(second), (): unknown => vm.snapshot()]) {
      expect(codeOf(action)).toBe('EBADF');
    }
  });
  it('one from before slots or vCPUs changed', async () => {
    await counter();
    const before = vm.snapshot();
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x100_0000n, memorySize: 4096 });
    expect(() => vm.restore(before)).toThrow(/EINVAL.*memory slots/);
    const after = vm.snapshot();
    vm.memory.writeU8(0x100_0000, 1);
    vm.restore(after);
    expect(vm.memory.readU8(0x100_0000)).toBe(0);
    vm.createVcpu();
    expect(() => vm.restore(after)).toThrow(/EINVAL.*1 vCPUs/);
  });
  it('from within a run', async () => {
    ({ vm } = await realMode([0xe6, 0x20, HLT]));
    const codes: string[] = [];
    vm.pio.claim({
      addr: 0x20n,
      len: 1,
      device: {
        name: 'inside',
        read: () => 0,
        write: () => void codes.push(codeOf(() => vm.snapshot())),
      },
    });
    vm.vcpus[0]!.run();
    expect(codes).toEqual(['EBUSY']);
  });
});
