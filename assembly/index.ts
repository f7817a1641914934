// Everything the core exports, and nothing else. The layout's constants are exported under their own names, so that
// TypeScript reads the layout from the module.

import {
  ACTIVITY,
  arena,
  ARENA_EMULATE,
  ARENA_SIZE,
  ARENAS,
  BUDGET,
  cpu,
  CR0,
  DR,
  EXIT_GPA,
  FCW,
  GDTR_LIMIT,
  GPR,
  IDTR_LIMIT,
  INJECT_INFO,
  IRQ_VECTOR,
  MSR_APIC_BASE,
  MSR_PAT,
  raised,
  raise,
  raiseError,
  REQUEST,
  RETIRED,
  RFLAGS,
  RIP,
  RUN_BUDGET,
  SCRATCH_SIZE,
  SEG_CS,
  SEG_LDTR,
  SEG_TR,
  segment,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEGMENT_SELECTOR,
  setEmulating,
  setRaised,
  STATE_SIZE,
  VCPU_COUNT,
  VCPUS,
  XCR0,
  attach as attachState,
} from './state';
import { BLOCK_MAX } from './uop';
import { setMxcsr } from './float/environment';
import { initTables } from './decode/tables';
import { initVectorTables } from './vector/tables';
import { codeWritten, resetBlocks } from './decode/block';
import { execute } from './execute/run';
import { enter, loadEntry, resetEntry, result, saveEntry } from './execute/enter';
import { loadPort, savePort } from './execute/port';
import { getFlags, setFlags } from './flags';
import { flushAll, flushPage } from './paging/tlb';
import { init, modeChanged } from './paging/mode';
import { watchWrite } from './paging/code-watch';
import { lastGpa, lastMmio, setStackAccess, translate } from './paging/access';
import { setWalkTrace, TRACE_RECORD, walkTrace } from './paging/trace';
import { forgetWalk } from './paging/translation';
import { loadMmio, readCount, saveMmio, writeCount } from './paging/mmio';
import { queueException } from './emulate/emulate';
import { syncExit } from './execute/slow';

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

/** State after power-up (SDM vol. 3, table 10-1): real mode at F000:FFF0, everything else clear. */
export function resetVcpu(): void {
  memory.fill(cpu, 0, STATE_SIZE);
  for (let i: usize = 0; i < 8; i++) {
    const s = segment(i);
    store<u32>(s, 0xffff, SEGMENT_LIMIT);
    store<u32>(s, i == SEG_CS ? 0x9b : i == SEG_LDTR ? 0x82 : i == SEG_TR ? 0x8b : 0x93, SEGMENT_ATTRIBUTES);
  }
  store<u64>(segment(SEG_CS), 0xffff0000, SEGMENT_BASE);
  store<u16>(segment(SEG_CS), 0xf000, SEGMENT_SELECTOR);
  store<u64>(cpu, 0xfff0, RIP);
  store<u64>(cpu, 2, RFLAGS);
  store<u64>(cpu, 0x60000010, CR0);
  store<u32>(cpu, 0xffff, GDTR_LIMIT);
  store<u32>(cpu, 0xffff, IDTR_LIMIT);
  store<u64>(cpu, 0xffff0ff0, DR + 6 * 8);
  store<u64>(cpu, 0x400, DR + 7 * 8);
  store<u64>(cpu, 0x0007040600070406, MSR_PAT);
  store<u64>(cpu, 0xfee00900, MSR_APIC_BASE);
  store<u64>(cpu, 1, XCR0);
  store<u16>(cpu, 0x37f, FCW); // as KVM has it; hardware has 0040H until FNINIT
  setMxcsr(0x1f80);
  store<i32>(cpu, -1, IRQ_VECTOR);
  store<i32>(cpu, -(<i32>BLOCK_MAX), BUDGET);
  init();
  resetBlocks();
  resetEntry();
}

/** Run at most `budget` instructions. 0 = all of them, 1 = the exit handler said LEAVE, 2 = REQUEST_STOP, 3 = halted. */
export function run(budget: i32): i32 {
  settleRetired();
  store<i64>(cpu, budget, RUN_BUDGET);
  store<i32>(cpu, budget - <i32>BLOCK_MAX, BUDGET);
  setRaised(0);
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
}
/** Instructions retired, those of the present run() included. */
export function retired(): f64 {
  const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
  return <f64>(<i64>load<u64>(cpu, RETIRED) + load<i64>(cpu, RUN_BUDGET) - left);
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
  modeChanged();
  flushAll();
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
  const end = host + length;
  while (at < end) {
    const next = min<usize>(end, (at & ~4095) + 4096);
    watchWrite(at, <u32>(next - at));
    at = next;
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
