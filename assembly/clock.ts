// Where the guest's clock stands: by retired instructions, or by the host's.

import { BUDGET, CLOCK_SKIPPED, cpu, RETIRED, RUN_BUDGET, TSC_OFFSET, TSC_PER_INSN } from './state';
import { BLOCK_MAX } from './uop';
import { hostTicks } from './imports';

/** How many instructions of the running block came before the one that looks at the clock. */
let number: u32 = 0;
export function setNumber(value: u32): void {
  number = value;
}
/** Instructions retired before the one that setNumber() was last called for. */
export function retiredBefore(): u64 {
  const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
  return load<u64>(cpu, RETIRED) + <u64>(load<i64>(cpu, RUN_BUDGET) - left) + number;
}
/** Ticks of the TSC's clock, without the offset that the guest or the hypervisor put on it. */
export function clockTicks(): u64 {
  const rate = load<u64>(cpu, TSC_PER_INSN);
  return rate ? ((retiredBefore() * rate) >> 16) + load<u64>(cpu, CLOCK_SKIPPED) : <u64>hostTicks();
}
/** The time-stamp counter. */
export function timeStamp(): u64 {
  return clockTicks() + load<u64>(cpu, TSC_OFFSET);
}
/** By the virtual clock: how many more instructions bring it to `ticks`, at least one; -1 with the host's clock. */
export function instructionsUntil(ticks: u64): i64 {
  const rate = load<u64>(cpu, TSC_PER_INSN);
  if (!rate) return -1;
  const now = clockTicks();
  if (ticks <= now) return 1;
  const wait = ticks - now;
  if (wait >> 40) return (<i64>wait / rate) << 16;
  return max<i64>(1, <i64>(((wait << 16) + rate - 1) / rate));
}
/** End the present run() after at most `count` more instructions; -1 = as it was going to end. */
export function limitBudget(more: i64): void {
  const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
  const count = more + number;
  if (more < 0 || left <= count) return;
  store<i32>(cpu, <i32>(count - BLOCK_MAX), BUDGET);
  store<i64>(cpu, load<i64>(cpu, RUN_BUDGET) - (left - count), RUN_BUDGET);
}
