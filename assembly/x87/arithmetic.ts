// Instructions that replace registers by a result: the four operations, and those on ST(0) and ST(1).

import { DENORMAL, DIVIDE, met, meet } from '../float/environment';
import { add, negated } from '../float/extended/add';
import { wasDenormal } from '../float/extended/convert';
import { divide } from '../float/extended/divide';
import { roundToInteger } from '../float/extended/integer';
import { multiply } from '../float/extended/multiply';
import { complete, partial, quotient, remainder } from '../float/extended/remainder';
import { extract, extractedExponent, extractedSignificand, scale } from '../float/extended/scale';
import { squareRoot } from '../float/extended/sqrt';
import { exponent, kindOf, QNAN, SIGN, significand } from '../float/extended/value';
import {
  C0,
  C1,
  C2,
  C3,
  exponentAt,
  hasRoom,
  isEmpty,
  popStack,
  prepare,
  prepareFull,
  prevented,
  pushStack,
  put,
  putResult,
  report,
  reportResult,
  setStatus,
  setValid,
  st,
  stackFault,
  status,
} from './registers';

/** Offsets from FADD in operation.ts: the order of the encoding, in which FCOM and FCOMP are 2 and 3. */
const ADD: u32 = 0;
const MULTIPLY: u32 = 1;
const SUBTRACT: u32 = 4;
const SUBTRACT_REVERSED: u32 = 5;
const QUOTIENT: u32 = 6;

function operate(kind: u32, a: u64, ae: u32, b: u64, be: u32): void {
  switch (kind) {
    case ADD:
      return add(a, ae, b, be);
    case MULTIPLY:
      return multiply(a, ae, b, be);
    case SUBTRACT:
      return add(a, ae, b, negated(b, be));
    case SUBTRACT_REVERSED:
      return add(b, be, a, negated(a, ae));
    case QUOTIENT:
      return divide(a, ae, b, be);
    default:
      return divide(b, be, a, ae);
  }
}

/** ST(to) = ST(to) op ST(from). */
export function arithmetic(kind: u32, to: u32, from: u32, pop: bool): void {
  const target = st(to);
  if (isEmpty(to) || isEmpty(from)) return underflowTo(to, pop);
  prepare();
  const source = st(from);
  operate(kind, load<u64>(target), exponentAt(target), load<u64>(source), exponentAt(source));
  if (prevented()) return;
  putResult(target);
  reportResult();
  if (pop) popStack();
}
/** ST(0) = ST(0) op a number from memory, which stands in `significand` and `exponent`. */
export function arithmeticMemory(kind: u32): void {
  if (isEmpty(0)) return underflowTo(0, false);
  const target = st(0);
  const a = load<u64>(target);
  const ae = exponentAt(target);
  const denormal = wasDenormal;
  prepare();
  operate(kind, a, ae, significand, exponent);
  // a denormal was normalized on its way here; NaNs and unsupported encodings rank before it
  if (denormal) meetDenormal(a, ae);
  if (prevented()) return;
  putResult(target);
  reportResult();
}
/** An operand in memory was denormal. */
export function meetDenormal(a: u64, ae: u32): void {
  if (kindOf(a, ae) < QNAN && !(met & DIVIDE)) meet(DENORMAL);
}
/** A source or the destination is empty: the default NaN, if that is masked. */
export function underflowTo(to: u32, pop: bool): void {
  if (!stackFault(false)) return;
  putResult(st(to));
  setValid(to);
  if (pop) popStack();
}

/** What is left when one register has been replaced. */
function replaced(): void {
  if (prevented()) return;
  putResult(st(0));
  reportResult();
}
export function root(): void {
  if (isEmpty(0)) return underflowTo(0, false);
  prepare();
  squareRoot(load<u64>(st(0)), exponentAt(st(0)));
  replaced();
}
export function roundInteger(): void {
  if (isEmpty(0)) return underflowTo(0, false);
  prepareFull();
  roundToInteger(load<u64>(st(0)), exponentAt(st(0)));
  replaced();
}
export function scaleTop(): void {
  if (isEmpty(0) || isEmpty(1)) return underflowTo(0, false);
  prepareFull();
  const by = st(1);
  scale(load<u64>(st(0)), exponentAt(st(0)), load<u64>(by), exponentAt(by));
  replaced();
}
/** FCHS, FABS: no exceptions but an empty register. */
export function changeSign(clear: bool): void {
  if (isEmpty(0)) return underflowTo(0, false);
  const top = st(0);
  const se = exponentAt(top);
  put(top, load<u64>(top), clear ? se & ~SIGN : se ^ SIGN);
  setStatus(status() & ~C1);
}

/** FPREM, FPREM1: the quotient's low bits in C0 C3 C1, C2 while there is more to reduce; C0 and C3 stay when there is none. */
export function partialRemainder(nearest: bool): void {
  if (isEmpty(0) || isEmpty(1)) {
    setStatus(status() & ~C2);
    return underflowTo(0, false);
  }
  prepareFull();
  const by = st(1);
  remainder(load<u64>(st(0)), exponentAt(st(0)), load<u64>(by), exponentAt(by), nearest);
  if (prevented()) return setStatus(status() & ~C2);
  putResult(st(0));
  report(met, false);
  if (!complete && !partial) return setStatus(status() & ~C2);
  const conditions = (quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0) | (quotient & 1 ? C1 : 0) | (partial ? C2 : 0);
  setStatus((status() & ~(C0 | C1 | C2 | C3)) | conditions);
}

/** FXTRACT: ST(0) = exponent, then push the significand. */
export function extractTop(): void {
  if (isEmpty(0) || !hasRoom()) {
    const overflow = !isEmpty(0);
    if (!stackFault(overflow)) return;
    putResult(st(0));
    setValid(0);
    return pushStack(significand, exponent);
  }
  prepareFull();
  extract(load<u64>(st(0)), exponentAt(st(0)));
  if (prevented()) return;
  put(st(0), extractedSignificand, extractedExponent);
  reportResult();
  pushStack(significand, exponent);
}
