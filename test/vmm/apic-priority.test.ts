// Priorities of interrupts: TPR, CR8, PPR, IRR, ISR, EOI (SDM vol. 3, 12.8), disabling by software (12.4.7.2), and errors
// (12.5.3).

import { afterEach, describe, expect, it } from 'vitest';
import { apicMachine, closeAll, Reg, type Cpu } from './apic-machine.js';
import type { InterruptMessage } from '../../src/vmm/interrupt-message.js';

afterEach(closeAll);

const self = (cpu: Cpu, vector: number): void => cpu.write(Reg.Icr, 0x4_0000 | vector);
const opened = (cpu: Cpu): number[] => cpu.open().map(({ vector }) => vector);
const MESSAGE: InterruptMessage = {
  destination: 0,
  logical: false,
  mode: 0,
  vector: 0x55,
  level: false,
  redirectionHint: false,
};

describe('which interrupt comes', () => {
  it('the highest first, each above the class that is in service (12.8.3.1)', async () => {
    const cpu = await apicMachine();
    for (const vector of [0x31, 0x65, 0x52, 0x61, 0x5f]) self(cpu, vector);
    expect(cpu.vectors(Reg.Irr)).toEqual([0x31, 0x52, 0x5f, 0x61, 0x65]);
    expect(opened(cpu)).toEqual([0x65]); // nothing of class 6 or below interrupts it
    expect([cpu.vectors(Reg.Isr), cpu.vectors(Reg.Irr)]).toEqual([[0x65], [0x31, 0x52, 0x5f, 0x61]]);
    self(cpu, 0x70);
    expect(opened(cpu)).toEqual([0x70]); // nested
    expect(cpu.vectors(Reg.Isr)).toEqual([0x65, 0x70]);
    expect(cpu.read(Reg.Ppr)).toBe(0x70);
    cpu.write(Reg.Eoi, 0); // ends the highest in service (12.8.5)
    expect([cpu.vectors(Reg.Isr), opened(cpu), cpu.read(Reg.Ppr)]).toEqual([[0x65], [], 0x60]);
    cpu.write(Reg.Eoi, 0);
    expect(opened(cpu)).toEqual([0x61]);
    cpu.write(Reg.Eoi, 0);
    expect(opened(cpu)).toEqual([0x5f]);
    cpu.write(Reg.Eoi, 0);
    cpu.write(Reg.Eoi, 0); // with nothing in service: nothing happens
    expect(opened(cpu)).toEqual([0x52]);
  });
  it('one more of the same vector waits in IRR while one is in service, a third is lost (12.8.4)', async () => {
    const cpu = await apicMachine();
    self(cpu, 0x50);
    expect(opened(cpu)).toEqual([0x50]);
    self(cpu, 0x50);
    self(cpu, 0x50);
    expect([cpu.vectors(Reg.Irr), cpu.vectors(Reg.Isr)]).toEqual([[0x50], [0x50]]);
    cpu.write(Reg.Eoi, 0);
    expect(opened(cpu)).toEqual([0x50]);
    cpu.write(Reg.Eoi, 0);
    expect(opened(cpu)).toEqual([]);
  });
  it.each([
    // TPR, ISR -> PPR: the class of ISR above TPR's has sub-class 0, otherwise it is TPR (12.8.3.1)
    [0x00, undefined, 0x00],
    [0x35, undefined, 0x35],
    [0x35, 0x47, 0x40],
    [0x45, 0x47, 0x45],
    [0x51, 0x47, 0x51],
    [0x0f, 0x47, 0x40],
  ])('TPR %x and %x in service make PPR %x', async (tpr, serving, ppr) => {
    const cpu = await apicMachine();
    if (serving !== undefined) {
      self(cpu, serving);
      cpu.open();
    }
    cpu.write(Reg.Tpr, tpr);
    expect(cpu.read(Reg.Ppr)).toBe(ppr);
  });
  it('TPR and CR8 hold back their class and all below (12.8.6)', async () => {
    const cpu = await apicMachine();
    self(cpu, 0x5f);
    cpu.write(Reg.Tpr, 0x50);
    expect(opened(cpu)).toEqual([]);
    cpu.do([0x44, 0x0f, 0x20, 0xc0]); // mov rax, cr8
    expect(cpu.vcpu.getRegs().rax).toBe(5n);
    cpu.do([0x44, 0x0f, 0x22, 0xc0], { rax: 0xan }); // mov cr8, rax
    expect(cpu.read(Reg.Tpr)).toBe(0xa0);
    expect(opened(cpu)).toEqual([]);
    cpu.write(Reg.Tpr, 0x4f);
    expect(opened(cpu)).toEqual([0x5f]);
  });
  it('a lower TPR lets an interrupt in at the next instruction', async () => {
    // sti; nop; mov [rdi], eax; inc rdx ×3; cli: the handler's RDTSC overwrites RDX
    for (const lower of [
      [0x89, 0x07],
      [0x44, 0x0f, 0x22, 0xc1],
    ]) {
      const cpu = await apicMachine();
      cpu.write(Reg.Tpr, 0x60);
      self(cpu, 0x5f);
      const inc = [0x48, 0xff, 0xc2];
      const regs = { rdi: BigInt(0xfee0_0080), rax: 0n, rcx: 0n, rdx: 0n };
      cpu.do([0xfb, 0x90, ...lower, ...inc, ...inc, ...inc, 0xfa], regs);
      expect(cpu.entries().map(({ vector }) => vector)).toEqual([0x5f]);
      // RDTSC's upper half is 0, and all three come behind it
      expect(cpu.vcpu.getRegs().rdx).toBe(3n);
      const { tsc } = cpu.entries()[0]!;
      const now = Number(cpu.vcpu.getMsrs([0x10])[0]!.data);
      // rdtsc, mov, mov, add, iretq, 3 × inc, cli; then the OUT: 8 ticks each
      expect(now - tsc).toBe(8 * 9);
    }
  });
});

