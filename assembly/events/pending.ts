// What is delivered before the next instruction, in the order of SDM vol. 3, table 6-2: an event left from before, traps of
// the last instruction, NMI, external interrupt; or the exit that tells the hypervisor it could inject now.

import {
  EXIT_INFO,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  INJECT_ERROR,
  INJECT_INFO,
  INJECT_LENGTH,
  IRQ_VECTOR,
  NMI_PENDING,
  RAISED_EXIT,
  REQUEST,
  REQUEST_EVENT,
  REQUEST_WINDOW,
  cpu,
  setRaised,
} from '../state';
import { begin, pendingVector } from '../apic/priority';
import { VECTOR_DB, VECTOR_NMI } from '../vectors';
import { debugTrapDue, interruptWindowOpen, nmiWindowOpen, takeDebugTrap } from './debug';
import { INFO_VALID, TYPE_EXTERNAL, TYPE_HARDWARE, TYPE_NMI, deliverEvent } from './deliver';

/** Basic exit reason of VT-x. */
export const REASON_INTERRUPT_WINDOW: u32 = 7;

/**
 * Deliver at most one event; the next one, if any, is found at the next call (REQUEST_EVENT stays set). Afterwards
 * `raised` is 0 or RAISED_EXIT: an exit in the middle of the delivery, a triple fault, or the interrupt window.
 */
export function serviceEvents(): void {
  // Cleared before looking: what another thread adds from now on sets it again.
  atomic.and<u32>(cpu, ~REQUEST_EVENT, REQUEST);
  deliverFirst();
  if (waiting()) atomic.or<u32>(cpu, REQUEST_EVENT, REQUEST);
}

function waiting(): bool {
  return (
    (load<u32>(cpu, INJECT_INFO) & INFO_VALID) != 0 ||
    atomic.load<i32>(cpu, IRQ_VECTOR) >= 0 ||
    atomic.load<u32>(cpu, NMI_PENDING) != 0 ||
    pendingVector() >= 0
  );
}

function deliverFirst(): void {
  const info = load<u32>(cpu, INJECT_INFO);
  if ((info & INFO_VALID) != 0) {
    deliverEvent(info, load<u32>(cpu, INJECT_ERROR), load<u32>(cpu, INJECT_LENGTH));
    return;
  }
  if (debugTrapDue()) {
    takeDebugTrap();
    deliverEvent((TYPE_HARDWARE << 8) | VECTOR_DB, 0, 0);
    return;
  }
  if (nmiWindowOpen() && atomic.xchg<u32>(cpu, 0, NMI_PENDING) != 0) {
    deliverEvent((TYPE_NMI << 8) | VECTOR_NMI, 0, 0);
    return;
  }
  if (!interruptWindowOpen()) return;
  const vector = atomic.xchg<i32>(cpu, -1, IRQ_VECTOR);
  if (vector >= 0) {
    deliverEvent((TYPE_EXTERNAL << 8) | ((<u32>vector) & 0xff), 0, 0);
    return;
  }
  const own = pendingVector();
  if (own >= 0) {
    begin(own);
    deliverEvent((TYPE_EXTERNAL << 8) | (<u32>own), 0, 0);
    return;
  }
  if ((atomic.load<u32>(cpu, REQUEST) & REQUEST_WINDOW) == 0) return;
  store<u32>(cpu, REASON_INTERRUPT_WINDOW, EXIT_REASON);
  store<u32>(cpu, 0, EXIT_INFO);
  store<u64>(cpu, 0, EXIT_QUALIFICATION);
  setRaised(RAISED_EXIT);
}
