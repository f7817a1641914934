// The transcendental functions against series in integers of 600 bits: results are rounded correctly but for what 128 bits
// cannot decide, which makes them monotonic too.

import { beforeAll, describe, expect, it } from 'vitest';
import { buildExtended, type Calculate, type Extended, type OperationName, type Result } from './extended-harness.js';
import { randomStream, type Random } from './random.js';

let calculate: Calculate;
beforeAll(async () => {
  calculate = await buildExtended();
});

// ---------------------------------------------------------------- fixed-point numbers: x stands for x / 2^600
const PLACES = 600n;
const ONE = 1n << PLACES;
const times = (a: bigint, b: bigint): bigint => (a * b) >> PLACES;
const over = (a: bigint, b: bigint): bigint => (a << PLACES) / b;
const magnitude = (a: bigint): bigint => (a < 0n ? -a : a);

/** The sum of a series whose terms follow from each other, up to the first that is nothing. */
function series(first: bigint, next: (term: bigint, n: bigint) => bigint, part: (term: bigint, n: bigint) => bigint) {
  let total = 0n;
  let term = first;
  for (let n = 0n; magnitude(term) > 1n; n++) {
    total += part(term, n);
    term = next(term, n);
  }
  return total;
}
const artanhSeries = (x: bigint): bigint =>
  series(
    x,
    (term) => times(term, times(x, x)),
    (term, n) => term / (2n * n + 1n),
  );
