// vcpu.lookUp(): entries taken apart as the manuals' figures have them, over tables made by hand, and that looking does nothing.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ExitReason, type LookUp, type TableEntry, type Vcpu, type Vm, type VmOptions } from '../../src/index.js';
import { ALIAS, CODE, longMode, P, PAGE_TABLE, PAGING_MODES, PS, realMode, U, W } from './guest.js';

const HLT = 0xf4;
const A = 0x20n;
const D = 0x40n;
const G = 0x100n;
const NX = 1n << 63n;
const [PML4, PDPT, PD] = [0x8_0000n, 0x8_1000n, 0x8_2000n];

let vm: Vm | undefined;
afterEach(() => vm?.close());
async function guest(bytes: number[] = [HLT], options: VmOptions = {}): Promise<{ vm: Vm; vcpu: Vcpu }> {
  const made = await longMode(bytes, options);
  vm = made.vm;
  return made;
}

/** The guest's entries, each as one line. */
function lines({ steps }: LookUp): string[] {
  return steps.flatMap(({ entry }) => (entry === undefined ? [] : [line(entry)]));
}
function line({ name, index, address, value, flags, meaning, target, pageSize }: TableEntry): string {
  const leads = target === undefined ? '' : ` ${target.toString(16)}`;
  const size = pageSize === undefined ? '' : ` of ${pageSize / 1024} KiB`;
  return `${name} ${index} @${address.toString(16)} = ${value.toString(16)} [${flags.join(' ')}] ${meaning}${leads}${size}`;
}

