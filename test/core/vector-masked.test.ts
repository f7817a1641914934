// Masked moves and gathers: elements that the mask leaves out are not there; a fault leaves memory alone, and of a gather
// what was loaded; devices see each element once. What registers hold afterwards is in the hardware vectors.
import { describe, expect, it } from 'vitest';
import { CODE, DATA, DEVICE, flatGuest, HANDLERS, RBX, RDI } from './flat.js';
import { Machine, LEFT, RAM_SIZE, REASON, type Paging } from './machine.js';

const machine = new Machine();
const HLT = 0xf4;
const MODES: Paging[] = ['ept', 'npt', 'shadow'];
const MASKMOVDQU = [0x66, 0x0f, 0xf7, 0xca]; // xmm1 to [rdi] by xmm2
const VPMASKMOVD_LOAD = [0xc4, 0xe2, 0x69, 0x8c, 0x0b]; // xmm1 from [rbx] by xmm2
const VPMASKMOVD_STORE = [0xc4, 0xe2, 0x69, 0x8e, 0x0b]; // xmm1 to [rbx] by xmm2
/** VPGATHERDD xmm1, [rbx + index * 4], xmm2 */
const gather = (index: number): number[] => [0xc4, 0xe2, 0x69, 0x90, 0x0c, 0x83 | (index << 3)];
/** Elements that only the mask's sign makes active: the other bits must not matter. */
const ON = 0x8000_0000;
const OFF = 0x7fff_ffff;
const OLD = [0xa1a1_a1a1, 0xa2a2_a2a2, 0xa3a3_a3a3, 0xa4a4_a4a4];

