// Delivery of exceptions and interrupts: frames byte for byte, error codes, double and triple faults, exits in the middle.
// Expectations: SDM vol. 3 chapter 6 (figures 6-4 to 6-9, tables 6-1, 6-4 and 6-5), INT n in vol. 2, vol. 3 20.3 for v86.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AT, CS, DS, ES, FS, GS, Guest, SEL, SP, SS, compileCore, descriptor, gate } from './machine.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
beforeAll(async () => {
  wasm = await compileCore();
});
beforeEach(() => {
  guest = new Guest(wasm);
});

const external = (vector: number): number => (0x80000000 | vector) >>> 0;
const nmi = 0x80000202 >>> 0;
const exception = (vector: number, hasError = false): number => (0x80000300 | (hasError ? 0x800 : 0) | vector) >>> 0;
const software = (vector: number): number => (0x80000400 | vector) >>> 0;
const int3 = 0x80000603 >>> 0;
const int1 = 0x80000501 >>> 0;
const INT32 = 0x8e;
const TRAP32 = 0x8f;
const INT16 = 0x86;
const TRAP16 = 0x87;

describe('real mode', () => {
  test('pushes FLAGS CS IP as words, goes to the vector, clears IF TF AC', () => {
    guest.core.setFlags(0x40302 | 0xd5);
    guest.write(AT.IDT + 8 * 4, 0x20003456, 4);
    guest.core.deliverEvent(external(8), 0, 0);
    expect(guest.fault()).toBe(null);
    expect(guest.items(AT.STACK0 - 6, 3, 2)).toEqual([0x1234, 0x100, 0x3d7]);
    expect(guest.gpr(SP)).toBe(BigInt(AT.STACK0 - 6));
    expect([guest.selector(CS), guest.segment(CS).base, guest.get('RIP')]).toEqual([0x2000, 0x20000n, 0x3456n]);
    expect(guest.flags).toBe(0xd7);
  });
  test('software interrupts return behind the instruction, no error code is pushed', () => {
    guest.write(AT.IDT + 0x80 * 4, 0x00007000, 4);
    guest.core.deliverEvent(software(0x80), 0, 2);
    expect(guest.read(AT.STACK0 - 6, 2)).toBe(0x1236);
    guest.real();
    guest.write(AT.IDT + 13 * 4, 0x00007000, 4);
    guest.core.deliverEvent(exception(13, true), 0x55, 0);
    expect(guest.gpr(SP)).toBe(BigInt(AT.STACK0 - 6));
  });
  test('a vector beyond the table becomes #GP, then #DF, then a shutdown', () => {
    guest.set('IDTR_LIMIT', 0x80 * 4 - 1);
    guest.write(AT.IDT + 13 * 4, 0x00007100, 4);
    guest.core.deliverEvent(software(0x80), 0, 2);
    expect([guest.get('RIP'), guest.read(AT.STACK0 - 6, 2)]).toEqual([0x7100n, 0x1234]);
    guest.real();
    guest.set('IDTR_LIMIT', 9 * 4 - 1); // reaches #DF only
    guest.write(AT.IDT + 8 * 4, 0x00007200, 4);
    guest.core.deliverEvent(software(0x80), 0, 2);
    expect(guest.get('RIP')).toBe(0x7200n);
    guest.real();
    guest.set('IDTR_LIMIT', 0);
    guest.core.deliverEvent(software(0x80), 0, 2);
    expect([guest.fault(), guest.get32('EXIT_REASON'), guest.get('RIP')]).toEqual(['exit', 2, 0x1234n]);
  });
  test('SP = 2 wraps inside the segment, SP = 1 cannot hold a word at FFFF', () => {
    guest.write(AT.IDT + 8 * 4, 0x00007200, 4);
    guest.set('GPR', 2, SP);
    guest.core.deliverEvent(external(8), 0, 0);
    expect([guest.gpr(SP), guest.read(0xfffe, 2), guest.read(0, 2)]).toEqual([0xfffcn, 0x100, 2]);
    guest.real();
    guest.set('GPR', 1, SP);
    guest.core.deliverEvent(external(8), 0, 0);
    expect([guest.fault(), guest.get32('EXIT_REASON')]).toEqual(['exit', 2]); // #SS, #DF, shutdown
  });
});

