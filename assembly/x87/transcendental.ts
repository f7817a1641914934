// The transcendental instructions: what they read, replace, push and pop.

import { met } from '../float/environment';
import { exponent, significand } from '../float/extended/value';
import { arctangent } from '../float/transcendental/arctangent';
import {
  cosine,
  cosineExponent,
  cosineSignificand,
  outOfRange,
  sine,
  sineCosine,
  tangent,
} from '../float/transcendental/circular';
import { exponentialMinusOne } from '../float/transcendental/exponential';
import { yLog2x, yLog2xPlus1 } from '../float/transcendental/logarithm';
import {
  C2,
  exponentAt,
  hasRoom,
  isEmpty,
  popStack,
  prepareFull,
  prevented,
  pushStack,
  put,
  putResult,
  reportResult,
  setStatus,
  setValid,
  st,
  stackFault,
  status,
} from './registers';
import { underflowTo } from './arithmetic';
import { BIAS, INTEGER_BIT } from '../float/extended/value';

/** F2XM1. */
export function exponential(): void {
  if (isEmpty(0)) return underflowTo(0, false);
  prepareFull();
  exponentialMinusOne(load<u64>(st(0)), exponentAt(st(0)));
  if (prevented()) return;
  putResult(st(0));
  reportResult();
}

export const Y_LOG2_X: u32 = 0;
export const Y_LOG2_X_PLUS_1: u32 = 1;
export const ARCTANGENT: u32 = 2;
/** ST(1) = f(ST(1), ST(0)), and pop. */
export function ofTwo(which: u32): void {
  if (isEmpty(0) || isEmpty(1)) return underflowTo(1, true);
  prepareFull();
  const other = st(1);
  const x = load<u64>(st(0));
  const xe = exponentAt(st(0));
  const y = load<u64>(other);
  const ye = exponentAt(other);
  if (which == Y_LOG2_X) yLog2x(x, xe, y, ye);
  else if (which == Y_LOG2_X_PLUS_1) yLog2xPlus1(x, xe, y, ye);
  else arctangent(y, ye, x, xe);
  if (prevented()) return;
  putResult(other);
  reportResult();
  popStack();
}

/** C2: the argument is out of range, and nothing has been done. */
function reported(): bool {
  reportResult();
  setStatus(outOfRange ? status() | C2 : status() & ~C2);
  return !outOfRange;
}
/** FSIN, FCOS. */
export function circular(isCosine: bool): void {
  setStatus(status() & ~C2);
  if (isEmpty(0)) return underflowTo(0, false);
  prepareFull();
  const x = load<u64>(st(0));
  const xe = exponentAt(st(0));
  if (isCosine) cosine(x, xe);
  else sine(x, xe);
  if (prevented()) return;
  if (reported()) putResult(st(0));
}
/** FSINCOS, FPTAN: the result, then push the cosine or 1. */
export function circularPush(isTangent: bool): void {
  setStatus(status() & ~C2);
  if (isEmpty(0) || !hasRoom()) {
    if (!stackFault(!isEmpty(0))) return;
    putResult(st(0));
    setValid(0);
    return pushStack(significand, exponent);
  }
  prepareFull();
  const x = load<u64>(st(0));
  const xe = exponentAt(st(0));
  if (isTangent) tangent(x, xe);
  else sineCosine(x, xe);
  if (prevented()) return;
  if (!reported()) return;
  putResult(st(0));
  if (!isTangent) pushStack(cosineSignificand, cosineExponent);
  // of a NaN both results are the NaN
  else if ((exponent & 0x7fff) == 0x7fff && significand != INTEGER_BIT) pushStack(significand, exponent);
  else pushStack(INTEGER_BIT, BIAS);
}
