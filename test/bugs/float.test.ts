// Bug classes of floating point (field-notes.md, E.3). Expected values: SDM vol. 1, 4.8, 8.2, 11.5, and IEEE 754. What the
// processor itself computes is in test/x87 and test/vectors.

import { describe, expect, it } from 'vitest';
import { code, DATA, machine, MF, RAX, RBX, RCX, run, XM } from './processor.js';

/** An 80-bit number in memory, as (sign and exponent, significand). */
function extended(at: number): [number, bigint] {
  return [machine.view.getUint16(machine.ram + at + 8, true), machine.read64(at)];
}
function setExtended(at: number, exponent: number, significand: bigint): void {
  machine.write64(at, significand);
  machine.view.setUint16(machine.ram + at + 8, exponent, true);
}
/** FCW at DATA + 64; operands at DATA and DATA + 16; result to DATA + 32; FSW to EAX. */
function x87(
  bytes: number[],
  fcw: number,
  operands: [number, bigint][],
): { result: [number, bigint]; fsw: number; vector: number | undefined } {
  const whole = [
    ...code(`fninit; fldcw [rbx + 64]`, 'db e3 d9 6b 40'),
    ...bytes,
    ...code(`fnstsw ax; fwait`, 'df e0 9b'),
  ];
  const { vector } = run(whole, {
    prepare: () => {
      machine.setReg(RBX, DATA);
      operands.forEach(([exponent, significand], index) => setExtended(DATA + 16 * index, exponent, significand));
      machine.view.setUint16(machine.ram + DATA + 64, fcw, true);
    },
  });
  return { result: extended(DATA + 32), fsw: Number(machine.reg(RAX) & 0xffffn), vector };
}
const J = 1n << 63n;
const ONE: [number, bigint] = [0x3fff, J];
const MASKED = 0x37f;
const INVALID = 1;
const DENORMAL = 2;
const PRECISION = 0x20;
const ADD = code(
  `fld tword [rbx + 16]; fld tword [rbx]; faddp; fstp tword [rbx + 32]`,
  'db 6b 10 db 2b de c1 db 7b 20',
);
const MUL = code(
  `fld tword [rbx + 16]; fld tword [rbx]; fmulp; fstp tword [rbx + 32]`,
  'db 6b 10 db 2b de c9 db 7b 20',
);
const COPY = code(`fld tword [rbx]; fstp tword [rbx + 32]`, 'db 2b db 7b 20');

describe('x87, 80 bits', () => {
  it('a signalling NaN becomes quiet with its payload, IE; FLD m80 and FSTP m80 leave it as it is', () => {
    expect(x87(ADD, MASKED, [ONE, [0x7fff, J | 0x1234n]])).toMatchObject({
      result: [0x7fff, J | (1n << 62n) | 0x1234n],
      fsw: INVALID,
    });
    expect(x87(COPY, MASKED, [[0xffff, J | 0x1234n]])).toMatchObject({ result: [0xffff, J | 0x1234n], fsw: 0 });
  });
  it('of two NaNs the one with the larger significand, and the quiet one of a signalling and a quiet (SDM vol. 1, table 4-7)', () => {
    const quiet = J | (1n << 62n);
    expect(
      x87(ADD, MASKED, [
        [0x7fff, quiet | 5n],
        [0xffff, quiet | 9n],
      ]).result,
    ).toEqual([0xffff, quiet | 9n]);
    expect(
      x87(ADD, MASKED, [
        [0x7fff, quiet | 9n],
        [0xffff, quiet | 5n],
      ]).result,
    ).toEqual([0x7fff, quiet | 9n]);
    expect(
      x87(ADD, MASKED, [
        [0x7fff, J | 0xffn],
        [0x7fff, quiet | 1n],
      ]),
    ).toMatchObject({ result: [0x7fff, quiet | 1n], fsw: INVALID });
  });
  it('encodings that no longer are numbers (pseudo-NaN, pseudo-infinity, unnormal) are invalid: the default NaN', () => {
    for (const bad of [
      [0x7fff, 1n],
      [0x7fff, 0n],
      [0x4000, 1n],
      [0x3fff, J - 1n],
    ] as [number, bigint][]) {
      expect(x87(ADD, MASKED, [ONE, bad])).toMatchObject({ result: [0xffff, 3n << 62n], fsw: INVALID });
      expect(x87(COPY, MASKED, [bad])).toMatchObject({ result: bad, fsw: 0 });
    }
  });
  it('denormals are numbers: DE, exact sums, and a pseudo-denormal counts as exponent 1', () => {
    expect(
      x87(ADD, MASKED, [
        [0, 1n],
        [0, 2n],
      ]),
    ).toMatchObject({ result: [0, 3n], fsw: DENORMAL });
    expect(
      x87(ADD, MASKED, [
        [0, J - 1n],
        [0, 1n],
      ]),
    ).toMatchObject({ result: [1, J], fsw: DENORMAL });
    expect(
      x87(ADD, MASKED, [
        [0, J],
        [0, 0n],
      ]),
    ).toMatchObject({ result: [1, J], fsw: DENORMAL });
    expect(
      x87(ADD, MASKED & ~DENORMAL, [
        [0, 1n],
        [0, 2n],
      ]).vector,
    ).toBe(MF);
  });
  it('precision control rounds the significand to 24, 53 or 64 bits, and not the exponent', () => {
    const third = 0xaaaa_aaaa_aaaa_aaabn;
    const value: [number, bigint] = [0x0100, third]; // far below what a double can hold
    const at = (precision: number): bigint => x87(MUL, (MASKED & ~0x300) | (precision << 8), [value, ONE]).result[1];
    expect(at(3)).toBe(third);
    expect(at(2)).toBe(0xaaaa_aaaa_aaaa_a800n);
    expect(at(0)).toBe(0xaaaa_ab00_0000_0000n);
    expect(x87(MUL, MASKED & ~0x300, [value, ONE])).toMatchObject({
      result: [0x0100, 0xaaaa_ab00_0000_0000n],
      fsw: PRECISION, // C1 is clear again: FSTP stored without rounding
    });
    // a load is not an operation: FLD m80 does not round
    expect(x87(COPY, MASKED & ~0x300, [value]).result).toEqual(value);
  });
  it('rounding control: to nearest even, down, up, to zero', () => {
    // 1 + 2^-64: half of the last place
    const tiny: [number, bigint] = [0x3fff - 64, J];
    const sum = (rounding: number, sign = 0): bigint =>
      x87(ADD, MASKED | (rounding << 10), [
        [0x3fff | sign, J],
        [tiny[0] | sign, tiny[1]],
      ]).result[1];
    expect([0, 1, 2, 3].map((rounding) => sum(rounding))).toEqual([J, J, J | 1n, J]);
    expect([0, 1, 2, 3].map((rounding) => sum(rounding, 0x8000))).toEqual([J, J | 1n, J, J]);
  });
});

