// Registers through the API: what is set is what is got and what the guest sees; what VM entry would refuse is refused.

import { describe, expect, it } from 'vitest';
import { ExitReason, type Regs, type Sregs, type Vcpu } from '../../src/index.js';
import { longMode, MIB, realMode } from './guest.js';

// prettier-ignore
const NAMES = [
  'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rsp', 'rbp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
] as const;

describe('general registers', () => {
  it('come back as they were set, and RFLAGS with the bits that exist', async () => {
    const { vcpu } = await longMode([0xf4]);
    const regs = { ...vcpu.getRegs(), rip: 0xffff_8000_0000_1234n };
    for (const [index, name] of NAMES.entries()) regs[name] = 0xfedc_ba98_0000_0000n + BigInt(index);
    vcpu.setRegs({ ...regs, rflags: 0xffff_ffffn });
    // SDM vol. 1, figure 3-8: bit 1 is 1; 3, 5, 15 and all from 22 on are 0.
    expect(vcpu.getRegs()).toEqual({ ...regs, rflags: 0x3f_7fd7n });
  });

  it.each(NAMES.map((name, index) => [name, index] as const))(
    '%s is the register the guest means',
    async (name, _index) => {
      const number = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'].indexOf(name);
      const code = number < 0 ? Number(name.slice(1)) : number;
      // mov r64, imm32 (C7 /0); hlt
      const { vcpu } = await longMode([code < 8 ? 0x48 : 0x49, 0xc7, 0xc0 | (code & 7), 0x78, 0x56, 0x34, 0x12, 0xf4]);
      expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
      expect(vcpu.getRegs()[name as keyof Regs]).toBe(0x1234_5678n);
    },
  );
});

describe('power-on state', () => {
  it('is the manual’s (SDM vol. 3, table 10-1)', async () => {
    const { vcpu } = await realMode([]);
    vcpu.reset();
    const { cs, ds, ldt, tr, cr0, cr2, cr3, cr4, efer, gdt, idt } = vcpu.getSregs();
    expect(cs).toMatchObject({ selector: 0xf000, base: 0xffff_0000n, limit: 0xffff, present: 1, s: 1, type: 11 });
    expect(ds).toMatchObject({ selector: 0, base: 0n, limit: 0xffff, present: 1, s: 1, type: 3 });
    expect(ldt).toMatchObject({ limit: 0xffff, type: 2, present: 1 });
    expect(tr).toMatchObject({ limit: 0xffff, type: 11, present: 1 });
    expect({ cr0, cr2, cr3, cr4, efer }).toEqual({ cr0: 0x6000_0010n, cr2: 0n, cr3: 0n, cr4: 0n, efer: 0n });
    expect([gdt, idt]).toEqual([
      { base: 0n, limit: 0xffff },
      { base: 0n, limit: 0xffff },
    ]);
    expect(vcpu.getRegs()).toMatchObject({ rip: 0xfff0n, rflags: 2n });
    expect(vcpu.getDebugRegs()).toMatchObject({ dr6: 0xffff_0ff0n, dr7: 0x400n });
    const fpu = new DataView(vcpu.getFpu().buffer);
    expect([fpu.getUint16(0, true), fpu.getUint32(24, true)]).toEqual([0x37f, 0x1f80]); // FCW, MXCSR
  });

  it('comes again with reset(), while the clock goes on', async () => {
    const { vm, vcpu } = await realMode([0x40, 0xf4]);
    vcpu.run();
    const before = vm.clock.ticks();
    expect(before).toBe(16);
    vcpu.reset();
    expect(vcpu.getRegs().rax).toBe(0n);
    expect(vm.clock.ticks()).toBe(before);
  });
});

