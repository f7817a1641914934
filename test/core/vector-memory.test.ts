// Loads and stores of vector registers: alignment, page borders, devices, code that is overwritten; and which registers may
// be used at all.
import { beforeEach, describe, expect, it } from 'vitest';
import { CODE, DATA, DEVICE, flatGuest, HANDLERS, RBX } from './flat.js';
import { Machine, LEFT, REASON, type Paging } from './machine.js';

const machine = new Machine();
const HLT = 0xf4;
const MODES: Paging[] = ['ept', 'npt', 'shadow'];
// [rbx] as ModRM.rm = 3 with ModRM.reg = 1
const MOVUPS_LOAD = [0x0f, 0x10, 0x0b];
const MOVUPS_STORE = [0x0f, 0x11, 0x0b];
const MOVAPS_LOAD = [0x0f, 0x28, 0x0b];
const MOVAPS_STORE = [0x0f, 0x29, 0x0b];
const MOVQ_STORE = [0x66, 0x0f, 0xd6, 0x0b];
const MOVSS_STORE = [0xf3, 0x0f, 0x11, 0x0b];

const LOW = 0x1111_2222_3333_4444n;
const HIGH = 0x5555_6666_7777_8888n;

function xmm(index: number): bigint[] {
  const at = machine.state + machine.constant('YMM') + index * 32;
  return [0, 8].map((part) => machine.view.getBigUint64(at + part, true));
}
function setXmm(index: number, low: bigint, high: bigint): void {
  const at = machine.state + machine.constant('YMM') + index * 32;
  machine.view.setBigUint64(at, low, true);
  machine.view.setBigUint64(at + 8, high, true);
}
/** Runs the code to its HLT or to the handler of an exception; returns the vector, or undefined. */
function run(code: number[], address: bigint | number, paging: Paging = 'ept'): number | undefined {
  flatGuest(machine, [...code, HLT], paging);
  for (let vector = 0; vector < 32; vector++) machine.write(HANDLERS + vector * 16, [HLT]);
  machine.setReg(RBX, address);
  setXmm(1, LOW, HIGH);
  return outcome();
}
function outcome(): number | undefined {
  expect(machine.run(1000)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  const rip = Number(machine.get('RIP'));
  return rip >= HANDLERS ? (rip - HANDLERS) >> 4 : undefined;
}

describe.each(MODES)('16 bytes under %s', (paging) => {
  it('are loaded from and stored to any address, page borders included', () => {
    for (const address of [DATA, DATA + 1, DATA + 0xff8, DATA + 0xfff]) {
      expect(run(MOVUPS_STORE, address, paging)).toBeUndefined();
      expect([machine.read64(address), machine.read64(address + 8)]).toEqual([LOW, HIGH]);
      flatGuest(machine, [...MOVUPS_LOAD, HLT], paging);
      machine.write64(address, HIGH);
      machine.write64(address + 8, LOW);
      machine.setReg(RBX, address);
      expect(outcome()).toBeUndefined();
      expect(xmm(1)).toEqual([HIGH, LOW]);
    }
  });
  it('must be aligned for MOVAPS: #GP(0), also where the page is not there (SDM vol. 2, MOVAPS)', () => {
    for (const address of [DATA + 8, DATA + 0xff8, 0x7f_0008, 0x8000_0000_0000_0001n]) {
      expect(run(MOVAPS_LOAD, address, paging), String(address)).toBe(13);
      expect(run(MOVAPS_STORE, address, paging), String(address)).toBe(13);
      expect(xmm(1)).toEqual([LOW, HIGH]);
    }
    expect(run(MOVAPS_STORE, DATA + 16, paging)).toBeUndefined();
  });
  it('are not half written when the second page faults', () => {
    const border = 0x8_0000 - 8; // RAM ends, and with it the page table
    expect(run(MOVUPS_STORE, border, paging)).toBe(14);
    expect(machine.get('CR2')).toBe(0x8_0000n);
    expect(machine.read64(border)).toBe(0n);
    expect(run(MOVUPS_LOAD, border, paging)).toBe(14);
    expect(xmm(1)).toEqual([LOW, HIGH]);
  });
  it('go to a device as two accesses of 8, low half first', () => {
    const seen: [number, number, bigint][] = [];
    machine.mmioWrite = (gpa, length, data) => seen.push([gpa, length, data]);
    expect(run(MOVUPS_STORE, DEVICE + 0x40, paging)).toBeUndefined();
    expect(seen).toEqual([
      [DEVICE + 0x40, 8, LOW],
      [DEVICE + 0x48, 8, HIGH],
    ]);
    machine.mmioRead = (gpa, length) => BigInt(gpa - DEVICE) * 0x1_0000n + BigInt(length);
    expect(run(MOVUPS_LOAD, DEVICE + 0x40, paging)).toBeUndefined();
    expect(xmm(1)).toEqual([0x40_0008n, 0x48_0008n]);
  });
  it('MOVQ and MOVSS store 8 and 4 bytes to a device, each at once', () => {
    const seen: [number, number, bigint][] = [];
    machine.mmioWrite = (gpa, length, data) => seen.push([gpa, length, data]);
    run(MOVQ_STORE, DEVICE + 8, paging);
    run(MOVSS_STORE, DEVICE + 0x10, paging);
    expect(seen).toEqual([
      [DEVICE + 8, 8, LOW],
      [DEVICE + 0x10, 4, LOW & 0xffff_ffffn],
    ]);
  });
});

it('a vector store into code is seen by the next instruction', () => {
  // MOVUPS [rbx], xmm1; sixteen NOPs that become INC EAX eight times
  const code = [...MOVUPS_STORE, ...Array<number>(16).fill(0x90), HLT];
  flatGuest(machine, code);
  machine.setReg(RBX, CODE + 3);
  setXmm(1, 0xc0ff_c0ff_c0ff_c0ffn, 0xc0ff_c0ff_c0ff_c0ffn);
  expect(outcome()).toBeUndefined();
  expect(machine.reg(0)).toBe(8n);
});

// CR0: MP 2, EM 4, TS 8. CR4: OSFXSR 0x200, OSXSAVE 0x40000. SDM vol. 2, 2.4 and 2.7; vol. 3, tables 2-2 and 13-1.
describe('control registers decide what may be used', () => {
  const FLD1 = [0xd9, 0xe8];
  const PXOR_MMX = [0x0f, 0xef, 0xc0];
  const PXOR = [0x66, 0x0f, 0xef, 0xc0];
  const VPXOR = [0xc5, 0xf9, 0xef, 0xc0];
  const cases: [string, number[], number, number, number, number | undefined][] = [
    // name, code, CR0 bits besides MP, CR4 bits of OSFXSR and OSXSAVE, XCR0, exception
    ['x87', FLD1, 4, 0x4_0200, 7, 7],
    ['x87', FLD1, 8, 0x4_0200, 7, 7],
    ['MMX', PXOR_MMX, 4, 0x4_0200, 7, 6],
    ['MMX', PXOR_MMX, 8, 0x4_0200, 7, 7],
    ['MMX', PXOR_MMX, 12, 0x4_0200, 7, 6],
    ['SSE', PXOR, 4, 0x4_0200, 7, 6],
    ['SSE', PXOR, 8, 0x4_0200, 7, 7],
    ['SSE', PXOR, 0, 0x4_0000, 7, 6],
    ['SSE', PXOR, 8, 0x4_0000, 7, 6],
    ['AVX', VPXOR, 8, 0x4_0200, 7, 7],
    ['AVX', VPXOR, 0, 0x200, 7, 6],
    ['AVX', VPXOR, 0, 0x4_0200, 3, 6],
    ['AVX', VPXOR, 8, 0x4_0200, 3, 6],
    ['x87', FLD1, 0, 0, 1, undefined],
    ['MMX', PXOR_MMX, 0, 0, 1, undefined],
    ['SSE', PXOR, 0, 0x200, 1, undefined],
    ['AVX', VPXOR, 4, 0x4_0000, 7, undefined],
  ];
  it.each(cases)('%s, CR0 bits %s %i, CR4 %i, XCR0 %i', (_name, code, cr0, cr4, xcr0, vector) => {
    flatGuest(machine, [...code, HLT]);
    for (let each = 0; each < 32; each++) machine.write(HANDLERS + each * 16, [HLT]);
    machine.set('CR0', 0x8001_0033 | cr0);
    machine.set('CR4', 0x420 | cr4);
    machine.set('XCR0', xcr0);
    machine.changed();
    expect(outcome()).toBe(vector);
  });
  it('the same code is #NM or #UD by what the registers say now', () => {
    // CR0.TS alone, then with CR0.EM: PXOR mm is #NM, then #UD, though no block is made anew in between
    flatGuest(machine, [...PXOR_MMX, HLT]);
    for (let each = 0; each < 32; each++) machine.write(HANDLERS + each * 16, [HLT]);
    const seen = [8, 12, 8].map((bits) => {
      machine.set('RIP', CODE);
      machine.set('CR0', 0x8001_0033 | bits);
      machine.set32('ACTIVITY', 0);
      machine.changed();
      return outcome();
    });
    expect(seen).toEqual([7, 6, 7]);
  });
  it('CLTS lets the next instruction run, in one block with it', () => {
    flatGuest(machine, [0x0f, 0x06, ...PXOR, HLT]);
    machine.set('CR0', 0x8001_003b);
    machine.changed();
    setXmm(0, LOW, HIGH);
    expect(outcome()).toBeUndefined();
    expect(xmm(0)).toEqual([0n, 0n]);
  });
});

describe('XSAVE and XRSTOR', () => {
  const XSAVE = [0x48, 0x0f, 0xae, 0x23];
  const XRSTOR = [0x48, 0x0f, 0xae, 0x2b];
  const XSAVEC = [0x48, 0x0f, 0xc7, 0x23];
  const FXSAVE = [0x48, 0x0f, 0xae, 0x03];
  const LDMXCSR = [0x0f, 0xae, 0x13];
  beforeEach(() => {
    machine.mmioRead = () => 0n;
  });
  const start = (code: number[], area: number, mask: number): number | undefined => {
    flatGuest(machine, [...code, HLT]);
    for (let each = 0; each < 32; each++) machine.write(HANDLERS + each * 16, [HLT]);
    machine.setReg(RBX, area);
    machine.setReg(0, mask);
    setXmm(1, LOW, HIGH);
    return outcome();
  };
  it('write the components asked for and mark them', () => {
    expect(start(XSAVE, DATA, 7)).toBeUndefined();
    expect([machine.read64(DATA + 176), machine.read64(DATA + 184)]).toEqual([LOW, HIGH]);
    expect(machine.read64(DATA + 512)).toBe(2n); // x87 and AVX are as after reset
    expect(machine.read64(DATA + 24) & 0xffff_ffffn).toBe(0x1f80n);
    expect(start(XSAVE, DATA, 1)).toBeUndefined();
    expect([machine.read64(DATA + 176), machine.read64(DATA + 512)]).toEqual([0n, 0n]);
  });
  it('compact form says so in XCOMP_BV', () => {
    expect(start(XSAVEC, DATA, 7)).toBeUndefined();
    expect([machine.read64(DATA + 512), machine.read64(DATA + 520)]).toEqual([2n, (1n << 63n) | 7n]);
  });
  it('restore what is there and reset what is not', () => {
    // XSAVE; PXOR xmm1, xmm1; XRSTOR
    expect(start([...XSAVE, 0x66, 0x0f, 0xef, 0xc9, ...XRSTOR], DATA, 7)).toBeUndefined();
    expect(xmm(1)).toEqual([LOW, HIGH]);
    // an empty header: everything as after reset
    expect(start(XRSTOR, DATA, 7)).toBeUndefined();
    expect(xmm(1)).toEqual([0n, 0n]);
    expect(start(XRSTOR, DATA, 5)).toBeUndefined();
    expect(xmm(1)).toEqual([LOW, HIGH]);
  });
  it('refuse bad alignment, headers and MXCSR: #GP(0)', () => {
    expect(start(XSAVE, DATA + 32, 7)).toBe(13);
    expect(start(FXSAVE, DATA + 8, 0)).toBe(13);
    const restore = (at: number, value: bigint): number | undefined => {
      flatGuest(machine, [...XRSTOR, HLT]);
      for (let each = 0; each < 32; each++) machine.write(HANDLERS + each * 16, [HLT]);
      machine.setReg(RBX, DATA);
      machine.setReg(0, 7);
      machine.write64(DATA + at, value);
      return outcome();
    };
    expect(restore(512, 8n)).toBe(13); // a component that XCR0 does not have
    expect(restore(520, 1n)).toBe(13); // XCOMP_BV in standard form
    expect(restore(528, 1n)).toBe(13); // reserved
    expect(restore(24, 0x1_0000n)).toBe(13); // MXCSR, which the standard form loads in any case
    expect(restore(536, 1n)).toBeUndefined(); // reserved, but not looked at in standard form (SDM vol. 1, 13.8.1)
    flatGuest(machine, [...LDMXCSR, HLT]);
    for (let each = 0; each < 32; each++) machine.write(HANDLERS + each * 16, [HLT]);
    machine.setReg(RBX, DATA);
    machine.write64(DATA, 0x1_0000n);
    expect(outcome()).toBe(13);
  });
});
