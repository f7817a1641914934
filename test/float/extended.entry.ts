// 80-bit arithmetic alone, for the tests: each call leaves its result in the module's globals.

import { met, useControlWord } from '../../assembly/float/environment';
import { add, negated } from '../../assembly/float/extended/add';
import { divide } from '../../assembly/float/extended/divide';
import { roundToInteger } from '../../assembly/float/extended/integer';
import { multiply } from '../../assembly/float/extended/multiply';
import { remainder } from '../../assembly/float/extended/remainder';
import { usePrecision } from '../../assembly/float/extended/round';
import { squareRoot } from '../../assembly/float/extended/sqrt';
import { arctangent } from '../../assembly/float/transcendental/arctangent';
import { cosine, sine, tangent } from '../../assembly/float/transcendental/circular';
import { exponentialMinusOne } from '../../assembly/float/transcendental/exponential';
import { yLog2x, yLog2xPlus1 } from '../../assembly/float/transcendental/logarithm';

export { significand, exponent, roundedUp } from '../../assembly/float/extended/value';
export { quotient } from '../../assembly/float/extended/remainder';

export function exceptions(): u32 {
  return met;
}

/** `operation` as in extended-harness.ts. */
export function calculate(operation: u32, control: u32, a: u64, ae: u32, b: u64, be: u32): void {
  useControlWord(control);
  usePrecision((control >> 8) & 3);
  switch (operation) {
    case 0:
      return add(a, ae, b, be);
    case 1:
      return add(a, ae, b, negated(b, be));
    case 2:
      return multiply(a, ae, b, be);
    case 3:
      return divide(a, ae, b, be);
    case 4:
      return squareRoot(a, ae);
    case 5:
      return roundToInteger(a, ae);
    case 6:
      return remainder(a, ae, b, be, true);
    case 7:
      return exponentialMinusOne(a, ae);
    case 8:
      return yLog2x(a, ae, b, be);
    case 9:
      return yLog2xPlus1(a, ae, b, be);
    case 10:
      return arctangent(a, ae, b, be);
    case 11:
      return sine(a, ae);
    case 12:
      return cosine(a, ae);
    default:
      return tangent(a, ae);
  }
}
