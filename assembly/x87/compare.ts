// Comparisons and examinations: into C3 C2 C0, or into EFLAGS.

import { met } from '../float/environment';
import { compare, EQUAL, LESS, UNORDERED } from '../float/extended/compare';
import { wasDenormal } from '../float/extended/convert';
import {
  exponent,
  INFINITE,
  kindOf,
  NORMAL,
  SIGN,
  significand,
  TINY,
  UNSUPPORTED,
  ZERO,
} from '../float/extended/value';
import { cpu, FEATURE_INTEL, FEATURES } from '../state';
import { CF, PF, setCompared, ZF } from '../flags';
import {
  C0,
  C1,
  C2,
  C3,
  exponentAt,
  isEmpty,
  popStack,
  prepareFull,
  report,
  setStatus,
  st,
  stackFault,
  status,
  unmasked,
} from './registers';
import { meetDenormal } from './arithmetic';

function setConditions(order: u32): void {
  const bits = order == LESS ? C0 : order == EQUAL ? C3 : order == UNORDERED ? C0 | C2 | C3 : 0;
  setStatus((status() & ~(C0 | C1 | C2 | C3)) | bits);
}
function setEflags(order: u32): void {
  setCompared(order == LESS ? CF : order == EQUAL ? ZF : order == UNORDERED ? ZF | PF | CF : 0);
}
function popped(pops: u32): void {
  for (; pops; pops--) popStack();
}

/** False: an unmasked exception keeps the stack from being popped. The outcome is delivered nevertheless. */
function reported(keepC1: bool): bool {
  report(met, keepC1 && (status() & C1) != 0);
  return !unmasked(met);
}
/** Comparisons into EFLAGS clear C1 by Intel's manual (FCOMI); AMD's processors leave it. */
function keepsC1(eflags: bool): bool {
  return eflags && !(load<u64>(cpu, FEATURES) & FEATURE_INTEL);
}

/** ST(0) with ST(i). */
export function compareRegister(i: u32, quiet: bool, pops: u32, eflags: bool): void {
  let order = UNORDERED;
  let done: bool;
  if (isEmpty(0) || isEmpty(i)) done = stackFault(false);
  else {
    prepareFull();
    const other = st(i);
    order = compare(load<u64>(st(0)), exponentAt(st(0)), load<u64>(other), exponentAt(other), quiet);
    done = reported(keepsC1(eflags));
  }
  if (eflags) setEflags(order);
  else setConditions(order);
  if (done) popped(pops);
}
/** ST(0) with a number from memory, which stands in `significand` and `exponent`; FTST with zero. */
export function compareValue(pops: u32): void {
  let order = UNORDERED;
  let done: bool;
  if (isEmpty(0)) done = stackFault(false);
  else {
    const denormal = wasDenormal;
    prepareFull();
    const a = load<u64>(st(0));
    const ae = exponentAt(st(0));
    order = compare(a, ae, significand, exponent, false);
    if (denormal) meetDenormal(a, ae);
    done = reported(false);
  }
  setConditions(order);
  if (done) popped(pops);
}

/** FXAM: the class in C3 C2 C0, the sign in C1, of an empty register too. */
export function examine(): void {
  const top = st(0);
  const se = exponentAt(top);
  const kind = kindOf(load<u64>(top), se);
  let bits: u32;
  if (isEmpty(0)) bits = C3 | C0;
  else if (kind == UNSUPPORTED) bits = 0;
  else if (kind == NORMAL) bits = C2;
  else if (kind == INFINITE) bits = C2 | C0;
  else if (kind == ZERO) bits = C3;
  else if (kind == TINY) bits = C3 | C2;
  else bits = C0;
  setStatus((status() & ~(C0 | C1 | C2 | C3)) | bits | (se & SIGN ? C1 : 0));
}