describe('protected mode, same level', () => {
  test.each([
    ['32-bit interrupt gate', INT32, 4, 0x97],
    ['32-bit trap gate', TRAP32, 4, 0x297],
    ['16-bit interrupt gate', INT16, 2, 0x97],
    ['16-bit trap gate', TRAP16, 2, 0x297],
  ])('%s', (_, access, size, flags) => {
    guest.protected32();
    guest.core.setFlags(0x4397); // NT IF TF
    guest.setGate(0x40, gate(SEL.CODE0, 0x5678abcd, access));
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect(guest.fault()).toBe(null);
    expect(guest.items(AT.STACK0 - 3 * size, 3, size)).toEqual([0x1234, SEL.CODE0, 0x4397]);
    expect(guest.gpr(SP)).toBe(BigInt(AT.STACK0 - 3 * size));
    expect(guest.get('RIP')).toBe(size === 4 ? 0x5678abcdn : 0xabcdn);
    expect([guest.flags, guest.selector(CS), guest.get32('CPL')]).toEqual([flags, SEL.CODE0, 0]);
  });
  test('faults push the error code and RF, interrupts and traps leave RF as it was', () => {
    const frame = (info: number, error: number, length: number): number[] => {
      guest.protected32();
      guest.core.deliverEvent(info, error, length);
      expect(guest.fault()).toBe(null);
      const sp = Number(guest.gpr(SP));
      return guest.items(sp, (AT.STACK0 - sp) / 4, 4);
    };
    for (let v = 0; v < 32; v++) guest.setGate(v, gate(SEL.CODE0, 0x6000, INT32));
    for (const v of [0, 5, 6, 7, 16, 19]) expect(frame(exception(v), 0, 0), `#${v}`).toEqual([0x1234, 8, 0x10002]);
    for (const v of [10, 11, 12, 13, 14, 17])
      expect(frame(exception(v, true), 0x9a, 0), `#${v}`).toEqual([0x9a, 0x1234, 8, 0x10002]);
    expect(frame(exception(1), 0, 0)).toEqual([0x1234, 8, 2]);
    expect(frame(exception(18), 0, 0)).toEqual([0x1234, 8, 2]);
    expect(frame(nmi, 0, 0)).toEqual([0x1234, 8, 2]);
    expect(frame(int3, 0, 1)).toEqual([0x1235, 8, 2]);
    expect(frame(int1, 0, 1)).toEqual([0x1235, 8, 2]);
    expect(frame(software(13), 0, 2)).toEqual([0x1236, 8, 2]);
    expect(frame(external(13), 0, 0)).toEqual([0x1234, 8, 2]);
  });
  test('deliverException takes what is raised, and CR2 for #PF', () => {
    guest.protected32();
    guest.setGate(14, gate(SEL.CODE0, 0x6000, INT32));
    guest.core.raiseError(14, 6);
    guest.set('RAISED_CR2', 0xdead_b000);
    guest.core.deliverException();
    expect(guest.items(AT.STACK0 - 16, 4, 4)).toEqual([6, 0x1234, 8, 0x10002]);
    expect(guest.get('CR2')).toBe(0xdead_b000n);
    expect(guest.get('NEXT_RIP')).toBe(0x6000n);
  });
});

