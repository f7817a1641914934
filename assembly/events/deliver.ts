// Delivering exceptions and interrupts between instructions (SDM vol. 3, chapter 6): which fault a fault during delivery
// becomes, and what is left behind when an exit interrupts a delivery. How one event enters its handler: real-mode.ts,
// gate.ts.

import {
  ACTIVITY,
  CR2,
  DR,
  EXIT_INFO,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_VECTORING,
  EXIT_VECTORING_ERROR,
  INJECT_ERROR,
  INJECT_INFO,
  INJECT_LENGTH,
  INTERRUPTIBILITY,
  NEXT_RIP,
  PENDING_DEBUG,
  RAISED_CR2,
  RAISED_ERROR,
  RAISED_EXCEPTION,
  RAISED_EXIT,
  RAISED_HAS_ERROR,
  RAISED_VECTOR,
  RIP,
  cpu,
  isProtected,
  isV86,
  raised,
  setRaised,
} from '../state';
import { VECTOR_DB, VECTOR_DF, VECTOR_PF } from '../vectors';
import { BLOCKED_NMI, BLOCKED_SHADOW } from './shadow';
import { getFlags, RF } from '../flags';
import { advance } from '../segments/code';
import { setExternal } from '../segments/descriptor';
import { clearSwitched, reportCr3, switched } from '../segments/task';
import { enterGate } from './gate';
import { enterReal } from './real-mode';
import { enterV86 } from './v86';

/** Basic exit reason of VT-x. */
export const REASON_TRIPLE_FAULT: u32 = 2;

/** Interruption types (SDM vol. 3, table 25-17). */
export const TYPE_EXTERNAL: u32 = 0;
export const TYPE_NMI: u32 = 2;
export const TYPE_HARDWARE: u32 = 3;
export const TYPE_SOFTWARE: u32 = 4;
export const TYPE_PRIVILEGED: u32 = 5;
export const TYPE_SOFTWARE_EXCEPTION: u32 = 6;

export const INFO_VALID: u32 = 0x80000000;
export const INFO_HAS_ERROR: u32 = 0x800;

/** Fault-class vectors: their frames show RF = 1 (SDM vol. 3, 17.3.1.1; table 6-1 has the classes). */
const FAULTS: u32 = 0b1110110111110011100001; // 0 5 6 7 10-14 16 17 19 20 21
const DR7_GD: u64 = 0x2000;

const CLASS_BENIGN: u32 = 0;
const CLASS_CONTRIBUTORY: u32 = 1;
const CLASS_PAGE_FAULT: u32 = 2;
const CLASS_DOUBLE: u32 = 3;

/** Deliver the exception in RAISED_* (a fault of the instruction at RIP, or one raised between instructions). */
export function deliverException(): void {
  const info = takeRaised();
  // Traps of an instruction that did not complete are lost with it.
  store<u32>(cpu, 0, PENDING_DEBUG);
  deliver(info, load<u32>(cpu, RAISED_ERROR), 0);
}

/**
 * Deliver an event in VT-x interruption-information format at RIP; `length` is that of the INT n, INT3, INTO or INT1 at
 * RIP that makes it. Afterwards RIP and NEXT_RIP are the handler's and `raised` is 0, or `raised` is RAISED_EXIT: then nothing has
 * changed and INJECT_* holds the event to be delivered on resumption.
 */
export function deliverEvent(info: u32, errorCode: u32, length: u32): void {
  setRaised(0);
  deliver(info | INFO_VALID, errorCode, length);
}

/** The raised exception as interruption information; CR2 takes its address. */
function takeRaised(): u32 {
  const vector = load<u32>(cpu, RAISED_VECTOR);
  if (vector == VECTOR_PF) store<u64>(cpu, load<u64>(cpu, RAISED_CR2), CR2);
  setRaised(0);
  return INFO_VALID | (TYPE_HARDWARE << 8) | vector | (load<u32>(cpu, RAISED_HAS_ERROR) != 0 ? INFO_HAS_ERROR : 0);
}

