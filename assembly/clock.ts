// Where the guest's clock stands: by retired instructions, or by the host's.

import { BUDGET, CLOCK_SKIPPED, cpu, RETIRED, RUN_BUDGET, TSC_OFFSET, TSC_PER_INSN } from './state';
import { BLOCK_MAX } from './uop';
import { hostTicks } from './imports';
import { lookAgain } from './decode/block';

/** How many instructions of the running block came before the running one and are not in RETIRED and BUDGET yet. */
let number: u32 = 0;
export function setNumber(value: u32): void {
  number = value;
}
/** Instructions retired before the running one. */
export function retiredBefore(): u64 {
  const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
  return load<u64>(cpu, RETIRED) + <u64>(load<i64>(cpu, RUN_BUDGET) - left) + number;
}
/** Ticks of so many instructions, by the rate in 2^-16. The product of the whole numbers must not be shifted. */
// @ts-ignore: decorator
@inline function ticksAfter(instructions: u64, rate: u64): u64 {
  return instructions * (rate >> 16) + ((instructions * (rate & 0xffff)) >> 16);
}
/** Ticks of the TSC's clock, without the offset that the guest or the hypervisor put on it. */
export function clockTicks(): u64 {
  const rate = load<u64>(cpu, TSC_PER_INSN);
  return rate ? ticksAfter(retiredBefore(), rate) + load<u64>(cpu, CLOCK_SKIPPED) : <u64>hostTicks();
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
  if (wait >> 40) return (<i64>(wait / rate)) << 16;
  // what the instructions so far have of the next tick counts: the answer is the same at whatever instruction one asks
  const begun = (retiredBefore() * (rate & 0xffff)) & 0xffff;
  return <i64>(((wait << 16) - begun + rate - 1) / rate);
}
/** End the present run() after at most `count` more instructions; -1 = as it was going to end. */
export function limitBudget(more: i64): void {
  const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
  const count = more + number;
  if (more < 0 || left <= count) return;
  lookAgain();
  store<i32>(cpu, <i32>(count - BLOCK_MAX), BUDGET);
  store<i64>(cpu, load<i64>(cpu, RUN_BUDGET) - (left - count), RUN_BUDGET);
}
