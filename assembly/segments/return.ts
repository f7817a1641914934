// RETF, and what it shares with IRET: the checks of a return's CS and SS, and the data segments an outer level may not keep.

import {
  CPL,
  SEGMENT_ATTRIBUTES,
  SEG_DS,
  SEG_ES,
  SEG_FS,
  SEG_GS,
  SEG_SS,
  cpu,
  isProtected,
  isV86,
  raiseError,
  raised,
  segment,
} from '../state';
import { VECTOR_GP } from '../vectors';
import { modeChanged } from '../paging/tlb';
import {
  currentLevel,
  descriptorAddress,
  descriptorHigh,
  descriptorLow,
  descriptorRights,
  fetchDescriptor,
  fetchStack,
  markAccessed,
  selectorFault,
  setExternal,
  storeDescriptor,
  storeNull,
} from './descriptor';
import {
  codeDpl,
  codeIsLong,
  codeLoadable,
  holdCode,
  insideCode,
  isCode,
  isConforming,
  jumpTo,
  loadCode,
  markCode,
  targetAllowed,
} from './code';
import { loadCodeReal } from './load';
import { available, commitPointer, openCurrentStack, pop, setPointer, skipStack } from './stack';
import { RIGHTS_CODE, RIGHTS_CONFORMING, RIGHTS_DPL_SHIFT, RIGHTS_S, RIGHTS_UNUSABLE, isNull } from './rights';

let stackSelector: u32 = 0;
let stackLow: u32 = 0;
let stackHigh: u32 = 0;
let stackAddress: u64 = 0;

/** Check and hold the code segment to return to. False = raised. */
export function returnCode(selector: u32): bool {
  if (isNull(selector)) {
    raiseError(VECTOR_GP, 0);
    return false;
  }
  if (!fetchDescriptor(selector, VECTOR_GP)) return false;
  holdCode();
  const rpl = selector & 3;
  const dpl = codeDpl();
  if (!isCode() || rpl < currentLevel() || (isConforming() ? dpl > rpl : dpl != rpl)) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  return codeLoadable(selector);
}

/** Check and hold the stack segment of the level returned to; after returnCode(). False = raised. */
export function returnStack(selector: u32, level: u32): bool {
  stackSelector = selector;
  stackHigh = 0;
  if (isNull(selector)) {
    // Only 64-bit code above level 3 can go without SS.
    if (codeIsLong() && level != 3) return true;
    raiseError(VECTOR_GP, 0);
    return false;
  }
  if (!fetchStack(selector, level, VECTOR_GP)) return false;
  stackLow = descriptorLow;
  stackHigh = descriptorHigh;
  stackAddress = descriptorAddress;
  return true;
}

/** Accessed bits of the held segments; may raise. */
export function markReturn(withStack: bool): bool {
  markCode();
  if (!raised && withStack && stackHigh != 0) markAccessed(stackAddress, stackHigh);
  return !raised;
}

/** Load the held stack segment and RSP. */
export function loadReturnStack(value: u64, level: u32): void {
  if (stackHigh == 0) storeNull(SEG_SS, stackSelector, level);
  else storeDescriptor(SEG_SS, stackSelector, stackLow, stackHigh);
  setPointer(value, descriptorRights(stackHigh), codeIsLong());
}

/** Data segments more privileged than the level returned to become null (SDM vol. 2, RET). */
export function dropSegments(): void {
  drop(SEG_ES);
  drop(SEG_FS);
  drop(SEG_GS);
  drop(SEG_DS);
}
function drop(seg: usize): void {
  const rights = load<u32>(segment(seg), SEGMENT_ATTRIBUTES);
  if ((rights & RIGHTS_UNUSABLE) != 0) return;
  if ((rights & (RIGHTS_S | RIGHTS_CODE | RIGHTS_CONFORMING)) == (RIGHTS_S | RIGHTS_CODE | RIGHTS_CONFORMING)) return;
  if (((rights >> RIGHTS_DPL_SHIFT) & 3) < load<u32>(cpu, CPL)) storeNull(seg, 0, 0);
}

/** RETF, releasing `release` bytes of parameters. `size`: operand size, log2 of bytes. */
export function farReturn(size: u32, release: u32): void {
  const item: u32 = 1 << size;
  setExternal(0);
  openCurrentStack();
  if (!available(0, item * 2, item)) return;
  const offset = pop(size);
  const selector = (<u32>pop(size)) & 0xffff;
  if (raised) return;
  if (!isProtected() || isV86()) {
    if (!insideCode(offset)) {
      raiseError(VECTOR_GP, 0);
      return;
    }
    skipStack(release);
    commitPointer();
    loadCodeReal(selector);
    jumpTo(offset);
    modeChanged();
    return;
  }
  if (!returnCode(selector)) return;
  const level = selector & 3;
  if (level == currentLevel()) {
    if (!targetAllowed(offset)) {
      raiseError(VECTOR_GP, 0);
      return;
    }
    if (!markReturn(false)) return;
    skipStack(release);
    commitPointer();
    loadCode(selector, level);
    jumpTo(offset);
    modeChanged();
    return;
  }
  if (!available(release, item * 2, item)) return;
  skipStack(release);
  const outer = pop(size);
  const outerStack = (<u32>pop(size)) & 0xffff;
  if (raised || !returnStack(outerStack, level)) return;
  if (!targetAllowed(offset)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (!markReturn(true)) return;
  loadReturnStack(outer + release, level);
  loadCode(selector, level);
  jumpTo(offset);
  dropSegments();
  modeChanged();
}
