// Code that changes is executed as it is now: whoever wrote it, by whatever address, however near.
import { describe, expect, it } from 'vitest';
import { ALIAS, CODE, DATA, flatGuest, RAX, RBX, RCX, RDI, RSI } from './flat.js';
import { bytesOf } from './code.js';
import { BUDGET_USED, LEAVE, LEFT, Machine, RAM_SIZE, REASON, SKIP } from './machine.js';

const machine = new Machine();
const HLT = 0xf4;
/** MOV EAX, value. */
const movEax = (value: number): number[] => [0xb8, ...bytesOf(value, 4)];
/** MOV BYTE [address], value. */
const poke = (address: number, value: number): number[] => [0xc6, 0x04, 0x25, ...bytesOf(address, 4), value];
/** In whole blocks, and one instruction at a time. */
const SLICES = [1_000_000, 1];

function runToHalt(slice = 1_000_000): void {
  expect(machine.run(1_000_000, slice)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
}

describe.each(SLICES)('a store into code is seen at once, slices of %i:', (slice) => {
  it('by the next instruction of the same block', () => {
    flatGuest(machine, [...poke(CODE + 9, 2), ...movEax(1), HLT]);
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(2n);
  });
  it('by the next instruction when the store crosses into it from the page before', () => {
    // MOV [CODE + FFE], RBX: two bytes here, six on the next page, where the code goes on
    flatGuest(machine, []);
    const at = CODE + 0xff0;
    machine.write(at, [0x48, 0x89, 0x1c, 0x25, ...bytesOf(CODE + 0xffe, 4), 0xeb, 6]);
    machine.write(CODE + 0x1000, [...movEax(1), HLT]);
    machine.setReg(RBX, 0xf400_0000_07b8_9090n);
    machine.set('RIP', at);
    machine.changed();
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(7n);
  });
  it('by a block that is linked to', () => {
    // L: ADD EAX, 1 (its immediate is counted up); INC BYTE [that immediate]; DEC ECX; JNZ L
    flatGuest(machine, [0x83, 0xc0, 1, 0xfe, 0x04, 0x25, ...bytesOf(CODE + 2, 4), 0xff, 0xc9, 0x75, 0xf2, HLT]);
    machine.setReg(RCX, 10);
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(55n);
  });
  it('by a fused compare and branch', () => {
    // poke the immediate of CMP; CMP EAX, 1; JE +1; HLT; INC ECX; HLT
    flatGuest(machine, [...poke(CODE + 10, 0), 0x83, 0xf8, 1, 0x74, 1, HLT, 0xff, 0xc1, HLT]);
    runToHalt(slice);
    expect(machine.reg(RCX)).toBe(1n);
    expect(machine.core.retired!()).toBe(5);
  });
  it('by way of another virtual address', () => {
    flatGuest(machine, [...poke(ALIAS + CODE + 9, 2), ...movEax(1), HLT]);
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(2n);
  });
  it('when the code runs at another virtual address', () => {
    flatGuest(machine, [...poke(CODE + 9, 2), ...movEax(1), HLT]);
    machine.set('RIP', ALIAS + CODE);
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(2n);
  });
  it('by an instruction that lies on two pages, in its second half', () => {
    flatGuest(machine, []);
    const call = CODE + 0x2000;
    // twice: CALL the instruction at the page's end, poke its last bytes
    machine.write(call, [0xe8, ...bytesOf(0xffd - 0x2005, 4), ...poke(CODE + 0x1001, 3), 0x89, 0xc3, 0xe8]);
    machine.write(call + 16, [...bytesOf(0xffd - 0x2014, 4), HLT]);
    machine.write(CODE + 0xffd, [...movEax(1), 0xc3]);
    machine.set('RIP', call);
    machine.changed();
    runToHalt(slice);
    expect(machine.reg(RBX)).toBe(1n);
    expect(machine.reg(RAX)).toBe(0x0300_0001n);
  });
  it('made by REP MOVSB over the instructions behind it', () => {
    flatGuest(machine, [0xf3, 0xa4, ...movEax(1), HLT]);
    machine.write(DATA, [...movEax(9), HLT]);
    machine.setReg(RSI, DATA);
    machine.setReg(RDI, CODE + 2);
    machine.setReg(RCX, 6);
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(9n);
  });
  it('made by PUSH', () => {
    flatGuest(machine, [0x53, ...movEax(1), HLT]); // PUSH RBX over the eight bytes behind it
    machine.setReg(4, CODE + 9);
    machine.setReg(RBX, 0x9090_f400_0000_06b8n);
    runToHalt(slice);
    expect(machine.reg(RAX)).toBe(6n);
  });
  it('that makes an instruction of what was none, by its second byte in another 64-byte granule', () => {
    flatGuest(machine, []);
    const at = CODE + 63;
    machine.write(at, [0x0f, 0x0a, HLT]); // 0F 0A is nothing, 0F 0D /r a prefetch, 0F A2 CPUID
    machine.write(0x1_8000 + 6 * 16, [...poke(at + 1, 0xa2), 0x48, 0xcf]); // the #UD handler mends it
    machine.set('RIP', at);
    machine.changed();
    runToHalt(slice);
    expect(machine.get('RIP')).toBe(BigInt(at + 3));
  });
});

describe('code changed from outside', () => {
  it('between two runs', () => {
    flatGuest(machine, [...movEax(1), 0xeb, 0xf9]);
    expect(machine.core.run!(100)).toBe(BUDGET_USED);
    machine.write(CODE + 1, [5]);
    machine.core.invalidateCode!(machine.ram + CODE + 1, 1);
    machine.core.run!(2);
    expect(machine.reg(RAX)).toBe(5n);
  });
  it.each([
    ['a store that is stepped over', [0x88, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00], REASON.eptMisconfig],
    ['OUT', [0xe6, 0x10], REASON.io],
    ['CPUID', [0x0f, 0xa2], REASON.cpuid],
  ])('during the exit of %s', (_name, bytes, reason) => {
    flatGuest(machine, [...bytes, ...movEax(1), HLT]);
    machine.hook = (exit) => {
      if (exit.reason !== reason) return undefined;
      machine.write(CODE + bytes.length + 1, [5]);
      machine.core.invalidateCode!(machine.ram + CODE + bytes.length + 1, 1);
      return SKIP;
    };
    runToHalt();
    expect(machine.reg(RAX)).toBe(5n);
  });
});

describe('the cost of changing code', () => {
  it('is nothing for data beside code on one page', () => {
    // L: INC DWORD [CODE + 800]; DEC ECX; JNZ L: the counter is in another granule
    flatGuest(machine, [0xff, 0x04, 0x25, ...bytesOf(CODE + 0x800, 4), 0xff, 0xc9, 0x75, 0xf5, HLT]);
    machine.setReg(RCX, 1000);
    const before = machine.get('COUNT_CODE_DROPS');
    runToHalt();
    expect(machine.view.getUint32(machine.ram + CODE + 0x800, true)).toBe(1000);
    expect(machine.get('COUNT_CODE_DROPS')).toBe(before);
  });
  it('is a bounded number of decoded blocks for each change', () => {
    flatGuest(machine, [0x83, 0xc0, 1, 0xfe, 0x04, 0x25, ...bytesOf(CODE + 2, 4), 0xff, 0xc9, 0x75, 0xf2, HLT]);
    machine.setReg(RCX, 5000);
    const before = machine.get('COUNT_BLOCKS');
    runToHalt();
    const sum = Array.from({ length: 5000 }, (_, n) => ((n + 1) << 24) >> 24).reduce((a, b) => a + b, 0);
    expect(machine.reg(RAX)).toBe(BigInt(sum >>> 0));
    expect(Number(machine.get('COUNT_BLOCKS') - before)).toBeLessThan(5000 * 4);
  });
});

describe('more code than the arena of blocks holds', () => {
  it('runs on: short blocks, jumped to and linked, several times over', () => {
    flatGuest(machine, []);
    // 100,000 bytes of INC EAX; JE +0 (never taken, but the block ends): 6 MiB hold 40,000 blocks of 5 micro-operations
    const from = DATA;
    const to = RAM_SIZE - 0x2000;
    const body = [0xff, 0xc0, 0x74, 0x00];
    const count = Math.floor((to - from) / body.length);
    for (let index = 0; index < count; index++) machine.write(from + index * body.length, body);
    // DEC EBX; JZ +5; JMP back; HLT
    const tail = from + count * body.length;
    machine.write(tail, [0xff, 0xcb, 0x74, 5, 0xe9, ...bytesOf((from - (tail + 9)) >>> 0, 4), HLT]);
    machine.set('RIP', from);
    machine.setReg(RBX, 3);
    machine.setReg(RAX, 1);
    machine.changed();
    machine.hook = ({ reason }) => (reason === REASON.hlt ? LEAVE : undefined);
    expect(machine.run(100_000_000, 50_000)).toBe(LEFT);
    expect(machine.reg(RAX)).toBe(BigInt(1 + 3 * count));
    expect(machine.core.retired!()).toBe(3 * 2 * count + 3 * 2 + 2 + 1);
    expect(Number(machine.get('COUNT_BLOCKS'))).toBeGreaterThan(count);
    expect(machine.guardsIntact()).toBe(true);
  });
});