describe('protected mode, to level 0', () => {
  test.each([
    ['32-bit', INT32, 4],
    ['16-bit', INT16, 2],
  ])('%s frame on the stack of the TSS', (_, access, size) => {
    guest.protected32(3);
    guest.core.setFlags(0x246);
    guest.setGate(14, gate(SEL.CODE0, 0x6000, access));
    guest.core.deliverEvent(exception(14, true), 7, 0);
    expect(guest.fault()).toBe(null);
    const flags = size === 4 ? 0x10246 : 0x246;
    expect(guest.items(AT.STACK0 - 6 * size, 6, size)).toEqual([7, 0x1234, SEL.CODE3, flags, AT.STACK3, SEL.DATA3]);
    expect([guest.gpr(SP), guest.selector(SS), guest.get32('CPL')]).toEqual([BigInt(AT.STACK0 - 6 * size), 0x10, 0]);
    expect(guest.segment(SS)).toEqual({ base: 0n, limit: 0xffffffff, rights: 0xc093, selector: SEL.DATA0 });
    expect([guest.selector(DS), guest.flags]).toEqual([SEL.DATA3, 0x46]); // data segments stay, IF goes
  });
  test('a 16-bit TSS gives SP0 at 2 and SS0 at 4', () => {
    guest.protected32(3);
    guest.setSegment(7, SEL.TSS, AT.TSS, 0x2b, 0x83);
    guest.write(AT.TSS + 2, 0x8800, 2);
    guest.write(AT.TSS + 4, SEL.DATA0, 2);
    guest.setGate(0x30, gate(SEL.CODE0, 0x6000, INT32));
    guest.core.deliverEvent(external(0x30), 0, 0);
    expect(guest.items(0x8800 - 20, 5, 4)).toEqual([0x1234, SEL.CODE3, 2, AT.STACK3, SEL.DATA3]);
  });
  test('a conforming handler runs at the interrupted level on its stack', () => {
    guest.protected32(3);
    guest.setGate(0x30, gate(SEL.CONFORMING, 0x6000, INT32));
    guest.core.deliverEvent(external(0x30), 0, 0);
    expect([guest.selector(CS), guest.get32('CPL'), guest.gpr(SP)]).toEqual([0x4b, 3, BigInt(AT.STACK3 - 12)]);
  });
});

/** The fault that an event's delivery ends in, seen by a #GP/#NP/#SS/#TS handler with error code: [vector, code]. */
function outcome(level: 0 | 3, info: number, prepare: () => void, length = 0): [number, number] {
  guest.protected32(level);
  for (const v of [8, 10, 11, 12, 13]) guest.setGate(v, gate(SEL.CONFORMING, 0x6000 + v, INT32));
  prepare();
  guest.core.deliverEvent(info, 0, length);
  expect(guest.fault()).toBe(null);
  const sp = Number(guest.gpr(SP));
  expect(guest.read(sp + 4, 4), 'the event is lost, its instruction is not').toBe(0x1234);
  return [Number(guest.get('RIP')) - 0x6000, guest.read(sp, 4)];
}

