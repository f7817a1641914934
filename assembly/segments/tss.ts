// The stack that the current TSS holds for a more privileged level (SDM vol. 3, 5.8.5), for call gates and events.

import { SEGMENT_ATTRIBUTES, SEGMENT_BASE, SEGMENT_LIMIT, SEG_SS, SEG_TR, isLongMode, raised, segment } from '../state';
import { VECTOR_TS } from '../vectors';
import { systemRead16, systemRead32, systemRead64 } from '../paging/access';
import {
  descriptorAddress,
  descriptorBase,
  descriptorHigh,
  descriptorLimit,
  descriptorLow,
  descriptorRights,
  fetchStack,
  markAccessed,
  selectorFault,
  selectorOf,
  storeDescriptor,
  storeNull,
  systemLinear,
} from './descriptor';
import { openStack } from './stack';
import { RIGHTS_UNUSABLE, isNull } from './rights';

export let innerSelector: u32 = 0;
export let innerPointer: u64 = 0;
let innerLow: u32 = 0;
let innerHigh: u32 = 0;
let innerAddress: u64 = 0;

export function taskBase(): u64 {
  return load<u64>(segment(SEG_TR), SEGMENT_BASE);
}
/** Whether the byte at `last` is inside the current TSS. */
export function taskHas(last: u32): bool {
  const tr = segment(SEG_TR);
  return (load<u32>(tr, SEGMENT_ATTRIBUTES) & RIGHTS_UNUSABLE) == 0 && last <= load<u32>(tr, SEGMENT_LIMIT);
}
/** Whether the current TSS is a 32-bit (or 64-bit) one. */
export function taskIsWide(): bool {
  return (load<u32>(segment(SEG_TR), SEGMENT_ATTRIBUTES) & 8) != 0;
}

/**
 * Find the stack for `level`, or in IA-32e mode that of IST entry `ist` (1-7), and open it. False = raised: #TS, #SS for a
 * segment not present, or what the reads met. Nothing is changed.
 */
export function openInnerStack(level: u32, ist: u32): bool {
  if (isLongMode()) {
    const at: u32 = ist != 0 ? (ist << 3) + 28 : (level << 3) + 4;
    if (!taskHas(at + 7)) {
      selectorFault(VECTOR_TS, selectorOf(SEG_TR));
      return false;
    }
    innerPointer = systemRead64(taskBase() + at);
    innerSelector = level;
    openStack(0, 0, 0, innerPointer, level, true);
    return !raised;
  }
  const wide = taskIsWide();
  const at: u32 = wide ? (level << 3) + 4 : (level << 2) + 2;
  if (!taskHas(at + (wide ? 5 : 3))) {
    selectorFault(VECTOR_TS, selectorOf(SEG_TR));
    return false;
  }
  const place = systemLinear(taskBase() + at);
  innerPointer = wide ? <u64>systemRead32(place) : <u64>systemRead16(place);
  if (raised) return false;
  innerSelector = <u32>systemRead16(systemLinear(place + (wide ? 4 : 2)));
  if (raised) return false;
  if (isNull(innerSelector)) {
    selectorFault(VECTOR_TS, 0);
    return false;
  }
  if (!fetchStack(innerSelector, level, VECTOR_TS)) return false;
  innerLow = descriptorLow;
  innerHigh = descriptorHigh;
  innerAddress = descriptorAddress;
  openStack(
    <u64>descriptorBase(innerLow, innerHigh),
    descriptorLimit(innerLow, innerHigh),
    descriptorRights(innerHigh),
    innerPointer,
    level,
    false,
  );
  return true;
}

/** Accessed bit of the inner stack's descriptor; may raise. */
export function markInner(): void {
  if (!isLongMode()) markAccessed(innerAddress, innerHigh);
}

/** SS becomes the inner stack's segment; IA-32e mode loads a null selector with the new level (SDM vol. 3, 6.14.3). */
export function loadInnerStack(level: u32): void {
  if (isLongMode()) storeNull(SEG_SS, level, level);
  else storeDescriptor(SEG_SS, innerSelector, innerLow, innerHigh);
}
