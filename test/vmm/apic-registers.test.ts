// The local APIC's registers by its page, in xAPIC mode, under each way of paging (SDM vol. 3, 12.4 and 12.5).

import { afterEach, describe, expect, it } from 'vitest';
import { apicMachine, APIC_BASE, closeAll, Reg, type Cpu } from './apic-machine.js';
import { PAGING_MODES } from './guest.js';
import { ExitReason, Snapshot } from '../../src/index.js';

afterEach(closeAll);

const at = (register: number): { rdi: bigint } => ({ rdi: BigInt(APIC_BASE + register) });
const KINDS = PAGING_MODES.flatMap((paging) => [false, true].map((user) => ({ paging, user })));

describe.each(KINDS)('the APIC page with $paging, the user may access it: $user', ({ paging, user }) => {
  const machine = (): Promise<Cpu> => apicMachine({ paging, user });

  it('is after power-on as 12.4.7.1 says', async () => {
    const cpu = await machine();
    // enabled by software, which the machine's maker has done: SVR is 000000FFH before
    const state = (register: number): number => cpu.read(register);
    expect(state(Reg.Id)).toBe(0);
    expect(state(Reg.Version) & 0xff).toBe(0x14); // 12.4.8: 10H to 15H is integrated
    expect((state(Reg.Version) >> 16) & 0xff).toBe(5); // six LVT entries
    for (const zero of [Reg.Tpr, Reg.Ppr, Reg.Ldr, Reg.Esr, Reg.Icr, Reg.IcrHigh, Reg.Initial, Reg.Current, Reg.Divide])
      expect([zero, state(zero)]).toEqual([zero, 0]);
    expect(state(Reg.Dfr)).toBe(0xffff_ffff);
    for (const entry of [Reg.Timer, Reg.Thermal, Reg.Performance, Reg.Lint1, Reg.Error])
      expect([entry, state(entry)]).toEqual([entry, 0x1_0000]);
    for (const field of [Reg.Isr, Reg.Tmr, Reg.Irr]) expect(cpu.vectors(field)).toEqual([]);
  });

  it('keeps what can be written, and nothing else', async () => {
    const cpu = await machine();
    const kept = (register: number, value = 0xffff_ffff): number => {
      cpu.write(register, value);
      return cpu.read(register);
    };
    expect(kept(Reg.Tpr)).toBe(0xff); // figure 12-18
    expect(kept(Reg.Ldr)).toBe(0xff00_0000); // figure 12-13
    expect(kept(Reg.Dfr, 0)).toBe(0x0fff_ffff); // figure 12-14: bits 27:0 are ones
    expect(kept(Reg.Dfr)).toBe(0xffff_ffff);
    expect(kept(Reg.Svr) & 0x1ff).toBe(0x1ff); // figure 12-23
    expect(kept(Reg.IcrHigh)).toBe(0xff00_0000); // figure 12-12
    expect(kept(Reg.Divide)).toBe(0xb); // figure 12-10
    expect(kept(Reg.Error)).toBe(0x1_00ff); // figure 12-8
    expect(kept(Reg.Thermal)).toBe(0x1_07ff);
    expect(kept(Reg.Performance)).toBe(0x1_07ff);
    expect(kept(Reg.Lint0)).toBe(0x1_a7ff); // without remote IRR and delivery status
    expect(kept(Reg.Lint1)).toBe(0x1_a7ff);
    expect(kept(Reg.Timer, 0x2_00ff)).toBe(0x2_00ff);
    for (const readOnly of [Reg.Version, Reg.Ppr, Reg.Isr, Reg.Tmr, Reg.Irr, Reg.Current]) {
      const before = cpu.read(readOnly);
      expect([readOnly, kept(readOnly, 0x5a5a_5a5a)]).toEqual([readOnly, before]);
    }
  });

  it('leaves the guest for no access', async () => {
    const cpu = await machine();
    // whatever is to be mapped for an interrupt
    cpu.write(Reg.Icr, 0x4_0040);
    cpu.open();
    cpu.write(Reg.Eoi, 0);
    expect(cpu.exitsOf(() => cpu.write(Reg.Tpr, 0x20))).toEqual({});
    expect(cpu.exitsOf(() => cpu.read(Reg.Tpr))).toEqual({});
    expect(cpu.exitsOf(() => cpu.write(Reg.Icr, 0x4_0040))).toEqual({}); // a self-IPI
    expect(cpu.exitsOf(() => void cpu.open())).toEqual({});
    expect(cpu.exitsOf(() => cpu.write(Reg.Eoi, 0))).toEqual({});
  });

  it('takes instructions of any kind', async () => {
    const cpu = await machine();
    const rax = (): bigint => cpu.vcpu.getRegs().rax;
    cpu.write(Reg.Tpr, 0x35);
    cpu.do([0x83, 0x0f, 0x0a], at(Reg.Tpr)); // or dword [rdi], 0Ah
    expect(cpu.read(Reg.Tpr)).toBe(0x3f);
    cpu.do([0x87, 0x07], { ...at(Reg.Tpr), rax: 0x12n }); // xchg [rdi], eax
    expect([rax(), cpu.read(Reg.Tpr)]).toEqual([0x3fn, 0x12]);
    cpu.do([0xf0, 0x0f, 0xb1, 0x0f], { ...at(Reg.Tpr), rax: 0x12n, rcx: 0x34n }); // lock cmpxchg [rdi], ecx
    expect(cpu.read(Reg.Tpr)).toBe(0x34);
    cpu.do([0xf0, 0x0f, 0xc1, 0x07], { ...at(Reg.Tpr), rax: 2n }); // lock xadd [rdi], eax
    expect([rax(), cpu.read(Reg.Tpr)]).toEqual([0x34n, 0x36]);
    cpu.do([0xab], { ...at(Reg.Tpr), rax: 0x51n }); // stosd
    expect(cpu.read(Reg.Tpr)).toBe(0x51);
    cpu.do([0xf3, 0xa5], { rsi: BigInt(APIC_BASE + Reg.Tpr), rdi: 0x4000n, rcx: 4n }); // rep movsd
    expect([...cpu.vm.memory.read(0x4000, 16)]).toEqual([0x51, ...Array(15).fill(0)]);
    cpu.do([0xff, 0x37, 0x58], at(Reg.Tpr)); // push qword [rdi]; pop rax
    expect(rax()).toBe(0x51n);
  });

  it('shows nothing behind a register, in accesses of whatever size (12.4.1 leaves these undefined)', async () => {
    const cpu = await machine();
    const rax = (): bigint => cpu.vcpu.getRegs().rax;
    cpu.write(Reg.Tpr, 0x51);
    // what was written behind a register is nowhere
    for (const offset of [4, 8, 12]) cpu.write(Reg.Tpr + offset, 0xeeee_eeee);
    cpu.do([0x48, 0x8b, 0x07], at(Reg.Tpr)); // mov rax, [rdi]
    expect(rax()).toBe(0x51n);
    cpu.do([0x48, 0x8b, 0x07], at(Reg.Tpr - 4));
    expect(rax()).toBe(0x51_0000_0000n);
    cpu.do([0x0f, 0xb6, 0x07], at(Reg.Svr + 1)); // movzx eax, byte [rdi]
    expect(rax()).toBe(1n);
    cpu.do([0xf3, 0x0f, 0x6f, 0x07, 0x66, 0x48, 0x0f, 0x7e, 0xc0], { ...at(Reg.Tpr), rax: 9n }); // movdqu xmm0, [rdi]; movq rax, xmm0
    expect(rax()).toBe(0x51n);
    // a byte or a word is not a write to a register
    cpu.do([0xc6, 0x07, 0x99], at(Reg.Tpr)); // mov byte [rdi], 99h
    cpu.do([0x66, 0xc7, 0x07, 0x99, 0], at(Reg.Tpr));
    expect(cpu.read(Reg.Tpr)).toBe(0x51);
  });

  it('cannot be executed', async () => {
    const cpu = await machine();
    cpu.vcpu.setRegs({ ...cpu.vcpu.getRegs(), rip: BigInt(APIC_BASE) });
    expect(cpu.vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.InternalError);
  });

  it('is the same after a snapshot and its file', async () => {
    const cpu = await machine();
    cpu.write(Reg.Tpr, 0x51);
    cpu.write(Reg.Ldr, 0x0400_0000);
    cpu.write(Reg.Icr, 0x4_0071);
    const snapshot = cpu.vm.snapshot();
    const look = (which: Cpu): unknown =>
      [Reg.Tpr, Reg.Ldr, Reg.Svr, Reg.Icr, Reg.Ppr]
        .map((register) => which.read(register))
        .concat(which.vectors(Reg.Irr));
    const before = look(cpu);
    cpu.write(Reg.Tpr, 0);
    cpu.write(Reg.Ldr, 0);
    cpu.open();
    cpu.vm.restore(snapshot);
    expect(look(cpu)).toEqual(before);
    const other = await machine();
    other.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
    expect(look(other)).toEqual(before);
  });
});