describe('what a delivery can meet: error codes with IDT and EXT', () => {
  const cases: [string, 0 | 3, number, () => void, [number, number]][] = [
    ['beyond the IDT', 0, external(0x90), () => guest.set('IDTR_LIMIT', 0x90 * 8 + 6), [13, 0x90 * 8 + 3]],
    ['beyond the IDT, INT n', 0, software(0x90), () => guest.set('IDTR_LIMIT', 0x90 * 8 + 6), [13, 0x90 * 8 + 2]],
    ['no gate type', 0, external(0x40), () => guest.setGate(0x40, gate(8, 0, 0x8c)), [13, 0x40 * 8 + 3]],
    ['gate not present', 0, external(0x40), () => guest.setGate(0x40, gate(8, 0, 0x0e)), [11, 0x40 * 8 + 3]],
    ['gate not present, INT n', 0, software(0x40), () => guest.setGate(0x40, gate(8, 0, 0x0e)), [11, 0x40 * 8 + 2]],
    ['gate DPL for INT n', 3, software(0x40), () => guest.setGate(0x40, gate(8, 0, 0x8e)), [13, 0x40 * 8 + 2]],
    ['gate DPL for INT3', 3, int3, () => guest.setGate(3, gate(8, 0, 0x8e)), [13, 3 * 8 + 2]],
    ['null code selector', 0, external(0x40), () => guest.setGate(0x40, gate(3, 0, 0x8e)), [13, 1]],
    ['null code selector, INT n', 0, software(0x40), () => guest.setGate(0x40, gate(3, 0, 0x8e)), [13, 0]],
    ['code beyond the GDT', 0, external(0x40), () => guest.setGate(0x40, gate(0xf8, 0, 0x8e)), [13, 0xf9]],
    ['code in a missing LDT', 0, external(0x40), () => guest.setGate(0x40, gate(0xc, 0, 0x8e)), [13, 0xd]],
    ['data as code', 0, external(0x40), () => guest.setGate(0x40, gate(SEL.DATA0, 0, 0x8e)), [13, 0x11]],
    ['less privileged code', 0, external(0x40), () => guest.setGate(0x40, gate(SEL.CODE3, 0, 0x8e)), [13, 0x19]],
    [
      'code not present',
      0,
      external(0x40),
      () => {
        guest.setGate(0x40, gate(SEL.CODE16, 0, 0x8e));
        guest.setDescriptor(SEL.CODE16, descriptor(0, 0xffff, 0x1b, 0));
      },
      [11, 0x51],
    ],
    [
      'offset beyond the limit',
      0,
      external(0x40),
      () => guest.setGate(0x40, gate(SEL.SMALL_CODE, 0x1000, 0x8e)),
      [13, 1],
    ],
    [
      'TSS too small',
      3,
      external(0x40),
      () => {
        guest.setGate(0x40, gate(SEL.CODE0, 0, 0x8e));
        guest.setSegment(7, SEL.TSS, AT.TSS, 8, 0x8b);
      },
      [10, 0x29],
    ],
    ['SS0 null', 3, external(0x40), () => stack0(0), [10, 1]],
    ['SS0 null, INT n', 3, software(0x40), () => stack0(0), [10, 0]],
    ['SS0 beyond the GDT', 3, external(0x40), () => stack0(0xf8), [10, 0xf9]],
    ['SS0 with another RPL', 3, external(0x40), () => stack0(SEL.DATA0 | 1), [10, 0x11]],
    ['SS0 with another DPL', 3, external(0x40), () => stack0(SEL.DATA3 & ~3), [10, 0x21]],
    ['SS0 not writable', 3, external(0x40), () => stack0(SEL.READ_ONLY), [10, 0xa9]],
    ['SS0 not present', 3, external(0x40), () => stack0(SEL.ABSENT), [12, 0x59]],
    [
      'no room on the new stack',
      3,
      external(0x40),
      () => {
        stack0(SEL.DATA0);
        guest.write(AT.TSS + 4, 16, 4);
        guest.setDescriptor(SEL.DATA0, descriptor(0, 0xfff, 0x93, 4));
      },
      [12, 0x11],
    ],
  ];
  function stack0(selector: number): void {
    guest.setGate(0x40, gate(SEL.CODE0, 0, 0xee));
    guest.write(AT.TSS + 8, selector, 2);
  }
  test.each(cases)('%s', (_, level, info, prepare, expected) => {
    expect(outcome(level, info, prepare, 2)).toEqual(expected);
  });
  test('hardware events pass a gate that INT n may not', () => {
    for (const info of [external(0x40), int1]) {
      guest.protected32(3);
      guest.setGate(info & 0xff, gate(SEL.CODE0, 0x6000, 0x8e));
      guest.core.deliverEvent(info, 0, 1);
      expect(guest.get('RIP')).toBe(0x6000n);
    }
  });
  test('no room on the current stack: #SS(EXT)', () => {
    guest.protected32();
    guest.setGate(0x40, gate(SEL.CODE0, 0x6000, INT32));
    guest.setGate(12, gate(SEL.TSS2, 0, 0x85)); // a task gate has a stack of its own
    guest.write(AT.TSS2 + 0x20, 0x7777, 4);
    guest.write(AT.TSS2 + 0x38, 0xa800, 4);
    for (const [i, s] of [SEL.DATA0, SEL.CODE0, SEL.DATA0, SEL.DATA0, 0, 0].entries())
      guest.write(AT.TSS2 + 0x48 + 4 * i, s, 4);
    guest.setSegment(SS, SEL.DATA0, 0, 0xffff, 0x4093);
    guest.set('GPR', 0x10004, SP);
    guest.core.modeChanged();
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect([guest.get('RIP'), guest.gpr(SP), guest.read(0xa7fc, 4)]).toEqual([0x7777n, 0xa7fcn, 1]);
  });
});

