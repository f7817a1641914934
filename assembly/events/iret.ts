// IRET, IRETD, IRETQ (SDM vol. 2): in real and virtual-8086 mode, to the same or an outer level, to virtual-8086 mode, to
// the task that was interrupted, and in 64-bit mode, where SS:RSP is always popped.

import {
  CPL,
  CR4,
  INTERRUPTIBILITY,
  NEXT_RIP,
  RAISED_EXCEPTION,
  SEG_CS,
  SEG_DS,
  SEG_ES,
  SEG_FS,
  SEG_GS,
  SEG_SS,
  cpu,
  is64,
  isLongMode,
  isProtected,
  isV86,
  raiseError,
  raised,
} from '../state';
import { CR4_VME } from '../control';
import { VECTOR_GP } from '../vectors';
import { BLOCKED_NMI } from './shadow';
import { AC, FLAGS_ANYBODY, FLAGS_DEFINED, getFlags, ID, IF, IOPL, NT, RF, setFlags, TF, VIF, VIP, VM } from '../flags';
import { modeChanged } from '../paging/tlb';
import { insideCode, jumpTo, loadCode, targetAllowed } from '../segments/code';
import { currentLevel, setExternal, storeSegment } from '../segments/descriptor';
import { V86_RIGHTS, loadCodeReal } from '../segments/load';
import { dropSegments, loadReturnStack, markReturn, returnCode, returnStack } from '../segments/return';
import { STACK_POINTER, available, commitPointer, openCurrentStack, pop } from '../segments/stack';
import { clearSwitched, reportCr3, taskReturn } from '../segments/task';

/** `size`: operand size, log2 of bytes. NEXT_RIP gets the return address; on a fault `raised` is set. */
export function iret(size: u32): void {
  setExternal(0);
  clearSwitched();
  if (!isProtected()) fromReal(size);
  else if (isV86()) fromV86(size);
  else if ((getFlags() & NT) != 0) {
    if (isLongMode()) raiseError(VECTOR_GP, 0);
    else {
      taskReturn(load<u64>(cpu, NEXT_RIP));
      reportCr3();
    }
  } else fromProtected(size);
  // NMIs are let in again even if IRET faults (SDM vol. 3, 27.2.3); not if it only exits and runs once more.
  if (raised == 0 || raised == RAISED_EXCEPTION)
    store<u32>(cpu, load<u32>(cpu, INTERRUPTIBILITY) & ~BLOCKED_NMI, INTERRUPTIBILITY);
}

function fromReal(size: u32): void {
  openCurrentStack();
  if (!available(0, 3 << size, 1 << size)) return;
  const offset = pop(size);
  const selector = (<u32>pop(size)) & 0xffff;
  const image = <u32>pop(size);
  if (raised) return;
  const old = getFlags();
  const fixed: u32 = VM | VIF | VIP;
  finish8086(offset, selector, size == 1 ? (old & 0xffff0000) | (image & 0xffff) : (image & ~fixed) | (old & fixed));
}

/** Virtual-8086 mode: with IOPL 3 as in real mode; else the VME form of the 16-bit IRET, or #GP to the monitor. */
function fromV86(size: u32): void {
  const old = getFlags();
  const free = (old & IOPL) == IOPL;
  if (!free && !(size == 1 && (load<u64>(cpu, CR4) & CR4_VME) != 0)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  openCurrentStack();
  if (!available(0, 3 << size, 1 << size)) return;
  const offset = pop(size);
  const selector = (<u32>pop(size)) & 0xffff;
  const image = <u32>pop(size);
  if (raised) return;
  let changed: u32 = FLAGS_ANYBODY | (size == 1 ? 0 : RF | AC | ID);
  let flags = old;
  if (free) changed |= IF;
  else {
    if ((image & TF) != 0 || ((image & IF) != 0 && (old & VIP) != 0)) {
      raiseError(VECTOR_GP, 0);
      return;
    }
    flags = (flags & ~VIF) | ((image & IF) != 0 ? VIF : 0);
  }
  finish8086(offset, selector, (flags & ~changed) | (image & changed));
}

function finish8086(offset: u64, selector: u32, flags: u32): void {
  if (!insideCode(offset)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  commitPointer();
  loadCodeReal(selector);
  setFlags(flags);
  jumpTo(offset);
  modeChanged();
}

function fromProtected(size: u32): void {
  const item: u32 = 1 << size;
  const long = is64();
  openCurrentStack();
  if (!available(0, item * (long ? 5 : 3), item)) return;
  const offset = pop(size);
  const selector = (<u32>pop(size)) & 0xffff;
  const image = <u32>pop(size);
  if (raised) return;
  if ((image & VM) != 0 && size == 2 && currentLevel() == 0 && !isLongMode()) {
    toV86(offset, selector, image);
    return;
  }
  if (!returnCode(selector)) return;
  const old = currentLevel();
  const level = selector & 3;
  const withStack = long || level > old;
  let outer: u64 = 0;
  if (withStack) {
    if (!long && !available(0, item * 2, item)) return;
    outer = pop(size);
    const stack = (<u32>pop(size)) & 0xffff;
    if (raised || !returnStack(stack, level)) return;
  }
  if (!targetAllowed(offset)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (!markReturn(withStack)) return;
  const flags = returnFlags(image, size, old);
  if (withStack) loadReturnStack(outer, level);
  else commitPointer();
  loadCode(selector, level);
  setFlags(flags);
  jumpTo(offset);
  if (level > old) dropSegments();
  modeChanged();
}

/** RFLAGS after a return to protected mode: what the level that returns may change. */
function returnFlags(image: u32, size: u32, level: u32): u32 {
  const old = getFlags();
  let changed: u32 = FLAGS_ANYBODY;
  if (size != 1) changed |= RF | AC | ID;
  if (level <= (old & IOPL) >> 12) changed |= IF;
  if (level == 0) {
    changed |= IOPL;
    if (size != 1) changed |= VIF | VIP;
  }
  return (old & ~changed) | (image & changed);
}

/** Nine doublewords: EIP CS EFLAGS were popped; ESP SS ES DS FS GS follow. */
function toV86(offset: u64, selector: u32, image: u32): void {
  if (!available(0, 24, 4)) return;
  const outer = pop(2);
  const ss = (<u32>pop(2)) & 0xffff;
  const es = (<u32>pop(2)) & 0xffff;
  const ds = (<u32>pop(2)) & 0xffff;
  const fs = (<u32>pop(2)) & 0xffff;
  const gs = (<u32>pop(2)) & 0xffff;
  if (raised) return;
  if (offset > 0xffff) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  loadV86(SEG_CS, selector);
  loadV86(SEG_SS, ss);
  loadV86(SEG_ES, es);
  loadV86(SEG_DS, ds);
  loadV86(SEG_FS, fs);
  loadV86(SEG_GS, gs);
  store<u64>(cpu, outer & 0xffffffff, STACK_POINTER);
  store<u32>(cpu, 3, CPL);
  setFlags(image & FLAGS_DEFINED);
  jumpTo(offset);
  modeChanged();
}
function loadV86(seg: usize, selector: u32): void {
  storeSegment(seg, selector, <u64>(selector << 4), 0xffff, V86_RIGHTS);
}
