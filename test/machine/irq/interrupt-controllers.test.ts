// The controllers in a Vm: a guest that rings itself through an eventfd, and snapshots.

import { afterEach, describe, expect, it } from 'vitest';
import { ExitReason, IoEventFdFlag, IrqFdFlag, Snapshot, type Vcpu, type Vm } from '../../../src/index.js';
import { Random } from '../../../src/fuzz/random.js';
import {
  plugInterruptControllers,
  type InterruptControllers,
} from '../../../src/machine/devices/irq/interrupt-controllers.js';
import type { InterruptMessage } from '../../../src/vmm/interrupt-message.js';
import { newFd, outcome } from '../../bus/fixture.js';
import { drained, realMode } from '../../vmm/guest.js';

interface Machine extends InterruptControllers {
  vm: Vm;
  vcpu: Vcpu;
  said: string[];
}
const vms: Vm[] = [];
afterEach(() => vms.splice(0).forEach((vm) => vm.close()));

async function machine(code: number[]): Promise<Machine> {
  const { vm, vcpu } = await realMode(code, { clock: 'virtual' });
  vms.push(vm);
  const said: string[] = [];
  const controllers = plugInterruptControllers(vm, {
    ioApicId: 1,
    deliver: ({ destination, mode, vector, level }: InterruptMessage) =>
      said.push(`message ${destination} ${mode} ${vector} ${level}`) > 0,
    intr: (level) => {
      said.push(`intr ${level}`);
      vcpu.setInterruptLine(level === 1);
    },
  });
  vcpu.setInterruptSource(controllers.pic);
  return { vm, vcpu, said, ...controllers };
}

describe('a doorbell that is an interrupt (spec 5.2)', () => {
  /*
   * Interrupt 35h counts at 7000h and ends with a non-specific EOI; IRQ 5 alone is open, level-triggered; then port 510h is
   * written three times:
   *   cli; ds = ss = 0; sp = 8000h; [35h*4] = 0:isr; [7000h] = 0
   *   out 20h,11h; out 21h,30h; out 21h,4; out 21h,1; out 21h,DFh; out 4D0h,20h
   *   sti; cx = 3; again: out 510h,ax; nop; loop again; cli; hlt
   *   isr: push ax; inc word [7000h]; out 20h,20h; pop ax; iret
   */
  const CODE = Buffer.from(
    'fa31c08ed88ed0bc0080c706d4003d10a3d600a30070b011e620b030e621b004e621b001e621b0dfe621bad004b020ee' +
      'ba1005fbb90300ef90e2fcfaf450ff060070b020e62058cf',
    'hex',
  );
  it('comes once a ring, by the 8259, and each EOI is told at the resamplefd', async () => {
    const { vm, vcpu, said } = await machine([...CODE]);
    const [bell, resamplefd] = [newFd(), newFd()];
    vm.ioeventfd({ fd: bell, addr: 0x510n, len: 2, flags: IoEventFdFlag.Pio });
    vm.irqfd({ fd: bell, gsi: 5, flags: IrqFdFlag.Resample, resamplefd });
    expect(vcpu.run({ maxInstructions: 1000 }).reason).toBe(ExitReason.Hlt);
    expect([...vm.memory.read(0x7000n, 2)]).toEqual([3, 0]);
    expect([drained(resamplefd), drained(bell)]).toEqual([3n, 0n]);
    expect(said).toEqual(Array(3).fill(['intr 1', 'intr 0']).flat());
  });
  it('goes on the same after a snapshot in the middle, here and in another Vm', async () => {
    const first = await machine([...CODE]);
    const ring = ({ vm }: Machine): void => {
      const [bell, resamplefd] = [newFd(), newFd()];
      vm.ioeventfd({ fd: bell, addr: 0x510n, len: 2, flags: IoEventFdFlag.Pio });
      vm.irqfd({ fd: bell, gsi: 5, flags: IrqFdFlag.Resample, resamplefd });
    };
    const finish = ({ vm, vcpu, said }: Machine): unknown => {
      said.length = 0;
      const { reason } = vcpu.run({ maxInstructions: 1000 });
      return { reason, said: [...said], count: vm.memory.read(0x7000n, 2)[0], retired: vcpu.retired };
    };
    ring(first);
    // In the handler of the first interrupt: in service, its line asserted.
    while (first.pic.master.read(0) !== 0x20 || first.pic.output === 1) first.vcpu.step();
    const snapshot = first.vm.snapshot();
    const expected = finish(first);
    expect(expected).toMatchObject({
      reason: ExitReason.Hlt,
      count: 3,
      said: ['intr 1', 'intr 0', 'intr 1', 'intr 0'],
    });
    first.vm.restore(snapshot);
    expect(finish(first)).toEqual(expected);
    const second = await machine([...CODE]);
    ring(second);
    second.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
    expect(finish(second)).toEqual(expected);
  });
});

