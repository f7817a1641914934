// Entering a handler through the IDT: interrupt, trap and task gates of 16, 32 and 64 bits (SDM vol. 3, 6.11 to 6.14, and
// INT n in vol. 2). All is checked before the first push.

import {
  IDTR_BASE,
  IDTR_LIMIT,
  RIP,
  SEG_CS,
  SEG_DS,
  SEG_ES,
  SEG_FS,
  SEG_GS,
  SEG_SS,
  cpu,
  isLongMode,
  isV86,
  raiseError,
  raised,
} from '../state';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from '../vectors';
import { IF, NT, RF, setFlags, TF, VM } from '../flags';
import { systemRead64 } from '../paging/access';
import { modeChanged } from '../paging/tlb';
import {
  codeDpl,
  codeHigh,
  codeLoadable,
  holdCode,
  isCode,
  isConforming,
  loadCode,
  markCode,
  targetAllowed,
} from '../segments/code';
import {
  currentLevel,
  external,
  fetchDescriptor,
  selectorFault,
  selectorOf,
  storeNull,
  systemLinear,
} from '../segments/descriptor';
import {
  STACK_POINTER,
  alignStack,
  commitPointer,
  openCurrentStack,
  openStack,
  probeFrame,
  push,
  room,
} from '../segments/stack';
import { SWITCH_EVENT, taskSwitch } from '../segments/task';
import { innerSelector, loadInnerStack, markInner, openInnerStack, taskIsWide } from '../segments/tss';
import {
  HIGH_BIG,
  HIGH_LONG,
  HIGH_PRESENT,
  TYPE_INTERRUPT16,
  TYPE_INTERRUPT32,
  TYPE_TASK,
  TYPE_TRAP16,
  TYPE_TRAP32,
  highDpl,
  isNull,
} from '../segments/rights';

/** Error code that names an IDT entry: index, IDT bit, EXT (SDM vol. 3, 6.13). */
function gateFault(vector: u32, entry: u32): void {
  raiseError(vector, (entry << 3) | 2 | external);
}

/** `software`: INT n, INT3 or INTO, which the gate's DPL restricts. `rip` and `flags` are what the frame shows. */
export function enterGate(vector: u32, software: bool, hasError: bool, error: u32, rip: u64, flags: u32): void {
  const long = isLongMode();
  const shift: u32 = long ? 4 : 3;
  if ((vector << shift) + (long ? 15 : 7) > load<u32>(cpu, IDTR_LIMIT)) {
    gateFault(VECTOR_GP, vector);
    return;
  }
  const place = systemLinear(load<u64>(cpu, IDTR_BASE) + (vector << shift));
  const entry = systemRead64(place);
  if (raised) return;
  const low = <u32>entry;
  const high = <u32>(entry >> 32);
  let upper: u64 = 0;
  if (long) {
    upper = systemRead64(place + 8) << 32;
    if (raised) return;
  }
  const type = (high >> 8) & 31;
  const interrupt = type == TYPE_INTERRUPT16 || type == TYPE_INTERRUPT32;
  const wide = type == TYPE_INTERRUPT32 || type == TYPE_TRAP32;
  const known = wide || (!long && (type == TYPE_INTERRUPT16 || type == TYPE_TRAP16 || type == TYPE_TASK));
  if (!known || (software && highDpl(high) < currentLevel())) {
    gateFault(VECTOR_GP, vector);
    return;
  }
  if ((high & HIGH_PRESENT) == 0) {
    gateFault(VECTOR_NP, vector);
    return;
  }
  if (type == TYPE_TASK) {
    enterTask(low >> 16, hasError, error, rip, flags);
    return;
  }
  const offset = (<u64>(low & 0xffff)) | (wide ? <u64>(high & 0xffff0000) : 0) | upper;
  const ist: u32 = long ? high & 7 : 0;
  const size: u32 = long ? 3 : wide ? 2 : 1;
  const entered = flags & ~(TF | VM | RF | NT | (interrupt ? IF : 0));
  enterCode(low >> 16, offset, size, ist, hasError, error, rip, flags, entered);
}

