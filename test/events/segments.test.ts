// Segment checks, segment loads, LLDT, LTR, LAR, LSL, VERR, VERW.
// Expectations: SDM vol. 3, 5.3 to 5.8 and 20.2; vol. 2, MOV, LLDT, LTR, LAR (table 3-53), LSL (table 3-55), VERR.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AT, CS, DS, ES, FS, GS, Guest, LDTR, SEL, SP, SS, TR, compileCore, descriptor } from './machine.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
beforeAll(async () => {
  wasm = await compileCore();
});
beforeEach(() => {
  guest = new Guest(wasm);
});
const READ = 1;
const WRITE = 2;

/** Linear address, or the fault. */
function address(seg: number, offset: bigint, size = 1, access = READ): bigint | [number, number | null] | 'exit' {
  const at = BigInt.asUintN(64, guest.core.linear(seg, offset, size, access));
  return guest.fault() ?? at;
}

describe('linear addresses', () => {
  test('real mode: base and the 64 KiB limit of the cache', () => {
    guest.setSegment(DS, 0x1234, 0x12340, 0xffff, 0x93);
    expect(address(DS, 0x10n, 4)).toBe(0x12350n);
    expect(address(DS, 0xfffcn, 4)).toBe(0x2233cn);
    expect(address(DS, 0xfffdn, 4)).toEqual([13, 0]);
    expect(address(SS, 0xffffn, 2)).toEqual([12, 0]);
    expect(address(CS, 0n, 2, WRITE)).toBe(0x1000n);
    guest.setSegment(CS, 0, 0, 0xffffffff, 0x9b); // left by protected mode, still writable here
    expect(address(CS, 0x10000n, 2, WRITE)).toBe(0x10000n);
  });
  test('protected mode: type, limit with size, wrap at 4 GiB', () => {
    guest.protected32();
    guest.setSegment(DS, SEL.READ_ONLY, 0x1000, 0xffff, 0x91);
    guest.setSegment(FS, SEL.EXECUTE_ONLY, 0x1000, 0xffff, 0x99);
    guest.setSegment(GS, SEL.DATA0, 0xfffff000, 0xffffffff, 0xc093);
    expect(address(DS, 0xfff8n, 8)).toBe(0x10ff8n);
    expect(address(DS, 0xfff9n, 8)).toEqual([13, 0]);
    expect(address(DS, 0n, 1, WRITE)).toEqual([13, 0]);
    expect(address(FS, 0n)).toEqual([13, 0]);
    expect(address(CS, 0n)).toBe(0n);
    expect(address(CS, 0n, 1, WRITE)).toEqual([13, 0]);
    expect(address(GS, 0x1234n)).toBe(0x234n);
    expect(address(GS, 0xfffffffen, 4)).toEqual([13, 0]);
    guest.setSegment(ES, 0, 0, 0xffffffff, 0x10000);
    expect(address(ES, 0n)).toEqual([13, 0]);
    guest.setSegment(SS, 0, 0, 0xffffffff, 0x10000);
    expect(address(SS, 0n)).toEqual([12, 0]);
  });
  test.each([
    ['D/B = 1', 0x4097, 0xffffffffn],
    ['D/B = 0', 0x0097, 0xffffn],
  ])('expand-down, %s: above the limit only', (_, rights, top) => {
    guest.protected32();
    guest.setSegment(DS, SEL.EXPAND_DOWN, 0, 0xfff, rights);
    expect(address(DS, 0xfffn)).toEqual([13, 0]);
    expect(address(DS, 0x1000n, 4, WRITE)).toBe(0x1000n);
    expect(address(DS, top - 3n, 4)).toBe(top - 3n);
    expect(address(DS, top - 2n, 4)).toEqual([13, 0]);
  });
  test('64-bit mode: bases of FS and GS only, no limits or types; #SS(0) for a stack that is not canonical', () => {
    guest.long64(3);
    guest.setSegment(DS, 0, 0x5000, 0, 0x10000);
    guest.setSegment(GS, 0, 0x7000, 0, 0x10000);
    expect(address(DS, 0x1_0000_0000n, 8, WRITE)).toBe(0x1_0000_0000n);
    expect(address(GS, 0xffff_ffff_ffff_fff0n)).toBe(0x6ff0n);
    expect(address(SS, 0x7fff_ffff_fff9n, 8)).toEqual([12, 0]);
    expect(address(SS, 0x7fff_ffff_fff8n, 8)).toBe(0x7fff_ffff_fff8n);
    guest.set('CR4', 0x1000); // LA57
    expect(address(SS, 0x8000_0000_0000n, 8)).toBe(0x8000_0000_0000n);
    expect(address(SS, 0x100_0000_0000_0000n, 8)).toEqual([12, 0]);
  });
});

