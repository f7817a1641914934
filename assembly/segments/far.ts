// JMP and CALL to another segment: directly, through a call gate, through a TSS or task gate (SDM vol. 2, JMP and CALL).
// NEXT_RIP gets the target; on any fault `raised` is set and nothing has changed.

import { NEXT_RIP, SEG_CS, SEG_SS, cpu, isLongMode, isProtected, isV86, raiseError, raised } from '../state';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from '../vectors';
import { getFlags } from '../flags';
import { modeChanged } from '../paging/tlb';
import {
  currentLevel,
  descriptorHigh,
  descriptorLow,
  descriptorUpper,
  fetchDescriptor,
  fetchUpper,
  selectorFault,
  selectorOf,
  setExternal,
} from './descriptor';
import {
  codeDpl,
  codeHigh,
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
import { parametersReadable, readParameter } from './parameters';
import { STACK_POINTER, commitPointer, openCurrentStack, probeFrame, push, room } from './stack';
import { SWITCH_CALL, SWITCH_JUMP, clearSwitched, reportCr3, taskSwitch } from './task';
import { innerSelector, loadInnerStack, markInner, openInnerStack } from './tss';
import {
  HIGH_BIG,
  HIGH_LONG,
  HIGH_PRESENT,
  HIGH_S,
  TYPE_CALL16,
  TYPE_CALL32,
  TYPE_TASK,
  TYPE_TSS16,
  TYPE_TSS16_BUSY,
  TYPE_TSS32,
  TYPE_TSS32_BUSY,
  highDpl,
  highType,
  isNull,
} from './rights';

/** JMP ptr16:n or m16:n. `size`: operand size, log2 of bytes. */
export function farJump(selector: u32, offset: u64, size: u32): void {
  transfer(selector & 0xffff, offset, size, false);
}

/** CALL ptr16:n or m16:n. `size`: operand size, log2 of bytes. */
export function farCall(selector: u32, offset: u64, size: u32): void {
  transfer(selector & 0xffff, offset, size, true);
}

function transfer(selector: u32, offset: u64, size: u32, call: bool): void {
  setExternal(0);
  clearSwitched();
  if (size == 1) offset &= 0xffff;
  else if (size == 2) offset &= 0xffffffff;
  if (!isProtected() || isV86()) {
    transferReal(selector, offset, size, call);
    return;
  }
  if (isNull(selector)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (!fetchDescriptor(selector, VECTOR_GP)) return;
  if ((descriptorHigh & HIGH_S) == 0) {
    transferSystem(selector, call);
    return;
  }
  holdCode();
  if (!reachable(selector, selector & 3)) return;
  sameLevel(selector, offset, size, call);
}

function transferReal(selector: u32, offset: u64, size: u32, call: bool): void {
  if (call) {
    openCurrentStack();
    if (!room(2 << size, 1 << size)) {
      raiseError(VECTOR_SS, 0);
      return;
    }
  }
  if (!insideCode(offset)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (call && !pushReturn(size)) return;
  loadCodeReal(selector);
  jumpTo(offset);
  modeChanged();
}

/** Push CS and the return address on the open stack, after probing. False = raised. */
function pushReturn(size: u32): bool {
  if (!probeFrame(2 << size, 1 << size)) return false;
  push(<u64>selectorOf(SEG_CS), size);
  push(load<u64>(cpu, NEXT_RIP), size);
  if (raised) return false;
  commitPointer();
  return true;
}

/** Rules for reaching the held code segment without changing level. `rpl`: 0 when a gate leads there. False = raised. */
function reachable(selector: u32, rpl: u32): bool {
  const level = currentLevel();
  const dpl = codeDpl();
  if (!isCode() || (isConforming() ? dpl > level : rpl > level || dpl != level)) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  return codeLoadable(selector);
}

/** Go to the held code segment, staying at the current level. */
function sameLevel(selector: u32, offset: u64, size: u32, call: bool): void {
  if (call) {
    openCurrentStack();
    if (!room(2 << size, 1 << size)) {
      raiseError(VECTOR_SS, 0);
      return;
    }
  }
  if (!targetAllowed(offset)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  // The probe comes before the accessed bit, and both before the first push.
  if (call && !probeFrame(2 << size, 1 << size)) return;
  markCode();
  if (raised || (call && !pushReturn(size))) return;
  loadCode(selector, currentLevel());
  jumpTo(offset);
  modeChanged();
}

function transferSystem(selector: u32, call: bool): void {
  const type = highType(descriptorHigh);
  if (isLongMode()) {
    // IA-32e mode has 64-bit call gates only: no tasks (SDM vol. 3, 5.8.3.1).
    if (type == TYPE_CALL32) {
      if (fetchUpper(selector)) throughGate(selector, call);
    } else selectorFault(VECTOR_GP, selector);
    return;
  }
  if (type == TYPE_CALL16 || type == TYPE_CALL32) throughGate(selector, call);
  else if (type == TYPE_TASK) {
    if (gateOpen(selector)) switchTask(descriptorLow >> 16, call);
  } else if (type == TYPE_TSS16 || type == TYPE_TSS32 || type == TYPE_TSS16_BUSY || type == TYPE_TSS32_BUSY) {
    const dpl = highDpl(descriptorHigh);
    if (dpl < currentLevel() || dpl < (selector & 3)) selectorFault(VECTOR_GP, selector);
    else switchTask(selector, call);
  } else selectorFault(VECTOR_GP, selector);
}

function switchTask(selector: u32, call: bool): void {
  taskSwitch(selector, call ? SWITCH_CALL : SWITCH_JUMP, load<u64>(cpu, NEXT_RIP), getFlags());
  reportCr3();
}

/** A gate's own checks: DPL against CPL and RPL, then presence. False = raised. */
function gateOpen(selector: u32): bool {
  const dpl = highDpl(descriptorHigh);
  if (dpl < currentLevel() || dpl < (selector & 3)) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  if ((descriptorHigh & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_NP, selector);
    return false;
  }
  return true;
}

function throughGate(selector: u32, call: bool): void {
  const low = descriptorLow;
  const high = descriptorHigh;
  const long = isLongMode();
  if (!gateOpen(selector)) return;
  const size: u32 = long ? 3 : highType(high) == TYPE_CALL16 ? 1 : 2;
  let offset = <u64>(low & 0xffff);
  if (size != 1) offset |= <u64>(high & 0xffff0000);
  if (long) offset |= (<u64>descriptorUpper) << 32;
  const target = low >> 16;
  if (isNull(target)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (!fetchDescriptor(target, VECTOR_GP)) return;
  holdCode();
  const level = currentLevel();
  const dpl = codeDpl();
  const inward = call && isCode() && !isConforming() && dpl < level;
  if (long && (codeHigh & (HIGH_LONG | HIGH_BIG)) != HIGH_LONG) {
    selectorFault(VECTOR_GP, target);
    return;
  }
  if (!inward) {
    // A gate's selector is used whatever its RPL (SDM vol. 3, 5.8.4).
    if (reachable(target, 0)) sameLevel(target, offset, size, call);
  } else if (codeLoadable(target)) innerLevel(target, offset, size, high & 31, dpl);
}

/** A call gate to a more privileged level: stack from the TSS, caller's SS:ESP and parameters copied to it. */
function innerLevel(selector: u32, offset: u64, size: u32, gateCount: u32, level: u32): void {
  const item: u32 = 1 << size;
  const long = size == 3;
  const count: u32 = long ? 0 : gateCount;
  const bytes = (4 + count) * item;
  const oldStack = selectorOf(SEG_SS);
  const oldPointer = load<u64>(cpu, STACK_POINTER);
  if (!openInnerStack(level, 0)) return;
  if (!room(bytes, item)) {
    selectorFault(VECTOR_SS, long ? 0 : innerSelector);
    return;
  }
  if (!targetAllowed(offset)) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  if (!parametersReadable(count, size) || !probeFrame(bytes, item)) return;
  markCode();
  if (raised) return;
  markInner();
  if (raised) return;
  push(<u64>oldStack, size);
  push(oldPointer, size);
  for (let i = count; i > 0; i--) push(<u64>readParameter(i - 1, size), size);
  push(<u64>selectorOf(SEG_CS), size);
  push(load<u64>(cpu, NEXT_RIP), size);
  if (raised) return;
  loadInnerStack(level);
  commitPointer();
  loadCode(selector, level);
  jumpTo(offset);
  modeChanged();
}
