// x87 instructions in a machine: waiting exceptions, the environment's formats, faults and devices. Expected values are the
// manual's (SDM vol. 1, chapter 8; vol. 3, 9.2).

import { describe, expect, it } from 'vitest';
import { CODE, DATA, DEVICE, flatGuest, HANDLERS, RAX, RBX, RCX, realGuest, RSP } from '../core/flat.js';
import { LEFT, Machine, REASON } from '../core/machine.js';

const machine = new Machine();
const HLT = 0xf4;
const FNINIT = [0xdb, 0xe3];
const FLD1 = [0xd9, 0xe8];
const FLDZ = [0xd9, 0xee];
const FDIVP = [0xde, 0xf9];
const FLDCW_RBX = [0xd9, 0x2b];
const FNSTSW_AX = [0xdf, 0xe0];

/** Until the guest halts; every handler does so at once. */
function run(): void {
  for (let vector = 0; vector < 256; vector++) machine.write(HANDLERS + vector * 16, [HLT]);
  expect(machine.run(1000)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
}
function word(gpa: number): number {
  return machine.view.getUint16(machine.ram + gpa, true);
}
function dword(gpa: number): number {
  return machine.view.getUint32(machine.ram + gpa, true);
}
const vectorReached = (): number => Math.floor((Number(machine.get('RIP')) - HANDLERS) / 16);

/** 1 / 0 with division by zero unmasked, then `next`. */
function dividing(next: number[], cr0?: number): number {
  const before = [...FNINIT, ...FLDCW_RBX, ...FLD1, ...FLDZ, ...FDIVP, ...FNSTSW_AX];
  flatGuest(machine, [...before, ...next, HLT]);
  machine.setReg(RBX, DATA);
  machine.write(DATA, [0x7b, 0x03]);
  if (cr0 !== undefined) machine.set('CR0', cr0);
  machine.changed();
  run();
  return CODE + before.length;
}

describe('an unmasked exception', () => {
  it('leaves the operands alone, and waits', () => {
    dividing([]);
    expect(machine.get('RIP')).toBe(BigInt(CODE + 13));
    // B, TOP = 6, ES, ZE
    expect(machine.reg(RAX) & 0xffffn).toBe(0xb084n);
  });

  const waiting: [string, number[]][] = [
    ['FLD1', FLD1],
    ['FWAIT', [0x9b]],
    ['FNOP', [0xd9, 0xd0]],
    ['FXCH', [0xd9, 0xc9]],
    ['FINCSTP', [0xd9, 0xf7]],
    ['FFREE', [0xdd, 0xc0]],
    ['FLDCW', FLDCW_RBX],
    ['FRSTOR', [0xdd, 0x23]],
    ['FSTP m64', [0xdd, 0x1b]],
    ['FADD m32 of a page that is not there', [0xd8, 0x04, 0x25, 0, 0, 0, 0x70]],
  ];
  for (const [name, code] of waiting) {
    it(`is raised by ${name}: #MF, and nothing else happens`, () => {
      const at = dividing(code);
      expect(vectorReached()).toBe(16);
      expect(machine.read64(Number(machine.reg(RSP)))).toBe(BigInt(at));
      expect(machine.view.getUint16(machine.state + machine.constant('FSW'), true)).toBe(0xb084);
    });
  }

  it('is raised without CR0.NE too, as VT-x has it', () => {
    dividing(FLD1, 0x8001_0013);
    expect(vectorReached()).toBe(16);
  });

  const silent: [string, number[]][] = [
    ['FNCLEX', [0xdb, 0xe2]],
    ['FNINIT', FNINIT],
    ['FNSTSW m16', [0xdd, 0x3b]],
    ['FNSTCW m16', [0xd9, 0x3b]],
    ['FNSTENV', [0xd9, 0x33]],
    ['FNSAVE', [0xdd, 0x33]],
    ['FNENI', [0xdb, 0xe0]],
    ['FNDISI', [0xdb, 0xe1]],
    ['FNSETPM', [0xdb, 0xe4]],
  ];
  for (const [name, code] of silent) {
    it(`is not looked for by ${name}`, () => {
      const at = dividing(code);
      expect(machine.get('RIP')).toBe(BigInt(at + code.length + 1));
    });
  }

  it('is gone after FNCLEX, and after the masks of FNSTENV', () => {
    const at = dividing([0xdb, 0xe2, ...FLD1]);
    expect(machine.get('RIP')).toBe(BigInt(at + 5));
    const other = dividing([0xd9, 0x33, ...FLD1]);
    expect(machine.get('RIP')).toBe(BigInt(other + 5));
    // the environment has the state before
    expect([word(DATA), word(DATA + 4)]).toEqual([0x37b, 0xb084]);
  });
});

describe('the environment', () => {
  it('has pointers and selectors in 64-bit mode, 28 bytes and 14', () => {
    // FLD dword [RBX]; FNSTENV [RCX]; 66 FNSTENV [RCX + 40h]
    flatGuest(machine, [...FNINIT, 0xd9, 0x03, 0xd9, 0x31, 0x66, 0xd9, 0x71, 0x40, HLT]);
    machine.setReg(RBX, DATA);
    machine.setReg(RCX, DATA + 0x100);
    run();
    const at = DATA + 0x100;
    expect([0, 4, 8].map((offset) => dword(at + offset))).toEqual([0xffff_037f, 0xffff_3800, 0xffff_7fff]);
    expect([12, 16, 20].map((offset) => dword(at + offset))).toEqual([CODE + 2, (0x103 << 16) | 8, DATA]);
    expect(word(at + 24)).toBe(0x10);
    const words = [0, 2, 4, 6, 8, 10, 12].map((offset) => word(at + 0x40 + offset));
    expect(words).toEqual([0x37f, 0x3800, 0x7fff, (CODE + 2) & 0xffff, 8, DATA & 0xffff, 0x10]);
  });

  it('has linear addresses and the opcode in real mode', () => {
    // FLD dword [3000h]; FNSTENV [4000h]; 66 FNSTENV [5000h]
    realGuest(machine, [...FNINIT, 0xd9, 0x06, 0, 0x30, 0xd9, 0x36, 0, 0x40, 0x66, 0xd9, 0x36, 0, 0x50, HLT]);
    expect(machine.run(100)).toBe(LEFT);
    const words = [0, 2, 4, 6, 8, 10, 12].map((offset) => word(0x4_4000 + offset));
    // instruction at 1_0002, operand at 4_3000
    expect(words).toEqual([0x37f, 0x3800, 0x7fff, 0x0002, 0x1106, 0x3000, 0x4000]);
    const wide = [12, 16, 20, 24].map((offset) => dword(0x4_5000 + offset));
    expect([wide[0]! & 0xffff, wide[1], wide[2]! & 0xffff, wide[3]]).toEqual([0x0002, 0x1106, 0x3000, 0x4000]);
  });

  it('is not touched by control instructions', () => {
    flatGuest(machine, [...FNINIT, ...FLD1, 0xd9, 0x3b, ...FNSTSW_AX, 0xdb, 0xe2, 0xd9, 0x31, HLT]);
    machine.setReg(RBX, DATA);
    machine.setReg(RCX, DATA + 0x100);
    run();
    expect(dword(DATA + 0x10c)).toBe(CODE + 2);
  });
});

describe('memory operands', () => {
  it('FSTP m80 that reaches into a missing page changes nothing', () => {
    flatGuest(machine, [...FNINIT, ...FLD1, 0xdb, 0x3b, HLT]);
    machine.setReg(RBX, 0x7_fffa);
    machine.write(0x7_fffa, [1, 2, 3, 4, 5, 6]);
    run();
    expect(vectorReached()).toBe(14);
    expect(machine.get('CR2')).toBe(0x8_0000n);
    expect([...machine.bytes.subarray(machine.ram + 0x7_fffa, machine.ram + 0x8_0000)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(machine.view.getUint16(machine.state + machine.constant('FSW'), true)).toBe(0x3800);
    expect(machine.view.getUint16(machine.state + machine.constant('FTW'), true)).toBe(0x80);
  });

  it('an address that is not canonical is #SS through RBP or RSP, else #GP', () => {
    for (const [modrm, vector] of [
      [[0x03], 13],
      [[0x45, 0x00], 12],
    ] as const) {
      flatGuest(machine, [...FNINIT, 0xd9, ...modrm, HLT]);
      machine.setReg(RBX, 0x8000_0000_0000n);
      machine.setReg(5, 0x8000_0000_0000n);
      run();
      expect(vectorReached()).toBe(vector);
    }
  });

  it('loads from a device and stores to one, once each', () => {
    const reads: [number, number][] = [];
    const writes: [number, number, bigint][] = [];
    // FLD qword [RBX]; FADD dword [RBX + 8]; FST dword [RBX + 16]; FSTP tbyte [RBX + 32]
    flatGuest(machine, [...FNINIT, 0xdd, 0x03, 0xd8, 0x43, 8, 0xd9, 0x53, 16, 0xdb, 0x7b, 32, ...FNSTSW_AX, HLT]);
    machine.setReg(RBX, DEVICE);
    machine.mmioRead = (gpa, length) => {
      reads.push([gpa - DEVICE, length]);
      return length === 8 ? 0x3ff8_0000_0000_0000n : 0x4000_0000n; // 1.5, 2
    };
    machine.mmioWrite = (gpa, length, data) => void writes.push([gpa - DEVICE, length, data]);
    run();
    expect(reads).toEqual([
      [0, 8],
      [8, 4],
    ]);
    expect(writes).toEqual([
      [16, 4, 0x4060_0000n],
      [32, 8, 0xe000_0000_0000_0000n],
      [40, 2, 0x4000n],
    ]);
    expect(machine.reg(RAX) & 0xffffn).toBe(0n);
  });
});
