// Task switches. Expectations: SDM vol. 3, 8.2 to 8.4 (figures 8-2 and 8-10: the TSSs; tables 8-1 and 8-2), 17.3.1.5 (T flag).

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AT, CS, DS, ES, FS, GS, Guest, LDTR, SEL, SP, SS, TR, compileCore, descriptor, gate } from './machine.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
beforeAll(async () => {
  wasm = await compileCore();
});
const T = AT.TSS2;
const REGISTERS = [0xa0a0a0a0, 0xc1c1c1c1, 0xd2d2d2d2, 0xb3b3b3b3, 0xa800, 0xb5b5b5b5, 0x56565656, 0xd7d7d7d7];
/** The other task, 32-bit: level 0, EIP 7000. */
function task32(): void {
  guest.write(T + 0x1c, 0x55000, 4);
  guest.write(T + 0x20, 0x7000, 4);
  guest.write(T + 0x24, 0x246, 4);
  for (const [i, r] of REGISTERS.entries()) guest.write(T + 0x28 + 4 * i, r, 4);
  for (const [i, s] of [SEL.DATA0, SEL.CODE0, SEL.DATA0, SEL.DATA3, 0, SEL.DATA0].entries())
    guest.write(T + 0x48 + 4 * i, s, 4);
  guest.write(T + 0x60, SEL.LDT, 2);
}
const busy = (selector: number): boolean => (guest.read(AT.GDT + selector + 5, 1) & 2) !== 0;
const jump = (selector: number): unknown => {
  guest.core.farJump(selector, 0n, 2);
  return guest.fault();
};
const call = (selector: number): unknown => {
  guest.core.farCall(selector, 0n, 2);
  return guest.fault();
};
const external = (vector: number): number => (0x80000000 | vector) >>> 0;

beforeEach(() => {
  guest = new Guest(wasm);
  guest.protected32();
  for (let i = 0; i < 8; i++) guest.set('GPR', i === SP ? 0x8ff0 : 0x1000_0000 + i, i);
  guest.core.setFlags(0x3202);
  guest.core.loadSegment(FS, SEL.DATA3);
  task32();
});

