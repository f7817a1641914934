// Interprocessor interrupts between vCPUs that run in turn: who is meant, and what arrives (SDM vol. 3, 12.6 and 12.4.7.3).

import { afterEach, describe, expect, it } from 'vitest';
import { ExitReason, Snapshot } from '../../src/index.js';
import { APIC_BASE, apicMachine, closeAll, Cpu, IA32_APIC_BASE, Reg, settle, x2 } from './apic-machine.js';

afterEach(closeAll);

const X2APIC = BigInt(APIC_BASE) | 0xc00n;
const START = 0x8000;
/** mov al, 1; hlt - whose address is START. */
const AP_CODE = [0xb0, 0x01, 0xf4];

/** `count` processors in 64-bit mode with their APICs enabled, all but the first started by INIT and SIPI. */
async function processors(count: number, mode: 'xapic' | 'x2apic' = 'xapic'): Promise<Cpu[]> {
  const first = await apicMachine();
  const all = [first];
  const { vm } = first;
  vm.memory.write(START, Uint8Array.from(AP_CODE));
  const state = first.vcpu.getSregs();
  for (let index = 1; index < count; index++) {
    const vcpu = vm.createVcpu();
    send(first, index, 0x600 | (START >> 12));
    expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    // awake, as an NMI's handler would leave it
    vcpu.setSregs({ ...state, apicBase: vcpu.getSregs().apicBase } as never);
    const cpu = new Cpu(vm, vcpu, index);
    settle(cpu);
    vcpu.injectNmi();
    vm.memory.write(0x1000, Uint8Array.of(0x90, 0xe6, 0xf0));
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });
    cpu.finish();
    settle(cpu);
    cpu.write(Reg.Svr, 0x1ff);
    all.push(cpu);
  }
  if (mode === 'x2apic') for (const cpu of all) cpu.wrmsr(IA32_APIC_BASE, X2APIC | (cpu.index === 0 ? 0x100n : 0n));
  return all;
}

/** By the ICR of xAPIC mode. */
function send(cpu: Cpu, destination: number, command: number): void {
  cpu.write(Reg.IcrHigh, destination << 24);
  cpu.write(Reg.Icr, command);
}
/** Who gets an interrupt by something, as their vectors. */
function got(all: readonly Cpu[], work: () => void): number[][] {
  work();
  return all.map((cpu) => {
    const vectors = cpu.open().map(({ vector }) => vector);
    for (const vector of vectors) if (vector > 31) end(cpu);
    return vectors;
  });
}
function end(cpu: Cpu): void {
  if ((cpu.rdmsr(IA32_APIC_BASE)! & 0x400n) !== 0n) cpu.wrmsr(x2(Reg.Eoi), 0);
  else cpu.write(Reg.Eoi, 0);
}
/** [[0x41], [], [0x41]] for 0x41 at the first and the third of three. */
const at = (vector: number, count: number, ...indexes: number[]): number[][] =>
  Array.from({ length: count }, (_, index) => (indexes.includes(index) ? [vector] : []));