describe('loading data and stack segments', () => {
  const load = (seg: number, selector: number): [number, number | null] | 'exit' | null => {
    guest.core.loadSegment(seg, selector);
    return guest.fault();
  };
  test('real mode changes base and selector, keeps a large limit', () => {
    guest.setSegment(DS, 8, 0, 0xffffffff, 0xc093);
    load(DS, 0x1234);
    expect(guest.segment(DS)).toEqual({ base: 0x12340n, limit: 0xffffffff, rights: 0xc093, selector: 0x1234 });
  });
  test('virtual-8086 mode loads everything', () => {
    guest.v86();
    load(ES, 0x4321);
    expect(guest.segment(ES)).toEqual({ base: 0x43210n, limit: 0xffff, rights: 0xf3, selector: 0x4321 });
  });
  test('a descriptor is unpacked: base, scaled limit, rights; the accessed bit is set in memory', () => {
    guest.protected32();
    guest.setDescriptor(SEL.DATA16, descriptor(0xfedcba98, 0x54321, 0x92, 0xd));
    expect(load(ES, SEL.DATA16)).toBe(null);
    expect(guest.segment(ES)).toEqual({ base: 0xfedcba98n, limit: 0x54321fff, rights: 0xd093, selector: SEL.DATA16 });
    expect(guest.read(AT.GDT + SEL.DATA16 + 5, 1)).toBe(0x93);
  });
  test('through the LDT', () => {
    guest.protected32(3);
    guest.write(AT.LDT + 8, descriptor(0x100, 0xf, 0xf3, 0), 8);
    expect(load(ES, 0x0f)).toEqual([13, 0x0c]);
    guest.core.loadLdtr(SEL.LDT);
    expect(guest.segment(LDTR)).toEqual({ base: BigInt(AT.LDT), limit: 0x1f, rights: 0x82, selector: SEL.LDT });
    expect(load(ES, 0x0f)).toBe(null);
    expect(guest.segment(ES).base).toBe(0x100n);
    expect(load(ES, 0x27)).toEqual([13, 0x24]);
  });
  test.each([
    ['null', 0, DS, 3, null],
    ['beyond the table', 0, DS, 0xc0, [13, 0xc0]],
    ['system segment', 0, DS, SEL.TSS2, [13, SEL.TSS2]],
    ['execute-only code', 0, DS, SEL.EXECUTE_ONLY, [13, SEL.EXECUTE_ONLY]],
    ['readable code', 0, DS, SEL.CODE0, null],
    ['not present', 0, DS, SEL.ABSENT, [11, SEL.ABSENT]],
    ['RPL above DPL', 0, DS, SEL.DATA0 | 3, [13, SEL.DATA0]],
    ['CPL above DPL', 3, DS, SEL.DATA0, [13, SEL.DATA0]],
    ['less privileged data', 0, DS, SEL.DATA3, null],
    ['conforming code from level 3', 3, DS, SEL.CONFORMING | 3, null],
    ['SS null', 0, SS, 0, [13, 0]],
    ['SS read-only', 0, SS, SEL.READ_ONLY, [13, SEL.READ_ONLY]],
    ['SS code', 0, SS, SEL.CODE0, [13, SEL.CODE0]],
    ['SS with RPL 3', 0, SS, SEL.DATA0 | 3, [13, SEL.DATA0]],
    ['SS with DPL 3', 0, SS, SEL.DATA3 & ~3, [13, SEL.DATA3 & ~3]],
    ['SS not present', 0, SS, SEL.ABSENT, [12, SEL.ABSENT]],
    ['SS', 0, SS, SEL.DATA16, null],
  ] as const)('%s at level %i', (_, level, seg, selector, expected) => {
    guest.protected32(level);
    const before = guest.snapshot();
    expect(load(seg, selector)).toEqual(expected);
    if (expected) expect(guest.snapshot()).toBe(before);
    else expect(guest.selector(seg)).toBe(selector);
  });
  test('SS.B counts at once: the stack becomes 16 bits wide', () => {
    guest.protected32();
    expect(guest.get32('MODE') & 7).toBe(5);
    load(SS, SEL.DATA16);
    expect(guest.get32('MODE') & 7).toBe(1);
  });
  test('64-bit mode: SS may be null below level 3 with RPL = CPL', () => {
    guest.long64();
    expect([load(SS, 0), guest.segment(SS).rights & 0x10060, guest.get32('CPL')]).toEqual([null, 0x10000, 0]);
    expect(load(SS, 1)).toEqual([13, 0]);
    guest.long64(3);
    expect(load(SS, 3)).toEqual([13, 0]);
  });
});

