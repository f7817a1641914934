// What reaches a local APIC from outside: messages of I/O APIC and MSIs (SDM vol. 3, 12.11), the 8259s' INTR by LINT0
// (12.5.1), and both with an interrupt pending in a snapshot.

import { afterEach, describe, expect, it } from 'vitest';
import { Snapshot } from '../../src/index.js';
import { decodeMsi } from '../../src/vmm/msi.js';
import { apicMachine, closeAll, Reg, type Cpu } from './apic-machine.js';

afterEach(closeAll);

const opened = (cpu: Cpu): number[] => cpu.open().map(({ vector }) => vector);
const msi = (cpu: Cpu, address: number, data: number): boolean => {
  return cpu.vm.deliverInterrupt(decodeMsi({ addressLo: address, addressHi: 0, data }));
};

describe('an MSI (12.11)', () => {
  it('is for an id, or for all', async () => {
    const cpu = await apicMachine();
    expect([msi(cpu, 0xfee0_0000, 0x41), msi(cpu, 0xfee0_1000, 0x42), msi(cpu, 0xfeef_f000, 0x43)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(cpu.vectors(Reg.Irr)).toEqual([0x41, 0x43]);
  });
  it('is for a logical destination with redirection hint and mode 1', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Ldr, 0x0400_0000);
    expect([msi(cpu, 0xfee0_400c, 0x41), msi(cpu, 0xfee0_300c, 0x42)]).toEqual([true, false]);
    expect(opened(cpu)).toEqual([0x41]);
  });
  it('sets TMR by its trigger mode', async () => {
    const cpu = await apicMachine();
    msi(cpu, 0xfee0_0000, 0x41);
    msi(cpu, 0xfee0_0000, 0xc042);
    expect(cpu.vectors(Reg.Tmr)).toEqual([0x42]);
  });
  it('is an NMI by delivery mode 4', async () => {
    const cpu = await apicMachine();
    expect(msi(cpu, 0xfee0_0000, 0x400)).toBe(true);
    cpu.do([0x90]);
    expect(cpu.entries().map(({ vector }) => vector)).toEqual([2]);
  });
});

describe('the INTR pin', () => {
  const source = (cpu: Cpu): { asked: number } => {
    const state = { asked: 0 };
    cpu.vcpu.setInterruptSource({
      acknowledge: () => {
        state.asked++;
        cpu.vcpu.setInterruptLine(false);
        return 0x28;
      },
    });
    return state;
  };
  it('comes by LINT0 as ExtINT, when it is not masked; IRR, ISR and EOI have no part in it (12.5.1)', async () => {
    const cpu = await apicMachine();
    const state = source(cpu);
    cpu.write(Reg.Lint0, 0x1_0700);
    cpu.vcpu.setInterruptLine(true);
    expect([opened(cpu), state.asked]).toEqual([[], 0]);
    cpu.write(Reg.Lint0, 0x700);
    expect([opened(cpu), state.asked]).toEqual([[0x28], 1]);
    expect([cpu.vectors(Reg.Isr), cpu.read(Reg.Ppr)]).toEqual([[], 0]);
    // TPR does not hold it back
    cpu.write(Reg.Tpr, 0xff);
    cpu.vcpu.setInterruptLine(true);
    expect(opened(cpu)).toEqual([0x28]);
    // with another delivery mode the pin is none of the 8259s
    cpu.write(Reg.Lint0, 0x30);
    cpu.vcpu.setInterruptLine(true);
    expect([opened(cpu), state.asked]).toEqual([[], 2]);
  });
  it('is wired through where the APIC is disabled (12.4.3)', async () => {
    const cpu = await apicMachine();
    const state = source(cpu);
    cpu.write(Reg.Lint0, 0x1_0700);
    cpu.wrmsr(0x1b, 0xfee0_0100n);
    cpu.vcpu.setInterruptLine(true);
    expect([opened(cpu), state.asked]).toEqual([[0x28], 1]);
  });
  it('both it and an interrupt of the APIC come', async () => {
    const cpu = await apicMachine();
    source(cpu);
    cpu.write(Reg.Lint0, 0x700);
    cpu.write(Reg.Icr, 0x4_0041);
    cpu.vcpu.setInterruptLine(true);
    expect(opened(cpu).toSorted((a, b) => a - b)).toEqual([0x28, 0x41]);
  });
});

it('a snapshot, and its file, have what is requested and in service', async () => {
  const cpu = await apicMachine();
  msi(cpu, 0xfee0_0000, 0x61);
  opened(cpu);
  msi(cpu, 0xfee0_0000, 0xc052);
  msi(cpu, 0xfee0_0000, 0x73);
  const snapshot = cpu.vm.snapshot();
  const finish = (which: Cpu): unknown => {
    const first = [which.vectors(Reg.Isr), which.vectors(Reg.Tmr), opened(which)];
    which.write(Reg.Eoi, 0);
    which.write(Reg.Eoi, 0);
    return [first, opened(which), which.vectors(Reg.Isr)];
  };
  const expected = [[[0x61], [0x52], [0x73]], [0x52], [0x52]];
  expect(finish(cpu)).toEqual(expected);
  cpu.vm.restore(snapshot);
  expect(finish(cpu)).toEqual(expected);
  const other = await apicMachine();
  other.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
  expect(finish(other)).toEqual(expected);
});