describe('destinations in xAPIC mode', () => {
  it('physical: an id, or FFH for all (12.6.2.1)', async () => {
    const all = await processors(3);
    for (const index of [0, 1, 2]) expect(got(all, () => send(all[0]!, index, 0x41))).toEqual(at(0x41, 3, index));
    expect(got(all, () => send(all[1]!, 0xff, 0x42))).toEqual(at(0x42, 3, 0, 1, 2));
    expect(got(all, () => send(all[0]!, 7, 0x43))).toEqual(at(0x43, 3));
  });
  it('logical, flat model: any bit in common (12.6.2.2)', async () => {
    const all = await processors(3);
    for (const cpu of all) cpu.write(Reg.Ldr, 1 << (24 + cpu.index));
    for (let set = 0; set < 8; set++) {
      const meant = [0, 1, 2].filter((index) => (set >> index) & 1);
      expect(got(all, () => send(all[2]!, set, 0x841))).toEqual(at(0x41, 3, ...meant));
    }
    expect(got(all, () => send(all[2]!, 0xff, 0x842))).toEqual(at(0x42, 3, 0, 1, 2));
  });
  it('logical, cluster model: the same cluster and a bit in common', async () => {
    const all = await processors(4);
    for (const cpu of all) {
      cpu.write(Reg.Dfr, 0x0fff_ffff);
      cpu.write(Reg.Ldr, ((cpu.index >> 1) << 28) | (1 << (24 + (cpu.index & 1))));
    }
    expect(got(all, () => send(all[0]!, 0x01, 0x841))).toEqual(at(0x41, 4, 0));
    expect(got(all, () => send(all[0]!, 0x03, 0x841))).toEqual(at(0x41, 4, 0, 1));
    expect(got(all, () => send(all[0]!, 0x12, 0x841))).toEqual(at(0x41, 4, 3));
    expect(got(all, () => send(all[0]!, 0x13, 0x841))).toEqual(at(0x41, 4, 2, 3));
    expect(got(all, () => send(all[0]!, 0x21, 0x841))).toEqual(at(0x41, 4));
    expect(got(all, () => send(all[0]!, 0xff, 0x842))).toEqual(at(0x42, 4, 0, 1, 2, 3));
  });
  it('shorthands: self, all, all others (figure 12-12), whatever the destination says', async () => {
    const all = await processors(3);
    expect(got(all, () => send(all[1]!, 2, 0x4_0041))).toEqual(at(0x41, 3, 1));
    expect(got(all, () => send(all[1]!, 2, 0x8_0042))).toEqual(at(0x42, 3, 0, 1, 2));
    expect(got(all, () => send(all[1]!, 2, 0xc_0043))).toEqual(at(0x43, 3, 0, 2));
  });
  it('lowest priority: one of those that are meant, whose priority is the lowest (12.6.2.4)', async () => {
    const all = await processors(3);
    for (const cpu of all) cpu.write(Reg.Ldr, 1 << (24 + cpu.index));
    const priorities = (...tpr: number[]): void => tpr.forEach((value, index) => all[index]!.write(Reg.Tpr, value));
    priorities(0x30, 0x20, 0x10);
    expect(got(all, () => send(all[0]!, 7, 0x941))).toEqual(at(0x41, 3, 2));
    expect(got(all, () => send(all[0]!, 3, 0x941))).toEqual(at(0x41, 3, 1));
    priorities(0, 0x20, 0x10);
    expect(got(all, () => send(all[0]!, 7, 0x941))).toEqual(at(0x41, 3, 0));
    all[0]!.write(Reg.Svr, 0xff); // one that is disabled is no candidate
    expect(got(all, () => send(all[1]!, 7, 0x941))).toEqual(at(0x41, 3, 2));
  });
});

describe('destinations in x2APIC mode', () => {
  const command = (cpu: Cpu, destination: bigint, low: number): void => {
    expect(cpu.wrmsr(x2(Reg.Icr), (destination << 32n) | BigInt(low))).toBe(true);
  };
  it('physical and logical have 32 bits (12.12.9, 12.12.10)', async () => {
    const all = await processors(3, 'x2apic');
    expect(all.map((cpu) => cpu.rdmsr(x2(Reg.Id)))).toEqual([0n, 1n, 2n]);
    expect(all.map((cpu) => cpu.rdmsr(x2(Reg.Ldr)))).toEqual([1n, 2n, 4n]);
    expect(got(all, () => command(all[0]!, 2n, 0x41))).toEqual(at(0x41, 3, 2));
    expect(got(all, () => command(all[0]!, 0xffn, 0x41))).toEqual(at(0x41, 3));
    expect(got(all, () => command(all[0]!, 0xffff_ffffn, 0x42))).toEqual(at(0x42, 3, 0, 1, 2));
    expect(got(all, () => command(all[0]!, 6n, 0x843))).toEqual(at(0x43, 3, 1, 2));
    expect(got(all, () => command(all[0]!, 0x1_0006n, 0x843))).toEqual(at(0x43, 3));
    expect(got(all, () => command(all[1]!, 0n, 0xc_0044))).toEqual(at(0x44, 3, 0, 2));
  });
});

describe('NMIs', () => {
  it('come whatever RFLAGS.IF and the priorities say (12.6.1)', async () => {
    const all = await processors(2);
    all[1]!.write(Reg.Tpr, 0xff);
    send(all[0]!, 1, 0x400);
    all[1]!.do([0x90]);
    expect(all[1]!.entries().map(({ vector }) => vector)).toEqual([2]);
    expect(all[0]!.entries()).toEqual([]);
  });
  it('wait for the SIPI at a processor that waits for one (12.4.7.3)', async () => {
    const { vm, ...first } = await apicMachine();
    const cpu = new Cpu(vm, first.vcpu);
    const vcpu = vm.createVcpu();
    send(cpu, 1, 0x400);
    for (let n = 0; n < 3; n++) expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(vcpu.retired).toBe(0);
    expect(vcpu.getRegs().rip).toBe(0xfff0n);
  });
});

