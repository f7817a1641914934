// Interrupts by vector: which is the highest, whether it may be delivered now, and what its acceptance, delivery and end
// change (SDM vol. 3, 12.8).

import {
  APIC_IRR,
  APIC_ISR,
  APIC_TMR,
  APIC_TPR,
  cpu,
  EXIT_INFO,
  EXIT_LENGTH,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  REQUEST,
  REQUEST_EVENT,
} from '../state';
import { exitHandler } from '../imports';
import { isEnabled } from './registers';

/** VT-x's exit for the EOI of a vector that the hypervisor wants to hear of. Here: of level-triggered ones. */
const REASON_EOI: u32 = 45;

// @ts-ignore: decorator
@inline function word(field: usize, vector: u32): usize {
  return field + ((<usize>(vector >> 5)) << 2);
}
// @ts-ignore: decorator
@inline function bit(vector: u32): u32 {
  return 1 << (vector & 31);
}
/** The highest vector whose bit is set in a 256-bit field; -1 = none. */
function highest(field: usize): i32 {
  for (let at: i32 = 7; at >= 0; at--) {
    const bits = atomic.load<u32>(field + ((<usize>at) << 2));
    if (bits) return (at << 5) | (31 - clz<i32>(bits));
  }
  return -1;
}

/** Processor priority: of the task or of the interrupt in service, whichever is higher. */
export function processorPriority(state: usize): u32 {
  const task = load<u32>(state, APIC_TPR);
  const serving = highest(state + APIC_ISR);
  const inService: u32 = serving < 0 ? 0 : (<u32>serving) & 0xf0;
  return (task & 0xf0) >= inService ? task & 0xff : inService;
}

/** The vector that may be delivered to this vCPU now; -1 = none. */
export function pendingVector(): i32 {
  if (!isEnabled(cpu)) return -1;
  const vector = highest(cpu + APIC_IRR);
  return vector >= 0 && ((<u32>vector) & 0xf0) > (processorPriority(cpu) & 0xf0) ? vector : -1;
}

/** An interrupt arrives at a vCPU, from whatever thread. */
export function accept(state: usize, vector: u32, level: bool): void {
  const trigger = word(state + APIC_TMR, vector);
  if (level) atomic.or<u32>(trigger, bit(vector));
  else atomic.and<u32>(trigger, ~bit(vector));
  atomic.or<u32>(word(state + APIC_IRR, vector), bit(vector));
  atomic.or<u32>(state, REQUEST_EVENT, REQUEST);
  if (state != cpu) atomic.notify(state + REQUEST, -1);
}

/** The interrupt is being delivered: it is in service from now on. */
export function begin(vector: u32): void {
  atomic.and<u32>(word(cpu + APIC_IRR, vector), ~bit(vector));
  const serving = word(cpu + APIC_ISR, vector);
  store<u32>(serving, load<u32>(serving) | bit(vector));
}

/** EOI: the highest interrupt in service is done. The hypervisor hears of a level-triggered one. */
export function endOfInterrupt(): void {
  const vector = highest(cpu + APIC_ISR);
  if (vector < 0) return;
  const serving = word(cpu + APIC_ISR, vector);
  store<u32>(serving, load<u32>(serving) & ~bit(vector));
  reconsider();
  if (!(atomic.load<u32>(word(cpu + APIC_TMR, vector)) & bit(vector))) return;
  store<u32>(cpu, REASON_EOI, EXIT_REASON);
  store<u32>(cpu, 0, EXIT_INFO);
  store<u32>(cpu, 0, EXIT_LENGTH);
  store<u64>(cpu, vector, EXIT_QUALIFICATION);
  exitHandler(REASON_EOI, vector, 0, 0);
}

/** The priority has fallen: something may be deliverable that was not. */
export function reconsider(): void {
  if (pendingVector() >= 0) atomic.or<u32>(cpu, REQUEST_EVENT, REQUEST);
}