describe('JMP, CALL, IRET', () => {
  test('JMP saves the old task and loads the new one', () => {
    expect(jump(SEL.TSS2)).toBe(null);
    expect(guest.read(AT.TSS + 0x20, 4)).toBe(0x1236);
    expect(guest.read(AT.TSS + 0x24, 4)).toBe(0x3202);
    expect(guest.items(AT.TSS + 0x28, 8, 4)).toEqual(
      Array.from({ length: 8 }, (_, i) => (i === SP ? 0x8ff0 : 0x1000_0000 + i)),
    );
    expect(guest.items(AT.TSS + 0x48, 6, 4)).toEqual([
      SEL.DATA0,
      SEL.CODE0,
      SEL.DATA0,
      SEL.DATA0,
      SEL.DATA3,
      SEL.DATA0,
    ]);
    expect(Array.from({ length: 8 }, (_, i) => Number(guest.gpr(i)))).toEqual(REGISTERS);
    expect([ES, CS, SS, DS, FS, GS].map((s) => guest.selector(s))).toEqual([
      SEL.DATA0,
      SEL.CODE0,
      SEL.DATA0,
      SEL.DATA3,
      0,
      SEL.DATA0,
    ]);
    expect(guest.segment(DS)).toEqual({ base: 0n, limit: 0xffffffff, rights: 0xc0f3, selector: SEL.DATA3 });
    expect(guest.segment(LDTR)).toEqual({ base: BigInt(AT.LDT), limit: 0x1f, rights: 0x82, selector: SEL.LDT });
    expect(guest.segment(TR)).toEqual({ base: BigInt(T), limit: 0x67, rights: 0x8b, selector: SEL.TSS2 });
    expect([guest.get('NEXT_RIP'), guest.get('RIP'), guest.flags]).toEqual([0x7000n, 0x7000n, 0x246]);
    expect([busy(SEL.TSS), busy(SEL.TSS2), guest.read(T, 2)]).toEqual([false, true, 0]);
    expect(guest.get('CR0') & 8n, 'CR0.TS').toBe(8n);
    expect(guest.get('CR3'), 'without paging CR3 stays').toBe(0n);
  });
  test('CALL nests: back link, NT, both busy; IRET goes back', () => {
    expect(call(SEL.TSS2)).toBe(null);
    expect([guest.read(T, 2), guest.flags, busy(SEL.TSS), busy(SEL.TSS2)]).toEqual([SEL.TSS, 0x4246, true, true]);
    guest.set('NEXT_RIP', 0x7002);
    guest.core.iret(2);
    expect(guest.fault()).toBe(null);
    expect([guest.get('NEXT_RIP'), guest.gpr(0), guest.flags, guest.selector(TR)]).toEqual([
      0x1236n,
      0x1000_0000n,
      0x3202,
      SEL.TSS,
    ]);
    expect([busy(SEL.TSS), busy(SEL.TSS2)]).toEqual([true, false]);
    expect([guest.read(T + 0x20, 4), guest.read(T + 0x24, 4)], 'NT is clear in the image').toEqual([0x7002, 0x246]);
  });
  test('through a task gate, to a task of level 3', () => {
    guest.write(T + 0x4c, SEL.CODE3, 4);
    guest.write(T + 0x50, SEL.DATA3, 4);
    guest.write(T + 0x48, SEL.DATA3, 4);
    guest.write(T + 0x5c, 0, 4);
    guest.setDescriptor(SEL.GATE, gate(SEL.TSS2, 0, 0x85));
    expect(call(SEL.GATE)).toBe(null);
    expect([guest.get32('CPL'), guest.selector(CS), guest.get('NEXT_RIP')]).toEqual([3, SEL.CODE3, 0x7000n]);
  });
  test('to virtual-8086 mode', () => {
    guest.write(T + 0x24, 0x23202, 4);
    guest.write(T + 0x4c, 0x2000, 4);
    guest.write(T + 0x50, 0x3000, 4);
    expect(jump(SEL.TSS2)).toBe(null);
    expect(guest.segment(CS)).toEqual({ base: 0x20000n, limit: 0xffff, rights: 0xf3, selector: 0x2000 });
    expect([guest.get32('CPL'), guest.flags]).toEqual([3, 0x23202]);
  });
  test('16-bit TSS, and back to the 32-bit one', () => {
    guest.setDescriptor(SEL.TSS2, descriptor(T, 0x2b, 0x81, 0));
    guest.write(T + 0x0e, 0x6000, 2);
    guest.write(T + 0x10, 0x202, 2);
    for (let i = 0; i < 8; i++) guest.write(T + 0x12 + 2 * i, 0x1110 * (i + 1), 2);
    for (const [i, s] of [0, SEL.CODE16, SEL.DATA16, SEL.DATA16].entries()) guest.write(T + 0x22 + 2 * i, s, 2);
    guest.write(T + 0x2a, 0, 2);
    expect(call(SEL.TSS2)).toBe(null);
    expect(Array.from({ length: 8 }, (_, i) => Number(guest.gpr(i)) & 0xffff)).toEqual(
      Array.from({ length: 8 }, (_, i) => 0x1110 * (i + 1)),
    );
    expect([ES, CS, SS, DS, FS, GS].map((s) => guest.selector(s))).toEqual([
      0,
      SEL.CODE16,
      SEL.DATA16,
      SEL.DATA16,
      0,
      0,
    ]);
    expect([guest.get('NEXT_RIP'), guest.flags, guest.get32('MODE') & 7]).toEqual([0x6000n, 0x4202, 0]);
    guest.set('NEXT_RIP', 0x6001);
    guest.core.iret(1);
    expect(guest.fault()).toBe(null);
    expect([guest.read(T + 0x0e, 2), guest.read(T + 0x10, 2), guest.read(T + 0x24, 2)]).toEqual([
      0x6001,
      0x202,
      SEL.CODE16,
    ]);
    expect(guest.gpr(0)).toBe(0x1000_0000n);
  });
  test('T flag: a debug trap in the new task; local breakpoints are switched off', () => {
    guest.write(T + 0x64, 1, 2);
    guest.set('DR', 0x7ff, 7);
    expect(jump(SEL.TSS2)).toBe(null);
    expect([guest.get32('PENDING_DEBUG'), guest.get('DR', 7)]).toEqual([0x8000, 0x6aan]);
  });
});

