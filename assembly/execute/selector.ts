// Instructions about selectors and the system segment registers: LAR, LSL, VERR, VERW, ARPL, LLDT, LTR, SLDT, STR, SMSW.

import {
  CPL,
  cpu,
  CR0,
  CR4,
  isProtected,
  isV86,
  raise,
  raised,
  raiseError,
  SEG_LDTR,
  SEG_TR,
  segment,
  SEGMENT_SELECTOR,
} from '../state';
import { CR4_UMIP } from '../control';
import { VECTOR_GP, VECTOR_UD } from '../vectors';
import { Operation } from '../decode/operation';
import { loadLdtr, loadTr } from '../segments/load';
import { lar, lsl, queryValue, verr, verw } from '../segments/query';
import { read16, write16 } from '../paging/access';
import { getFlags, setFlags, ZF } from '../flags';
import { privileged } from './rare';
import { writeSized } from './sized';

/** These instructions are unknown in real and virtual-8086 mode. */
function protectedOnly(): bool {
  if (isProtected() && !isV86()) return true;
  raise(VECTOR_UD);
  return false;
}
function setZero(value: bool): void {
  setFlags(value ? getFlags() | ZF : getFlags() & ~ZF);
}
/** UMIP: #GP for SGDT, SIDT, SLDT, SMSW and STR outside ring 0 (SDM vol. 3, 2.5). */
export function userModeAllowed(): bool {
  if (!(load<u64>(cpu, CR4) & CR4_UMIP) || load<u32>(cpu, CPL) == 0) return true;
  raiseError(VECTOR_GP, 0);
  return false;
}

export function storeSelector(operation: u32, size: u32, destination: usize): void {
  if (operation == Operation.SMSW) {
    if (!userModeAllowed()) return;
    return writeSized(destination, size, load<u64>(cpu, CR0));
  }
  if (!protectedOnly() || !userModeAllowed()) return;
  const seg = segment(operation == Operation.SLDT ? SEG_LDTR : SEG_TR);
  writeSized(destination, size, load<u16>(seg, SEGMENT_SELECTOR));
}
export function loadLocalTable(selector: u32): void {
  if (raised || !protectedOnly() || !privileged()) return;
  loadLdtr(selector);
}
export function loadTask(selector: u32): void {
  if (raised || !protectedOnly() || !privileged()) return;
  loadTr(selector);
}
function answerQuery(found: bool, size: u32, destination: usize): void {
  if (raised) return;
  setZero(found);
  if (found) writeSized(destination, size, queryValue);
}
export function loadAccessRights(size: u32, selector: u32, destination: usize): void {
  if (raised || !protectedOnly()) return;
  answerQuery(lar(selector), size, destination);
}
export function loadLimit(size: u32, selector: u32, destination: usize): void {
  if (raised || !protectedOnly()) return;
  answerQuery(lsl(selector), size, destination);
}
export function verify(selector: u32, write: bool): void {
  if (raised || !protectedOnly()) return;
  const fine = write ? verw(selector) : verr(selector);
  if (!raised) setZero(fine);
}
/** ARPL: raise the destination's RPL to the source's. */
export function adjustRpl(inMemory: bool, memory: u64, destination: usize, source: usize): void {
  if (!protectedOnly()) return;
  const value = inMemory ? <u32>read16(memory) : <u32>load<u16>(destination);
  if (raised) return;
  const level = (<u32>load<u16>(source)) & 3;
  const raise = (value & 3) < level;
  if (raise) {
    const result = (value & ~3) | level;
    if (inMemory) {
      write16(memory, result);
      if (raised) return;
    } else store<u16>(destination, <u16>result);
  }
  setZero(raise);
}
