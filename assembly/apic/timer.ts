// The APIC timer (SDM vol. 3, 12.5.4): one-shot and periodic by the core crystal clock, and TSC-deadline. It is looked at
// when run() begins; with the virtual clock a run() ends where the timer is due.

import {
  APIC_TIMER_DEADLINE,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TSC_DEADLINE,
  cpu,
  CRYSTAL_TICKS,
  TSC_OFFSET,
} from '../state';
import { clockTicks, instructionsUntil, limitBudget } from '../clock';
import { accept } from './priority';
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
/** Clock ticks of one count. */
function ticksPerCount(): f64 {
  const code = load<u32>(cpu, APIC_TIMER_DIVIDE);
  const log2 = (((code & 3) | ((code >> 1) & 4)) + 1) & 7; // figure 12-10: 111b divides by 1
  return (<f64>load<u64>(cpu, CRYSTAL_TICKS) * <f64>(1 << log2)) / 65536;
}
function setDeadline(ticks: u64): void {
  store<u64>(cpu, ticks, APIC_TIMER_DEADLINE);
  if (ticks) limitBudget(instructionsUntil(ticks));
}

/** The initial count was written: count down from it. */
export function startTimer(initial: u32): void {
  if (timerMode() == LVT_TIMER_TSC) return;
  store<u32>(cpu, initial, APIC_TIMER_INITIAL);
  setDeadline(initial ? clockTicks() + <u64>max<f64>(1, <f64>initial * ticksPerCount()) : 0);
}
/** The current count. */
export function currentCount(): u32 {
  const deadline = load<u64>(cpu, APIC_TIMER_DEADLINE);
  if (!deadline || timerMode() == LVT_TIMER_TSC) return 0;
  const now = clockTicks();
  if (now >= deadline) return 0;
  return <u32>min<f64>(<f64>load<u32>(cpu, APIC_TIMER_INITIAL), <f64>(deadline - now) / ticksPerCount());
}
/** The divide register was written: the count goes on from where it is, at the new speed. */
export function setDivide(value: u32): void {
  const left = currentCount();
  store<u32>(cpu, value & 11, APIC_TIMER_DIVIDE);
  if (left) setDeadline(clockTicks() + <u64>(<f64>left * ticksPerCount()));
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
/** The guest's TSC was moved: what it waits for comes earlier or later. */
export function aimTimer(): void {
  const value = load<u64>(cpu, APIC_TSC_DEADLINE);
  if (!value) {
    if (timerMode() == LVT_TIMER_TSC) store<u64>(cpu, 0, APIC_TIMER_DEADLINE);
    return;
  }
  const offset = load<u64>(cpu, TSC_OFFSET);
  const ticks = value - offset;
  // a TSC below its offset has passed everything
  setDeadline(<i64>ticks <= 0 ? 1 : ticks);
}

/** Between two instructions: fire if it is due. */
export function pollTimer(): void {
  const deadline = load<u64>(cpu, APIC_TIMER_DEADLINE);
  if (!deadline) return;
  const now = clockTicks();
  if (now < deadline) return limitBudget(instructionsUntil(deadline));
  const mode = timerMode();
  if (mode == LVT_TIMER_PERIODIC) {
    const period = <u64>max<f64>(1, <f64>load<u32>(cpu, APIC_TIMER_INITIAL) * ticksPerCount());
    // periods that were missed come as one interrupt: they would only find it pending
    setDeadline(deadline + ((now - deadline) / period + 1) * period);
  } else {
    store<u64>(cpu, 0, APIC_TIMER_DEADLINE);
    store<u64>(cpu, 0, APIC_TSC_DEADLINE);
  }
  const entry = load<u32>(lvt(LVT_TIMER));
  if (entry & LVT_MASKED || (entry & 0xff) < 16 || !isEnabled(cpu) || !isSoftwareEnabled(cpu)) return;
  accept(cpu, entry & 0xff, false);
}