describe('the guest’s tables', () => {
  it('four levels to a page of 4 KiB, with every flag of one', async () => {
    const { vm, vcpu } = await guest();
    vm.memory.writeU64(PAGE_TABLE + 5n * 8n, 0x7000n | P | W | U | 0x18n | A | D | 0x80n | G);
    const found = vcpu.lookUp(ALIAS + 0x5123n);
    expect(lines(found)).toEqual([
      'PML4E 0 @80000 = 81007 [P W U] table 81000',
      'PDPTE 256 @81800 = 82007 [P W U] table 82000',
      'PDE 0 @82000 = 83007 [P W U] table 83000',
      'PTE 5 @83028 = 71ff [P W U PWT PCD A D PAT G] page 7000 of 4 KiB',
    ]);
    expect(found.steps.map(({ gpa }) => gpa)).toEqual([PML4, PDPT + 0x800n, PD, PAGE_TABLE + 40n, 0x7123n]);
    expect(found).toMatchObject({ guest: '4-level', end: 'mapped', gpa: 0x7123n, linear: ALIAS + 0x5123n });
    expect(found.rights).toEqual({ write: true, user: true, execute: true });
    expect(vm.memory.readU8(0x7123n)).toBe(vm.linear.u8[found.host!]);
    vm.memory.writeU8(0x7123n, 0x5a);
    expect(vm.linear.u8[found.host!]).toBe(0x5a);
  });

  it('large pages, at whose end the walk is', async () => {
    const { vm, vcpu } = await guest();
    expect(lines(vcpu.lookUp(0xc012_3456n))).toEqual([
      'PML4E 0 @80000 = 81007 [P W U] table 81000',
      'PDPTE 3 @81018 = c0000087 [P W U PS] page c0000000 of 1048576 KiB',
    ]);
    vm.memory.writeU64(PD + 8n, 0x20_0000n | P | PS | 0x1000n);
    const found = vcpu.lookUp(ALIAS + 0x2a_bcdfn);
    expect(lines(found).at(-1)).toBe('PDE 1 @82008 = 201081 [P PS PAT] page 200000 of 2048 KiB');
    expect(found).toMatchObject({ gpa: 0x2a_bcdfn, host: undefined }); // beyond the 1 MiB there is
  });

  it('what all entries together grant', async () => {
    const { vm, vcpu } = await guest();
    const sregs = vcpu.getSregs();
    vcpu.setSregs({ ...sregs, efer: sregs.efer | 0x800n });
    vm.memory.writeU64(PAGE_TABLE, 0x7000n | P | W | U | NX);
    expect(vcpu.lookUp(ALIAS).rights).toEqual({ write: true, user: true, execute: false });
    expect(lines(vcpu.lookUp(ALIAS)).at(-1)).toMatch(/\[P W U NX\] page 7000/);
    vm.memory.writeU64(PD, PAGE_TABLE | P | W);
    vm.memory.writeU64(PML4, PDPT | P | U);
    expect(vcpu.lookUp(ALIAS).rights).toEqual({ write: false, user: false, execute: false });
  });

  it.each([
    ['not present, whatever else it has', PAGE_TABLE, 0x7abc_def0n << 4n, 'absent', /PTE 0 .* \[\] absent$/],
    ['an address bit that the processor lacks', PAGE_TABLE, 0x7000n | P | (1n << 45n), 'reserved', /\[P\] reserved$/],
    ['NX without EFER.NXE', PAGE_TABLE, 0x7000n | P | NX, 'reserved', /\[P NX\] reserved$/],
    ['PS in a PML4E', PML4, PDPT | P | PS, 'reserved', /^PML4E 0 .* \[P PS\] reserved$/],
    ['a large page off its boundary', PD, 0x20_2000n | P | PS, 'reserved', /^PDE 0 .* reserved$/],
  ] as const)('end at an entry: %s', async (_what, place, entry, end, last) => {
    const { vm, vcpu } = await guest();
    vm.memory.writeU64(place, entry);
    const found = vcpu.lookUp(ALIAS);
    expect(lines(found).at(-1)).toMatch(last);
    expect(found).toMatchObject({ end, gpa: undefined, host: undefined });
    expect(found.rights).toEqual({ write: false, user: false, execute: false });
    expect(vcpu.translate(ALIAS)).toBeUndefined();
  });

  it('end where no memory is, and before they begin', async () => {
    const { vm, vcpu } = await guest();
    vm.memory.writeU64(PD, 0x4000_0000n | P);
    const found = vcpu.lookUp(ALIAS + 0x3000n);
    expect(found).toMatchObject({ end: 'no memory', gpa: undefined });
    expect(found.steps.at(-1)).toMatchObject({ entry: undefined, gpa: 0x4000_0018n });
    expect(vcpu.lookUp(1n << 47n)).toMatchObject({ end: 'not canonical', steps: [], gpa: undefined });
    expect(vcpu.lookUp(-1n).linear).toBe((1n << 64n) - 1n);
  });

  it('five levels', async () => {
    const { vm, vcpu } = await guest([HLT], { cpu: { la57: true } });
    const sregs = vcpu.getSregs();
    vm.memory.writeU64(0x8_4000n + 8n, PML4 | P | W);
    vcpu.setSregs({ ...sregs, cr0: sregs.cr0 & 0x7fff_ffffn, cs: { ...sregs.cs, l: 0, db: 1 }, efer: 0x100n });
    vcpu.setSregs({ ...sregs, cr3: 0x8_4000n, cr4: sregs.cr4 | 0x1000n });
    const found = vcpu.lookUp((1n << 48n) | 0x1234n);
    expect(lines(found)).toEqual([
      'PML5E 1 @84008 = 80003 [P W] table 80000',
      'PML4E 0 @80000 = 81007 [P W U] table 81000',
      'PDPTE 0 @81000 = 87 [P W U PS] page 0 of 1048576 KiB',
    ]);
    expect(found).toMatchObject({ guest: '5-level', gpa: 0x1234n });
    expect(found.rights).toEqual({ write: true, user: false, execute: true });
  });

  /** Protected mode with paging; the directory at 10000h, page table at 11000h. */
  async function legacy(cr4: bigint): Promise<{ vm: Vm; vcpu: Vcpu }> {
    const made = await realMode([HLT]);
    vm = made.vm;
    const { vcpu } = made;
    vm.memory.writeU64(0x1_0000, 0x1_2001n); // PAE's first pointer
    vcpu.setSregs({ ...vcpu.getSregs(), cr0: 0x8000_0011n, cr3: 0x1_0000n, cr4 });
    return made;
  }

  it('32-bit entries, with pages of 4 MiB where CR4.PSE says so', async () => {
    const { vm, vcpu } = await legacy(0x10n);
    vm.memory.writeU32(0x1_0004, 0x1_1027);
    vm.memory.writeU32(0x1_1008, 0x7065);
    expect(lines(vcpu.lookUp(0x40_2abcn))).toEqual([
      'PDE 1 @10004 = 11027 [P W U A] table 11000',
      'PTE 2 @11008 = 7065 [P U A D] page 7000 of 4 KiB',
    ]);
    expect(vcpu.lookUp(0x40_2abcn)).toMatchObject({ guest: '32-bit', gpa: 0x7abcn });
    vm.memory.writeU32(0x1_0008, 0x0040_6083); // bits 20:13 are address bits 39:32
    expect(vcpu.lookUp(0x8a_bcden).gpa).toBe(0x3_004a_bcden);
    expect(lines(vcpu.lookUp(0x8a_bcden))).toEqual(['PDE 2 @10008 = 406083 [P W PS] page 300400000 of 4096 KiB']);
    vm.memory.writeU32(0x1_0008, 0x0060_0083);
    expect(vcpu.lookUp(0x8a_bcden)).toMatchObject({ end: 'reserved' });
    vcpu.setSregs({ ...vcpu.getSregs(), cr4: 0n });
    vm.memory.writeU32(0x1_0008, 0x1_1083);
    expect(lines(vcpu.lookUp(0x80_2000n)).at(-1)).toMatch(/^PTE 2 @11008/);
  });

  it('PAE, whose first four entries are the processor’s', async () => {
    const { vm, vcpu } = await legacy(0x20n);
    vm.memory.writeU64(0x1_2000 + 8 * 3, 0x1_1023n);
    vm.memory.writeU64(0x1_1000 + 8 * 7, 0x7001n);
    vm.memory.writeU64(0x1_0000, 0n); // too late: they are loaded
    const found = vcpu.lookUp(0x60_7fffn);
    expect(lines(found)).toEqual([
      'PDPTE 0 @10000 = 12001 [P] table 12000',
      'PDE 3 @12018 = 11023 [P W A] table 11000',
      'PTE 7 @11038 = 7001 [P] page 7000 of 4 KiB',
    ]);
    expect(found.steps[0]).toMatchObject({ gpa: undefined, nested: [] });
    expect(found).toMatchObject({ guest: 'pae', gpa: 0x7fffn, rights: { write: false, user: false, execute: true } });
    expect(vcpu.translate(0x60_7fffn)).toBe(0x7fffn);
    expect(vcpu.lookUp(0x4060_7fffn)).toMatchObject({ end: 'absent' });
  });

  it('none, without paging', async () => {
    ({ vm } = await realMode([HLT]));
    const found = vm.vcpus[0]!.lookUp(0x1_2345_6789n);
    expect(found).toMatchObject({ guest: 'none', gpa: 0x2345_6789n, end: 'mapped' });
    expect(found.steps).toHaveLength(1);
  });
});