describe('double and triple faults (table 6-5)', () => {
  /** Deliver an exception whose handler has a gate of an invalid type (#GP) or not present (#NP). */
  const second = (info: number): [number, number] =>
    outcome(0, info, () => guest.setGate(info & 0xff, gate(8, 0, 0x0e)));
  test('contributory after contributory is #DF(0)', () => {
    for (const v of [0, 10, 11, 12, 13]) {
      guest = new Guest(wasm);
      expect(second(exception(v, v > 0)), `#${v}`).toEqual([8, 0]);
      expect(guest.read(Number(guest.gpr(SP)) + 12, 4) & 0x10000, 'an abort shows RF as it was').toBe(0);
    }
  });
  test('contributory after a page fault is #DF, after a benign exception it is itself', () => {
    expect(second(exception(14, true))).toEqual([8, 0]);
    for (const v of [1, 3, 4, 5, 6, 7, 16, 17, 18, 19]) {
      guest = new Guest(wasm);
      expect(second(exception(v)), `#${v}`).toEqual([11, v * 8 + 3]);
    }
  });
  test('INT n with a contributory vector is benign', () => {
    expect(second(software(13))).toEqual([11, 13 * 8 + 2]);
  });
  test('a fault of #DF shuts the processor down, nothing changed', () => {
    guest.protected32();
    guest.set('IDTR_LIMIT', 0);
    const before = guest.snapshot();
    guest.core.raiseError(13, 0);
    guest.core.deliverException();
    expect([guest.fault(), guest.get32('EXIT_REASON'), guest.get32('INJECT_INFO')]).toEqual(['exit', 2, 0]);
    expect(guest.snapshot()).toBe(before);
  });
});

