// Far jumps, calls and returns. Expectations: SDM vol. 2, JMP, CALL, RET; vol. 3, 5.8.

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
type Fault = [number, number | null] | 'exit' | null;
const jump = (selector: number, offset: number | bigint, size = 2): Fault => {
  guest.core.farJump(selector, BigInt(offset), size);
  return guest.fault();
};
const call = (selector: number, offset: number | bigint, size = 2): Fault => {
  guest.core.farCall(selector, BigInt(offset), size);
  return guest.fault();
};
const leave = (size: number, release = 0): Fault => {
  guest.core.farReturn(size, release);
  return guest.fault();
};
function stack(at: number, size: 1 | 2 | 4 | 8, ...values: number[]): void {
  for (const [i, value] of values.entries()) guest.write(at + i * size, value, size);
}

describe('real and virtual-8086 mode', () => {
  test('JMP, CALL and RETF', () => {
    expect(jump(0x2000, 0x12345678, 1)).toBe(null);
    expect([guest.selector(CS), guest.segment(CS).base, guest.get('NEXT_RIP')]).toEqual([0x2000, 0x20000n, 0x5678n]);
    expect(jump(0x2000, 0x10000)).toEqual([13, 0]);
    expect(call(0x3000, 0x10, 1)).toBe(null);
    expect(guest.items(AT.STACK0 - 4, 2, 2)).toEqual([0x5678, 0x2000]);
    expect(leave(1, 6)).toBe(null);
    expect([guest.get('NEXT_RIP'), guest.selector(CS), guest.gpr(SP)]).toEqual([
      0x5678n,
      0x2000,
      BigInt(AT.STACK0 + 6),
    ]);
    guest.v86(0);
    expect(call(0x3000, 0x10)).toBe(null);
    expect(guest.items(AT.STACK3 - 8, 2, 4)).toEqual([0x1236, 0x2000]);
    expect(guest.segment(CS)).toEqual({ base: 0x30000n, limit: 0xffff, rights: 0xf3, selector: 0x3000 });
  });
  test('a stack pointer of 1 cannot be pushed to', () => {
    guest.set('GPR', 1, SP);
    expect(call(0x2000, 0, 1)).toEqual([12, 0]);
  });
});