describe('system registers', () => {
  it('come back as they were set', async () => {
    const { vcpu } = await longMode([]);
    const sregs = vcpu.getSregs();
    const changed: Sregs = {
      ...sregs,
      fs: {
        base: 0x7fff_1234_5678n,
        limit: 0xf_ffff,
        selector: 0x53,
        type: 5,
        present: 1,
        dpl: 3,
        db: 1,
        s: 1,
        l: 0,
        g: 1,
        avl: 1,
        unusable: 0,
      },
      ldt: { ...sregs.ldt, unusable: 1, present: 0 },
      gdt: { base: 0xffff_8000_0000_0000n, limit: 0x7f },
      cr2: 0xdead_beefn,
      cr8: 9n,
    };
    vcpu.setSregs(changed);
    expect(vcpu.getSregs()).toEqual(changed);
  });

  const refuse = (vcpu: Vcpu, change: Partial<Sregs>): string => {
    try {
      vcpu.setSregs({ ...vcpu.getSregs(), ...change });
      return 'none';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it.each<[string, Partial<Sregs>]>([
    ['CR0.PG without CR0.PE', { cr0: 0x8000_0000n, efer: 0n }],
    ['CR0.NW without CR0.CD', { cr0: 0xa000_0001n }],
    ['bits above 31 in CR0', { cr0: 0x1_8000_0001n }],
    ['long mode without PAE', { cr4: 0n }],
    ['LME and PG without LMA', { efer: 0x100n }],
    ['LMA without LME', { efer: 0x400n }],
    ['CR3 wider than a physical address', { cr3: 1n << 40n }],
  ])('%s is EINVAL, and changes nothing', async (_what, change) => {
    const { vcpu } = await longMode([]);
    const before = vcpu.getSregs();
    expect(refuse(vcpu, change)).toBe('EINVAL');
    expect(vcpu.getSregs()).toEqual(before);
  });

  it('loads PAE’s four entries with CR3, and needs them in memory', async () => {
    // 32-bit PAE paging: PDPTE 0 -> directory at 0x3000 -> one 2 MiB page (SDM vol. 3, 4.4). mov eax, [ebx]; hlt
    const { vm, vcpu } = await realMode([0x8b, 0x03, 0xf4], { memory: 4 * MIB });
    vm.memory.writeU64(0x2000, 0x3001n);
    vm.memory.writeU64(0x3000, 0x83n);
    vm.memory.writeU64(0x3008, 0x20_0083n);
    vm.memory.writeU32(0x20_0044, 0x5566_7788);
    const { cs, ds, ...rest } = vcpu.getSregs();
    const flat = { base: 0n, limit: 0xffff_ffff, g: 1, db: 1 };
    const sregs = { ...rest, cs: { ...cs, ...flat }, ds: { ...ds, ...flat }, cr0: 0x8000_0011n, cr4: 0x20n };
    expect(() => vcpu.setSregs({ ...sregs, cr3: 0x1000_0000n })).toThrow(/EFAULT.*0x10000000/);
    vcpu.setSregs({ ...sregs, cr3: 0x2000n });
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n, rbx: 0x20_0044n });
    expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(0x5566_7788n);
  });
});

/** An FXSAVE image whose every defined byte is another one: FCW 037FH, TOP 3, MXCSR 1F80H and its mask, 8 × 10 and 16 × 16 bytes. */
function fpuImage(): Uint8Array {
  const inSt = (at: number): boolean => at >= 32 && at < 160 && (at - 32) % 16 < 10;
  const image = new Uint8Array(512).map((_, at) => (inSt(at) || (at >= 160 && at < 416) ? at & 255 : 0));
  const view = new DataView(image.buffer);
  view.setUint16(0, 0x37f, true);
  view.setUint16(2, 3 << 11, true);
  image[4] = 0xa5;
  view.setUint16(6, 0x5d8, true);
  view.setBigUint64(8, 0x1234_5678n, true);
  view.setBigUint64(16, 0x7f12_3456_789an, true);
  view.setUint32(24, 0x1f80, true);
  view.setUint32(28, 0xffff, true);
  return image;
}