describe('refused before anything changed (table 8-1)', () => {
  test.each([
    ['busy', () => guest.setDescriptor(SEL.TSS2, descriptor(T, 0x67, 0x8b, 0)), SEL.TSS2, [13, SEL.TSS2]],
    ['not present', () => guest.setDescriptor(SEL.TSS2, descriptor(T, 0x67, 0x09, 0)), SEL.TSS2, [11, SEL.TSS2]],
    ['limit', () => guest.setDescriptor(SEL.TSS2, descriptor(T, 0x66, 0x89, 0)), SEL.TSS2, [10, SEL.TSS2]],
    ['limit, 16-bit', () => guest.setDescriptor(SEL.TSS2, descriptor(T, 0x2a, 0x81, 0)), SEL.TSS2, [10, SEL.TSS2]],
    ['DPL below RPL', () => undefined, SEL.TSS2 | 3, [13, SEL.TSS2]],
    ['gate to an LDT selector', () => guest.setDescriptor(SEL.GATE, gate(0x0c, 0, 0x85)), SEL.GATE, [13, 0x0c]],
    ['gate to code', () => guest.setDescriptor(SEL.GATE, gate(SEL.CODE0, 0, 0x85)), SEL.GATE, [13, SEL.CODE0]],
  ])('%s', (_, prepare, selector, expected) => {
    prepare();
    const before = guest.snapshot();
    expect(jump(selector)).toEqual(expected);
    expect(call(selector)).toEqual(expected);
    expect(guest.snapshot()).toBe(before);
    expect(guest.core.switched.value).toBe(0);
  });
  test('IRET: the linked TSS must be busy: #TS', () => {
    guest.core.setFlags(0x4002);
    guest.write(AT.TSS, SEL.TSS2, 2);
    guest.core.iret(2);
    expect(guest.fault()).toEqual([10, SEL.TSS2]);
    guest.write(AT.TSS, 0xf8, 2);
    guest.core.iret(2);
    expect(guest.fault()).toEqual([10, 0xf8]);
  });
});

describe('faults of the new task', () => {
  test.each([
    ['LDT selector', 0x60, SEL.DATA0, [10, SEL.DATA0]],
    ['CS null', 0x4c, 0, [10, 0]],
    ['CS data', 0x4c, SEL.DATA0, [10, SEL.DATA0]],
    ['CS RPL', 0x4c, SEL.CODE0 | 3, [10, SEL.CODE0]],
    ['SS null', 0x50, 0, [10, 0]],
    ['SS level', 0x50, SEL.DATA3, [10, SEL.DATA3 & ~3]],
    ['SS DPL', 0x50, SEL.DATA3 & ~3, [10, SEL.DATA3 & ~3]],
    ['SS not present', 0x50, SEL.ABSENT, [12, SEL.ABSENT]],
    ['DS execute-only', 0x54, SEL.EXECUTE_ONLY, [10, SEL.EXECUTE_ONLY]],
    ['ES beyond the table', 0x48, 0xc0, [10, 0xc0]],
    ['GS not present', 0x5c, SEL.ABSENT, [11, SEL.ABSENT]],
  ])('%s: raised with the new task running', (_, at, selector, expected) => {
    guest.write(T + at, selector, 4);
    expect(jump(SEL.TSS2)).toEqual(expected);
    expect([guest.core.switched.value, guest.get('RIP'), guest.selector(TR)]).toEqual([1, 0x7000n, SEL.TSS2]);
    expect(guest.gpr(0)).toBe(0xa0a0a0a0n);
  });
});

