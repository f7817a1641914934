// Loading segment registers, LDTR and TR, with the checks of MOV, LLDT and LTR (SDM vol. 2).

import {
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_SELECTOR,
  SEG_CS,
  SEG_LDTR,
  SEG_SS,
  SEG_TR,
  is64,
  isLongMode,
  isProtected,
  isV86,
  raiseError,
  raised,
  segment,
} from '../state';
import { VECTOR_GP, VECTOR_NP } from '../vectors';
import { systemWrite8 } from '../paging/access';
import { modeChanged } from '../paging/tlb';
import {
  currentLevel,
  descriptorAddress,
  descriptorBase,
  descriptorHigh,
  descriptorLimit,
  descriptorLow,
  descriptorRights,
  descriptorUpper,
  fetchDescriptor,
  fetchStack,
  fetchUpper,
  markAccessed,
  selectorFault,
  storeDescriptor,
  storeNull,
  storeSegment,
} from './descriptor';
import { isCanonical } from './linear';
import {
  HIGH_BUSY,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_S,
  HIGH_WRITABLE,
  RIGHTS_BIG,
  RIGHTS_GRANULAR,
  TYPE_LDT,
  TYPE_TSS16,
  TYPE_TSS32,
  highDpl,
  highType,
  isNull,
} from './rights';

/** Attributes of every segment in virtual-8086 mode: writable data, accessed, present, DPL 3 (SDM vol. 3, 20.2.1). */
export const V86_RIGHTS: u32 = 0xf3;
const REAL_RIGHTS: u32 = 0x93;

/** Load ES, SS, DS, FS or GS as MOV does. On failure `raised` is set and nothing has changed. */
export function loadSegment(seg: usize, selector: u32): void {
  selector &= 0xffff;
  if (!isProtected()) loadReal(seg, selector);
  else if (isV86()) storeSegment(seg, selector, <u64>(selector << 4), 0xffff, V86_RIGHTS);
  else if (seg == SEG_SS) loadStack(selector);
  else loadData(seg, selector);
  if (seg == SEG_SS && !raised) modeChanged();
}

/** Real mode changes the base only: limit and D/B stay what protected mode left ("unreal mode"), the type becomes data. */
export function loadReal(seg: usize, selector: u32): void {
  const s = segment(seg);
  store<u64>(s, <u64>(selector << 4), SEGMENT_BASE);
  store<u32>(s, selector, SEGMENT_SELECTOR);
  store<u32>(s, (load<u32>(s, SEGMENT_ATTRIBUTES) & (RIGHTS_BIG | RIGHTS_GRANULAR)) | REAL_RIGHTS, SEGMENT_ATTRIBUTES);
}

function loadStack(selector: u32): void {
  const level = currentLevel();
  if (isNull(selector)) {
    // 64-bit mode lets the kernel run without a stack segment.
    if (is64() && level < 3 && (selector & 3) == level) storeNull(SEG_SS, selector, level);
    else raiseError(VECTOR_GP, 0);
    return;
  }
  if (!fetchStack(selector, level, VECTOR_GP)) return;
  markAccessed(descriptorAddress, descriptorHigh);
  if (!raised) storeDescriptor(SEG_SS, selector, descriptorLow, descriptorHigh);
}

function loadData(seg: usize, selector: u32): void {
  if (isNull(selector)) {
    storeNull(seg, selector, 0);
    return;
  }
  if (!fetchDescriptor(selector, VECTOR_GP)) return;
  const high = descriptorHigh;
  if (!dataLoadable(high, selector & 3, currentLevel())) {
    selectorFault(VECTOR_GP, selector);
    return;
  }
  if ((high & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_NP, selector);
    return;
  }
  markAccessed(descriptorAddress, high);
  if (!raised) storeDescriptor(seg, selector, descriptorLow, high);
}

/** Data or readable code, and privileged enough unless conforming (SDM vol. 3, 5.6). */
export function dataLoadable(high: u32, rpl: u32, level: u32): bool {
  if ((high & HIGH_S) == 0) return false;
  if ((high & HIGH_CODE) != 0) {
    if ((high & HIGH_WRITABLE) == 0) return false;
    if ((high & HIGH_CONFORMING) != 0) return true;
  }
  const dpl = highDpl(high);
  return rpl <= dpl && level <= dpl;
}

/** Far transfers in real and virtual-8086 mode. */
export function loadCodeReal(selector: u32): void {
  if (isV86()) storeSegment(SEG_CS, selector, <u64>(selector << 4), 0xffff, V86_RIGHTS);
  else loadReal(SEG_CS, selector);
}

/** Fetch a system descriptor that must stand in the GDT, both halves in IA-32e mode, base canonical. False = raised. */
function fetchSystem(selector: u32): bool {
  if ((selector & 4) != 0) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  if (!fetchDescriptor(selector, VECTOR_GP)) return false;
  if (!isLongMode()) return true;
  if (!fetchUpper(selector)) return false;
  if (isCanonical(systemBase())) return true;
  selectorFault(VECTOR_GP, selector);
  return false;
}
function systemBase(): u64 {
  const base = <u64>descriptorBase(descriptorLow, descriptorHigh);
  return isLongMode() ? base | ((<u64>descriptorUpper) << 32) : base;
}

/** LLDT after its privilege check: a null selector makes LDTR unusable. */
export function loadLdtr(selector: u32): void {
  selector &= 0xffff;
  if (isNull(selector)) {
    storeNull(SEG_LDTR, selector, 0);
    return;
  }
  if (!fetchSystem(selector)) return;
  const high = descriptorHigh;
  if ((high & HIGH_S) != 0 || highType(high) != TYPE_LDT) {
    selectorFault(VECTOR_GP, selector);
    return;
  }
  if ((high & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_NP, selector);
    return;
  }
  storeSegment(SEG_LDTR, selector, systemBase(), descriptorLimit(descriptorLow, high), descriptorRights(high));
}

/** LTR after its privilege check: the TSS must be available and becomes busy. */
export function loadTr(selector: u32): void {
  selector &= 0xffff;
  if (isNull(selector)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (!fetchSystem(selector)) return;
  const high = descriptorHigh;
  const type = highType(high);
  if ((high & HIGH_S) != 0 || !(type == TYPE_TSS32 || (type == TYPE_TSS16 && !isLongMode()))) {
    selectorFault(VECTOR_GP, selector);
    return;
  }
  if ((high & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_NP, selector);
    return;
  }
  systemWrite8(descriptorAddress + 5, ((high | HIGH_BUSY) >> 8) & 0xff);
  if (raised) return;
  storeSegment(
    SEG_TR,
    selector,
    systemBase(),
    descriptorLimit(descriptorLow, high),
    descriptorRights(high | HIGH_BUSY),
  );
}