describe('model-specific, debug and FPU registers', () => {
  it('have one value for the API and the guest', async () => {
    // mov ecx, 0xc0000100; rdmsr; hlt
    const { vcpu } = await longMode([0xb9, 0x00, 0x01, 0x00, 0xc0, 0x0f, 0x32, 0xf4]);
    vcpu.setMsrs([
      { index: 0xc000_0100, data: 0x7f12_3456_789an },
      { index: 0xc000_0082, data: 0xffff_8000_0000_1000n },
      { index: 0x10, data: 1000n },
    ]);
    expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs()).toMatchObject({ rax: 0x3456_789an, rdx: 0x7f12n });
    expect(vcpu.getSregs().fs.base).toBe(0x7f12_3456_789an);
    // Three instructions (HLT is one) at 8 ticks later.
    expect(vcpu.getMsrs([0xc000_0082, 0x10])).toEqual([
      { index: 0xc000_0082, data: 0xffff_8000_0000_1000n },
      { index: 0x10, data: 1000n + 3n * 8n },
    ]);
    expect(() => vcpu.getMsrs([0xdead])).toThrow(/EINVAL.*0xdead/);
    expect(() => vcpu.setMsrs([{ index: 0xdead, data: 0n }])).toThrow(/EINVAL.*0xdead/);
    expect(vcpu.getMsrs().map(({ index }) => index)).toContain(0xc000_0080);
  });

  it('check what cannot be', async () => {
    const { vcpu } = await realMode([]);
    expect(() => vcpu.setFpu(new Uint8Array(511))).toThrow(/EINVAL.*512/);
    const image = fpuImage();
    vcpu.setFpu(image);
    expect(vcpu.getFpu()).toEqual(image);
    expect(() => vcpu.setFpu(image.with(26, 1))).toThrow(/EINVAL.*MXCSR/);
    const whole = vcpu.getXsave();
    expect([whole.length, whole[512]]).toEqual([832, 3]); // x87 and SSE are in use
    whole.set([7], 512);
    whole.fill(0x5a, 576, 832);
    vcpu.setXsave(whole);
    expect(vcpu.getXsave()).toEqual(whole);
    vcpu.setXsave(whole.with(512, 1)); // SSE and AVX are not in it: as after reset
    expect(vcpu.getXsave().slice(160, 416)).toEqual(new Uint8Array(256));
    expect(() => vcpu.setXsave(whole.with(512, 8))).toThrow(/EINVAL.*XSTATE_BV/);
    expect(() => vcpu.setXsave(whole.slice(1))).toThrow(/EINVAL.*832/);
    expect(vcpu.getXcr0()).toBe(1n);
    vcpu.setXcr0(7n);
    expect(vcpu.getXcr0()).toBe(7n);
    for (const bad of [0n, 2n, 5n, 0xfn]) expect(() => vcpu.setXcr0(bad)).toThrow(/EINVAL/); // SDM vol. 1, 13.3
    const dr = { ...vcpu.getDebugRegs(), db: [1n, 2n, 3n, 4n] as [bigint, bigint, bigint, bigint] };
    vcpu.setDebugRegs(dr);
    expect(vcpu.getDebugRegs()).toEqual(dr);
    expect(() => vcpu.setDebugRegs({ ...dr, dr7: 1n << 32n })).toThrow(/EINVAL/);
  });
});

describe('several vCPUs', () => {
  it('have registers of their own and memory in common, and know their numbers', async () => {
    // mov eax, 1; cpuid; shr ebx, 24; mov [0x2000 + rbx], bl; hlt
    const { vm, vcpu } = await longMode([
      ...[0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xc1, 0xeb, 24, 0x88, 0x9b, 0x00, 0x20, 0x00, 0x00, 0xf4],
    ]);
    const second = vm.createVcpu();
    second.setSregs(vcpu.getSregs());
    second.setRegs(vcpu.getRegs());
    vm.memory.fill(0x2000, 0xff, 2);
    expect(second.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(vm.memory.readU16(0x2000)).toBe(0x01ff);
    expect(vcpu.retired).toBe(0);
    expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(vm.memory.readU16(0x2000)).toBe(0x0100);
  });
});
