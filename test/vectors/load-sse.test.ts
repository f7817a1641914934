// Recorded SSE, AVX and FMA arithmetic is that of the manual: exact results rounded once, flags, faults.
import { describe, expect, it } from 'vitest';
import { Slot } from './fpu.js';
import { F32, F64, widthOf, type Format } from './manual-float.js';
import { calculate, fused, type Operation } from './manual-sse.js';
import { broken, held, lanes, samples } from './samples.js';
import { checkElements, control } from './sse-check.js';

const FORMATS: Record<string, Format> = { s: F32, d: F64 };

describe.each([
  ['sse-float', ''],
  ['avx-float', 'v'],
])('%s', (group, v) => {
  it.each(['add', 'sub', 'mul', 'div', 'sqrt', 'min', 'max'] as Operation[])('%s', (operation) => {
    const form = new RegExp(`^${v}${operation}[sp][sd] .*\\[reg\\]`);
    expect(
      broken(samples(group, form), (one) => {
        const [, packing, letter] = /([sp])([sd])$/.exec(one.mnemonic)!;
        const format = FORMATS[letter!]!;
        const bits = widthOf(format);
        const last = one.operands.length - 1;
        const first = last === 2 ? 1 : 0;
        const count = packing === 's' ? 1 : one.operands[0]!.bits / bits;
        const a = lanes(held(one, first), bits, count);
        const b = lanes(held(one, last), bits, count);
        const how = control(Number(one.before[Slot.Mxcsr]));
        const results = a.map((x, i) => calculate(operation, format, x, b[i]!, how));
        const upper = packing === 's' ? held(one, first) : 0n;
        return checkElements(one, widthOf(format), results, upper);
      }),
    ).toEqual([]);
  });
});

describe('fma', () => {
  it.each(['132', '213', '231'])('the order %s', (order) => {
    expect(
      broken(samples('fma', new RegExp(`^vfn?m\\w+${order}[sp][sd] .*\\[reg\\]`)), (one) => {
        const [, kind, packing, letter] = /^v(f\w+)\d{3}([sp])([sd])$/.exec(one.mnemonic)!;
        const format = FORMATS[letter!]!;
        const bits = widthOf(format);
        const count = packing === 's' ? 1 : one.operands[0]!.bits / bits;
        const sources = [0, 1, 2].map((i) => lanes(held(one, i), bits, count));
        // The digits are the operands in the order a, b of the product, c (SDM vol. 2, "VFMADD132PD").
        const [a, b, c] = [...order].map((digit) => sources[Number(digit) - 1]!);
        const how = control(Number(one.before[Slot.Mxcsr]));
        const results = Array.from({ length: count }, (_, i) => {
          const negateAddend =
            kind === 'fmaddsub' ? i % 2 === 0 : kind === 'fmsubadd' ? i % 2 === 1 : kind!.endsWith('sub');
          const signs = { negateProduct: kind!.startsWith('fn'), negateAddend };
          // Which of several NaNs comes out goes by the order of the operands in the encoding.
          return fused(format, [a![i]!, b![i]!, c![i]!], signs, how);
        });
        return checkElements(one, widthOf(format), results, packing === 's' ? held(one, 0) : 0n);
      }),
    ).toEqual([]);
  });
});
