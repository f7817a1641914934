// What floating-point arithmetic is governed by and what it reports. The functions of this room are pure but for this: they
// round as `rounding` says and add what they met to `met`. Whoever calls them sets the former and looks at the latter.

import { cpu, MXCSR, MXCSR_PLAIN } from '../state';

/** Exceptions, in the order of MXCSR's and of the x87 status word's low bits (SDM vol. 1, 4.9.1). */
export const INVALID: u32 = 1;
export const DENORMAL: u32 = 2;
export const DIVIDE: u32 = 4;
export const OVERFLOW: u32 = 8;
export const UNDERFLOW: u32 = 16;
export const INEXACT: u32 = 32;

/** Rounding control, as encoded in MXCSR and the x87 control word (SDM vol. 1, table 4-8). */
export const NEAREST: u32 = 0;
export const DOWN: u32 = 1;
export const UP: u32 = 2;
export const TRUNCATE: u32 = 3;

export let met: u32 = 0;
export let rounding: u32 = 0;
/** Exceptions that are masked: overflow and underflow give other results when they are not. */
export let masked: u32 = 0;
/** MXCSR.DAZ and FTZ; never set for x87. */
export let denormalsAreZero: bool = false;
export let flushToZero: bool = false;

export function meet(exceptions: u32): void {
  met |= exceptions;
}
export function setMet(exceptions: u32): void {
  met = exceptions;
}
/** For arithmetic on XMM and YMM registers: MXCSR (SDM vol. 1, figure 10-3). */
export function useMxcsr(): void {
  const mxcsr = load<u32>(cpu, MXCSR);
  met = 0;
  rounding = (mxcsr >> 13) & 3;
  masked = (mxcsr >> 7) & 63;
  denormalsAreZero = (mxcsr & 64) != 0;
  flushToZero = (mxcsr & 0x8000) != 0;
}
export function useRounding(control: u32): void {
  rounding = control;
}
/** For x87: rounding control and masks of the control word. */
export function useControlWord(fcw: u32): void {
  met = 0;
  rounding = (fcw >> 10) & 3;
  masked = fcw & 63;
  denormalsAreZero = false;
  flushToZero = false;
}

/** MXCSR was written. */
export function setMxcsr(value: u32): void {
  store<u32>(cpu, value, MXCSR);
  // nearest, all masked, PE met already; whatever else was met; FTZ and DAZ are nothing to normal numbers
  store<u32>(cpu, (value & 0x7fa0) == 0x1fa0 ? 1 : 0, MXCSR_PLAIN);
}
