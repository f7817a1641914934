// Reading and writing the local APIC's registers, by their number (registers.ts): the same for the APIC page and for the
// MSRs of x2APIC mode, apart from what only one of them has.

import {
  APIC_DFR,
  APIC_ERRORS,
  APIC_ESR,
  APIC_ICR,
  APIC_ID,
  APIC_IRR,
  APIC_ISR,
  APIC_LDR,
  APIC_SVR,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TMR,
  APIC_TPR,
  cpu,
  CR8,
  REQUEST,
  REQUEST_EVENT,
  REQUEST_WINDOW,
} from '../state';
import { MODE_FIXED, noteError, sendCommand } from './message';
import { endOfInterrupt, processorPriority, reconsider } from './priority';
import {
  ERROR_REGISTER,
  hasTscDeadline,
  isX2apic,
  LVT_ERROR,
  LVT_LINT0,
  LVT_LINT1,
  LVT_MASKED,
  LVT_TIMER,
  lvt,
  REG_DFR,
  REG_EOI,
  REG_ESR,
  REG_ICR,
  REG_ICR_HIGH,
  REG_ID,
  REG_IRR,
  REG_ISR,
  REG_LDR,
  REG_LVT_ERROR,
  REG_LVT_TIMER,
  REG_PPR,
  REG_SELF_IPI,
  REG_SVR,
  REG_TIMER_COUNT,
  REG_TIMER_DIVIDE,
  REG_TIMER_INITIAL,
  REG_TMR,
  REG_TPR,
  REG_VERSION,
  SVR_BITS,
  SVR_ENABLED,
  VERSION,
} from './registers';
import { currentCount, setDivide, setTimerEntry, startTimer } from './timer';

/** What can be set in an LVT entry: vector and mask; delivery mode; polarity and trigger mode of the pins; timer mode. */
export function lvtBits(entry: u32): u32 {
  if (entry == LVT_TIMER) return hasTscDeadline() ? 0x700ff : 0x300ff;
  if (entry == LVT_LINT0 || entry == LVT_LINT1) return 0x1a7ff;
  return entry == LVT_ERROR ? 0x100ff : 0x107ff;
}

/** Bits of an ICR that can be set: all but delivery status (and what x2APIC mode has reserved, which the caller checks). */
const ICR_BITS: u64 = 0xffffffff_000ccfff;

/** A register of 32 bits; those that do not exist read as zero. */
export function readRegister(register: u32): u32 {
  if (register >= REG_ISR && register < REG_ISR + 8) return load<u32>(cpu + APIC_ISR + ((register - REG_ISR) << 2));
  if (register >= REG_TMR && register < REG_TMR + 8)
    return atomic.load<u32>(cpu + APIC_TMR + ((register - REG_TMR) << 2));
  if (register >= REG_IRR && register < REG_IRR + 8)
    return atomic.load<u32>(cpu + APIC_IRR + ((register - REG_IRR) << 2));
  if (register >= REG_LVT_TIMER && register <= REG_LVT_ERROR) return load<u32>(lvt(register - REG_LVT_TIMER));
  switch (register) {
    case REG_ID:
      return isX2apic(cpu) ? load<u32>(cpu, APIC_ID) : load<u32>(cpu, APIC_ID) << 24;
    case REG_VERSION:
      return VERSION;
    case REG_TPR:
      return load<u32>(cpu, APIC_TPR);
    case REG_PPR:
      return processorPriority(cpu);
    case REG_LDR:
      return load<u32>(cpu, APIC_LDR);
    case REG_DFR:
      return isX2apic(cpu) ? 0 : load<u32>(cpu, APIC_DFR);
    case REG_SVR:
      return load<u32>(cpu, APIC_SVR);
    case REG_ESR:
      return load<u32>(cpu, APIC_ESR);
    case REG_ICR:
      return load<u32>(cpu, APIC_ICR);
    case REG_ICR_HIGH:
      return load<u32>(cpu, APIC_ICR + 4);
    case REG_TIMER_INITIAL:
      return load<u32>(cpu, APIC_TIMER_INITIAL);
    case REG_TIMER_COUNT:
      return currentCount();
    case REG_TIMER_DIVIDE:
      return load<u32>(cpu, APIC_TIMER_DIVIDE);
    default:
      return 0;
  }
}