function enterCode(
  selector: u32,
  offset: u64,
  size: u32,
  ist: u32,
  hasError: bool,
  error: u32,
  rip: u64,
  flags: u32,
  entered: u32,
): void {
  if (isNull(selector)) {
    selectorFault(VECTOR_GP, 0);
    return;
  }
  if (!fetchDescriptor(selector, VECTOR_GP)) return;
  holdCode();
  const current = currentLevel();
  const dpl = codeDpl();
  const fromV86 = isV86();
  const inward = !isConforming() && dpl < current;
  if (
    !isCode() ||
    dpl > current ||
    (size == 3 && (codeHigh & (HIGH_LONG | HIGH_BIG)) != HIGH_LONG) ||
    (fromV86 && (!inward || dpl != 0))
  ) {
    selectorFault(VECTOR_GP, selector);
    return;
  }
  if (!codeLoadable(selector)) return;
  const level: u32 = inward ? dpl : current;
  const items: u32 = (inward || size == 3 ? 5 : 3) + (fromV86 ? 4 : 0) + (hasError ? 1 : 0);
  const item: u32 = 1 << size;
  let named: u32 = 0; // selector that a stack fault names
  if (inward || ist != 0) {
    if (!openInnerStack(level, ist)) return;
    if (size != 3) named = innerSelector;
  } else if (size == 3) openStack(0, 0, 0, load<u64>(cpu, STACK_POINTER), level, true);
  else openCurrentStack();
  if (size == 3) alignStack();
  if (!room(items * item, item)) {
    selectorFault(VECTOR_SS, named);
    return;
  }
  if (!targetAllowed(offset)) {
    selectorFault(VECTOR_GP, 0);
    return;
  }
  if (!probeFrame(items * item, item)) return;
  markCode();
  if (raised) return;
  if (inward) {
    markInner();
    if (raised) return;
  }
  if (fromV86) {
    push(<u64>selectorOf(SEG_GS), size);
    push(<u64>selectorOf(SEG_FS), size);
    push(<u64>selectorOf(SEG_DS), size);
    push(<u64>selectorOf(SEG_ES), size);
  }
  if (inward || size == 3) {
    push(<u64>selectorOf(SEG_SS), size);
    push(load<u64>(cpu, STACK_POINTER), size);
  }
  push(<u64>flags, size);
  push(<u64>selectorOf(SEG_CS), size);
  push(rip, size);
  if (hasError) push(<u64>error, size);
  if (raised) return;
  commit(selector, offset, level, inward, fromV86, entered);
}

function commit(selector: u32, offset: u64, level: u32, inward: bool, fromV86: bool, entered: u32): void {
  if (fromV86) {
    storeNull(SEG_ES, 0, 0);
    storeNull(SEG_DS, 0, 0);
    storeNull(SEG_FS, 0, 0);
    storeNull(SEG_GS, 0, 0);
  }
  commitPointer();
  if (inward) loadInnerStack(level);
  loadCode(selector, level);
  setFlags(entered);
  store<u64>(cpu, offset, RIP);
  modeChanged();
}

/** A task gate: the handler is a task; its error code goes on the new task's stack. */
function enterTask(selector: u32, hasError: bool, error: u32, rip: u64, flags: u32): void {
  taskSwitch(selector, SWITCH_EVENT, rip, flags);
  if (raised || !hasError) return;
  const size: u32 = taskIsWide() ? 2 : 1;
  openCurrentStack();
  if (!room(1 << size, 1 << size)) {
    selectorFault(VECTOR_SS, 0);
    return;
  }
  if (!probeFrame(1 << size, 1 << size)) return;
  push(<u64>error, size);
  if (!raised) commitPointer();
}