function deliver(info: u32, error: u32, length: u32): void {
  // Each round the class rises or the exception is one of the next class, so four rounds end in a shutdown at the latest;
  // benign exceptions cannot be raised by a delivery more than once in a row.
  for (let round = 0; round < 8; round++) {
    attempt(info, error, length);
    if (!raised) {
      delivered(info);
      return;
    }
    if (raised != RAISED_EXCEPTION) {
      interrupted(info, error, length);
      return;
    }
    const first = classOf(info);
    const inNewTask = switched;
    info = takeRaised();
    error = load<u32>(cpu, RAISED_ERROR);
    // A fault that a completed task switch left to the new task is that task's own, not one of the delivery.
    if (inNewTask) continue;
    const second = classOf(info);
    if (first == CLASS_DOUBLE && second != CLASS_BENIGN) break;
    if (
      (first == CLASS_CONTRIBUTORY && second == CLASS_CONTRIBUTORY) ||
      (first == CLASS_PAGE_FAULT && second != CLASS_BENIGN)
    ) {
      info = INFO_VALID | INFO_HAS_ERROR | (TYPE_HARDWARE << 8) | VECTOR_DF;
      error = 0;
    }
    length = 0;
  }
  shutDown();
}

/** Table 6-4 of SDM vol. 3, 6.15: only hardware exceptions can be other than benign. */
function classOf(info: u32): u32 {
  if (((info >> 8) & 7) != TYPE_HARDWARE) return CLASS_BENIGN;
  const vector = info & 0xff;
  if (vector == VECTOR_DF) return CLASS_DOUBLE;
  if (vector == VECTOR_PF || vector == 20) return CLASS_PAGE_FAULT;
  if (vector == 0 || (vector >= 10 && vector <= 13) || vector == 21) return CLASS_CONTRIBUTORY;
  return CLASS_BENIGN;
}

/** One attempt to enter the handler; all or nothing unless `switched`. */
function attempt(info: u32, error: u32, length: u32): void {
  const vector = info & 0xff;
  const type = (info >> 8) & 7;
  const software = type == TYPE_SOFTWARE || type == TYPE_SOFTWARE_EXCEPTION;
  const rip = software || type == TYPE_PRIVILEGED ? advance(length) : load<u64>(cpu, RIP);
  let flags = getFlags();
  if (type == TYPE_HARDWARE && setsResume(vector)) flags |= RF;
  setExternal(software ? 0 : 1);
  clearSwitched();
  if (!isProtected()) enterReal(vector, rip, flags);
  else if (isV86() && type == TYPE_SOFTWARE) enterV86(vector, rip, flags);
  else enterGate(vector, software, (info & INFO_HAS_ERROR) != 0, error, rip, flags);
  setExternal(0);
}

/** A debug exception shows RF as it was: debug.ts sets it for general detect. */
function setsResume(vector: u32): bool {
  return vector < 32 && ((FAULTS >> vector) & 1) != 0;
}

function delivered(info: u32): void {
  const type = (info >> 8) & 7;
  store<u32>(cpu, 0, INJECT_INFO);
  store<u32>(cpu, 0, EXIT_VECTORING); // exits from here on interrupt no delivery
  store<u32>(cpu, 0, ACTIVITY);
  store<u64>(cpu, load<u64>(cpu, RIP), NEXT_RIP);
  let blocking = load<u32>(cpu, INTERRUPTIBILITY) & ~BLOCKED_SHADOW;
  if (type == TYPE_NMI) blocking |= BLOCKED_NMI;
  store<u32>(cpu, blocking, INTERRUPTIBILITY);
  // The handler must be able to use the debug registers (SDM vol. 3, 17.2.4).
  if (type == TYPE_HARDWARE && (info & 0xff) == VECTOR_DB)
    store<u64>(cpu, load<u64>(cpu, DR + 7 * 8) & ~DR7_GD, DR + 7 * 8);
  reportCr3();
}

function interrupted(info: u32, error: u32, length: u32): void {
  store<u32>(cpu, info, INJECT_INFO);
  store<u32>(cpu, error, INJECT_ERROR);
  store<u32>(cpu, length, INJECT_LENGTH);
  store<u32>(cpu, info, EXIT_VECTORING);
  store<u32>(cpu, error, EXIT_VECTORING_ERROR);
}

/** Triple fault. */
function shutDown(): void {
  store<u32>(cpu, 0, INJECT_INFO);
  store<u32>(cpu, REASON_TRIPLE_FAULT, EXIT_REASON);
  store<u32>(cpu, 0, EXIT_INFO);
  store<u64>(cpu, 0, EXIT_QUALIFICATION);
  store<u32>(cpu, 0, EXIT_VECTORING);
  setRaised(RAISED_EXIT);
}