describe('paging below a delivery', () => {
  /** 32-bit page tables, identity, all supervisor and writable except what `missing` names. */
  function paging(missing: number[]): void {
    guest.write(AT.PAGE_TABLE, (AT.PAGE_TABLE + 0x1000) | 7, 4);
    for (let page = 0; page < 256; page++)
      guest.write(AT.PAGE_TABLE + 0x1000 + page * 4, missing.includes(page << 12) ? 0 : (page << 12) | 7, 4);
    guest.set('CR3', AT.PAGE_TABLE);
    guest.set('CR0', 0x80000011);
    guest.core.flushAll();
  }
  test('a page fault on the new stack becomes #DF when a page fault was being delivered', () => {
    guest.protected32(3);
    paging([AT.STACK0 - 0x1000]);
    guest.setGate(14, gate(SEL.CODE0, 0x6000, INT32));
    guest.setGate(8, gate(SEL.CONFORMING, 0x6008, INT32));
    guest.core.raiseError(14, 4);
    guest.set('RAISED_CR2', 0x1230000);
    guest.core.deliverException();
    expect([guest.fault(), guest.get('RIP'), guest.get('CR2')]).toEqual([null, 0x6008n, BigInt(AT.STACK0 - 4)]);
  });
  test('a page fault while a contributory exception is delivered is a page fault', () => {
    guest.protected32(3);
    paging([AT.STACK0 - 0x1000]);
    guest.setGate(13, gate(SEL.CODE0, 0x6000, INT32));
    guest.setGate(14, gate(SEL.CONFORMING, 0x600e, INT32));
    guest.core.raiseError(13, 0);
    guest.core.deliverException();
    expect([guest.fault(), guest.get('RIP'), guest.get('CR2')]).toEqual([null, 0x600en, BigInt(AT.STACK0 - 4)]);
  });
  test('with a benign event it is a page fault, CR2 the first push', () => {
    guest.protected32(3);
    paging([AT.STACK0 - 0x1000]);
    guest.setGate(0x40, gate(SEL.CODE0, 0x6000, INT32));
    guest.setGate(14, gate(SEL.CONFORMING, 0x600e, INT32));
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect([guest.get('RIP'), guest.get('CR2')]).toEqual([0x600en, BigInt(AT.STACK0 - 4)]);
    expect(guest.read(Number(guest.gpr(SP)), 4)).toBe(2); // a supervisor's write, page not present; no EXT here
  });
  test('a frame on two pages, the lower one missing: CR2 is the push that met it, nothing is written', () => {
    guest.protected32(3);
    guest.write(AT.TSS + 4, 0x8008, 4);
    paging([0x7000]);
    guest.setGate(0x40, gate(SEL.CODE0, 0x6000, INT32));
    guest.setGate(14, gate(SEL.CONFORMING, 0x600e, INT32));
    guest.write(0x8000, 0x11223344, 4);
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect([guest.get('RIP'), guest.get('CR2'), guest.read(0x8000, 4)]).toEqual([0x600en, 0x7ffcn, 0x11223344]);
  });
  test.each([
    ['the stack', AT.STACK0 - 0x1000],
    ['the IDT', AT.IDT],
    ['the GDT', AT.GDT],
    ['the TSS', AT.TSS],
  ])('an EPT violation at %s: nothing changed, the event waits, and is delivered on resumption', (_, page) => {
    guest.protected32(3);
    guest.setGate(14, gate(SEL.CODE0, 0x6000, INT32));
    const before = guest.snapshot();
    guest.mapPage(page, false);
    guest.core.flushAll();
    guest.core.raiseError(14, 7);
    guest.set('RAISED_CR2', 0);
    guest.core.deliverException();
    expect([guest.fault(), guest.get32('EXIT_REASON'), Number(guest.get('EXIT_GPA')) & ~0xfff]).toEqual([
      'exit',
      48,
      page,
    ]);
    expect([guest.get32('INJECT_INFO'), guest.get32('INJECT_ERROR')]).toEqual([exception(14, true), 7]);
    expect([guest.get32('EXIT_VECTORING'), guest.get32('EXIT_VECTORING_ERROR')]).toEqual([exception(14, true), 7]);
    expect(guest.snapshot()).toBe(before);
    guest.mapPage(page, true);
    guest.core.serviceEvents();
    expect([guest.fault(), guest.get32('INJECT_INFO'), guest.get('RIP')]).toEqual([null, 0, 0x6000n]);
    expect(guest.items(AT.STACK0 - 24, 6, 4)).toEqual([7, 0x1234, SEL.CODE3, 0x10002, AT.STACK3, SEL.DATA3]);
  });
  test('the length of a software interrupt is kept', () => {
    guest.protected32();
    guest.setGate(0x80, gate(SEL.CODE0, 0x6000, TRAP32));
    guest.mapPage(AT.STACK0 - 0x1000, false);
    guest.core.deliverEvent(software(0x80), 0, 2);
    expect(guest.fault()).toBe('exit');
    expect([guest.get32('INJECT_INFO'), guest.get32('INJECT_LENGTH')]).toEqual([software(0x80), 2]);
    guest.mapPage(AT.STACK0 - 0x1000, true);
    guest.core.serviceEvents();
    expect(guest.read(AT.STACK0 - 12, 4)).toBe(0x1236);
  });
});

