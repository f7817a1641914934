// IRET in each mode. Expectations: SDM vol. 2, IRET; vol. 3, 20.2.2 and 20.3 for virtual-8086 mode.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AT, CS, DS, ES, FS, GS, Guest, SEL, SP, SS, compileCore } from './machine.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
beforeAll(async () => {
  wasm = await compileCore();
});
beforeEach(() => {
  guest = new Guest(wasm);
});
const iret = (size: number): [number, number | null] | 'exit' | null => {
  guest.core.iret(size);
  return guest.fault();
};
function stack(at: number, size: 1 | 2 | 4 | 8, ...values: number[]): void {
  for (const [i, value] of values.entries()) guest.write(at + i * size, value, size);
}

describe('real and virtual-8086 mode', () => {
  test('real mode, 16 and 32 bits: all flags but VM VIF VIP', () => {
    stack(AT.STACK0, 2, 0x4321, 0x2000, 0x7fd7);
    expect(iret(1)).toBe(null);
    expect([guest.get('NEXT_RIP'), guest.selector(CS), guest.flags]).toEqual([0x4321n, 0x2000, 0x7fd7]);
    expect(guest.gpr(SP)).toBe(BigInt(AT.STACK0 + 6));
    guest.real();
    stack(AT.STACK0, 4, 0x4321, 0xffff2000, 0xffffffff);
    expect(iret(2)).toBe(null);
    expect([guest.selector(CS), guest.flags]).toEqual([0x2000, 0x257fd7]);
    guest.real();
    stack(AT.STACK0, 4, 0x14321, 0x2000, 0);
    expect(iret(2)).toEqual([13, 0]);
  });
  test('virtual-8086 mode keeps IOPL and VM; IOPL below 3 is refused', () => {
    guest.v86(3);
    stack(AT.STACK3, 2, 0x4321, 0x2100, 0x0ed7);
    expect(iret(1)).toBe(null);
    expect([guest.flags, guest.segment(CS).base]).toEqual([0x23ed7, 0x21000n]);
    guest.v86(3);
    stack(AT.STACK3, 4, 0x4321, 0x2100, 0x3c0ed7);
    expect(iret(2)).toBe(null);
    expect(guest.flags).toBe(0x263ed7); // AC ID; VIF VIP stay
    guest.v86(2);
    const before = guest.snapshot();
    expect(iret(1)).toEqual([13, 0]);
    expect(guest.snapshot()).toBe(before);
  });
  test('VME: IF goes to VIF; TF, or IF with VIP, is refused', () => {
    guest.v86(0);
    guest.set('CR4', 1);
    stack(AT.STACK3, 2, 0x4321, 0x2100, 0x3202);
    expect(iret(1)).toBe(null);
    expect(guest.flags).toBe(0xa0202);
    guest.v86(0);
    guest.core.setFlags(0x120202);
    stack(AT.STACK3, 2, 0x4321, 0x2100, 0x0202);
    expect(iret(1)).toEqual([13, 0]);
    stack(AT.STACK3, 2, 0x4321, 0x2100, 0x0102);
    expect(iret(1)).toEqual([13, 0]);
    expect(iret(2)).toEqual([13, 0]);
  });
});

