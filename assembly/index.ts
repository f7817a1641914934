// Everything the core exports, and nothing else. The layout's constants are exported under their own names, so that
// TypeScript reads the layout from the module.

import {
  APIC_TIMER_DEADLINE,
  APIC_TPR,
  arena,
  ARENA_EMULATE,
  ARENA_SIZE,
  ARENAS,
  attach as attachState,
  BUDGET,
  cpu,
  CR8,
  EXIT_GPA,
  raise,
  raised,
  raiseError,
  RETIRED,
  RUN_BUDGET,
  SCRATCH_SIZE,
  setEmulating,
  setRaised,
  STATE_SIZE,
  VCPU_COUNT,
  VCPUS,
} from './state';
import { BLOCK_MAX } from './uop';
import { initTables } from './decode/tables';
import { initVectorTables } from './vector/tables';
import { codeWritten, resetBlocks } from './decode/block';
import { execute } from './execute/run';
import { enter, loadEntry, resetEntry, result, saveEntry } from './execute/enter';
import { loadPort, savePort } from './execute/port';
import { getFlags, setFlags } from './flags';
import { flushAll, flushPage } from './paging/tlb';
import { modeChanged } from './paging/mode';
import { watchWrite } from './paging/code-watch';
import { lastGpa, lastMmio, setStackAccess, translate } from './paging/access';
import { setWalkTrace, TRACE_RECORD, walkTrace } from './paging/trace';
import { forgetWalk } from './paging/translation';
import { loadMmio, readCount, saveMmio, writeCount } from './paging/mmio';
import { queueException } from './emulate/emulate';
import { syncExit } from './execute/slow';
import { powerUp } from './execute/startup';
import { limitBudget, retiredBefore, setNumber } from './clock';
import { send } from './apic/message';
import { putApicBase } from './apic/msr';
import { isEnabled, LVT_EXTINT, LVT_LINT0, LVT_MASKED, LVT_MODE, lvt } from './apic/registers';
import { aimTimer, pollTimer } from './apic/timer';

export * from './state';
// For whoever holds the decoder against another: it fills in the record at INSN.
export * from './decode/insn';
export { decode } from './decode/decoder';
export { emulate, emulateAgain } from './emulate/emulate';
export { loadFpu, saveFpu } from './execute/state-image';
export { validXcr0 } from './execute/save-state';
export { syncExit } from './execute/slow';
export { completeIo } from './execute/port';
export { guestWalk } from './paging/guest-walk';

/** Entries in the emulator's lists. Functions, because reading an exported global costs JavaScript far more. */
export function countReads(): u32 {
  return readCount;
}
export function countWrites(): u32 {
  return writeCount;
}

/** Write the tables: once a memory, by its maker. */
export function initialize(): void {
  initTables();
  initVectorTables();
}
/** The vCPU that this instance runs from now on. */
export function attach(index: u32): void {
  attachState(index);
  if (load<u32>(VCPU_COUNT) <= index) store<u32>(VCPU_COUNT, index + 1);
}
export function stateAddress(index: u32): usize {
  return VCPUS + index * <u32>STATE_SIZE;
}
export function arenaAddress(index: u32): usize {
  return ARENAS + index * <u32>ARENA_SIZE;
}

/** State after power-up. */
export function resetVcpu(): void {
  powerUp();
  resetBlocks();
  resetEntry();
}

/** Run at most `budget` instructions. 0 = all of them, 1 = the exit handler said LEAVE, 2 = REQUEST_STOP, 3 = halted. */
export function run(budget: i32): i32 {
  settleRetired();
  store<i64>(cpu, budget, RUN_BUDGET);
  store<i32>(cpu, budget - <i32>BLOCK_MAX, BUDGET);
  setRaised(0);
  pollTimer();
  const first = enter();
  if (first) execute(first);
  settleRetired();
  return result;
}
/** Add what was retired since RUN_BUDGET was set to RETIRED. */
function settleRetired(): void {
  const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
  store<u64>(cpu, load<u64>(cpu, RETIRED) + <u64>(load<i64>(cpu, RUN_BUDGET) - left), RETIRED);
  store<i64>(cpu, 0, RUN_BUDGET);
  store<i32>(cpu, -(<i32>BLOCK_MAX), BUDGET);
  setNumber(0);
}
/** Instructions retired, those of the present run() included. */
export function retired(): f64 {
  return <f64>retiredBefore();
}