/** MXCSR at DATA + 64, XMM0 = DATA, XMM1 = DATA + 16; XMM0 and MXCSR afterwards. */
function sse(
  bytes: number[],
  mxcsr: number,
  a: number[],
  b: number[],
): { result: number[]; flags: number; vector: number | undefined } {
  const whole = [
    ...code(`movups xmm0, [rbx]; movups xmm1, [rbx + 16]; ldmxcsr [rbx + 64]`, '0f 10 03 0f 10 4b 10 0f ae 53 40'),
    ...bytes,
    ...code(`movups [rbx + 32], xmm0`, '0f 11 43 20'),
  ];
  const { vector } = run(whole, {
    prepare: () => {
      machine.setReg(RBX, DATA);
      [...a, ...b].forEach((word, index) => machine.view.setUint32(machine.ram + DATA + 4 * index, word >>> 0, true));
      machine.view.setUint32(machine.ram + DATA + 64, mxcsr, true);
    },
  });
  const result = [0, 1, 2, 3].map((index) => machine.view.getUint32(machine.ram + DATA + 32 + 4 * index, true));
  return { result, flags: machine.get32('MXCSR') & 0x3f, vector };
}
describe('MXCSR', () => {
  const MULPS = code(`mulps xmm0, xmm1`, '0f 59 c1');
  const ADDPS = code(`addps xmm0, xmm1`, '0f 58 c1');
  const PLAIN = 0x1f80;
  const FTZ = 0x8000;
  const DAZ = 0x40;
  const one = 0x3f80_0000;
  const half = 0x3f00_0000;
  const least = 0x0080_0000; // the least normal number
  const fours = (word: number): number[] => [word, word, word, word];

  it('FTZ: a tiny result is a zero of its sign, UE and PE; without it a denormal, exact ones without a flag', () => {
    expect(sse(MULPS, PLAIN | FTZ, [least, least | 0x8000_0000, one, one], fours(half))).toMatchObject({
      result: [0, 0x8000_0000, half, half],
      flags: 0x30,
    });
    expect(sse(MULPS, PLAIN, fours(least), fours(half))).toMatchObject({ result: fours(0x0040_0000), flags: 0 });
  });
  it('FTZ does nothing while the underflow exception is unmasked: #XM instead', () => {
    expect(sse(MULPS, (PLAIN & ~0x800) | FTZ, fours(least), fours(half)).vector).toBe(XM);
  });
  it('DAZ: a denormal operand is a zero of its sign, without DE; without it DE and its value', () => {
    const denormal = 0x0040_0000;
    expect(
      sse(ADDPS, PLAIN | DAZ, [denormal, denormal | 0x8000_0000, one, 0], [0, 0x8000_0000, denormal, 0]),
    ).toMatchObject({
      result: [0, 0x8000_0000, one, 0],
      flags: 0,
    });
    expect(sse(ADDPS, PLAIN, fours(denormal), fours(0))).toMatchObject({ result: fours(denormal), flags: 2 });
    expect(sse(ADDPS, (PLAIN & ~0x100) | DAZ, fours(denormal), fours(0)).vector).toBeUndefined();
    expect(sse(ADDPS, PLAIN & ~0x100, fours(denormal), fours(0)).vector).toBe(XM);
  });
  it('#XM: nothing is written, the flags of all elements are set', () => {
    const { vector, flags } = sse(code(`divps xmm0, xmm1`, '0f 5e c1'), PLAIN & ~0x200, fours(one), [one, 0, one, one]);
    expect([vector, flags & 4]).toEqual([XM, 4]);
    expect(machine.view.getUint32(machine.state + machine.constant('YMM'), true)).toBe(one);
  });
  it('conversions that do not fit give the integer indefinite and IE', () => {
    const outcome = sse(
      code(`cvttss2si eax, xmm0; cvttss2si rcx, xmm1`, 'f3 0f 2c c0 f3 48 0f 2c c9'),
      PLAIN,
      fours(0x7f80_0000),
      fours(0x7fc0_0000),
    );
    expect([machine.reg(RAX), machine.reg(RCX), outcome.flags]).toEqual([0x8000_0000n, 1n << 63n, 1]);
  });
});
