// x2APIC mode: its MSRs and what of them is #GP (SDM vol. 3, 12.12.1), and the ways between the modes by IA32_APIC_BASE
// (12.12.5, figure 12-27).

import { afterEach, describe, expect, it } from 'vitest';
import { EINVAL } from '../../src/index.js';
import {
  apicMachine,
  APIC_BASE,
  closeAll,
  IA32_APIC_BASE,
  IA32_TSC_DEADLINE,
  Reg,
  x2,
  type Cpu,
} from './apic-machine.js';

afterEach(closeAll);

const BSP = 0x100n;
const X2APIC = 0x400n;
const ENABLED = 0x800n;
const BASE = BigInt(APIC_BASE) | BSP;

async function x2apic(): Promise<Cpu> {
  const cpu = await apicMachine();
  expect(cpu.wrmsr(IA32_APIC_BASE, BASE | ENABLED | X2APIC)).toBe(true);
  return cpu;
}

describe('the modes of IA32_APIC_BASE', () => {
  const modes = { disabled: 0n, xapic: ENABLED, x2apic: ENABLED | X2APIC, invalid: X2APIC };
  type Mode = keyof typeof modes;
  /** Figure 12-27; what stays is allowed. */
  const allowed: [Mode, Mode[]][] = [
    ['disabled', ['disabled', 'xapic']],
    ['xapic', ['disabled', 'xapic', 'x2apic']],
    ['x2apic', ['disabled', 'x2apic']],
  ];
  it.each(allowed)('from %s there are ways to %j, and all others are #GP', async (from, to) => {
    for (const mode of Object.keys(modes) as Mode[]) {
      const cpu = await apicMachine();
      if (from !== 'xapic') cpu.wrmsr(IA32_APIC_BASE, BASE | modes[from]);
      expect([mode, cpu.wrmsr(IA32_APIC_BASE, BASE | modes[mode])]).toEqual([mode, to.includes(mode)]);
      expect(cpu.rdmsr(IA32_APIC_BASE)).toBe(BASE | modes[to.includes(mode) ? mode : from]);
    }
  });
  it('reserved bits are #GP (12.4.4)', async () => {
    const cpu = await apicMachine();
    for (const bit of [0n, 1n, 7n, 9n, 40n, 63n])
      expect([bit, cpu.wrmsr(IA32_APIC_BASE, BASE | ENABLED | (1n << bit))]).toEqual([bit, false]);
    expect(cpu.wrmsr(IA32_APIC_BASE, (1n << 39n) | BSP | ENABLED)).toBe(true);
  });
  it('registers begin anew after the APIC was disabled (12.4.3), and it takes no interrupts meanwhile', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Tpr, 0x40);
    cpu.write(Reg.Icr, 0x4_0030);
    cpu.wrmsr(IA32_APIC_BASE, BASE);
    const message = { destination: 0, logical: false, mode: 0, vector: 0x55, level: false, redirectionHint: false };
    expect(cpu.vm.deliverInterrupt(message)).toBe(false);
    expect(cpu.open()).toEqual([]);
    cpu.wrmsr(IA32_APIC_BASE, BASE | ENABLED);
    expect([cpu.read(Reg.Tpr), cpu.read(Reg.Svr), cpu.vectors(Reg.Irr)]).toEqual([0, 0xff, []]);
    cpu.do([0x44, 0x0f, 0x20, 0xc0]); // mov rax, cr8
    expect(cpu.vcpu.getRegs().rax).toBe(0n);
  });
  it('from xAPIC to x2APIC mode all stays but LDR and the upper half of ICR (12.12.5.1)', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Tpr, 0x20);
    cpu.write(Reg.Ldr, 0x0800_0000);
    cpu.write(Reg.Error, 0x99);
    cpu.write(Reg.IcrHigh, 0x0700_0000);
    cpu.write(Reg.Icr, 0x4_0031);
    cpu.wrmsr(IA32_APIC_BASE, BASE | ENABLED | X2APIC);
    const registers = [Reg.Tpr, Reg.Ldr, Reg.Error, Reg.Svr, Reg.Icr, Reg.Irr + 0x10].map((register) =>
      cpu.rdmsr(x2(register)),
    );
    expect(registers).toEqual([0x20n, 1n, 0x99n, 0x1ffn, 0x4_0031n, 1n << 17n]);
  });
  it('a processor without x2APIC has only the other modes', async () => {
    const cpu = await apicMachine({ cpu: { features: ['-x2apic'] } });
    expect(cpu.wrmsr(IA32_APIC_BASE, BASE | ENABLED | X2APIC)).toBe(false);
    expect(cpu.rdmsr(x2(Reg.Id))).toBeUndefined();
  });
  it('setMsrs() goes to any mode from any, and refuses what WRMSR refuses', async () => {
    const cpu = await apicMachine();
    const put = (data: bigint): void => cpu.vcpu.setMsrs([{ index: IA32_APIC_BASE, data }]);
    put(BASE);
    put(BASE | ENABLED | X2APIC);
    expect(cpu.rdmsr(x2(Reg.Ldr))).toBe(1n);
    put(BASE | ENABLED);
    expect(cpu.read(Reg.Version) & 0xff).toBe(0x14);
    for (const wrong of [BASE | X2APIC, BASE | ENABLED | 1n, BASE | ENABLED | (1n << 50n)])
      expect(() => put(wrong)).toThrow(EINVAL);
    expect(cpu.vcpu.getMsrs([IA32_APIC_BASE])[0]!.data).toBe(BASE | ENABLED);
    put(BASE | ENABLED | X2APIC);
    cpu.vcpu.setMsrs(cpu.vcpu.getMsrs());
    expect(cpu.rdmsr(IA32_APIC_BASE)).toBe(BASE | ENABLED | X2APIC);
  });
});