describe('where the APIC page is', () => {
  it('follows IA32_APIC_BASE; where it was is nobody', async () => {
    const cpu = await apicMachine();
    cpu.write(Reg.Tpr, 0x20);
    const moved = 0xa000_0000;
    expect(cpu.wrmsr(0x1b, BigInt(moved) | 0x900n)).toBe(true);
    cpu.do([0x8b, 0x07], { rdi: BigInt(moved + Reg.Tpr) });
    expect(cpu.vcpu.getRegs().rax).toBe(0x20n);
    cpu.do([0x89, 0x07], { rdi: BigInt(moved + Reg.Tpr), rax: 0x30n });
    cpu.vm.memory.write(0x1000, Uint8Array.of(0x8b, 0x07, 0xe6, 0xf0));
    cpu.vcpu.setRegs({ ...cpu.vcpu.getRegs(), rip: 0x1000n, rdi: BigInt(APIC_BASE + Reg.Tpr) });
    expect(cpu.vcpu.run({ maxInstructions: 10 })).toMatchObject({ reason: ExitReason.Mmio, isWrite: false });
    cpu.finish();
    cpu.wrmsr(0x1b, BigInt(APIC_BASE) | 0x900n);
    expect(cpu.read(Reg.Tpr)).toBe(0x30);
  });
});