describe('in their places', () => {
  it('answer at their ports and addresses', async () => {
    const { vm } = await machine([0xf4]);
    const port = (addr: number): number => (vm.pio.read(addr, 0, 1) ? vm.pio.dataLo : -1);
    for (const [addr, value] of [
      [0x21, 0x12],
      [0xa1, 0x34],
      [0x4d1, 0xff],
    ] as const) {
      vm.pio.write(addr, 0, 1, value, 0);
    }
    expect([0x21, 0xa1, 0x4d0, 0x4d1, 0x4d2].map(port)).toEqual([0x12, 0x34, 0, 0xde, -1]);
    vm.mmio.write(0xfec0_0000, 0, 4, 1, 0);
    expect([vm.mmio.read(0xfec0_0010, 0, 4), vm.mmio.dataLo]).toEqual([true, 0x0017_0020]);
    expect(outcome(() => vm.irqLine(3, 1))).toBe('OK');
  });
  it('IRQ 0 is on pin 2 of the I/O APIC', async () => {
    const { vm, said } = await machine([0xf4]);
    vm.mmio.write(0xfec0_0000, 0, 4, 0x14, 0);
    vm.mmio.write(0xfec0_0010, 0, 4, 0x44, 0);
    vm.irqLine(0, 1);
    expect(said).toEqual(['message 0 0 68 false']);
  });
});

describe('random doings of guest and devices', () => {
  /** Never throws, and everything said depends on the state alone. */
  function drive({ vm, pic, ioapic, chip, said }: Machine, seed: number): string[] {
    const random = new Random(seed);
    said.length = 0;
    const registers = [0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1];
    for (let step = 0; step < 120; step++) {
      const what = random.below(8);
      const port = registers[random.below(6)]!;
      if (what < 2) chip.set(random.below(26), random.below(2) as 0 | 1);
      else if (what === 2) vm.pio.write(port, 0, 1 + random.below(4), random.below(256), 0);
      else if (what === 3 && vm.pio.read(port, 0, 1)) said.push(`in ${vm.pio.dataLo}`);
      else if (what === 4) said.push(`vector ${pic.acknowledge()}`);
      else if (what === 5) ioapic.eoi(random.below(8) * 0x11);
      else {
        const select = random.below(4) === 0 ? random.below(256) : 0x10 + random.below(48);
        vm.mmio.write(0xfec0_0000, 0, 4, select, 0);
        const value = (random.below(16) << 12) | (random.below(8) << 8) | (random.below(8) * 0x11);
        vm.mmio.write(0xfec0_0000 + 16 * random.below(5), 0, 1 + random.below(8), value, 0);
        vm.mmio.read(0xfec0_0010, 0, 4);
        said.push(`register ${vm.mmio.dataLo}`);
      }
    }
    return [...said];
  }
  it('go on as they did, in their own place and in another', async () => {
    const [one, other] = [await machine([0xf4]), await machine([0xf4])];
    for (let seed = 0; seed < 50; seed++) {
      drive(one, seed);
      const snapshot = one.vm.snapshot();
      const expected = drive(one, seed + 1000);
      one.said.length = 0;
      one.vm.restore(snapshot);
      expect(one.said).toEqual([]);
      expect(drive(one, seed + 1000)).toEqual(expected);
      other.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
      expect(drive(other, seed + 1000)).toEqual(expected);
      snapshot.close();
    }
  });
});
