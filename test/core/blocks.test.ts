// What a block of instructions must not do otherwise than its instructions one by one: the code segment's limit, and
// results whose flags are left out because nobody sees them.
import { describe, expect, it } from 'vitest';
import { DATA, flatGuest, RAX, RBX, RCX, RDI, realGuest, RSI } from './flat.js';
import { Machine } from './machine.js';

const machine = new Machine();
const NOP = 0x90;
const HLT = 0xf4;

describe('the limit of the code segment', () => {
  it.each([[0x1_0000], [0x1_0010]])('ends a run of 16-bit code at IP FFFF with #GP (CS base %i)', (base) => {
    realGuest(machine, [], base);
    machine.set('RIP', 0xffe0);
    machine.bytes.fill(NOP, machine.ram + base + 0xffe0, machine.ram + base + 0x1_0040);
    // not the IVT's segment: the handler is where 1000:80D0 is
    machine.write(0x1_8000 + 13 * 16, [HLT]);
    machine.run(1000);
    expect(machine.get('RIP')).toBe(0x80d1n);
    expect(machine.view.getUint32(machine.ram + 0x4_0000 + Number(machine.reg(4) & 0xffffn), true) & 0xffff).toBe(0);
    expect(machine.core.retired!()).toBe(0x20 + 1);
  });
  it('is looked at for each byte of an instruction', () => {
    realGuest(machine, []);
    machine.write(0x1_fffd, [0xb8, 0x34, 0x12]); // MOV AX, 1234 ends at the limit
    machine.set('RIP', 0xfffd);
    machine.write(0x1_8000 + 13 * 16, [HLT]);
    machine.run(1000);
    expect(machine.reg(RAX)).toBe(0x1234n);
    realGuest(machine, []);
    machine.write(0x1_fffe, [0xb8, 0x34, 0x12]); // one byte too many
    machine.set('RIP', 0xfffe);
    machine.write(0x1_8000 + 13 * 16, [HLT]);
    machine.run(1000);
    expect(machine.reg(RAX)).toBe(0n);
    expect(machine.get('RIP')).toBe(0x80d1n);
  });
});

describe('arithmetic in blocks', () => {
  it('clears the upper half of a 32-bit result whose flags nobody needs (SDM vol. 1, 3.4.1.1)', () => {
    const cases: [number[], bigint][] = [
      [[0x29, 0xd8], 0xffff_fffen], // SUB EAX, EBX
      [[0x01, 0xc0], 2n * 1n], // ADD EAX, EAX
      [[0x2b, 0x06], 0xffff_ffffn], // SUB EAX, [RSI]
      [[0x03, 0x07], 0n], // ADD EAX, [RDI]
      [[0x0f, 0xaf, 0xc1], 0x8000_0001n], // IMUL EAX, ECX
      [[0xc1, 0xe0, 31], 0x8000_0000n], // SHL EAX, 31
      [[0x69, 0xc0, 0xff, 0xff, 0xff, 0xff], 0xffff_ffffn], // IMUL EAX, EAX, -1
    ];
    for (const [bytes, result] of cases) {
      flatGuest(machine, [...bytes, 0x85, 0xd2, HLT]); // TEST EDX, EDX makes the flags dead
      machine.setReg(RAX, 1);
      machine.setReg(RBX, 3);
      machine.setReg(RCX, 0x8000_0001);
      machine.setReg(RSI, DATA);
      machine.setReg(RDI, DATA + 8);
      machine.write64(DATA, 2n);
      machine.write64(DATA + 8, 0xffff_ffffn);
      machine.run(100);
      expect(machine.reg(RAX), Buffer.from(bytes).toString('hex')).toBe(result);
    }
  });
});
