// The register stack, its tags, the status word (SDM vol. 1, 8.1).

import { DENORMAL, DIVIDE, INVALID, met, OVERFLOW, UNDERFLOW, useControlWord } from '../float/environment';
import { cpu, FCW, FSW, FTW, X87, X87_EXPONENT } from '../state';
import { roundedUp, deliverDefault, exponent, significand } from '../float/extended/value';
import { useFullPrecision, usePrecision } from '../float/extended/round';

/** Status word (SDM vol. 1, figure 8-4). */
export const STACK_FAULT: u32 = 0x40;
export const SUMMARY: u32 = 0x80;
export const C0: u32 = 0x100;
export const C1: u32 = 0x200;
export const C2: u32 = 0x400;
export const TOP_SHIFT: u32 = 11;
export const TOP: u32 = 0x3800;
export const C3: u32 = 0x4000;
export const BUSY: u32 = 0x8000;
export const EXCEPTIONS: u32 = 0x3f;
/** Met before the operation: unmasked, it is not carried out. */
const BEFORE: u32 = INVALID | DENORMAL | DIVIDE;
/** Unmasked, nothing is stored to memory. */
const BEFORE_STORE: u32 = BEFORE | OVERFLOW | UNDERFLOW;

// @ts-ignore: decorator
@inline export function status(): u32 {
  return load<u16>(cpu, FSW);
}
// @ts-ignore: decorator
@inline export function setStatus(value: u32): void {
  store<u16>(cpu, value, FSW);
}
/** Physical number of ST(i). */
// @ts-ignore: decorator
@inline export function numberOf(i: u32): u32 {
  return ((status() >> TOP_SHIFT) + i) & 7;
}
/** Address of ST(i). */
// @ts-ignore: decorator
@inline export function st(i: u32): usize {
  return cpu + X87 + (numberOf(i) << 4);
}
// @ts-ignore: decorator
@inline export function isEmpty(i: u32): bool {
  return !(((<u32>load<u16>(cpu, FTW)) >> numberOf(i)) & 1);
}
// @ts-ignore: decorator
@inline export function setValid(i: u32): void {
  store<u16>(cpu, (<u32>load<u16>(cpu, FTW)) | (1 << numberOf(i)), FTW);
}
// @ts-ignore: decorator
@inline export function setEmpty(i: u32): void {
  store<u16>(cpu, (<u32>load<u16>(cpu, FTW)) & ~(1 << numberOf(i)), FTW);
}
// @ts-ignore: decorator
@inline export function exponentAt(register: usize): u32 {
  return load<u16>(register, X87_EXPONENT);
}
// @ts-ignore: decorator
@inline export function put(register: usize, sig: u64, se: u32): void {
  store<u64>(register, sig);
  store<u16>(register, se, X87_EXPONENT);
}
/** The result of the arithmetic that was done last. */
// @ts-ignore: decorator
@inline export function putResult(register: usize): void {
  put(register, significand, exponent);
}
export function moveTop(by: u32): void {
  const fsw = status();
  setStatus((fsw & ~TOP) | ((fsw + (by << TOP_SHIFT)) & TOP));
}
export function popStack(): void {
  setEmpty(0);
  moveTop(1);
}
/** Room for another register, or else stack overflow? */
// @ts-ignore: decorator
@inline export function hasRoom(): bool {
  return isEmpty(7);
}
export function pushStack(sig: u64, se: u32): void {
  moveTop(7);
  put(st(0), sig, se);
  setValid(0);
}

// ---------------------------------------------------------------- before and after an operation
/** Arithmetic that precision control governs: addition, multiplication, division, square root (SDM vol. 1, 8.1.5.2). */
// @ts-ignore: decorator
@inline export function prepare(): void {
  const fcw = <u32>load<u16>(cpu, FCW);
  useControlWord(fcw);
  usePrecision((fcw >> 8) & 3);
}
// @ts-ignore: decorator
@inline export function prepareFull(): void {
  useControlWord(load<u16>(cpu, FCW));
  useFullPrecision();
}
/** Exceptions met that are not masked. */
// @ts-ignore: decorator
@inline export function unmasked(exceptions: u32): u32 {
  return exceptions & ~(<u32>load<u16>(cpu, FCW)) & EXCEPTIONS;
}
/** Put exceptions and C1 into the status word. */
export function report(exceptions: u32, c1: bool): void {
  let fsw = (status() & ~C1) | exceptions;
  if (c1) fsw |= C1;
  if (unmasked(exceptions)) fsw |= SUMMARY | BUSY;
  setStatus(fsw);
}
/** An exception that keeps the operation from being carried out: reported, and true. */
// @ts-ignore: decorator
@inline export function prevented(): bool {
  return unmasked(met & BEFORE) != 0 && preventedBy(BEFORE);
}
/** The same for a store to memory, not reported yet. */
// @ts-ignore: decorator
@inline export function storePrevented(): bool {
  return unmasked(met & BEFORE_STORE) != 0;
}
export function reportPrevented(): void {
  preventedBy(BEFORE_STORE);
}
function preventedBy(mask: u32): bool {
  // the rest was met by going on, which the processor does not
  report(met & mask, false);
  return true;
}
/** Nothing out of the ordinary: the status word as it was, C1 cleared. */
// @ts-ignore: decorator
@inline export function reportResult(): void {
  if (met) report(met, roundedUp);
  else setStatus(status() & ~C1);
}

/** Stack overflow or underflow (SDM vol. 1, 8.5.1.1). True = masked: the caller goes on with the default NaN. */
export function stackFault(overflow: bool): bool {
  report(INVALID | STACK_FAULT, overflow);
  deliverDefault();
  return !unmasked(INVALID);
}
/** Stack overflow on a push. */
export function pushFault(): void {
  if (stackFault(true)) pushStack(significand, exponent);
}