describe('LLDT and LTR', () => {
  test.each([
    [SEL.DATA0, [13, SEL.DATA0]],
    [SEL.TSS2, [13, SEL.TSS2]],
    [SEL.LDT | 4, [13, SEL.LDT | 4]],
    [0xc0, [13, 0xc0]],
    [0, null],
  ] as const)('LLDT %i', (selector, expected) => {
    guest.protected32();
    guest.core.loadLdtr(selector);
    expect(guest.fault()).toEqual(expected);
  });
  test('LTR makes the TSS busy, in memory and in the register', () => {
    guest.protected32();
    guest.core.loadTr(SEL.TSS2);
    expect(guest.fault()).toBe(null);
    expect(guest.segment(TR)).toEqual({ base: BigInt(AT.TSS2), limit: 0x67, rights: 0x8b, selector: SEL.TSS2 });
    expect(guest.read(AT.GDT + SEL.TSS2 + 5, 1)).toBe(0x8b);
    guest.core.loadTr(SEL.TSS2);
    expect(guest.fault()).toEqual([13, SEL.TSS2]);
    guest.core.loadTr(0);
    expect(guest.fault()).toEqual([13, 0]);
  });
  test('IA-32e mode: 16 bytes, 64-bit base, no 16-bit TSS', () => {
    guest.long64();
    guest.write(AT.GDT + SEL.TSS64 + 8, 0xffff8000, 8);
    guest.core.loadTr(SEL.TSS64);
    expect([guest.fault(), guest.segment(TR).base]).toEqual([null, 0xffff8000_00003000n]);
    guest.setDescriptor(SEL.TSS64, descriptor(AT.TSS, 0x67, 0x89, 0));
    guest.write(AT.GDT + SEL.TSS64 + 8, 0x8000, 8);
    guest.core.loadTr(SEL.TSS64);
    expect(guest.fault(), 'base not canonical').toEqual([13, SEL.TSS64]);
    guest.write(AT.GDT + SEL.TSS64 + 8, 0x100_00000000n, 8);
    guest.core.loadTr(SEL.TSS64);
    expect(guest.fault(), 'type of the upper half').toEqual([13, SEL.TSS64]);
    guest.setDescriptor(SEL.TSS64, descriptor(AT.TSS, 0x67, 0x81, 0));
    guest.write(AT.GDT + SEL.TSS64 + 8, 0, 8);
    guest.core.loadTr(SEL.TSS64);
    expect(guest.fault(), '16-bit TSS').toEqual([13, SEL.TSS64]);
    guest.set('GDTR_LIMIT', SEL.TSS64 + 14);
    guest.core.loadLdtr(SEL.TSS64);
    expect(guest.fault(), 'upper half beyond the table').toEqual([13, SEL.TSS64]);
  });
});

describe('LAR, LSL, VERR, VERW', () => {
  test('LAR gives bits 8-23, LSL the limit in bytes', () => {
    guest.protected32();
    guest.setDescriptor(SEL.DATA16, descriptor(0x12345678, 0x54321, 0x93, 0xd));
    expect([guest.core.lar(SEL.DATA16), guest.core.queryValue.value]).toEqual([1, 0xd59300]);
    expect([guest.core.lsl(SEL.DATA16), guest.core.queryValue.value >>> 0]).toEqual([1, 0x54321fff]);
    expect([guest.core.lar(0), guest.core.lsl(0xc0), guest.core.verr(0xc4), guest.core.verw(3)]).toEqual([0, 0, 0, 0]);
    expect(guest.fault()).toBe(null);
  });
  test.each([
    ['protected', [1, 2, 3, 4, 5, 9, 11, 12], [1, 2, 3, 9, 11]],
    ['IA-32e', [2, 9, 11, 12], [2, 9, 11]],
  ])('system types in %s mode', (mode, lar, lsl) => {
    if (mode === 'protected') guest.protected32();
    else guest.long64();
    const accepted = (query: (selector: number) => number): number[] =>
      Array.from({ length: 16 }, (_, type) => type).filter((type) => {
        guest.setDescriptor(SEL.GATE, descriptor(0, 0, 0x80 | type, 0));
        return query(SEL.GATE) === 1;
      });
    expect(accepted((s) => guest.core.lar(s))).toEqual(lar);
    expect(accepted((s) => guest.core.lsl(s))).toEqual(lsl);
    expect(accepted((s) => guest.core.verr(s))).toEqual([]);
  });
  test('privilege and type', () => {
    guest.protected32(3);
    const c = guest.core;
    expect([c.lar(SEL.DATA0), c.lar(SEL.CONFORMING), c.lar(SEL.DATA3)]).toEqual([0, 1, 1]);
    expect([c.verr(SEL.DATA3), c.verw(SEL.DATA3), c.verr(SEL.CODE3), c.verw(SEL.CODE3)]).toEqual([1, 1, 1, 0]);
    guest.protected32();
    expect([c.verr(SEL.EXECUTE_ONLY), c.verr(SEL.READ_ONLY), c.verw(SEL.READ_ONLY)]).toEqual([0, 1, 0]);
    expect([c.verr(SEL.DATA0), c.verr(SEL.DATA0 | 1), c.verw(SEL.DATA3)]).toEqual([1, 0, 1]);
    expect(guest.gpr(SP)).toBe(BigInt(AT.STACK0));
  });
});