describe('straight to a code segment', () => {
  test.each([
    ['same level', 0, SEL.CODE0, 0x5000, null, SEL.CODE0],
    ['RPL below CPL is replaced', 3, SEL.CODE3 & ~3, 0x5000, null, SEL.CODE3],
    ['conforming, from level 3', 3, SEL.CONFORMING, 0x5000, null, SEL.CONFORMING | 3],
    ['null', 0, 2, 0, [13, 0], 0],
    ['beyond the table', 0, 0xc0, 0, [13, 0xc0], 0],
    ['data', 0, SEL.DATA0, 0, [13, SEL.DATA0], 0],
    ['inner level', 3, SEL.CODE0, 0, [13, SEL.CODE0], 0],
    ['outer level', 0, SEL.CODE3 & ~3, 0, [13, SEL.CODE3 & ~3], 0],
    ['RPL above CPL', 0, SEL.CODE0 | 1, 0, [13, SEL.CODE0], 0],
    ['beyond the limit', 0, SEL.SMALL_CODE, 0x1000, [13, 0], 0],
    ['at the limit', 0, SEL.SMALL_CODE, 0xfff, null, SEL.SMALL_CODE],
  ] as const)('%s', (_, level, selector, offset, expected, cs) => {
    for (const go of [jump, call]) {
      guest.protected32(level);
      const before = guest.snapshot();
      expect(go(selector, offset)).toEqual(expected);
      if (expected) expect(guest.snapshot()).toBe(before);
      else expect([guest.selector(CS), guest.get('NEXT_RIP'), guest.get32('CPL')]).toEqual([cs, BigInt(offset), level]);
    }
  });
  test('not present: #NP(selector); 16-bit operand size cuts the offset', () => {
    guest.protected32();
    guest.setDescriptor(SEL.CODE16, descriptor(0, 0xffff, 0x1a, 0));
    expect(jump(SEL.CODE16, 0)).toEqual([11, SEL.CODE16]);
    guest.setDescriptor(SEL.CODE16, descriptor(0, 0xffff, 0x9a, 0));
    expect(jump(SEL.CODE16, 0x1234_5678, 1)).toBe(null);
    expect([guest.get('NEXT_RIP'), guest.get32('MODE') & 7, guest.read(AT.GDT + SEL.CODE16 + 5, 1)]).toEqual([
      0x5678n,
      4,
      0x9b,
    ]);
  });
  test('CALL pushes CS and the next instruction by operand size', () => {
    guest.protected32();
    expect(call(SEL.CODE0, 0x5000)).toBe(null);
    expect(guest.items(AT.STACK0 - 8, 2, 4)).toEqual([0x1236, SEL.CODE0]);
    guest.protected32();
    expect(call(SEL.CODE0, 0x5000, 1)).toBe(null);
    expect(guest.items(AT.STACK0 - 4, 2, 2)).toEqual([0x1236, SEL.CODE0]);
  });
  test('IA-32e mode: 64-bit and compatibility code, L with D, canonical targets', () => {
    guest.long64();
    expect(call(SEL.CODE64, 0xffff_8000_0000_1000n, 3)).toBe(null);
    expect(guest.items(AT.STACK0 - 16, 2, 8)).toEqual([0x1236, SEL.CODE64]);
    expect(guest.get('NEXT_RIP')).toBe(0xffff_8000_0000_1000n);
    const before = guest.snapshot();
    expect(jump(SEL.CODE64, 0x8000_0000_0000n, 3)).toEqual([13, 0]);
    expect(jump(SEL.BOTH, 0, 3)).toEqual([13, SEL.BOTH]);
    expect(jump(SEL.CODE0, 0x1_0000_0000n, 3)).toEqual([13, 0]);
    expect(jump(SEL.TSS2, 0)).toEqual([13, SEL.TSS2]);
    expect(guest.snapshot()).toBe(before);
    expect(jump(SEL.CODE0, 0x4000)).toBe(null);
    expect(guest.get32('MODE') & 7).toBe(5);
  });
});