describe('the MSRs of x2APIC mode', () => {
  it('are #GP in xAPIC mode (12.12.2)', async () => {
    const cpu = await apicMachine();
    for (const register of [Reg.Id, Reg.Tpr, Reg.Icr]) expect(cpu.rdmsr(x2(register))).toBeUndefined();
    expect(cpu.wrmsr(x2(Reg.Tpr), 0)).toBe(false);
  });
  it('are those of table 12-6; all others are #GP', async () => {
    const cpu = await x2apic();
    const fields = [Reg.Isr, Reg.Tmr, Reg.Irr].flatMap((field) => Array.from({ length: 8 }, (_, n) => x2(field) + n));
    const readOnly = [Reg.Id, Reg.Version, Reg.Ppr, Reg.Ldr, Reg.Current].map(x2).concat(fields);
    const both = [
      Reg.Tpr,
      Reg.Svr,
      Reg.Esr,
      Reg.Icr,
      Reg.Timer,
      Reg.Thermal,
      Reg.Performance,
      Reg.Lint0,
      Reg.Lint1,
      Reg.Error,
    ];
    const readWrite = [...both, Reg.Initial, Reg.Divide].map(x2);
    const writeOnly = [Reg.Eoi, Reg.SelfIpi].map(x2);
    const zero = new Set([Reg.Esr, Reg.Eoi].map(x2));
    for (let index = 0x800; index < 0x900; index++) {
      const readable = readOnly.includes(index) || readWrite.includes(index);
      expect([index.toString(16), cpu.rdmsr(index) !== undefined]).toEqual([index.toString(16), readable]);
      const writable = readWrite.includes(index) || writeOnly.includes(index);
      const value = zero.has(index) ? 0 : index === x2(Reg.Svr) ? 0x1ff : index === x2(Reg.SelfIpi) ? 0x40 : 0;
      if (index === x2(Reg.Icr)) continue; // a write sends
      expect([index.toString(16), cpu.wrmsr(index, value)]).toEqual([index.toString(16), writable]);
    }
  });
  it('are #GP for reserved bits (12.12.1.3)', async () => {
    const cpu = await x2apic();
    const refused = (register: number, ...bits: number[]): void => {
      const base = register === Reg.Svr ? 0x1ffn : register === Reg.Icr ? 0x4_00ffn : 0n;
      for (const bit of bits)
        expect([register, bit, cpu.wrmsr(x2(register), base | (1n << BigInt(bit)))]).toEqual([register, bit, false]);
    };
    refused(Reg.Tpr, 8, 31, 32, 63);
    refused(Reg.Eoi, 0, 63);
    refused(Reg.Esr, 0, 63);
    refused(Reg.SelfIpi, 8, 32);
    refused(Reg.Svr, 10, 12, 13, 32); // bit 12 only where the version register's bit 24 is set (figure 12-23)
    refused(Reg.Icr, 12, 13, 16, 17, 20, 31); // figure 12-28
    refused(Reg.Timer, 8, 15, 19, 32); // figure 12-8
    refused(Reg.Error, 8, 11, 17);
    refused(Reg.Thermal, 11, 13, 17);
    refused(Reg.Lint0, 11, 17, 32);
    refused(Reg.Initial, 32);
    refused(Reg.Divide, 2, 4, 32);
  });
  it('the page is no APIC any more', async () => {
    const cpu = await x2apic();
    cpu.vm.memory.write(0x1000, Uint8Array.of(0x8b, 0x07));
    cpu.vcpu.setRegs({ ...cpu.vcpu.getRegs(), rip: 0x1000n, rdi: BigInt(APIC_BASE + Reg.Version) });
    expect(cpu.vcpu.run({ maxInstructions: 3 })).toMatchObject({ physAddr: BigInt(APIC_BASE + Reg.Version) });
  });
  it('the id has 32 bits, and LDR follows from it (12.12.10.2)', async () => {
    const cpu = await x2apic();
    expect([cpu.rdmsr(x2(Reg.Id)), cpu.rdmsr(x2(Reg.Ldr))]).toEqual([0n, 1n]);
  });
  it('the ICR is one write, with a destination of 32 bits, and SELF IPI sends to itself (12.12.9, 12.12.11)', async () => {
    const cpu = await x2apic();
    expect(cpu.wrmsr(x2(Reg.Icr), 0x41n)).toBe(true); // physical, id 0
    expect(cpu.rdmsr(x2(Reg.Icr))).toBe(0x41n);
    expect(cpu.open().map(({ vector }) => vector)).toEqual([0x41]);
    cpu.wrmsr(x2(Reg.Eoi), 0);
    cpu.wrmsr(x2(Reg.Icr), 0xffff_ffff_0000_0042n); // everybody
    cpu.wrmsr(x2(Reg.Icr), 0x0000_00ff_0000_0043n); // physical 255: nobody here
    cpu.wrmsr(x2(Reg.Icr), 0x0000_0001_0000_0844n); // logical, cluster 0, the first
    cpu.wrmsr(x2(Reg.Icr), 0x0001_0001_0000_0845n); // cluster 1
    cpu.wrmsr(x2(Reg.SelfIpi), 0x46);
    expect(cpu.rdmsr(x2(Reg.Irr) + 2)).toBe(0x54n);
  });
  it('no access leaves the guest', async () => {
    const cpu = await x2apic();
    cpu.wrmsr(x2(Reg.SelfIpi), 0x46);
    cpu.open();
    cpu.wrmsr(x2(Reg.Eoi), 0);
    const work = (): void => {
      cpu.wrmsr(x2(Reg.Tpr), 0x20);
      cpu.rdmsr(x2(Reg.Tpr));
      cpu.wrmsr(x2(Reg.SelfIpi), 0x46);
      cpu.open();
      cpu.wrmsr(x2(Reg.Eoi), 0);
      cpu.wrmsr(x2(Reg.Timer), 0x4_0050);
      cpu.wrmsr(IA32_TSC_DEADLINE, 1n << 60n);
    };
    // each of the seven ends in an OUT
    expect(cpu.exitsOf(work)).toEqual({ IO: 6 });
  });
});