describe('EOI', () => {
  const told = (cpu: Cpu): number[] => {
    const list: number[] = [];
    cpu.vm.attachIrqChip({ eoi: (vector: number) => list.push(vector), close: () => {} } as never);
    return list;
  };
  it('of a level-triggered interrupt is told to the I/O APIC (12.8.5), of another to nobody', async () => {
    const cpu = await apicMachine();
    const list = told(cpu);
    expect(cpu.vm.deliverInterrupt({ ...MESSAGE, level: true })).toBe(true);
    expect([cpu.vectors(Reg.Tmr), opened(cpu)]).toEqual([[0x55], [0x55]]);
    expect(cpu.exitsOf(() => cpu.write(Reg.Eoi, 0))).toEqual({ EOI_INDUCED: 1 });
    expect(list).toEqual([0x55]);
    // the same vector by an edge: TMR is cleared when it is accepted (12.8.4)
    cpu.vm.deliverInterrupt(MESSAGE);
    expect([cpu.vectors(Reg.Tmr), opened(cpu)]).toEqual([[], [0x55]]);
    expect(cpu.exitsOf(() => cpu.write(Reg.Eoi, 0))).toEqual({});
    expect(list).toEqual([0x55]);
  });
});

describe('an APIC that is disabled by software', () => {
  it('masks its LVT for good, refuses fixed interrupts, and keeps what it has (12.4.7.2)', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Timer, 0x60);
    cpu.write(Reg.Lint0, 0x700);
    self(cpu, 0x45);
    cpu.write(Reg.Svr, 0xff);
    expect(cpu.read(Reg.Timer)).toBe(0x1_0060);
    cpu.write(Reg.Timer, 0x61);
    expect([cpu.read(Reg.Timer), cpu.read(Reg.Lint0)]).toEqual([0x1_0061, 0x1_0700]);
    expect(cpu.vm.deliverInterrupt(MESSAGE)).toBe(false);
    self(cpu, 0x46);
    expect(cpu.vectors(Reg.Irr)).toEqual([0x45]);
    expect(opened(cpu)).toEqual([0x45]);
    cpu.write(Reg.Svr, 0x1ff);
    expect(cpu.read(Reg.Timer)).toBe(0x1_0061); // they stay masked
  });
  it('takes NMIs', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Svr, 0xff);
    expect(cpu.vm.deliverInterrupt({ ...MESSAGE, mode: 4 })).toBe(true);
    cpu.do([0x90]);
    expect(cpu.entries().map(({ vector }) => vector)).toEqual([2]);
  });
});

describe('errors (12.5.3)', () => {
  const errors = (cpu: Cpu): number => {
    cpu.write(Reg.Esr, 0);
    return cpu.read(Reg.Esr);
  };
  it('ESR shows since the last write only what had happened before it', async () => {
    const cpu = await apicMachine();
    self(cpu, 5);
    expect(cpu.read(Reg.Esr)).toBe(0);
    expect(errors(cpu)).toBe(0x60); // sent and received
    expect(cpu.read(Reg.Esr)).toBe(0x60);
    expect(errors(cpu)).toBe(0);
    expect(cpu.vectors(Reg.Irr)).toEqual([]);
  });
  it('of a message with an illegal vector: received', async () => {
    const cpu = await apicMachine();
    expect(cpu.vm.deliverInterrupt({ ...MESSAGE, vector: 15 })).toBe(false);
    expect(errors(cpu)).toBe(0x40);
    expect(cpu.vm.deliverInterrupt({ ...MESSAGE, vector: 16 })).toBe(true);
    expect(errors(cpu)).toBe(0);
  });
  it('of accesses to reserved registers: illegal register address', async () => {
    const cpu = await apicMachine();
    // table 12-1; 2F0H is LVT CMCI, which the version register says is not there
    for (const reserved of [0x0, 0x10, 0x40, 0x70, 0x290, 0x2e0, 0x2f0, 0x3a0, 0x3d0, 0x3f0]) {
      cpu.write(reserved, 0);
      expect([reserved, errors(cpu)]).toEqual([reserved, 0x80]);
      cpu.read(reserved);
      expect([reserved, errors(cpu)]).toEqual([reserved, 0x80]);
    }
    for (const register of [
      0x20, 0x30, 0x80, 0x90, 0xa0, 0xc0, 0xd0, 0xe0, 0xf0, 0x170, 0x1f0, 0x270, 0x310, 0x370, 0x380, 0x390, 0x3e0,
    ]) {
      cpu.read(register);
      expect([register, errors(cpu)]).toEqual([register, 0]);
    }
    cpu.write(Reg.Ppr, 1);
    cpu.write(Reg.Current, 1);
    expect(errors(cpu)).toBe(0);
  });
  it('come as an interrupt by their LVT entry, once until ESR is written', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Error, 0x77);
    self(cpu, 5);
    expect(opened(cpu)).toEqual([0x77]);
    cpu.write(Reg.Eoi, 0);
    self(cpu, 5);
    expect(opened(cpu)).toEqual([]);
    errors(cpu);
    cpu.write(0x40, 0);
    expect(opened(cpu)).toEqual([0x77]);
  });
});