describe('call gates', () => {
  const put = (target: number, offset: number, access: number, count = 0): void =>
    guest.setDescriptor(SEL.GATE, gate(target, offset, access, count));
  test.each([
    ['DPL below CPL', 3, SEL.GATE, gate(SEL.CODE0, 0, 0x8c), [13, SEL.GATE]],
    ['DPL below RPL', 0, SEL.GATE | 3, gate(SEL.CODE0, 0, 0x8c), [13, SEL.GATE]],
    ['not present', 0, SEL.GATE, gate(SEL.CODE0, 0, 0x0c), [11, SEL.GATE]],
    ['null target', 0, SEL.GATE, gate(0, 0, 0x8c), [13, 0]],
    ['target beyond the table', 0, SEL.GATE, gate(0xc0, 0, 0x8c), [13, 0xc0]],
    ['target data', 0, SEL.GATE, gate(SEL.DATA0, 0, 0x8c), [13, SEL.DATA0]],
    ['target less privileged', 0, SEL.GATE, gate(SEL.CODE3, 0, 0x8c), [13, SEL.CODE3 & ~3]],
    ['offset beyond the limit', 0, SEL.GATE, gate(SEL.SMALL_CODE, 0x1000, 0x8c), [13, 0]],
  ] as const)('%s', (_, level, selector, descriptorOfGate, expected) => {
    for (const go of [jump, call]) {
      guest.protected32(level);
      guest.setDescriptor(SEL.GATE, descriptorOfGate);
      const before = guest.snapshot();
      expect(go(selector, 0)).toEqual(expected);
      expect(guest.snapshot()).toBe(before);
    }
  });
  test('JMP may not go to an inner level, CALL may', () => {
    guest.protected32(3);
    put(SEL.CODE0, 0x7000, 0xec);
    expect(jump(SEL.GATE, 0)).toEqual([13, SEL.CODE0]);
    expect(call(SEL.GATE, 0)).toBe(null);
  });
  test('same level: frame by the gate, whatever the operand size', () => {
    guest.protected32();
    put(SEL.CODE0 | 3, 0x12347000, 0x8c);
    expect(call(SEL.GATE, 0x999, 1)).toBe(null);
    expect(guest.items(AT.STACK0 - 8, 2, 4)).toEqual([0x1236, SEL.CODE0]);
    expect([guest.get('NEXT_RIP'), guest.selector(CS)]).toEqual([0x12347000n, SEL.CODE0]);
    guest.protected32();
    put(SEL.CODE0, 0x7000, 0x84);
    expect(call(SEL.GATE, 0)).toBe(null);
    expect(guest.items(AT.STACK0 - 4, 2, 2)).toEqual([0x1236, SEL.CODE0]);
  });
  test('inner level, 32-bit: SS ESP parameters CS EIP on the stack of the TSS', () => {
    guest.protected32(3);
    guest.set('GPR', AT.STACK3 - 12, SP);
    stack(AT.STACK3 - 12, 4, 0x11111111, 0x22222222, 0x33333333);
    put(SEL.CODE0, 0x7000, 0xec, 3);
    expect(call(SEL.GATE, 0)).toBe(null);
    expect(guest.items(AT.STACK0 - 28, 7, 4)).toEqual([
      0x1236,
      SEL.CODE3,
      0x11111111,
      0x22222222,
      0x33333333,
      AT.STACK3 - 12,
      SEL.DATA3,
    ]);
    expect([guest.gpr(SP), guest.selector(SS), guest.selector(CS), guest.get32('CPL')]).toEqual([
      BigInt(AT.STACK0 - 28),
      SEL.DATA0,
      SEL.CODE0,
      0,
    ]);
    // and back, releasing the parameters on both stacks
    expect(leave(2, 12)).toBe(null);
    expect([guest.gpr(SP), guest.selector(SS), guest.selector(CS), guest.get32('CPL'), guest.get('NEXT_RIP')]).toEqual([
      BigInt(AT.STACK3),
      SEL.DATA3,
      SEL.CODE3,
      3,
      0x1236n,
    ]);
  });
  test('inner level, 16-bit gate copies words', () => {
    guest.protected32(3);
    stack(AT.STACK3, 2, 0x1111, 0x2222);
    put(SEL.CODE0, 0x7000, 0xe4, 2);
    expect(call(SEL.GATE, 0)).toBe(null);
    expect(guest.items(AT.STACK0 - 12, 6, 2)).toEqual([0x1236, SEL.CODE3, 0x1111, 0x2222, AT.STACK3, SEL.DATA3]);
  });
  test.each([
    ['SS0 null', () => guest.write(AT.TSS + 8, 0, 2), [10, 0]],
    ['SS0 wrong RPL', () => guest.write(AT.TSS + 8, SEL.DATA0 | 3, 2), [10, SEL.DATA0]],
    ['SS0 wrong DPL', () => guest.write(AT.TSS + 8, SEL.DATA3 & ~3, 2), [10, SEL.DATA3 & ~3]],
    ['SS0 absent', () => guest.write(AT.TSS + 8, SEL.ABSENT, 2), [12, SEL.ABSENT]],
    ['TSS too small', () => guest.setSegment(7, SEL.TSS, AT.TSS, 8, 0x8b), [10, SEL.TSS]],
    ['no room', () => guest.setDescriptor(SEL.DATA0, descriptor(0, AT.STACK0 - 2, 0x93, 4)), [12, SEL.DATA0]],
  ])('inner level: %s', (_, prepare, expected) => {
    guest.protected32(3);
    put(SEL.CODE0, 0x7000, 0xec);
    (prepare as () => void)();
    const before = guest.snapshot();
    expect(call(SEL.GATE, 0)).toEqual(expected);
    expect(guest.snapshot()).toBe(before);
  });
  test('parameters that cannot be read: nothing changed', () => {
    guest.protected32(3);
    guest.setSegment(SS, SEL.DATA3, 0, AT.STACK3 + 3, 0x40f3);
    put(SEL.CODE0, 0x7000, 0xec, 2);
    const before = guest.snapshot();
    expect(call(SEL.GATE, 0)).toEqual([12, 0]);
    expect(guest.snapshot()).toBe(before);
  });
  test('64-bit gate', () => {
    guest.long64(3);
    guest.setDescriptor(SEL.GATE64, gate(SEL.CODE64, 0x7000, 0xec));
    guest.write(AT.GDT + SEL.GATE64 + 8, 0xffff8000, 8);
    expect(call(SEL.GATE64 | 3, 0)).toBe(null);
    expect(guest.items(AT.STACK0 - 32, 4, 8)).toEqual([0x1236, SEL.USER64, AT.STACK3, SEL.DATA3]);
    expect([guest.get('NEXT_RIP'), guest.selector(SS), guest.selector(CS)]).toEqual([
      0xffff800000007000n,
      0,
      SEL.CODE64,
    ]);
    guest.long64(3);
    guest.setDescriptor(SEL.GATE64, gate(SEL.CODE0, 0x7000, 0xec));
    expect(call(SEL.GATE64, 0), 'target not 64-bit').toEqual([13, SEL.CODE0]);
    guest.write(AT.GDT + SEL.GATE64 + 8, 0x100_00000000n, 8);
    expect(call(SEL.GATE64, 0), 'upper type').toEqual([13, SEL.GATE64]);
    guest.setDescriptor(SEL.GATE64, gate(SEL.CODE64, 0x7000, 0xe4));
    expect(call(SEL.GATE64, 0), '16-bit gate').toEqual([13, SEL.GATE64]);
  });
});