/** The task priority, by the register or by CR8. */
export function setTaskPriority(value: u32): void {
  store<u32>(cpu, value, APIC_TPR);
  store<u64>(cpu, value >> 4, CR8);
  reconsider();
}

/** Of the APIC page: what no register has, ESR tells of (12.5.3). */
export function readPage(register: u32): u32 {
  if (!isOnPage(register)) noteError(cpu, ERROR_REGISTER);
  return readRegister(register);
}
export function writePage(register: u32, value: u32): void {
  if (isOnPage(register)) writeRegister(register, value);
  else noteError(cpu, ERROR_REGISTER);
}
/** Table 12-1; this APIC has no LVT CMCI register. */
function isOnPage(register: u32): bool {
  if (register >= REG_ISR) return register == REG_ICR_HIGH || (register != REG_SELF_IPI && isRegister(register));
  return register >= REG_TPR || register == REG_ID || register == REG_VERSION;
}
/** Writes to registers that are read-only change nothing. */
export function writeRegister(register: u32, value: u32): void {
  if (register >= REG_LVT_TIMER && register <= REG_LVT_ERROR) return setEntry(register - REG_LVT_TIMER, value);
  switch (register) {
    case REG_TPR:
      return setTaskPriority(value & 0xff);
    case REG_EOI:
      return endOfInterrupt();
    case REG_LDR:
      return store<u32>(cpu, value & 0xff000000, APIC_LDR);
    case REG_DFR:
      return store<u32>(cpu, value | 0x0fffffff, APIC_DFR);
    case REG_SVR:
      return setSpurious(value);
    case REG_ESR:
      // a write brings up what has come together since the last (12.5.3)
      return store<u32>(cpu, atomic.xchg<u32>(cpu, 0, APIC_ERRORS), APIC_ESR);
    case REG_ICR:
      return writeCommand((load<u64>(cpu, APIC_ICR) & 0xffffffff_00000000) | value, false);
    case REG_ICR_HIGH:
      return store<u32>(cpu, value & 0xff000000, APIC_ICR + 4);
    case REG_TIMER_INITIAL:
      return startTimer(value);
    case REG_TIMER_DIVIDE:
      return setDivide(value);
  }
}
/** The interrupt command; `wide`: with a destination of 32 bits, as in x2APIC mode. */
export function writeCommand(value: u64, wide: bool): void {
  store<u64>(cpu, value & ICR_BITS, APIC_ICR);
  sendCommand(value, wide);
}
export function sendToSelf(vector: u32): void {
  sendCommand((MODE_FIXED << 8) | (1 << 18) | (vector & 0xff), true);
}

function setEntry(entry: u32, value: u32): void {
  const old = load<u32>(lvt(entry));
  let kept = value & lvtBits(entry);
  // while the APIC is disabled by software, mask bits stay set (12.4.7.2)
  if (!(load<u32>(cpu, APIC_SVR) & SVR_ENABLED)) kept |= LVT_MASKED;
  store<u32>(lvt(entry), kept);
  if (entry == LVT_TIMER) setTimerEntry(old, kept);
  // the hypervisor looks again whether the 8259s' interrupts may come
  if (entry == LVT_LINT0) atomic.or<u32>(cpu, REQUEST_WINDOW | REQUEST_EVENT, REQUEST);
}
function setSpurious(value: u32): void {
  const had = load<u32>(cpu, APIC_SVR) & SVR_ENABLED;
  store<u32>(cpu, value & SVR_BITS, APIC_SVR);
  if (value & SVR_ENABLED || !had) return;
  for (let entry: u32 = 0; entry <= LVT_ERROR; entry++) store<u32>(lvt(entry), load<u32>(lvt(entry)) | LVT_MASKED);
}
export function isRegister(register: u32): bool {
  switch (register) {
    case REG_ID:
    case REG_VERSION:
    case REG_TPR:
    case REG_PPR:
    case REG_EOI:
    case REG_LDR:
    case REG_SVR:
    case REG_ESR:
    case REG_ICR:
    case REG_TIMER_INITIAL:
    case REG_TIMER_COUNT:
    case REG_TIMER_DIVIDE:
    case REG_SELF_IPI:
      return true;
    default:
      return (
        (register >= REG_ISR && register < REG_IRR + 8) || (register >= REG_LVT_TIMER && register <= REG_LVT_ERROR)
      );
  }
}
