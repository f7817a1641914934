// 80-bit arithmetic against exact fractions: every rounding and precision control, ordinary numbers and those at the ends.

import { beforeAll, describe, expect, it } from 'vitest';
import { buildExtended, type Calculate, type Extended, type OperationName, type Result } from './extended-harness.js';
import * as rational from './rational.js';
import { randomStream, type Random } from './random.js';

let calculate: Calculate;
beforeAll(async () => {
  calculate = await buildExtended();
});

const DE = 2;
const PRECISIONS = [
  [0x000, 24],
  [0x200, 53],
  [0x300, 64],
] as const;

/** A number that is neither zero nor special; `near` an exponent to be close to. */
function number(random: Random, near?: number): Extended {
  const kind = random.below(10);
  let sig = random.bits(64);
  if (kind === 0) sig &= ~0n << BigInt(random.below(64));
  if (kind === 1) sig |= (1n << BigInt(random.below(64))) - 1n;
  if (kind === 2) sig = (sig & (~0n << 40n)) | (1n << 39n);
  const sign = random.below(2) << 15;
  const where = random.below(8);
  if (where === 0) return { se: sign, sig: (sig >> BigInt(random.below(63))) | 1n }; // denormal or pseudo-denormal
  let exponent = 16383 - 80 + random.below(160);
  if (where === 1) exponent = 1 + random.below(70);
  else if (where === 2) exponent = 0x7ffe - random.below(70);
  else if (where < 6 && near) exponent = near - 66 + random.below(132);
  return { se: sign | Math.min(Math.max(exponent, 1), 0x7ffe), sig: BigInt.asUintN(64, sig) | (1n << 63n) };
}
const isTiny = ({ se }: Extended): boolean => (se & 0x7fff) === 0;
const show = (value: Extended): string => `${value.se.toString(16)}:${value.sig.toString(16)}`;

type Exact = (a: rational.Rational, b: rational.Rational) => rational.Rational;
const negative = (a: rational.Rational): rational.Rational => ({ ...a, numerator: -a.numerator });
const TWO: [OperationName, Exact][] = [
  ['add', rational.sum],
  ['subtract', (a, b) => rational.sum(a, negative(b))],
  ['multiply', rational.product],
  ['divide', rational.quotient],
];

/** What differs from the expected result, if anything. */
function differences(name: OperationName, control: number, a: Extended, b: Extended, expected: Result): string[] {
  const text = (result: Result): string => `${show(result)} exceptions ${result.exceptions} up ${result.roundedUp}`;
  const found = text(calculate(name, control, a, b));
  if (found === text(expected)) return [];
  return [`${name} ${show(a)} ${show(b)} control ${control.toString(16)}: ${found}, expected ${text(expected)}`];
}

describe('the four operations and the square root', () => {
  for (const [name, exact] of TWO) {
    it(`${name}`, () => {
      const random = randomStream(name);
      const wrong: string[] = [];
      for (let i = 0; i < 2000; i++) {
        const [pc, precision] = PRECISIONS[random.below(3)]!;
        const rc = random.below(4);
        const a = number(random);
        const b = number(random, a.se & 0x7fff);
        const value = exact(rational.exactly(a), rational.exactly(b));
        const denormal = isTiny(a) || isTiny(b) ? DE : 0;
        const rounded: Result =
          value.numerator === 0n
            ? { se: rc === 1 ? 0x8000 : 0, sig: 0n, exceptions: 0, roundedUp: false }
            : rational.round(value, precision, rc);
        const exceptions = rounded.exceptions | denormal;
        wrong.push(...differences(name, 0x3f | pc | (rc << 10), a, b, { ...rounded, exceptions }));
      }
      expect(wrong).toEqual([]);
    });
  }

  it('squareRoot', () => {
    const random = randomStream('root');
    const wrong: string[] = [];
    for (let i = 0; i < 2000; i++) {
      const [pc, precision] = PRECISIONS[random.below(3)]!;
      const rc = random.below(4);
      let a = number(random);
      a = { se: a.se & 0x7fff, sig: a.sig };
      // squares, and their neighbours
      if (i % 4 === 0) {
        const root = random.bits(32) | (1n << 31n);
        const square = root * root + BigInt(random.below(3) - 1);
        a = { se: 16383 + (i & 14), sig: square >> 63n ? square : square << 1n };
      }
      const rounded = rational.round(rational.squareRoot(rational.exactly(a)), precision, rc);
      const exceptions = rounded.exceptions | (isTiny(a) ? DE : 0);
      const control = 0x3f | pc | (rc << 10);
      wrong.push(...differences('squareRoot', control, a, { se: 0, sig: 0n }, { ...rounded, exceptions }));
    }
    expect(wrong).toEqual([]);
  });

  it('the IEEE remainder is exact', () => {
    const random = randomStream('remainder');
    for (let i = 0; i < 2000; i++) {
      const a = number(random);
      const b = number(random, a.se & 0x7fff);
      const [x, y] = [rational.exactly(a), rational.exactly(b)];
      const power = Math.min(x.power, y.power);
      if ((a.se & 0x7fff) - (b.se & 0x7fff) >= 63 || isTiny(a) || isTiny(b)) continue;
      const [n, d] = [x, y].map((each) => each.numerator << BigInt(each.power - power)) as [bigint, bigint];
      const size = d < 0n ? -d : d;
      let rest = ((n % size) + size) % size;
      const odd = (((n - rest) / size) & 1n) === 1n;
      if (2n * rest > size || (2n * rest === size && odd)) rest -= size;
      const found = calculate('remainder', 0x37f, a, b);
      const value = rational.exactly(found);
      const difference = rational.sum(value, { numerator: -rest, denominator: 1n, power });
      expect(difference.numerator, `${show(a)} ${show(b)} → ${show(found)}`).toBe(0n);
      expect(found.exceptions).toBe(0);
    }
  });
});