describe('the hypervisor’s tables', () => {
  /** MOV RAX, E0000000; MOV [RAX], RCX; HLT: MMIO, after code and tables have been used. */
  const touch = [0x48, 0xb8, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0x48, 0x89, 0x08, HLT];
  async function touched(
    paging: (typeof PAGING_MODES)[number],
  ): Promise<{ before: LookUp[]; after: LookUp[]; base: number }> {
    const { vcpu } = await guest(touch, { paging });
    const look = (): LookUp[] => [vcpu.lookUp(BigInt(CODE)), vcpu.lookUp(0xe000_0008n)];
    const before = look();
    expect(vcpu.run().reason).toBe(ExitReason.Mmio);
    expect(vcpu.run().reason).toBe(ExitReason.Hlt);
    return { before, after: look(), base: vcpu.lookUp(0n).host! };
  }

  it.each([
    ['ept', ['R W X', 'R W X', 'R W X', 'R W X WB'], ['R W X', 'R W X', 'R W X', 'W X']],
    ['npt', ['P W U A', 'P W U A', 'P W U A', 'P W U A D'], ['P W U A', 'P W U A', 'P W U A', 'P U']],
  ] as const)('%s for each guest-physical address, once it has been used', async (paging, memory, device) => {
    const { before, after, base } = await touched(paging);
    for (const { steps, shadow } of before) {
      expect(shadow).toEqual([]);
      for (const { nested } of steps)
        expect(nested.map(({ meaning, flags }) => [meaning, flags])).toEqual([['absent', []]]);
    }
    for (const { steps } of after) {
      for (const { gpa, nested, entry } of steps) {
        const mmio = gpa === 0xe000_0008n;
        expect(nested.map(({ name }) => name)).toEqual(['PML4E', 'PDPTE', 'PDE', 'PTE']);
        expect(new Set(nested.map(({ table, size }) => `${table} ${size}`))).toEqual(new Set([`${paging} 8`]));
        expect(nested.map(({ flags }) => flags.join(' '))).toEqual(mmio ? device : memory);
        const last = nested.at(-1)!;
        expect(last.meaning).toBe(mmio ? 'mmio' : 'page');
        expect(entry === undefined).toBe(gpa === steps.at(-1)!.gpa);
        if (mmio) continue;
        expect(last.target).toBe(BigInt(base) + (gpa! & ~0xfffn));
        expect(last.pageSize).toBe(4096);
        // Each stands in the table that the one before leads to.
        for (const [index, one] of nested.entries()) {
          expect(one.value).toBe(vm!.linear.view.getBigUint64(Number(one.address), true));
          if (index > 0) expect(one.address - BigInt(one.index * 8)).toBe(nested[index - 1]!.target);
        }
      }
    }
  });

  it('the shadow table for the linear address, instead', async () => {
    const { before, after, base } = await touched('shadow');
    for (const one of [...before, ...after]) for (const { nested } of one.steps) expect(nested).toEqual([]);
    expect(before.map(({ shadow }) => shadow.map(({ meaning }) => meaning))).toEqual([['absent'], ['absent']]);
    const [code, device] = after.map(({ shadow }) => shadow.at(-1)!);
    expect(code).toMatchObject({
      table: 'shadow',
      name: 'PTE',
      meaning: 'page',
      target: BigInt(base + CODE),
      pageSize: 4096,
    });
    expect(code!.flags).toEqual(expect.arrayContaining(['P', 'A', 'D']));
    expect(code!.flags).not.toContain('NX');
    expect(device).toMatchObject({ table: 'shadow', meaning: 'mmio', target: undefined });
    expect(device!.flags).toContain('W');
  });
});