describe('64-bit mode', () => {
  test('same level: SS and RSP are pushed, RSP is aligned, SS stays', () => {
    guest.long64();
    guest.set('GPR', AT.STACK0 - 7, SP);
    guest.setGate64(14, gate(SEL.CODE64, 0x12346000, INT32), 0xffff8000);
    guest.core.deliverEvent(exception(14, true), 3, 0);
    expect(guest.fault()).toBe(null);
    const top = AT.STACK0 - 16;
    expect(guest.items(top - 48, 6, 8)).toEqual([3, 0x1234, SEL.CODE64, 0x10002, AT.STACK0 - 7, SEL.DATA0]);
    expect([guest.gpr(SP), guest.get('RIP'), guest.selector(SS)]).toEqual([
      BigInt(top - 48),
      0xffff800012346000n,
      0x10,
    ]);
  });
  test('from level 3: RSP0, SS null with the new level', () => {
    guest.long64(3);
    guest.setGate64(0x40, gate(SEL.CODE64, 0x6000, INT32));
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect(guest.items(AT.STACK0 - 40, 5, 8)).toEqual([0x1234, SEL.USER64, 2, AT.STACK3, SEL.DATA3]);
    expect([guest.selector(SS), guest.segment(SS).rights & 0x10060, guest.get32('CPL')]).toEqual([0, 0x10000, 0]);
  });
  test('IST: its stack at any level', () => {
    for (const level of [0, 3] as const) {
      guest.long64(level);
      guest.setGate64(2, gate(SEL.CODE64, 0x6000, INT32, 1));
      guest.core.deliverEvent(nmi, 0, 0);
      expect([guest.fault(), guest.gpr(SP)]).toEqual([null, BigInt((AT.IST1 & ~15) - 40)]);
      expect(guest.selector(SS)).toBe(level ? 0 : SEL.DATA0);
      expect(guest.get32('INTERRUPTIBILITY')).toBe(8);
    }
  });
  test.each([
    ['16-bit gate', gate(SEL.CODE64, 0, 0x86), 0, [13, 0x40 * 8 + 3]],
    ['task gate', gate(SEL.TSS, 0, 0x85), 0, [13, 0x40 * 8 + 3]],
    ['32-bit code', gate(SEL.CODE0, 0, 0x8e), 0, [13, 9]],
    ['L and D', gate(SEL.BOTH, 0, 0x8e), 0, [13, 0xb9]],
    ['offset not canonical', gate(SEL.CODE64, 0, 0x8e), 0x8000, [13, 1]],
    ['no such IST in the TSS', gate(SEL.CODE64, 0, 0x8e, 7), 0, [10, 0x29]],
    ['IST not canonical', gate(SEL.CODE64, 0, 0x8e, 2), 0, [12, 1]],
  ])('%s', (_, low, upper, expected) => {
    guest.long64();
    guest.setSegment(7, SEL.TSS, AT.TSS, 0x52, 0x8b);
    guest.write(AT.TSS + 0x2c, 0x8000_0000_1000n, 8);
    for (const v of [10, 11, 12, 13]) guest.setGate64(v, gate(SEL.CODE64, 0x6000 + v, INT32));
    guest.setGate64(0x40, low, upper);
    guest.core.deliverEvent(external(0x40), 0, 0);
    expect([Number(guest.get('RIP')) - 0x6000, guest.read(Number(guest.gpr(SP)), 8)]).toEqual(expected);
  });
  test('from compatibility mode', () => {
    guest.long64(3);
    guest.setSegment(CS, SEL.CODE3, 0, 0xffffffff, 0xc0fb);
    guest.core.modeChanged();
    guest.setGate64(0x80, gate(SEL.CODE64, 0x6000, 0xee));
    guest.core.deliverEvent(software(0x80), 0, 2);
    expect(guest.items(AT.STACK0 - 40, 5, 8)).toEqual([0x1236, SEL.CODE3, 2, AT.STACK3, SEL.DATA3]);
    expect(guest.get32('MODE') & 3).toBe(2);
  });
});

