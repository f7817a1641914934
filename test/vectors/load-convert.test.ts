// Recorded conversions of SSE, AVX and F16C are those of the manual, and so are rounding and comparing.
import { describe, expect, it } from 'vitest';
import { Slot } from './fpu.js';
import { convert, fromInteger, integral, toInteger } from './manual-convert.js';
import { DE, F16, F32, F64, IE, Round, isNaN, widthOf, type Format, type Result, type Value } from './manual-float.js';
import { operand } from './manual-sse.js';
import { AF, CF, OF, PF, SF, ZF } from './manual.js';
import { broken, held, lanes, samples, type Sample } from './samples.js';
import { checkElements, control } from './sse-check.js';

const FORMATS: Record<string, Format> = { s: F32, d: F64 };
const mxcsr = (one: Sample): number => Number(one.before[Slot.Mxcsr]);

/** Elements of the last operand, as DAZ lets them count. */
function sources(one: Sample, format: Format, count: number): Value[] {
  const how = control(mxcsr(one));
  return lanes(held(one, one.operands.length - 1), widthOf(format), count).map((bits) => operand(format, bits, how));
}

describe.each([
  ['sse', ''],
  ['avx', 'v'],
])('%s', (family, v) => {
  const group = `${family}-convert`;

  it('to integers in general registers', () => {
    expect(
      broken(samples(group, new RegExp(`^${v}cvtt?s[sd]2si .*\\[reg\\]`)), (one) => {
        const [, truncates, letter] = /cvt(t?)s([sd])2si/.exec(one.mnemonic)!;
        const { mode } = control(mxcsr(one));
        const [value] = sources(one, FORMATS[letter!]!, 1);
        const { bits } = one.operands[0]!;
        return checkElements(one, bits, [toInteger(value!, bits, truncates ? Round.Zero : mode)], 0n);
      }),
    ).toEqual([]);
  });

  it('to vectors of integers', () => {
    expect(
      broken(samples(group, new RegExp(`^${v}cvtt?p[sd]2dq .*\\[reg\\]`)), (one) => {
        const [, truncates, letter] = /cvt(t?)p([sd])2dq/.exec(one.mnemonic)!;
        const format = FORMATS[letter!]!;
        const { mode } = control(mxcsr(one));
        const count = one.operands[1]!.bits / widthOf(format);
        const results = sources(one, format, count).map((x) => toInteger(x, 32, truncates ? Round.Zero : mode));
        return checkElements(one, 32, results, 0n);
      }),
    ).toEqual([]);
  });

  it('from integers', () => {
    expect(
      broken(samples(group, new RegExp(`^${v}cvt(si2s|dq2p)[sd] .*\\[reg\\]`)), (one) => {
        const [, kind, letter] = /cvt(si2s|dq2p)([sd])/.exec(one.mnemonic)!;
        const format = FORMATS[letter!]!;
        const last = one.operands.length - 1;
        const width = kind === 'si2s' ? one.operands[last]!.bits : 32;
        const count = kind === 'si2s' ? 1 : one.operands[0]!.bits / widthOf(format);
        const how = { ...control(mxcsr(one)), ftz: false };
        const integers = lanes(held(one, last), width, count).map((x) => BigInt.asIntN(width, x));
        const merged = kind === 'si2s' ? held(one, last === 2 ? 1 : 0) : 0n;
        return checkElements(
          one,
          widthOf(format),
          integers.map((x) => fromInteger(format, x, how)),
          merged,
        );
      }),
    ).toEqual([]);
  });

  it('between single and double precision', () => {
    expect(
      broken(samples(group, new RegExp(`^${v}cvt(ss2sd|sd2ss|ps2pd|pd2ps) .*\\[reg\\]`)), (one) => {
        const [, packing, letter] = /cvt([sp])([sd])2/.exec(one.mnemonic)!;
        const [from, to] = letter === 's' ? [F32, F64] : [F64, F32];
        const last = one.operands.length - 1;
        const count = packing === 's' ? 1 : Math.min(one.operands[last]!.bits, one.operands[0]!.bits) / 64;
        const elements = packing === 'p' ? Math.max(one.operands[last]!.bits, one.operands[0]!.bits) / 64 : count;
        const results = sources(one, from, elements).map((x) => convert(to, from, x, control(mxcsr(one))));
        const merged = packing === 's' ? held(one, last === 2 ? 1 : 0) : 0n;
        return checkElements(one, widthOf(to), results, merged);
      }),
    ).toEqual([]);
  });

  it('rounding to integers', () => {
    expect(
      broken(samples(`${family}-float`, new RegExp(`^${v}round[sp][sd] .*\\[reg\\]`)), (one) => {
        const [, packing, letter] = /round([sp])([sd])/.exec(one.mnemonic)!;
        const format = FORMATS[letter!]!;
        const last = one.operands.length - 2;
        const count = packing === 's' ? 1 : one.operands[0]!.bits / widthOf(format);
        const how = control(mxcsr(one));
        const mode = (one.immediate & 4) !== 0 ? how.mode : one.immediate & 3;
        const values = lanes(held(one, last), widthOf(format), count).map((bits) => operand(format, bits, how));
        const results = values.map((x) => integral(format, x, mode, (one.immediate & 8) !== 0));
        return checkElements(one, widthOf(format), results, packing === 's' ? held(one, last === 2 ? 1 : 0) : 0n);
      }),
    ).toEqual([]);
  });

  it('comparing to flags clears OF, SF and AF', () => {
    expect(
      broken(samples(`${family}-float`, new RegExp(`^${v}u?comis[sd] .*\\[reg\\]`)), (one) => {
        const format = FORMATS[one.mnemonic.at(-1)!]!;
        const how = control(mxcsr(one));
        const [a, b] = [0, 1].map((i) => operand(format, lanes(held(one, i), widthOf(format), 1)[0]!, how)) as [
          Value,
          Value,
        ];
        const unordered = isNaN(a) || isNaN(b);
        const signals = [a, b].some((x) => x.kind === 'signalling' || (isNaN(x) && !one.mnemonic.includes('ucomi')));
        const exceptions = signals ? IE : !unordered && (a.denormal || b.denormal) ? DE : 0;
        const fault = (exceptions & ~how.masks) !== 0;
        const line = ({ kind, m, e, negative }: Value): bigint =>
          (negative ? -1n : 1n) * (kind === 'infinity' ? 1n << 5000n : m << BigInt(e + 2000));
        const [x, y] = [line(a), line(b)];
        const flags = unordered ? ZF | PF | CF : x < y ? CF : x === y ? ZF : 0;
        const mask = OF | SF | ZF | AF | PF | CF;
        const { expect: recorded, flagsIn } = one.vector;
        if ((recorded.flagsMask & mask) !== mask) return 'flags are not compared';
        if (fault !== (recorded.fault?.vector === 19)) return '#XM';
        const wanted = fault ? flagsIn & mask : flags;
        return (recorded.flags & mask) === wanted ? undefined : `flags ${recorded.flags.toString(16)}`;
      }),
    ).toEqual([]);
  });
});

describe('half precision', () => {
  it('to single: denormals are numbers as any, whatever DAZ says', () => {
    expect(
      broken(samples('avx-convert', /^vcvtph2ps .*\[reg\]/), (one) => {
        const how = control(mxcsr(one));
        const halves = lanes(held(one, 1), 16, one.operands[0]!.bits / 32).map((bits) =>
          operand(F16, bits, { ...how, daz: false }),
        );
        const results = halves.map((x): Result => {
          const result = convert(F32, F16, x, how);
          return { ...result, flags: result.flags & IE };
        });
        return checkElements(one, 32, results, 0n);
      }),
    ).toEqual([]);
  });

  it('from single, rounding by the control byte, FTZ not counting', () => {
    expect(
      broken(samples('avx-convert', /^vcvtps2ph .*\[reg\]/), (one) => {
        const how = control(mxcsr(one));
        const mode = (one.immediate & 4) !== 0 ? how.mode : one.immediate & 3;
        const values = lanes(held(one, 1), 32, one.operands[1]!.bits / 32).map((bits) => operand(F32, bits, how));
        const results = values.map((x) => convert(F16, F32, x, { ...how, mode, ftz: false }));
        return checkElements(one, 16, results, 0n);
      }),
    ).toEqual([]);
  });
});