describe('INIT and SIPI', () => {
  it('a processor waits for the SIPI and starts at its vector × 4 KiB in real mode', async () => {
    const cpu = await apicMachine();
    const ap = cpu.vm.createVcpu();
    cpu.vm.memory.write(0x5_6000, Uint8Array.from(AP_CODE));
    for (let n = 0; n < 2; n++) expect(ap.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    // fixed interrupts mean nothing to it
    send(cpu, 1, 0x41);
    expect(ap.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    send(cpu, 1, 0x0500);
    send(cpu, 1, 0x0656);
    ap.run({ maxInstructions: 1 });
    const { cs, cr0, efer } = ap.getSregs();
    expect([cs.selector, cs.base, cr0 & 1n, efer]).toEqual([0x5600, 0x5_6000n, 0n, 0n]);
    expect([ap.getRegs().rip, ap.getRegs().rax]).toEqual([2n, 1n]);
    // one that runs takes no SIPI
    send(cpu, 1, 0x0612);
    expect(ap.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(ap.getSregs().cs.base).toBe(0x5_6000n);
  });
  it('INIT: registers as after power-up, but what table 10-1 keeps; the APIC keeps id and mode (12.4.7.3)', async () => {
    const all = await processors(2);
    const [cpu, ap] = all as [Cpu, Cpu];
    ap.write(Reg.Tpr, 0x40);
    ap.write(Reg.Error, 0x77);
    ap.do([0xf3, 0x0f, 0x7e, 0x04, 0x25, 0, 0x10, 0, 0]); // movq xmm0, [1000h]
    const xmm = ap.vcpu.getFpu().slice(160, 168);
    const clock = ap.vcpu.getMsrs([0x10])[0]!.data;
    send(cpu, 1, 0x4500); // INIT, assert
    expect(ap.vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    const sregs = ap.vcpu.getSregs();
    expect([sregs.cs.selector, sregs.cs.base, sregs.cr0 & 0x8000_0001n, sregs.cr4, sregs.efer]).toEqual([
      0xf000,
      0xffff_0000n,
      0n,
      0n,
      0n,
    ]);
    expect(ap.vcpu.getRegs()).toMatchObject({ rip: 0xfff0n, rflags: 2n, rbx: 0n, rsp: 0n });
    expect(ap.vcpu.getFpu().slice(160, 168)).toEqual(xmm);
    expect(ap.vcpu.getMsrs([0x10])[0]!.data).toBe(clock + 8n); // by the OUT, which was completed
    expect(ap.vcpu.getMsrs([IA32_APIC_BASE])[0]!.data).toBe(BigInt(APIC_BASE) | 0x800n);
    // it waits, and goes on by a SIPI
    send(cpu, 1, 0x600 | (START >> 12));
    expect(ap.vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(ap.vcpu.getRegs().rax).toBe(1n);
  });
  it('INIT at the bootstrap processor: it goes on at F000:FFF0', async () => {
    const [cpu, ap] = (await processors(2)) as [Cpu, Cpu];
    send(ap, 0, 0x4500);
    cpu.vcpu.run({ maxInstructions: 0 });
    cpu.vcpu.run({ maxInstructions: 1 });
    expect(cpu.vcpu.getSregs().cs.selector).toBe(0xf000);
    expect(cpu.vcpu.getMsrs([IA32_APIC_BASE])[0]!.data).toBe(BigInt(APIC_BASE) | 0x900n);
  });
  it('the de-assert of old does nothing (figure 12-12, note on level)', async () => {
    const [cpu, ap] = (await processors(2)) as [Cpu, Cpu];
    send(cpu, 1, 0x8500);
    ap.do([0x90]);
    expect(ap.vcpu.getSregs().efer).toBe(0x500n);
  });
  it('what has arrived and was not looked at is in a snapshot', async () => {
    const cpu = await apicMachine();
    const ap = cpu.vm.createVcpu();
    cpu.vm.memory.write(START, Uint8Array.from(AP_CODE));
    send(cpu, 1, 0x4500);
    send(cpu, 1, 0x600 | (START >> 12));
    const snapshot = cpu.vm.snapshot();
    ap.run({ maxInstructions: 10 });
    expect(ap.getRegs().rax).toBe(1n);
    cpu.vm.restore(snapshot);
    expect(ap.getRegs().rax).toBe(0n);
    ap.run({ maxInstructions: 10 });
    expect(ap.getRegs().rax).toBe(1n);
    const other = await apicMachine();
    const second = other.vm.createVcpu();
    other.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
    second.run({ maxInstructions: 10 });
    expect([second.getRegs().rax, second.getSregs().cs.base]).toEqual([1n, BigInt(START)]);
  });
});

it('a halted processor is woken by an interrupt of another', async () => {
  const [cpu, ap] = (await processors(2)) as [Cpu, Cpu];
  const { vm } = cpu;
  vm.memory.write(0x2000, Uint8Array.of(0xfb, 0xf4, 0xfa, 0xe6, 0xf0)); // sti; hlt; cli; out
  ap.vcpu.setRegs({ ...ap.vcpu.getRegs(), rip: 0x2000n });
  for (let n = 0; n < 2; n++) expect(ap.vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
  send(cpu, 1, 0x41);
  ap.finish();
  expect(ap.entries().map(({ vector }) => vector)).toEqual([0x41]);
});