describe('events through task gates', () => {
  test('an interrupt: the interrupted EIP is saved, the tasks are linked', () => {
    guest.setGate(0x40, gate(SEL.TSS2, 0, 0x85));
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect(guest.fault()).toBe(null);
    expect([guest.read(AT.TSS + 0x20, 4), guest.read(T, 2), guest.flags]).toEqual([0x1234, SEL.TSS, 0x4246]);
    expect([guest.get('RIP'), guest.gpr(SP)]).toEqual([0x7000n, 0xa800n]);
  });
  test('#DF with its error code on the new stack; the saved image of a fault has RF', () => {
    guest.setGate(13, gate(SEL.TSS2, 0, 0x85));
    guest.core.raiseError(13, 0x1234);
    guest.core.deliverException();
    expect([guest.fault(), guest.gpr(SP), guest.read(0xa7fc, 4)]).toEqual([null, 0xa7fcn, 0x1234]);
    expect(guest.read(AT.TSS + 0x24, 4)).toBe(0x13202);
  });
  test('gate to a busy TSS: #GP(selector + EXT)', () => {
    guest.setGate(0x40, gate(SEL.TSS, 0, 0x85));
    guest.setGate(13, gate(SEL.CODE0, 0x6000, 0x8e));
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect([guest.get('RIP'), guest.read(Number(guest.gpr(SP)), 4)]).toEqual([0x6000n, SEL.TSS | 1]);
  });
  test('the fault of a new task is delivered there', () => {
    guest.write(T + 0x5c, SEL.ABSENT, 4);
    guest.setGate(0x40, gate(SEL.TSS2, 0, 0x85));
    guest.setGate(11, gate(SEL.CODE0, 0x6000, 0x8e));
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect(guest.fault()).toBe(null);
    expect(guest.items(0xa800 - 16, 4, 4)).toEqual([SEL.ABSENT | 1, 0x7000, SEL.CODE0, 0x14246]);
  });
  test.each([
    ['the new TSS', T],
    ['the GDT', AT.GDT],
    ['the LDT of the new task', AT.LDT],
    ['the old TSS', AT.TSS],
  ])('an EPT violation at %s leaves all as it was', (_, page) => {
    guest.write(AT.LDT + 8, descriptor(0, 0xfffff, 0x92, 0xc), 8);
    guest.write(T + 0x48, 0x0c, 4); // ES from the LDT, not accessed yet
    guest.setGate(0x40, gate(SEL.TSS2, 0, 0x85));
    const before = guest.snapshot();
    guest.mapPage(page, false);
    guest.core.flushAll();
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect([guest.fault(), guest.get32('INJECT_INFO')]).toEqual(['exit', external(0x40)]);
    expect(guest.snapshot()).toBe(before);
    guest.mapPage(page, true);
    guest.core.serviceEvents();
    expect([guest.fault(), guest.selector(ES), guest.read(AT.LDT + 8 + 5, 1)]).toEqual([null, 0x0c, 0x93]);
  });
});

describe('with paging', () => {
  /** Two address spaces of 32-bit paging, both identity. */
  function paging(): void {
    for (const root of [AT.PAGE_TABLE, 0x55000]) {
      guest.write(root, (root + 0x1000) | 7, 4);
      for (let page = 0; page < 256; page++) guest.write(root + 0x1000 + page * 4, (page << 12) | 7, 4);
    }
    guest.set('CR3', AT.PAGE_TABLE);
    guest.set('CR0', 0x80000011);
    guest.core.flushAll();
  }
  test('CR3 is loaded', () => {
    paging();
    expect(jump(SEL.TSS2)).toBe(null);
    expect(guest.get('CR3')).toBe(0x55000n);
  });
  test('a new address space without the GDT: #PF in the new task', () => {
    paging();
    guest.write(0x56000 + (AT.GDT >> 12) * 4, 0, 4);
    guest.write(T + 0x60, 0, 2);
    expect(jump(SEL.TSS2)).toEqual([14, 0]);
    expect([guest.get('RAISED_CR2'), guest.get('CR3'), guest.core.switched.value]).toEqual([
      BigInt(AT.GDT + SEL.CODE0),
      0x55000n,
      1,
    ]);
  });
  test('a new TSS that is not mapped: #PF in the old task, nothing changed', () => {
    paging();
    guest.write(AT.PAGE_TABLE + 0x1000 + (T >> 12) * 4, 0, 4);
    const before = guest.snapshot();
    expect(jump(SEL.TSS2)).toEqual([14, 0]);
    expect(guest.snapshot()).toBe(before);
    expect(guest.core.switched.value).toBe(0);
  });
  test('under shadow paging the hypervisor is told of the new CR3 afterwards', () => {
    paging();
    guest.set('INTERCEPTS', 1);
    expect(jump(SEL.TSS2)).toBe('exit');
    expect([guest.get32('EXIT_REASON'), guest.get('EXIT_QUALIFICATION'), guest.get('RIP')]).toEqual([28, 3n, 0x7000n]);
    expect(guest.core.switched.value).toBe(1);
  });
});