describe('looking', () => {
  it.each(PAGING_MODES)('changes not a byte of all there is, under %s', async (paging) => {
    const { vm, vcpu } = await guest([HLT], { paging });
    vm.memory.writeU64(PAGE_TABLE, 0x7000n | P | W);
    for (const used of [false, true]) {
      if (used) vcpu.run();
      const everything = (): string => createHash('sha256').update(vm.linear.u8).digest('hex');
      const counters = (): string => JSON.stringify({ ...vm.stats(), time: 0 });
      const before = [everything(), counters(), vcpu.retired];
      for (const linear of [0n, BigInt(CODE), ALIAS, ALIAS + 0x1000n, ALIAS << 1n, 1n << 47n, 0xe000_0000n, -1n]) {
        expect(structuredClone(vcpu.lookUp(linear))).toEqual(vcpu.lookUp(linear));
      }
      expect([everything(), counters(), vcpu.retired]).toEqual(before);
      expect(vm.memory.readU64(PAGE_TABLE) & (A | D)).toBe(0n);
    }
    vcpu.translate(ALIAS); // as the processor does it
    expect(vm.memory.readU64(PAGE_TABLE) & (A | D)).toBe(A);
  });

  it('finds what the processor finds, whatever stands in the tables', async () => {
    const { vm, vcpu } = await guest();
    const bits = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    const table = fc.constantFrom(PDPT, PD, PAGE_TABLE, 0x7000n, 0x20_0000n, 0x4000_0000n);
    /** Mostly sound, sometimes anything. */
    const entry = fc.tuple(table, bits, fc.integer({ min: 0, max: 9 })).map(([leads, noise, kind]) => {
      if (kind === 0) return noise;
      if (kind < 3) return leads | (noise & 0x1f_ffffn) | P;
      return leads | (noise & 0xf7en) | P;
    });
    const sregs = vcpu.getSregs();
    let mapped = 0;
    fc.assert(
      fc.property(entry, entry, entry, entry, fc.nat(0xfff), fc.boolean(), (pml4e, pdpte, pde, pte, offset, nxe) => {
        vcpu.setSregs({ ...sregs, efer: nxe ? sregs.efer | 0x800n : sregs.efer });
        for (const [place, value] of [
          [PML4, pml4e],
          [PDPT, pdpte],
          [PD, pde],
          [PAGE_TABLE, pte],
        ] as const) {
          vm.memory.writeU64(place, value);
        }
        const found = vcpu.lookUp(BigInt(offset));
        const gpa = vcpu.translate(BigInt(offset));
        if (gpa !== undefined) mapped++;
        expect([found.gpa, found.end === 'mapped']).toEqual([gpa, gpa !== undefined]);
      }),
      { numRuns: 3000 },
    );
    expect(mapped).toBeGreaterThan(100);
  });
});
