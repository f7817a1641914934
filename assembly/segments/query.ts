// LAR, LSL, VERR and VERW: what a program may learn about a selector without a fault (SDM vol. 2). Each returns whether ZF
// is set; `raised` can be set by the descriptor's read only. The two answers stand in queryValue.

import { isLongMode } from '../state';
import { currentLevel, descriptorHigh, descriptorLimit, descriptorLow, lookUpDescriptor } from './descriptor';
import { HIGH_CODE, HIGH_CONFORMING, HIGH_S, HIGH_WRITABLE, highDpl, highType } from './rights';

/** Result of the last lar() (bits 8-23 of the upper doubleword) or lsl() (limit in bytes) that returned true. */
export let queryValue: u32 = 0;

// System types that LAR and LSL accept, a bit each (SDM vol. 2, tables 3-53 and 3-55).
const LAR_TYPES: u32 = 0b1101000111110; // 1 2 3 4 5 9 B C
const LAR_TYPES_LONG: u32 = 0b1101000000100; // 2 9 B C
const LSL_TYPES: u32 = 0b101000001110; // 1 2 3 9 B
const LSL_TYPES_LONG: u32 = 0b101000000100; // 2 9 B

function visible(selector: u32): bool {
  const high = descriptorHigh;
  if ((high & (HIGH_S | HIGH_CODE | HIGH_CONFORMING)) == (HIGH_S | HIGH_CODE | HIGH_CONFORMING)) return true;
  const dpl = highDpl(high);
  return currentLevel() <= dpl && (selector & 3) <= dpl;
}

function allowed(selector: u32, types: u32): bool {
  if (!lookUpDescriptor(selector & 0xffff)) return false;
  if ((descriptorHigh & HIGH_S) == 0 && ((types >> highType(descriptorHigh)) & 1) == 0) return false;
  return visible(selector);
}

export function lar(selector: u32): bool {
  if (!allowed(selector, isLongMode() ? LAR_TYPES_LONG : LAR_TYPES)) return false;
  queryValue = descriptorHigh & 0x00ffff00;
  return true;
}

export function lsl(selector: u32): bool {
  if (!allowed(selector, isLongMode() ? LSL_TYPES_LONG : LSL_TYPES)) return false;
  queryValue = descriptorLimit(descriptorLow, descriptorHigh);
  return true;
}

export function verr(selector: u32): bool {
  if (!allowed(selector, 0)) return false;
  return (descriptorHigh & HIGH_CODE) == 0 || (descriptorHigh & HIGH_WRITABLE) != 0;
}

export function verw(selector: u32): bool {
  if (!allowed(selector, 0)) return false;
  return (descriptorHigh & (HIGH_CODE | HIGH_WRITABLE)) == HIGH_WRITABLE;
}