/** Make the state page tell all there is to know of this vCPU between two runs (except what the emulator's lists hold). */
export function saveVcpu(): void {
  syncExit();
  setFlags(getFlags());
  saveEntry();
  savePort();
  saveMmio();
}
/** The state page has become that of another moment: take it up. The caller flushes the TLBs. */
export function loadVcpu(): void {
  setRaised(0);
  loadEntry();
  loadPort();
  loadMmio();
  forgetWalk();
  modeChanged();
}

/** Registers were changed from outside. */
export function stateChanged(): void {
  if (load<u32>(cpu, APIC_TPR) >> 4 != load<u32>(cpu, CR8)) store<u32>(cpu, load<u32>(cpu, CR8) << 4, APIC_TPR);
  aimTimer();
  modeChanged();
  flushAll();
}
/**
 * An interrupt message of a device: to a destination of 8 bits, or 32 if `wide`; delivery mode and vector as in an MSI. False
 * = no vCPU took it. For any instance on the memory, whoever's vCPU it is.
 */
export function sendInterrupt(destination: u32, logical: bool, wide: bool, mode: u32, vector: u32, level: bool): bool {
  return send(destination, logical, wide, mode, vector, level);
}
/** IA32_APIC_BASE as the hypervisor sets it; false = no such value. */
export function setApicBase(value: u64): bool {
  return putApicBase(value);
}
/** The 8259s' INTR reaches the processor: there is no APIC, or its LINT0 lets it through. */
export function acceptsExtInt(): bool {
  if (!isEnabled(cpu)) return true;
  return (load<u32>(lvt(LVT_LINT0)) & (LVT_MASKED | LVT_MODE)) == LVT_EXTINT;
}
/** When the APIC timer is due, in ticks of the clock; 0 = never. */
export function timerDeadline(): f64 {
  return <f64>load<u64>(cpu, APIC_TIMER_DEADLINE);
}
/** The present run() ends after so many more instructions, if it would not before: something is to happen then. */
export function limitRun(count: i32): void {
  limitBudget(count);
}
export function getRflags(): u32 {
  return getFlags();
}
export function setRflags(value: u32): void {
  setFlags(value);
}
export function flushTlb(): void {
  flushAll();
}
export function flushLinear(low: u32, high: u32): void {
  flushPage(((<u64>high) << 32) | low);
}
/** Linear memory was written from outside: decoded code there is forgotten. */
export function invalidateCode(host: usize, length: usize): void {
  let at = host;
  // What is left is counted, not compared with the end: RAM may reach to the end of linear memory, where addresses wrap.
  for (let left = length; left;) {
    const count = min<usize>(left, 4096 - (at & 4095));
    watchWrite(at, <u32>count);
    at += count;
    left -= count;
  }
}
/** Queue a hardware exception for injection before the next instruction. */
export function raiseException(vector: u32, error: u32, hasError: bool): void {
  if (hasError) raiseError(vector, error);
  else raise(vector);
  setRaised(0);
  queueException();
}
/** Record the table entries that walks read from now on, to the emulator's scratch; returns where. traceStop() says how many. */
export function traceStart(): usize {
  const buffer = arena + ARENA_EMULATE;
  setWalkTrace(buffer, <u32>(SCRATCH_SIZE / TRACE_RECORD));
  return buffer;
}
export function traceStop(): u32 {
  const count = <u32>((walkTrace - (arena + ARENA_EMULATE)) / TRACE_RECORD);
  setWalkTrace(0, 0);
  return count;
}
/** KVM_TRANSLATE: guest-physical address of a linear one to EXIT_GPA; false = not mapped. Nothing is raised. */
export function translateLinear(low: u32, high: u32, access: u32): bool {
  setEmulating(true);
  forgetWalk();
  translate(((<u64>high) << 32) | low, access, 0);
  setEmulating(false);
  const fine = !raised;
  setRaised(0);
  if (fine) store<u64>(cpu, lastGpa, EXIT_GPA);
  return fine;
}
/**
 * The walk that an access makes when nothing is cached, for whoever holds walks against another model: by the guest's own
 * tables as the emulator does (`software`), as a stack reference (`stack`). The host address, or 1 for a device's, with the
 * guest-physical address in EXIT_GPA; 0 = raised, and `raised` says what. setRaised(0) afterwards.
 */
export function walkFor(low: u32, high: u32, access: u32, mmu: u32, size: u32, software: bool, stack: bool): usize {
  setRaised(0);
  flushAll();
  forgetWalk();
  setEmulating(software);
  setStackAccess(stack);
  const host = translate(((<u64>high) << 32) | low, access, mmu, size);
  setStackAccess(false);
  setEmulating(false);
  if (raised) return 0;
  store<u64>(cpu, lastGpa, EXIT_GPA);
  return lastMmio ? 1 : host;
}