describe('protected mode', () => {
  test('same level 0: every flag but VM; RF comes with 32 bits only', () => {
    guest.protected32();
    stack(AT.STACK0, 4, 0x5000, SEL.CODE0, 0x3dbfd7);
    expect(iret(2)).toBe(null);
    expect([guest.flags, guest.gpr(SP), guest.get('NEXT_RIP')]).toEqual([0x3d3fd7, BigInt(AT.STACK0 + 12), 0x5000n]);
    guest.protected32();
    guest.core.setFlags(0x250002);
    stack(AT.STACK0, 2, 0x5000, SEL.CODE0, 0x7fd7);
    expect(iret(1)).toBe(null);
    expect(guest.flags).toBe(0x257fd7);
  });
  test('level 3: IOPL never, IF only with IOPL 3, VIF and VIP never', () => {
    for (const [iopl, after] of [
      [0, 0x250cd7 | 0x4000],
      [3, 0x253ed7 | 0x4000],
    ] as const) {
      guest.protected32(3);
      guest.core.setFlags(2 | (iopl << 12));
      stack(AT.STACK3, 4, 0x5000, SEL.CODE3, (0x3d4ed7 | 0x3000) & ~(iopl ? 0x3000 : 0));
      expect(iret(2)).toBe(null);
      expect(guest.flags).toBe(after);
    }
  });
  test('to level 3: SS:ESP popped, level 0 decides the flags, data segments dropped', () => {
    guest.protected32();
    guest.core.loadSegment(FS, SEL.DATA3);
    stack(AT.STACK0, 4, 0x5000, SEL.CODE3, 0x3202, 0xa000, SEL.DATA3);
    expect(iret(2)).toBe(null);
    expect([guest.selector(CS), guest.selector(SS), guest.gpr(SP), guest.flags]).toEqual([0x1b, 0x23, 0xa000n, 0x3202]);
    expect([DS, ES, FS, GS].map((s) => guest.selector(s))).toEqual([0, 0, SEL.DATA3, 0]);
    expect([guest.get32('CPL'), guest.get32('MMU')]).toEqual([3, 1]);
  });
  test('to virtual-8086 mode from level 0', () => {
    guest.protected32();
    stack(AT.STACK0, 4, 0x1234, 0x2000, 0x23202, 0xfff0, 0x3000, 0x11, 0x22, 0x33, 0x44);
    expect(iret(2)).toBe(null);
    expect([CS, SS, ES, DS, FS, GS].map((s) => guest.segment(s))).toEqual(
      [0x2000, 0x3000, 0x11, 0x22, 0x33, 0x44].map((selector) => ({
        base: BigInt(selector * 16),
        limit: 0xffff,
        rights: 0xf3,
        selector,
      })),
    );
    expect([guest.flags, guest.get32('CPL'), guest.gpr(SP), guest.get32('MODE') & 7]).toEqual([0x23202, 3, 0xfff0n, 0]);
    guest.protected32();
    stack(AT.STACK0, 4, 0x10000, 0x2000, 0x23202, 0xfff0, 0x3000, 0, 0, 0, 0);
    const before = guest.snapshot();
    expect(iret(2)).toEqual([13, 0]);
    expect(guest.snapshot()).toBe(before);
  });
  test('level 3 cannot set VM: an ordinary return', () => {
    guest.protected32(3);
    stack(AT.STACK3, 4, 0x5000, SEL.CODE3, 0x20002);
    expect(iret(2)).toBe(null);
    expect(guest.flags).toBe(2);
  });
  test.each([
    ['null CS', [0x5000, 0, 2], [13, 0]],
    ['data', [0x5000, SEL.DATA0, 2], [13, SEL.DATA0]],
    ['conforming above RPL', [0x5000, SEL.CODE3 & ~3, 2], [13, SEL.CODE3 & ~3]],
    ['offset beyond the limit', [0x1000, SEL.SMALL_CODE, 2], [13, 0]],
    ['null SS', [0x5000, SEL.CODE3, 2, 0xa000, 0], [13, 0]],
    ['SS DPL', [0x5000, SEL.CODE3, 2, 0xa000, SEL.DATA0 | 3], [13, SEL.DATA0]],
  ])('%s: nothing changed', (_, frame, expected) => {
    guest.protected32();
    stack(AT.STACK0, 4, ...frame);
    const before = guest.snapshot();
    expect(iret(2)).toEqual(expected);
    expect(guest.snapshot()).toBe(before);
  });
  test('a frame that does not fit the stack segment: #SS(0)', () => {
    guest.protected32();
    guest.setSegment(SS, SEL.DATA0, 0, AT.STACK0 + 10, 0x4093);
    expect(iret(2)).toEqual([12, 0]);
  });
});

describe('IA-32e mode', () => {
  test('IRETQ pops SS:RSP at the same level too, SS may be null', () => {
    guest.long64();
    stack(AT.STACK0, 8, 0x5000, SEL.CODE64, 0x202, 0x7777, 0);
    expect(iret(3)).toBe(null);
    expect([guest.gpr(SP), guest.selector(SS), guest.flags, guest.get('NEXT_RIP')]).toEqual([
      0x7777n,
      0,
      0x202,
      0x5000n,
    ]);
  });
  test('to 64-bit and to compatibility code of level 3', () => {
    guest.long64();
    stack(AT.STACK0, 8, 0x5000, SEL.USER64, 0x202, 0x7fff_ffff_fff0, SEL.DATA3);
    expect(iret(3)).toBe(null);
    expect([guest.gpr(SP), guest.get32('CPL'), guest.get32('MODE') & 7]).toEqual([0x7fff_ffff_fff0n, 3, 2]);
    guest.long64();
    stack(AT.STACK0, 8, 0x5000, SEL.CODE3, 0x202, 0x1_0000_a000, SEL.DATA3);
    expect(iret(3)).toBe(null);
    expect([guest.gpr(SP), guest.get32('MODE') & 7]).toEqual([0xa000n, 5]);
  });
  test('null SS for level 3 or for compatibility code: #GP(0)', () => {
    for (const cs of [SEL.USER64, SEL.CODE0]) {
      guest.long64();
      stack(AT.STACK0, 8, 0x5000, cs, 2, 0xa000, 0);
      expect(iret(3)).toEqual([13, 0]);
    }
  });
  test('not canonical: #GP(0); NT: #GP(0); VM is ignored', () => {
    guest.long64();
    guest.write(AT.STACK0, 0x8000_0000_0000n, 8);
    stack(AT.STACK0 + 8, 8, SEL.CODE64, 2, 0xa000, 0);
    expect(iret(3)).toEqual([13, 0]);
    guest.core.setFlags(0x4002);
    expect(iret(3)).toEqual([13, 0]);
    guest.core.setFlags(2);
    stack(AT.STACK0, 8, 0x5000, SEL.CODE64, 0x20002, 0xa000, 0);
    expect(iret(3)).toBe(null);
    expect(guest.flags).toBe(2);
  });
});

describe('NMI blocking', () => {
  test('ends with IRET, also with one that faults, not with one that exits', () => {
    guest.protected32();
    guest.set32('INTERRUPTIBILITY', 8);
    stack(AT.STACK0, 4, 0x5000, 0, 2);
    expect([iret(2), guest.get32('INTERRUPTIBILITY')]).toEqual([[13, 0], 0]);
    guest.set32('INTERRUPTIBILITY', 8);
    guest.mapPage(AT.STACK0, false);
    guest.core.flushAll();
    expect([iret(2), guest.get32('INTERRUPTIBILITY')]).toEqual(['exit', 8]);
    guest.mapPage(AT.STACK0, true);
    stack(AT.STACK0, 4, 0x5000, SEL.CODE0, 2);
    expect([iret(2), guest.get32('INTERRUPTIBILITY')]).toEqual([null, 0]);
  });
});