describe('virtual-8086 mode', () => {
  test('to the monitor: nine doublewords, data segments null, VM clear', () => {
    guest.v86();
    guest.setGate(0x21, gate(SEL.CODE0, 0x6000, 0xee));
    guest.core.deliverEvent(software(0x21), 0, 2);
    expect(guest.fault()).toBe(null);
    expect(guest.items(AT.STACK0 - 36, 9, 4)).toEqual([0x1236, 0x2000, 0x23202, AT.STACK3, 0, 0, 0x30, 0x40, 0x50]);
    expect([ES, DS, FS, GS].map((s) => [guest.selector(s), guest.segment(s).rights & 0x10000])).toEqual(
      Array.from({ length: 4 }, () => [0, 0x10000]),
    );
    expect([guest.flags, guest.get32('CPL'), guest.selector(SS)]).toEqual([0x3002, 0, SEL.DATA0]);
  });
  test('IOPL below 3 refuses INT n, but not INT3, exceptions and interrupts', () => {
    const reached = (info: number): [bigint, number] => {
      guest.v86(0);
      guest.setGate(13, gate(SEL.CODE0, 0x600d, INT32));
      for (const v of [3, 0x21]) guest.setGate(v, gate(SEL.CODE0, 0x6000, 0xee));
      guest.core.deliverEvent(info, 0, 2);
      return [guest.get('RIP'), guest.read(Number(guest.gpr(SP)), 4)];
    };
    expect(reached(software(0x21))).toEqual([0x600dn, 0]);
    expect(reached(int3)[0]).toBe(0x6000n);
    expect(reached(external(0x21))[0]).toBe(0x6000n);
  });
  test('a handler at a level other than 0, or conforming: #GP(selector)', () => {
    for (const selector of [SEL.CODE3, SEL.CONFORMING]) {
      guest.v86();
      guest.setGate(13, gate(SEL.CODE0, 0x600d, INT32));
      guest.setGate(0x21, gate(selector, 0x6000, 0xee));
      guest.core.deliverEvent(software(0x21), 0, 2);
      expect([guest.get('RIP'), guest.read(Number(guest.gpr(SP)), 4)]).toEqual([0x600dn, selector & ~7]);
    }
  });
  test.each([
    [3, 0x20202 | 0x3000, 0x3202, 0x23002],
    [0, 0x20202 | 0x80000, 0x3202, 0x20202], // VIF shows as IF, and is what is cleared
    [0, 0x20202, 0x3002, 0x20202],
  ])('VME redirects to the program: IOPL %i', (_, flags, image, after) => {
    guest.v86();
    guest.core.setFlags(flags);
    guest.set('CR4', 1);
    guest.write(AT.TSS + 0x66, 0x88, 2);
    guest.write(0x21 * 4, 0x20004444, 4);
    guest.core.deliverEvent(software(0x21), 0, 2);
    expect(guest.items(AT.STACK3 - 6, 3, 2)).toEqual([0x1236, 0x2000, image]);
    expect([guest.get('RIP'), guest.selector(CS), guest.flags]).toEqual([0x4444n, 0x2000, after]);
  });
  test.each([
    [0x90, 0x10, 0, 0x4444n], // 10h - 32 + 12h = 2: a byte of the TSS, and its bit is 0
    [0x90, 0x10, 1, 0x600dn], // 1: to the monitor, which IOPL refuses
    [0x21, 0x10, 0, 0x600dn], // 10h - 32 + 4: in front of the TSS
  ])('VME, INT %i with the map at %i, its byte %i', (vector, map, byte, rip) => {
    guest.v86(0);
    guest.set('CR4', 1);
    guest.write(AT.TSS + 0x66, map, 2);
    guest.write(AT.TSS + map - 32 + (vector >> 3), byte, 1);
    guest.write(vector * 4, 0x20004444, 4);
    guest.setGate(13, gate(SEL.CODE0, 0x600d, INT32));
    guest.core.deliverEvent(software(vector), 0, 2);
    expect(guest.get('RIP')).toBe(rip);
  });
  test('VME with the bit set: by IOPL', () => {
    for (const [iopl, rip] of [
      [3, 0x6000n],
      [0, 0x600dn],
    ] as const) {
      guest.v86(iopl);
      guest.set('CR4', 1);
      guest.write(AT.TSS + 0x66, 0x88, 2);
      guest.write(AT.TSS + 0x88 - 32 + 4, 2, 1); // bit 21H
      guest.setGate(13, gate(SEL.CODE0, 0x600d, INT32));
      guest.setGate(0x21, gate(SEL.CODE0, 0x6000, 0xee));
      guest.core.deliverEvent(software(0x21), 0, 2);
      expect(guest.get('RIP')).toBe(rip);
    }
  });
});
