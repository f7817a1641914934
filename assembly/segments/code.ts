// The code segment that a transfer goes to: its descriptor held while everything else is checked, then loaded into CS.

import { CPL, NEXT_RIP, RIP, SEG_CS, cpu, isLongMode, segment, SEGMENT_ATTRIBUTES, SEGMENT_LIMIT } from '../state';
import { VECTOR_GP, VECTOR_NP } from '../vectors';
import {
  descriptorAddress,
  descriptorHigh,
  descriptorLimit,
  descriptorLow,
  markAccessed,
  selectorFault,
  storeDescriptor,
} from './descriptor';
import { isCanonical } from './linear';
import { HIGH_BIG, HIGH_CODE, HIGH_CONFORMING, HIGH_LONG, HIGH_PRESENT, HIGH_S, RIGHTS_LONG, highDpl } from './rights';

let codeLow: u32 = 0;
export let codeHigh: u32 = 0;
let codeAddress: u64 = 0;

/** Hold the descriptor just fetched. */
export function holdCode(): void {
  codeLow = descriptorLow;
  codeHigh = descriptorHigh;
  codeAddress = descriptorAddress;
}
export function isCode(): bool {
  return (codeHigh & (HIGH_S | HIGH_CODE)) == (HIGH_S | HIGH_CODE);
}
export function isConforming(): bool {
  return (codeHigh & HIGH_CONFORMING) != 0;
}
export function codeDpl(): u32 {
  return highDpl(codeHigh);
}
/** 64-bit code. */
export function codeIsLong(): bool {
  return isLongMode() && (codeHigh & HIGH_LONG) != 0;
}

/** L and D both set means nothing in IA-32e mode: #GP(selector); then the segment must be present. False = raised. */
export function codeLoadable(selector: u32): bool {
  if (codeIsLong() && (codeHigh & HIGH_BIG) != 0) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  if ((codeHigh & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_NP, selector);
    return false;
  }
  return true;
}

/** Whether the target offset is inside the held segment, or canonical in 64-bit code. Raises nothing. */
export function targetAllowed(offset: u64): bool {
  return codeIsLong() ? isCanonical(offset) : offset <= <u64>descriptorLimit(codeLow, codeHigh);
}

export function markCode(): void {
  markAccessed(codeAddress, codeHigh);
}

/** Load the held segment into CS at `level`. modeChanged() is the caller's, when SS is in place too. */
export function loadCode(selector: u32, level: u32): void {
  storeDescriptor(SEG_CS, (selector & 0xfffc) | level, codeLow, codeHigh);
  store<u32>(cpu, level, CPL);
}

/** RIP + `length` as wide as the current code's offsets go: 32 bits outside 64-bit code. */
export function advance(length: u32): u64 {
  const next = load<u64>(cpu, RIP) + length;
  return codeNowLong() ? next : next & 0xffffffff;
}
export function codeNowLong(): bool {
  return isLongMode() && (load<u32>(segment(SEG_CS), SEGMENT_ATTRIBUTES) & RIGHTS_LONG) != 0;
}
/** Whether an offset is inside CS as it is now (real and virtual-8086 mode). */
export function insideCode(offset: u64): bool {
  return offset <= <u64>load<u32>(segment(SEG_CS), SEGMENT_LIMIT);
}
export function jumpTo(offset: u64): void {
  store<u64>(cpu, offset, NEXT_RIP);
}
