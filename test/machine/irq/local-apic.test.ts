// From a GSI through the I/O APIC or a message to the core's local APIC, and the EOI back.

import { afterEach, describe, expect, it } from 'vitest';
import { ExitReason, IoEventFdFlag, IrqFdFlag, Snapshot, type Vcpu, type Vm } from '../../../src/index.js';
import {
  plugInterruptControllers,
  type InterruptControllers,
} from '../../../src/machine/devices/irq/interrupt-controllers.js';
import { RouteType } from '../../../src/vmm/irq-routing.js';
import { newFd } from '../../bus/fixture.js';
import { drained, realMode } from '../../vmm/guest.js';

/*
 * Turns its local APIC on, in x2APIC mode; interrupt 45h counts at 7000h and writes the EOI register; port 510h is written three
 * times:
 *   cli; ds = ss = 0; sp = 8000h; [45h*4] = 0:isr; [7000h] = 0
 *   MSR 1Bh |= C00h; MSR 80Fh = 1FFh; dx = 510h
 *   sti; cx = 3; again: out dx,ax; nop; loop again; cli; hlt
 *   isr: push eax, ecx, edx; inc word [7000h]; MSR 80Bh = 0; pop edx, ecx, eax; iret
 */
const CODE = Buffer.from(
  'fa31c08ed88ed0bc0080c70614013e10a31601a3007066b91b0000000f320d000c0f306631d2b90f0866b8ff0100000f30' +
    'ba1005fbb90300ef90e2fcfaf4665066516652ff06007066b90b0800006631c06631d20f30665a66596658cf',
  'hex',
);
const REMOTE_IRR = 0x4000;

interface Machine extends InterruptControllers {
  vm: Vm;
  vcpu: Vcpu;
}
const vms: Vm[] = [];
afterEach(() => vms.splice(0).forEach((vm) => vm.close()));

/** GSI 20 is vector 45h, level-triggered. */
async function machine(): Promise<Machine> {
  const { vm, vcpu } = await realMode([...CODE], { clock: 'virtual', cpu: { apic: true } });
  vms.push(vm);
  const controllers = plugInterruptControllers(vm, {
    deliver: (message) => vm.deliverInterrupt(message),
    intr: (level) => vcpu.setInterruptLine(level === 1),
  });
  vcpu.setInterruptSource(controllers.pic);
  vm.mmio.write(0xfec0_0000, 0, 4, 0x10 + 2 * 20, 0);
  vm.mmio.write(0xfec0_0010, 0, 4, 0x8045, 0);
  return { vm, vcpu, ...controllers };
}
const bell = ({ vm }: Machine): ReturnType<typeof newFd> => {
  const fd = newFd();
  vm.ioeventfd({ fd, addr: 0x510n, len: 2, flags: IoEventFdFlag.Pio });
  return fd;
};
const run = ({ vm, vcpu }: Machine): unknown => {
  const { reason } = vcpu.run({ maxInstructions: 2000 });
  return [reason, ...vm.memory.read(0x7000n, 2)];
};

describe('a doorbell that is an interrupt', () => {
  it('level-triggered: each EOI at the local APIC is told at the resamplefd', async () => {
    const one = await machine();
    const resamplefd = newFd();
    one.vm.irqfd({ fd: bell(one), gsi: 20, flags: IrqFdFlag.Resample, resamplefd });
    expect(run(one)).toEqual([ExitReason.Hlt, 3, 0]);
    expect([drained(resamplefd), one.ioapic.read(0x10, 4)]).toEqual([3n, 0x8045]);
  });
  it('as a message: once a ring', async () => {
    const one = await machine();
    one.vm.setGsiRouting([{ gsi: 40, type: RouteType.Msi, addressLo: 0xfee0_0000, addressHi: 0, data: 0x45 }]);
    one.vm.irqfd({ fd: bell(one), gsi: 40 });
    expect(run(one)).toEqual([ExitReason.Hlt, 3, 0]);
  });
  it('goes on the same after a snapshot in its handler', async () => {
    const one = await machine();
    const ring = (which: Machine): void => {
      which.vm.irqfd({ fd: bell(which), gsi: 20, flags: IrqFdFlag.Resample, resamplefd: newFd() });
    };
    ring(one);
    for (let step = 0; step < 200 && one.vm.memory.read(0x7000n, 1)[0] === 0; step++) one.vcpu.step();
    expect(one.ioapic.read(0x10, 4) & REMOTE_IRR).toBe(REMOTE_IRR);
    const snapshot = one.vm.snapshot();
    expect(run(one)).toEqual([ExitReason.Hlt, 3, 0]);
    one.vm.restore(snapshot);
    expect(run(one)).toEqual([ExitReason.Hlt, 3, 0]);
    const other = await machine();
    ring(other);
    other.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
    expect(run(other)).toEqual([ExitReason.Hlt, 3, 0]);
    expect(other.ioapic.read(0x10, 4)).toBe(0x8045);
  });
});

describe('a line that a device holds', () => {
  it('interrupts again after each EOI until it falls', async () => {
    const one = await machine();
    bell(one);
    one.vm.irqLine(20, 1);
    // Nobody takes it while the local APIC is off: as in KVM it is sent again when it is asserted again.
    one.vcpu.run({ maxInstructions: 20 });
    one.vm.irqLine(20, 1);
    one.vcpu.run({ maxInstructions: 300 });
    expect(one.vm.memory.read(0x7000n, 1)[0]).toBeGreaterThan(5);
    one.vm.irqLine(20, 0);
    expect((run(one) as number[])[0]).toBe(ExitReason.Hlt);
    expect(one.ioapic.read(0x10, 4)).toBe(0x8045);
  });
});
