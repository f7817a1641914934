// The APIC timer (SDM vol. 3, 12.5.4): one-shot and periodic by the core crystal clock, and TSC-deadline. It is looked at
// when run() begins; with the virtual clock a run() ends where the timer is due.

import {
  APIC_TIMER_DEADLINE,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TSC_DEADLINE,
  APIC_TIMER_FRACTION,
  cpu,
  CRYSTAL_KHZ,
  TSC_KHZ,
  TSC_OFFSET,
} from '../state';
import { clockTicks, instructionsUntil, limitBudget } from '../clock';
import { acceptLocal } from './message';
import {
  isEnabled,
  isSoftwareEnabled,
  LVT_MASKED,
  LVT_TIMER,
  LVT_TIMER_MODE,
  LVT_TIMER_PERIODIC,
  LVT_TIMER_TSC,
  lvt,
} from './registers';

// @ts-ignore: decorator
@inline function timerMode(): u32 {
  return load<u32>(lvt(LVT_TIMER)) & LVT_TIMER_MODE;
}
/** Periods of the crystal that one count takes, as a power of two (figure 12-10: 111b divides by 1). */
function divideBits(): u64 {
  const code = load<u32>(cpu, APIC_TIMER_DIVIDE);
  return (((code & 3) | ((code >> 1) & 4)) + 1) & 7;
}
/** Clock ticks of so many periods of the crystal. What is less than a tick is kept for the next time. */
function ticksOf(periods: u64): u64 {
  const tsc = <u64>load<u32>(cpu, TSC_KHZ);
  const crystal = <u64>load<u32>(cpu, CRYSTAL_KHZ);
  const rest = (periods % crystal) * tsc + load<u64>(cpu, APIC_TIMER_FRACTION);
  store<u64>(cpu, rest % crystal, APIC_TIMER_FRACTION);
  return (periods / crystal) * tsc + rest / crystal;
}
function setDeadline(ticks: u64): void {
  store<u64>(cpu, ticks, APIC_TIMER_DEADLINE);
  if (ticks) limitBudget(instructionsUntil(ticks));
}
function countDown(counts: u32): void {
  store<u64>(cpu, 0, APIC_TIMER_FRACTION);
  setDeadline(counts ? clockTicks() + max<u64>(1, ticksOf((<u64>counts) << divideBits())) : 0);
}

/** The initial count was written: count down from it. */
export function startTimer(initial: u32): void {
  if (timerMode() == LVT_TIMER_TSC) return;
  store<u32>(cpu, initial, APIC_TIMER_INITIAL);
  countDown(initial);
}
/** The current count: a count begun is not over. */
export function currentCount(): u32 {
  const deadline = load<u64>(cpu, APIC_TIMER_DEADLINE);
  if (!deadline || timerMode() == LVT_TIMER_TSC) return 0;
  const now = clockTicks();
  if (now >= deadline) return 0;
  const left = deadline - now;
  const crystal = <u64>load<u32>(cpu, CRYSTAL_KHZ);
  const scale = (<u64>load<u32>(cpu, TSC_KHZ)) << divideBits();
  const counts = (left / scale) * crystal + ((left % scale) * crystal + scale - 1) / scale;
  return <u32>min<u64>(load<u32>(cpu, APIC_TIMER_INITIAL), counts);
}
/** The divide register was written: the count goes on from where it is, at the new speed. */
export function setDivide(value: u32): void {
  const left = currentCount();
  const old = load<u32>(cpu, APIC_TIMER_DIVIDE);
  store<u32>(cpu, value & 11, APIC_TIMER_DIVIDE);
  if (left && old != (value & 11)) countDown(left);
}
/** The timer's LVT entry was written: to and from TSC-deadline mode the timer is disarmed. */
export function setTimerEntry(old: u32, value: u32): void {
  if (!((old ^ value) & LVT_TIMER_MODE) || ((old | value) & LVT_TIMER_MODE) <= LVT_TIMER_PERIODIC) return;
  store<u64>(cpu, 0, APIC_TIMER_DEADLINE);
  store<u64>(cpu, 0, APIC_TSC_DEADLINE);
  store<u32>(cpu, 0, APIC_TIMER_INITIAL);
}

/** IA32_TSC_DEADLINE: reads as zero and cannot be written while the timer is in another mode. */
export function tscDeadline(): u64 {
  return timerMode() == LVT_TIMER_TSC ? load<u64>(cpu, APIC_TSC_DEADLINE) : 0;
}
export function setTscDeadline(value: u64): void {
  if (timerMode() != LVT_TIMER_TSC) return;
  store<u64>(cpu, value, APIC_TSC_DEADLINE);
  aimTimer();
}
/** The guest's TSC was moved, or the state set from outside: what it waits for comes earlier or later. */
export function aimTimer(): void {
  if (timerMode() != LVT_TIMER_TSC) return store<u64>(cpu, 0, APIC_TSC_DEADLINE);
  const value = load<u64>(cpu, APIC_TSC_DEADLINE);
  const ticks = value - load<u64>(cpu, TSC_OFFSET);
  // a TSC below its offset has passed everything
  setDeadline(!value ? 0 : <i64>ticks <= 0 ? 1 : ticks);
}

/** When a periodic timer is due next after `deadline`: periods that were missed come as one, which would find it pending. */
function nextPeriod(deadline: u64, now: u64): u64 {
  const tsc = <u64>load<u32>(cpu, TSC_KHZ);
  const crystal = <u64>load<u32>(cpu, CRYSTAL_KHZ);
  const period = (<u64>load<u32>(cpu, APIC_TIMER_INITIAL)) << divideBits();
  const late = now - deadline;
  const passed = ((late / tsc) * crystal + ((late % tsc) * crystal) / tsc) / period;
  let next = deadline + ticksOf(passed * period);
  while (next <= now) next += max<u64>(1, ticksOf(period));
  return next;
}

/** Between two instructions: fire if it is due. */
export function pollTimer(): void {
  const deadline = load<u64>(cpu, APIC_TIMER_DEADLINE);
  if (!deadline) return;
  const now = clockTicks();
  if (now < deadline) return limitBudget(instructionsUntil(deadline));
  const mode = timerMode();
  if (mode == LVT_TIMER_PERIODIC) {
    setDeadline(nextPeriod(deadline, now));
  } else {
    store<u64>(cpu, 0, APIC_TIMER_DEADLINE);
    store<u64>(cpu, 0, APIC_TSC_DEADLINE);
  }
  const entry = load<u32>(lvt(LVT_TIMER));
  if (!(entry & LVT_MASKED) && isEnabled(cpu) && isSoftwareEnabled(cpu)) acceptLocal(entry & 0xff);
}