function arctan(x: bigint): bigint {
  if (magnitude(x) > ONE >> 4n) {
    // atan x = 2 atan (x / (1 + √(1 + x²)))
    const root = squareRoot(ONE + times(x, x));
    return 2n * arctan(over(x, ONE + root));
  }
  return series(
    x,
    (term) => -times(term, times(x, x)),
    (term, n) => term / (2n * n + 1n),
  );
}
function squareRoot(x: bigint): bigint {
  const wide = x << PLACES;
  let root = 1n << BigInt((wide.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + wide / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
/** ln x, x > 0: powers of two taken out. */
function logarithm(x: bigint): bigint {
  const power = x.toString(2).length - Number(PLACES);
  const mantissa = power > 0 ? x >> BigInt(power) : x << BigInt(-power);
  return BigInt(power) * LN2 + 2n * artanhSeries(over(mantissa - ONE, mantissa + ONE));
}
const LN2 = 2n * artanhSeries(ONE / 3n);
const PI = 4n * (4n * arctan(ONE / 5n) - arctan(ONE / 239n));
const exponentialMinusOne = (x: bigint): bigint =>
  series(
    x,
    (term, n) => times(term, x) / (n + 2n),
    (term) => term,
  );
const sine = (x: bigint): bigint =>
  series(
    x,
    (term, n) => -times(term, times(x, x)) / ((2n * n + 2n) * (2n * n + 3n)),
    (term) => term,
  );
const cosine = (x: bigint): bigint =>
  series(
    ONE,
    (term, n) => -times(term, times(x, x)) / ((2n * n + 1n) * (2n * n + 2n)),
    (term) => term,
  );
/** The processor's π, 66 bits of it (SDM vol. 1, 8.3.8). */
const PI66 = (0x3243f6a8885a308d3n << PLACES) >> 64n;
/** x less the multiple of that π/2 that is next, and the quadrant. */
function reduced(x: bigint): { rest: bigint; quadrant: number } {
  const half = PI66 >> 1n;
  const quadrants = (2n * x + half) / (2n * half) - (2n * x + half < 0n ? 1n : 0n);
  return { rest: x - quadrants * half, quadrant: Number(((quadrants % 4n) + 4n) % 4n) };
}
function sineOf(x: bigint, quarter: number): bigint {
  const { rest, quadrant } = reduced(x);
  const which = (quadrant + quarter) & 3;
  const value = which & 1 ? cosine(rest) : sine(rest);
  return which & 2 ? -value : value;
}

// ---------------------------------------------------------------- the comparison
function fixed({ se, sig }: Extended): bigint {
  const power = Math.max(se & 0x7fff, 1) - 16383 - 63 + Number(PLACES);
  const value = power >= 0 ? sig << BigInt(power) : sig >> BigInt(-power);
  return se & 0x8000 ? -value : value;
}
/** The value of the last place. */
const unit = ({ se }: Extended): bigint => ONE >> BigInt(16383 + 63 - (se & 0x7fff));
const show = (value: Extended): string => `${value.se.toString(16)}:${value.sig.toString(16)}`;

/** A number with an exponent between the two. */
function number(random: Random, from: number, to: number): Extended {
  let sig = random.bits(64) | (1n << 63n);
  if (random.below(4) === 0) sig &= ~0n << BigInt(random.below(63));
  if (random.below(8) === 0) sig |= (1n << BigInt(random.below(63))) - 1n;
  const se = (random.below(2) << 15) | (16383 + from + random.below(to - from + 1));
  return { se, sig: BigInt.asUintN(64, sig) };
}

/** What is wrong with 400 results. */
function faults(
  name: OperationName,
  operands: (random: Random) => [Extended, Extended],
  exact: (a: bigint, b: bigint) => bigint,
): string[] {
  const random = randomStream(name);
  const wrong: string[] = [];
  for (let i = 0; i < 400; i++) {
    const [a, b] = operands(random);
    const expected = exact(fixed(a), fixed(b));
    const results = [0x37f, 0x77f, 0xb7f].map((control) => calculate(name, control, a, b));
    const [nearest, down, up] = results as [Result, Result, Result];
    const [n, d, u] = results.map(fixed) as [bigint, bigint, bigint];
    const last = unit(nearest);
    const slack = last >> 40n;
    const demands: [string, boolean][] = [
      // half a unit, and a millionth for what decides it
      ['nearest', 1_000_000n * magnitude(n - expected) <= 500_001n * last],
      ['down', d <= expected + slack],
      ['up', u >= expected - slack],
      ['between down and up', u - d <= 2n * last && (n === d || n === u)],
      ['inexact', u === d || [nearest, down, up].every(({ exceptions }) => (exceptions & 32) !== 0)],
      ['C1', u === d || nearest.roundedUp === magnitude(n) > magnitude(expected)],
    ];
    for (const [demand, met] of demands) if (!met) wrong.push(`${demand}: ${name} ${show(a)} ${show(b)}`);
  }
  return wrong;
}
const none: Extended = { se: 0, sig: 0n };
const positive = ({ se, sig }: Extended): Extended => ({ se: se & 0x7fff, sig });

describe('correct to the last place', () => {
  it('F2XM1', () => {
    expect(
      faults(
        'exponentialMinusOne',
        (r) => [number(r, r.below(2) ? -70 : -4, -1), none],
        (x) => exponentialMinusOne(times(x, LN2)),
      ),
    ).toEqual([]);
  });
  it('FYL2X', () => {
    const operands = (r: Random): [Extended, Extended] => {
      const x = positive(number(r, -60, 60));
      // near one, where the logarithm is small
      const near = 16382 + r.below(2);
      const sig =
        near === 16383 ? (1n << 63n) + (r.bits(63) >> BigInt(r.below(62))) : ~(r.bits(63) >> BigInt(r.below(62)));
      return [r.below(2) ? x : { se: near, sig: BigInt.asUintN(64, sig) | (1n << 63n) | 1n }, number(r, -20, 20)];
    };
    expect(faults('yLog2x', operands, (x, y) => times(y, over(logarithm(x), LN2)))).toEqual([]);
  });
  it('FYL2XP1', () => {
    expect(
      faults(
        'yLog2xPlus1',
        (r) => [number(r, r.below(2) ? -70 : -5, -3), number(r, -20, 20)],
        (x, y) => times(y, over(2n * artanhSeries(over(x, 2n * ONE + x)), LN2)),
      ),
    ).toEqual([]);
  });
  it('FPATAN', () => {
    expect(
      faults(
        'arctangent',
        (r) => {
          const y = number(r, -30, 30);
          const exponent = (y.se & 0x7fff) - 16383;
          return [y, number(r, exponent - 12, exponent + 12)];
        },
        (y, x) => {
          const steep = magnitude(y) > magnitude(x);
          const angle = arctan(over(magnitude(steep ? x : y), magnitude(steep ? y : x)));
          const first = steep ? PI / 2n - angle : angle;
          const half = x < 0n ? PI - first : first;
          return y < 0n ? -half : half;
        },
      ),
    ).toEqual([]);
  });
  const angles = (r: Random): [Extended, Extended] => {
    const kind = r.below(4);
    if (kind === 0) return [number(r, -70, -2), none];
    if (kind === 1) return [number(r, 20, 62), none];
    if (kind === 2) {
      // next to multiples of π/2, where everything cancels
      const multiple = BigInt(1 + r.below(1 << 20)) * 0x3243f6a8885a308d3n;
      const length = multiple.toString(2).length;
      const sig = BigInt.asUintN(64, (multiple >> BigInt(length - 64)) + BigInt(r.below(5) - 2));
      return [{ se: (r.below(2) << 15) | (16383 + length - 1 - 65), sig: sig | (1n << 63n) }, none];
    }
    return [number(r, -3, 10), none];
  };
  it('FSIN', () => expect(faults('sine', angles, (x) => sineOf(x, 0))).toEqual([]));
  it('FCOS', () => expect(faults('cosine', angles, (x) => sineOf(x, 1))).toEqual([]));
  it('FPTAN', () => expect(faults('tangent', angles, (x) => over(sineOf(x, 0), sineOf(x, 1)))).toEqual([]));
});