function xmm(index: number, upper = 0): number[] {
  const at = machine.state + machine.constant('YMM') + index * 32 + upper;
  return [0, 4, 8, 12].map((part) => machine.view.getUint32(at + part, true));
}
function setXmm(index: number, elements: number[], upper = 0): void {
  const at = machine.state + machine.constant('YMM') + index * 32 + upper;
  elements.forEach((element, i) => machine.view.setUint32(at + i * 4, element, true));
}
function prepare(code: number[], address: number, mask: number[], paging: Paging = 'ept'): void {
  flatGuest(machine, [...code, HLT], paging);
  for (let vector = 0; vector < 32; vector++) machine.write(HANDLERS + vector * 16, [HLT]);
  machine.setReg(RBX, address);
  machine.setReg(RDI, address);
  setXmm(1, OLD);
  setXmm(1, OLD, 16);
  setXmm(2, mask);
  setXmm(2, mask, 16);
  machine.mmioRead = () => 0n;
}
/** Runs to the HLT or to an exception's handler; returns the vector, or undefined. */
function run(): number | undefined {
  expect(machine.run(1000)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  const rip = Number(machine.get('RIP'));
  return rip >= HANDLERS ? (rip - HANDLERS) >> 4 : undefined;
}
const read32 = (gpa: number): number => machine.view.getUint32(machine.ram + gpa, true);
const write32 = (gpa: number, value: number): void => machine.view.setUint32(machine.ram + gpa, value, true);
function writesSeen(): [number, number, bigint][] {
  const seen: [number, number, bigint][] = [];
  machine.mmioWrite = (gpa, length, data) => seen.push([gpa, length, data]);
  return seen;
}

describe.each(MODES)('masked stores under %s', (paging) => {
  const border = RAM_SIZE - 8; // elements 2 and 3 are on a page that is not there
  it('do not touch what the mask leaves out', () => {
    prepare(VPMASKMOVD_STORE, border, [ON, ON, OFF, OFF], paging);
    expect(run()).toBeUndefined();
    expect([read32(border), read32(border + 4)]).toEqual(OLD.slice(0, 2));
    prepare(MASKMOVDQU, border, [0x8080_8080, 0x8000_007f, 0, 0x7f7f_7f7f], paging);
    expect(run()).toBeUndefined();
    expect([read32(border), read32(border + 4)]).toEqual([0xa1a1_a1a1, 0xa200_0000]);
  });
  it('write nothing when one element faults; the fault is at its first byte', () => {
    prepare(VPMASKMOVD_STORE, border, [ON, ON, OFF, ON], paging);
    expect(run()).toBe(14);
    expect(machine.get('CR2')).toBe(BigInt(RAM_SIZE + 4));
    expect([read32(border), read32(border + 4)]).toEqual([0, 0]);
    prepare(MASKMOVDQU, border, [0x80, 0, 0x8080_0000, 0], paging);
    expect(run()).toBe(14);
    expect(machine.get('CR2')).toBe(BigInt(RAM_SIZE + 2));
    expect(read32(border)).toBe(0);
  });
  it('an empty mask accesses nothing', () => {
    for (const code of [MASKMOVDQU, VPMASKMOVD_STORE, VPMASKMOVD_LOAD]) {
      prepare(code, RAM_SIZE + 0x1000, [0, OFF, 0, 0], paging);
      setXmm(2, [0, 0x7f7f_7f7f, 0, 0]);
      expect(run()).toBeUndefined();
    }
    expect(xmm(1)).toEqual([0, 0, 0, 0]);
  });
  it('go to a device element by element', () => {
    prepare(VPMASKMOVD_STORE, DEVICE + 0x40, [ON, OFF, OFF, ON], paging);
    let seen = writesSeen();
    expect(run()).toBeUndefined();
    expect(seen).toEqual([
      [DEVICE + 0x40, 4, 0xa1a1_a1a1n],
      [DEVICE + 0x4c, 4, 0xa4a4_a4a4n],
    ]);
    prepare(MASKMOVDQU, DEVICE + 0x40, [0x8000, 0, 0, 0x8000_0000], paging);
    seen = writesSeen();
    expect(run()).toBeUndefined();
    expect(seen).toEqual([
      [DEVICE + 0x41, 1, 0xa1n],
      [DEVICE + 0x4f, 1, 0xa4n],
    ]);
  });
});

it('a masked store into code is seen by the next instruction', () => {
  // 16 NOPs behind it, two of them made INC EAX
  prepare([...VPMASKMOVD_STORE, ...Array<number>(16).fill(0x90)], CODE + 5, [OFF, ON, OFF, OFF]);
  setXmm(1, [0, 0xc0ff_c0ff, 0, 0]);
  expect(run()).toBeUndefined();
  expect(machine.reg(0)).toBe(2n);
});

describe.each(MODES)('masked loads and gathers under %s', (paging) => {
  it('load what the mask has, and zeros', () => {
    const border = RAM_SIZE - 8;
    prepare(VPMASKMOVD_LOAD, border, [ON, OFF, OFF, OFF], paging);
    write32(border, 0x1234_5678);
    write32(border + 4, 0x9abc_def0);
    expect(run()).toBeUndefined();
    expect([...xmm(1), ...xmm(1, 16)]).toEqual([0x1234_5678, 0, 0, 0, 0, 0, 0, 0]);
    prepare(VPMASKMOVD_LOAD, border, [ON, ON, ON, OFF], paging);
    expect(run()).toBe(14);
    expect([...xmm(1), ...xmm(1, 16)]).toEqual([...OLD, ...OLD]);
  });
  it('a fault in a gather keeps what is done, and it goes on from there', () => {
    // SDM vol. 2, VPGATHERDD, and this processor: elements below the fault are loaded, their masks zero, nothing else changes
    prepare(gather(3), DATA, [ON, OFF, ON, ON], paging);
    setXmm(3, [1, 2, (RAM_SIZE - DATA) / 4, -1]);
    write32(DATA + 4, 0x1111_1111);
    write32(DATA - 4, 0x2222_2222);
    expect(run()).toBe(14);
    expect(machine.get('CR2')).toBe(BigInt(RAM_SIZE));
    expect([...xmm(1), ...xmm(1, 16)]).toEqual([0x1111_1111, ...OLD.slice(1), ...OLD]);
    expect([...xmm(2), ...xmm(2, 16)]).toEqual([0, 0, ON, ON, ON, OFF, ON, ON]);
    setXmm(3, [7, 7, 1, -1]);
    write32(DATA + 28, 0x7777_7777); // element 0 must not be loaded again
    machine.set('RIP', CODE);
    machine.set32('ACTIVITY', 0);
    expect(run()).toBeUndefined();
    expect([...xmm(1), ...xmm(1, 16)]).toEqual([0x1111_1111, 0xa2a2_a2a2, 0x1111_1111, 0x2222_2222, 0, 0, 0, 0]);
    expect([...xmm(2), ...xmm(2, 16)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
  it('a device is read once for each of its elements, in order', () => {
    const seen: [number, number][] = [];
    prepare(gather(3), DATA, [ON, ON, ON, ON], paging);
    setXmm(3, [(DEVICE - DATA) / 4 + 5, 1, (DEVICE - DATA) / 4 + 2, (DEVICE - DATA) / 4 + 5]);
    write32(DATA + 4, 0x1111_1111);
    machine.mmioRead = (gpa, length) => {
      seen.push([gpa, length]);
      return BigInt(seen.length);
    };
    expect(run()).toBeUndefined();
    expect(seen).toEqual([
      [DEVICE + 20, 4],
      [DEVICE + 8, 4],
      [DEVICE + 20, 4],
    ]);
    expect(xmm(1)).toEqual([1, 0x1111_1111, 2, 3]);
  });
  it('what a device gave before a fault is kept', () => {
    let reads = 0;
    prepare(gather(3), DATA, [ON, ON, ON, ON], paging);
    setXmm(3, [(DEVICE - DATA) / 4, (RAM_SIZE - DATA) / 4, 0, 0]);
    machine.mmioRead = () => BigInt(0x50 + reads++);
    expect(run()).toBe(14);
    expect([reads, ...xmm(1)]).toEqual([1, 0x50, ...OLD.slice(1)]);
    expect(xmm(2)).toEqual([0, ON, ON, ON]);
  });
});

it('a gather must have three different registers: #UD (SDM vol. 2, VPGATHERDD)', () => {
  for (const index of [1, 2]) {
    prepare(gather(index), DATA, [ON, ON, ON, ON]);
    expect(run()).toBe(6);
  }
  prepare([0xc4, 0xe2, 0x71, 0x90, 0x0c, 0x9b], DATA, [ON, ON, ON, ON]); // xmm1 is the mask too
  expect(run()).toBe(6);
});

it("SHA's memory operand must be aligned on Intel's processors (SDM vol. 2, SHA1MSG1, type 4)", () => {
  const SHA1MSG1 = [0x0f, 0x38, 0xc9, 0x0b];
  for (const [intel, vector] of [
    [true, 13],
    [false, undefined],
  ] as const) {
    prepare(SHA1MSG1, DATA + 1, []);
    if (intel) machine.set('FEATURES', machine.get('FEATURES') | BigInt(machine.constant('FEATURE_INTEL')));
    else machine.set('FEATURES', machine.get('FEATURES') & ~BigInt(machine.constant('FEATURE_INTEL')));
    expect(run()).toBe(vector);
  }
});