describe('RETF', () => {
  test('to an outer level: segments it may not keep become null', () => {
    guest.protected32();
    guest.core.loadSegment(FS, SEL.DATA3);
    guest.core.loadSegment(GS, SEL.CONFORMING);
    stack(AT.STACK0, 4, 0x5000, SEL.CODE3, 0xa000, SEL.DATA3);
    expect(leave(2)).toBe(null);
    expect([DS, ES, FS, GS].map((s) => guest.selector(s))).toEqual([0, 0, SEL.DATA3, SEL.CONFORMING]);
    expect([guest.segment(DS).rights & 0x10000, guest.gpr(SP), guest.get32('CPL')]).toEqual([0x10000, 0xa000n, 3]);
  });
  test.each([
    ['null CS', [0x5000, 0, 0xa000, SEL.DATA3], [13, 0]],
    ['data as CS', [0x5000, SEL.DATA0, 0xa000, SEL.DATA3], [13, SEL.DATA0]],
    ['DPL is not RPL', [0x5000, SEL.CODE0 | 3, 0xa000, SEL.DATA3], [13, SEL.CODE0]],
    ['null SS', [0x5000, SEL.CODE3, 0xa000, 0], [13, 0]],
    ['SS with another RPL', [0x5000, SEL.CODE3, 0xa000, SEL.DATA3 & ~3], [13, SEL.DATA3 & ~3]],
    ['SS with another DPL', [0x5000, SEL.CODE3, 0xa000, SEL.DATA0 | 3], [13, SEL.DATA0]],
    ['SS beyond the table', [0x5000, SEL.CODE3, 0xa000, 0xc3], [13, 0xc0]],
    ['outside the new CS', [0x1000, SEL.SMALL_CODE, 0, 0], [13, 0]],
  ])('%s', (_, frame, expected) => {
    guest.protected32();
    stack(AT.STACK0, 4, ...frame);
    const before = guest.snapshot();
    expect(leave(2)).toEqual(expected);
    expect(guest.snapshot()).toBe(before);
  });
  test('to an inner level: #GP(selector)', () => {
    guest.protected32(3);
    stack(AT.STACK3, 4, 0x5000, SEL.CODE0);
    expect(leave(2)).toEqual([13, SEL.CODE0]);
  });
  test('a 16-bit stack segment takes SP only', () => {
    guest.protected32();
    guest.setDescriptor(SEL.DATA16, descriptor(0, 0xffff, 0xf3, 0));
    guest.set('GPR', 0x12340000 | AT.STACK0, SP);
    guest.setSegment(SS, SEL.DATA0, 0xedcc0000, 0xffffffff, 0xc093);
    stack(AT.STACK0, 4, 0x5000, SEL.CODE3, 0x5678a000, SEL.DATA16 | 3);
    expect(leave(2)).toBe(null);
    expect(guest.gpr(SP)).toBe(0x1234a000n);
  });
});
