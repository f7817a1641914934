// Between blocks: where the run loop goes next, and everything that may come in between: events, single steps, the end
// of the budget, faults and exits of the instruction that could not finish.

import {
  ACTIVITY,
  APIC_STARTUP,
  arena,
  ARENA_CUT,
  ARENA_UNIMPLEMENTED,
  BUDGET,
  CARRY_ENTRY,
  cpu,
  DR,
  emulating,
  EPOCH,
  EXIT_GPA,
  EXIT_INFO,
  EXIT_LENGTH,
  EXIT_REASON,
  EXIT_VECTORING,
  INFO_LENGTH_SHIFT,
  INFO_PLAIN_STORE,
  INJECT_INFO,
  IRQ_VECTOR,
  is64,
  JUMP_KEY,
  LEAVE,
  NEXT_RIP,
  NMI_PENDING,
  PAGE,
  PENDING_DEBUG,
  raise,
  raised,
  RAISED_EXCEPTION,
  raiseError,
  REQUEST,
  REQUEST_STOP,
  RETIRED,
  RFLAGS,
  RIP,
  RUN_BUDGET,
  SEG_CS,
  segment,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  setRaised,
  SKIP,
  STRICT,
} from '../state';
import { VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../vectors';
import {
  AUX,
  BLOCK_MAX,
  HANDLER,
  IMM,
  LENGTH,
  LINK_SEQUENTIAL,
  LINK_WORD,
  MEM,
  MEM_PLAIN,
  NUMBER,
  OFFSET,
  SRC,
  Uop,
} from '../uop';
import { build, catchUp, clearCodeDropped, linkable, lookup, startOf } from '../decode/block';
import { jumpEntry } from '../decode/block';
import { pendingVector } from '../apic/priority';
import { setNumber } from '../clock';
import { RF, TF } from '../flags';
import { definedNow } from '../lower/available';
import { fetchPage } from '../paging/access';
import { deliverException } from '../events/deliver';
import { updateJumpKey } from '../paging/tlb';
import { serviceEvents } from '../events/pending';
import { BLOCKED_MOV_SS, endShadows, interruptShadow } from '../events/shadow';
import { breakpointsEnabled, debugCheckExecute, debugStep, interruptWindowOpen, nmiWindowOpen } from '../events/debug';
import { exitHandler } from '../imports';
import { straddles, undoPatches } from './slow';
import { startUp } from './startup';

export { jumpEntry };

/** Why the run loop was left. */
export let result: i32 = 0;
const REASON_HLT: u32 = 12;
export const RESULT_BUDGET: i32 = 0;
export const RESULT_LEFT: i32 = 1;
export const RESULT_STOP: i32 = 2;
export const RESULT_HALTED: i32 = 3;

/** A cut block runs: its instructions are followed by CUT_END, branches out of it come back here. */
let cutting: bool = false;
/** RFLAGS.TF when the cut block's instruction began; whether it began in an interrupt shadow. */
let cutTrap: bool = false;
let cutShadow: u32 = 0;

// ---------------------------------------------------------------- RIP
function ripOfLinear(linear: u64): u64 {
  if (is64()) return linear;
  return (linear - load<u64>(segment(SEG_CS), SEGMENT_BASE)) & 0xffffffff;
}
/** Make RIP and NEXT_RIP those of the instruction a micro-operation belongs to. */
export function sync(op: usize): void {
  setNumber(load<u8>(op, NUMBER));
  const rip = ripOfLinear(load<u64>(cpu, PAGE) + load<u16>(op, OFFSET));
  const next = rip + load<u8>(op, LENGTH);
  store<u64>(cpu, rip, RIP);
  store<u64>(cpu, is64() ? next : next & 0xffffffff, NEXT_RIP);
}
// @ts-ignore: decorator
@inline export function chargeCount(count: i32): void {
  store<i32>(cpu, load<i32>(cpu, BUDGET) - count, BUDGET);
}
function refreshKey(): void {
  updateJumpKey();
}
const NO_KEY: u32 = 0xffffffff;
/** Make every jump-cache probe miss, so that no branch leaves a scratch block unseen. */
export function closeJumps(): void {
  store<u32>(cpu, NO_KEY, JUMP_KEY);
}
export function openJumps(): void {
  refreshKey();
}

// ---------------------------------------------------------------- instructions that ended
/** The running instruction has completed and RIP holds where to go on. */
export function proceed(): usize {
  if (emulating) return 0;
  if (cutting) finishCut();
  return enter();
}
/** What the end of a single instruction brings: the interrupt shadow passes, RF goes, a single-step trap comes. */
export function finishInstruction(trap: bool, shadowBefore: u32): void {
  // a shadow that was there before is over; one made by this instruction stays (STI in a shadow makes none)
  if (shadowBefore) endShadows();
  // RF lasts for one instruction; IRET has just loaded the one for the next
  if (!keepRf) store<u64>(cpu, load<u64>(cpu, RFLAGS) & ~(<u64>RF), RFLAGS);
  keepRf = false;
  // MOV SS holds back the trap of its own end until the next instruction's (SDM vol. 3, 6.8.3)
  if (trap && (shadowBefore || !(interruptShadow() & BLOCKED_MOV_SS))) debugStep();
}
function finishCut(): void {
  cutting = false;
  refreshKey();
  finishInstruction(cutTrap, cutShadow);
}
/** The running instruction changed TF by delivering an event: its own single-step trap does not come. */
export function suppressTrap(): void {
  cutTrap = false;
}
/**
 * SYSCALL and SYSRET trap by the TF they leave, not by the one they found: a kernel that masks TF gets no trap at its entry,
 * and a user who single-steps gets one behind the SYSCALL (test/oracle: step.syscall-masked, step.sysret).
 */
export function trapByNewFlags(): void {
  const trap = (load<u64>(cpu, RFLAGS) & TF) != 0;
  if (cutting) cutTrap = trap;
  else if (trap) debugStep();
}
/** The running instruction loaded RF for the one after it. */
let keepRf: bool = false;
export function loadedRf(): void {
  keepRf = true;
}
export function abandonCut(): void {
  if (!cutting) return;
  cutting = false;
  refreshKey();
}

/** The rest of a block was overwritten: OFFSET is where to look again. */
export function dead(op: usize): usize {
  chargeCount(load<u8>(op, NUMBER));
  store<u64>(cpu, ripOfLinear(load<u64>(cpu, PAGE) + load<u16>(op, OFFSET)), RIP);
  return proceed();
}
/** Not enough of the budget is left for a whole block: go on at `next` (a block's first micro-operation or a link). */
export function budgetOut(next: usize): usize {
  if (load<u16>(next, HANDLER) == Uop.LINK) return link(next);
  store<u64>(cpu, ripOfLinear(load<u64>(cpu, PAGE) + startOf(next)), RIP);
  return proceed();
}

/** A branch whose target is not known yet (IMM = distance from PAGE). */
export function link(op: usize): usize {
  const linear = load<u64>(cpu, PAGE) + load<u64>(op, IMM);
  let target = linear;
  let nearLimit = false;
  const flags = load<u8>(op, AUX);
  if (!is64()) {
    const cs = segment(SEG_CS);
    const base = load<u64>(cs, SEGMENT_BASE);
    const rip = (linear - base) & (flags & LINK_WORD ? 0xffff : 0xffffffff);
    if (leavesLimit(op)) return refuseBranch(op);
    store<u64>(cpu, rip, RIP);
    target = (base + rip) & 0xffffffff;
    nearLimit = limitNear(rip, target, load<u32>(cs, SEGMENT_LIMIT));
  } else store<u64>(cpu, linear, RIP);
  if (cutting || emulating) return proceed();
  if (nearLimit || load<i32>(cpu, BUDGET) < 0 || load<u32>(cpu, REQUEST)) return enter();
  const page = load<u64>(cpu, PAGE);
  const field = <usize>load<u32>(op, SRC);
  const epoch = load<u32>(cpu, EPOCH);
  const first = lookup(target);
  if (!first) return settle(0);
  // a new epoch: the arena was started over, and the link's block is no more
  if (load<u32>(cpu, EPOCH) == epoch && target == linear && (target & ~(<u64>0xfff)) == page && linkable(first))
    store<u32>(field, <u32>first);
  return first;
}
/**
 * The limit of the code segment lies on the page of `linear` or so close behind that an instruction may reach it: there
 * each instruction is checked on its own. The same for all of the page, so that its blocks may link to each other.
 */
function limitNear(rip: u64, linear: u64, limit: u32): bool {
  return rip + (4096 + 14 - (linear & 4095)) > limit;
}
/** Whether a branch by this LINK leaves the code segment: LOOP must know before it counts. */
export function leavesLimit(op: usize): bool {
  const flags = load<u8>(op, AUX);
  if (is64() || flags & LINK_SEQUENTIAL) return false;
  const cs = segment(SEG_CS);
  const rip = load<u64>(cpu, PAGE) + load<u64>(op, IMM) - load<u64>(cs, SEGMENT_BASE);
  return (rip & (flags & LINK_WORD ? 0xffff : 0xffffffff)) > load<u32>(cs, SEGMENT_LIMIT);
}
/** Branch beyond the code segment's limit: #GP(0) on the branch, which was already counted. */
function refuseBranch(op: usize): usize {
  chargeCount(-1);
  sync(op);
  setNumber(0);
  raiseError(VECTOR_GP, 0);
  return settle(0);
}

// ---------------------------------------------------------------- instructions that did not end
/** The running instruction raised something: nothing of it has taken effect. */
export function fail(op: usize): usize {
  sync(op);
  if (!emulating) chargeCount(load<u8>(op, NUMBER));
  setNumber(0);
  // Breakpoints on data of an instruction that did not happen; but what MOV SS holds back outlives an exit.
  if (raised == RAISED_EXCEPTION || !(interruptShadow() & BLOCKED_MOV_SS)) store<u32>(cpu, 0, PENDING_DEBUG);
  undoPatches();
  return settle(op);
}
/** Deliver what is raised, or exit to the hypervisor, and go on. */
export function settle(op: usize): usize {
  if (emulating) return 0;
  return settled(op) ? enter() : 0;
}
/** The same without going on; false = run() is to be left. */
function settled(op: usize): bool {
  const inCut = cutting;
  abandonCut();
  // an exit in the middle of a delivery is not the instruction's
  const own = raised == RAISED_EXCEPTION ? 0 : op;
  deliverRaised();
  return !raised || leaveGuest(own, inCut);
}
/** Exceptions in a row that a guest may take without an instruction in between before they count as instructions. */
const FRUITLESS_MOST: u32 = 64;
let fruitless: u32 = 0;
let fruitlessAt: u64 = 0;
/** A vCPU after power-up: nothing is remembered of what ran before. */
export function resetEntry(): void {
  fruitless = 0;
  fruitlessAt = 0;
  keepRf = false;
}
/** What the next run() has to know of the last one. */
export function saveEntry(): void {
  store<u64>(cpu, fruitlessAt, CARRY_ENTRY);
  store<u32>(cpu, fruitless, CARRY_ENTRY + 8);
  store<u32>(cpu, keepRf ? 1 : 0, CARRY_ENTRY + 12);
}
export function loadEntry(): void {
  fruitlessAt = load<u64>(cpu, CARRY_ENTRY);
  fruitless = load<u32>(cpu, CARRY_ENTRY + 8);
  keepRf = load<u32>(cpu, CARRY_ENTRY + 12) != 0;
}
/**
 * Deliver what is raised. A handler that cannot begin raises the next exception without anything retired: so that run()
 * comes to an end with a guest that does nothing else, these use up the budget, too.
 */
function deliverRaised(): void {
  while (raised == RAISED_EXCEPTION) {
    deliverException();
    const left = <i64>load<i32>(cpu, BUDGET) + BLOCK_MAX;
    const count = load<u64>(cpu, RETIRED) + <u64>(load<i64>(cpu, RUN_BUDGET) - left);
    if (count != fruitlessAt) fruitless = 0;
    fruitlessAt = count;
    if (++fruitless > FRUITLESS_MOST) {
      chargeCount(1);
      fruitlessAt++;
    }
  }
}
/** Exit to the hypervisor with the record filled in; `op` = the instruction's micro-operation, 0 = between instructions. */
function leaveGuest(op: usize, inCut: bool): bool {
  setRaised(0);
  let info = load<u32>(cpu, EXIT_INFO);
  if (op) {
    info |= (<u32>load<u8>(op, LENGTH)) << INFO_LENGTH_SHIFT;
    // a breakpoint on the data is for the emulator to see
    if (load<u8>(op, MEM) & MEM_PLAIN && !straddles && !load<u32>(cpu, STRICT)) info |= INFO_PLAIN_STORE;
    store<u32>(cpu, info, EXIT_INFO);
    store<u32>(cpu, load<u8>(op, LENGTH), EXIT_LENGTH);
  } else store<u32>(cpu, 0, EXIT_LENGTH);
  const answer = callHypervisor(info);
  if (answer == LEAVE) leaveRun(RESULT_LEFT);
  // between instructions there is nothing to step over
  else if (answer == SKIP && op) stepOver(inCut);
  return answer != LEAVE;
}
/** The hypervisor finished the instruction: go on behind it. */
export function stepOver(inCut: bool): void {
  store<u64>(cpu, load<u64>(cpu, NEXT_RIP), RIP);
  chargeCount(1);
  const trap = (load<u64>(cpu, RFLAGS) & TF) != 0;
  if (inCut || trap) finishInstruction(trap, interruptShadow());
}
// @ts-ignore: decorator
@inline export function callHypervisor(info: u32): i32 {
  return exitHandler(load<i32>(cpu, EXIT_REASON), load<i32>(cpu, EXIT_GPA), load<i32>(cpu, EXIT_GPA + 4), info);
}
export function leaveRun(why: i32): usize {
  result = why;
  return 0;
}

export function undefined(op: usize): usize {
  const operation = load<u32>(op, IMM);
  if (operation && !emulating) {
    const counter = arena + ARENA_UNIMPLEMENTED + (((<usize>operation) & 2047) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  raise(VECTOR_UD);
  return fail(op);
}
export function noDevice(op: usize): usize {
  raise(definedNow(load<u32>(op, IMM)) ? VECTOR_NM : VECTOR_UD);
  return fail(op);
}
export function fetchFault(op: usize): usize {
  raiseError(load<u32>(op, IMM), 0);
  return fail(op);
}

// ---------------------------------------------------------------- going on
/** An interrupt or NMI waits and nothing holds it back. */
function eventDue(): bool {
  if (interruptWindowOpen() && (atomic.load<i32>(cpu, IRQ_VECTOR) >= 0 || pendingVector() >= 0)) return true;
  return atomic.load<u32>(cpu, NMI_PENDING) != 0 && nmiWindowOpen();
}
/** First micro-operation at RIP, after all that must come before it; 0 = leave the run loop. */
export function enter(): usize {
  while (true) {
    const left = load<i32>(cpu, BUDGET) + <i32>BLOCK_MAX;
    if (left <= 0) return leaveRun(RESULT_BUDGET);
    setNumber(0);
    clearCodeDropped();
    catchUp();
    const request = atomic.load<u32>(cpu, REQUEST);
    if (request & REQUEST_STOP) {
      atomic.and<u32>(cpu, ~REQUEST_STOP, REQUEST);
      return leaveRun(RESULT_STOP);
    }
    if (request | load<u32>(cpu, ACTIVITY) | load<u32>(cpu, PENDING_DEBUG) | (load<u32>(cpu, INJECT_INFO) >> 31)) {
      if (atomic.load<u32>(cpu, APIC_STARTUP)) startUp();
      serviceEvents();
      deliverRaised();
      if (raised) {
        setRaised(0);
        store<u32>(cpu, 0, EXIT_LENGTH);
        const answer = callHypervisor(load<u32>(cpu, EXIT_INFO));
        store<u32>(cpu, 0, EXIT_VECTORING);
        if (answer == LEAVE) return leaveRun(RESULT_LEFT);
        continue;
      }
      if (eventDue()) continue; // one was delivered and its handler may be interrupted at once
      if (load<u32>(cpu, ACTIVITY)) {
        // halted with nothing to wake it: an exit, at which something may come
        store<u32>(cpu, REASON_HLT, EXIT_REASON);
        store<u32>(cpu, 0, EXIT_INFO);
        if (callHypervisor(0) == LEAVE) return leaveRun(RESULT_LEFT);
        if (load<u32>(cpu, ACTIVITY) && !load<u32>(cpu, REQUEST)) return leaveRun(RESULT_HALTED);
        continue;
      }
    }
    const rip = load<u64>(cpu, RIP);
    let linear = rip;
    let special = (load<u64>(cpu, RFLAGS) & (TF | RF)) != 0 || interruptShadow() != 0 || breakpointsEnabled();
    if (!is64()) {
      const cs = segment(SEG_CS);
      const limit = load<u32>(cs, SEGMENT_LIMIT);
      linear = (load<u64>(cs, SEGMENT_BASE) + rip) & 0xffffffff;
      if (rip > limit) {
        raiseError(VECTOR_GP, 0);
        if (!settled(0)) return 0;
        continue;
      }
      if (limitNear(rip, linear, limit)) special = true;
    }
    const first = special || left < <i32>BLOCK_MAX ? cut(linear, special ? 1 : <u32>left) : lookup(linear);
    if (first) return first;
    // in this loop and not by a call: a guest may have handlers that fault again and again
    if (!settled(0)) return 0;
  }
}

/** A single step is being taken: a REP instruction stops after each element (SDM vol. 3, 17.3.1.4). */
export function stepping(): bool {
  return cutting && cutTrap;
}

/** The instruction at RIP does not end within the code segment: #GP(0). */
export function beyondLimit(op: usize): bool {
  if (is64()) return false;
  const limit = load<u32>(segment(SEG_CS), SEGMENT_LIMIT);
  if (limit == 0xffffffff || load<u64>(cpu, RIP) + load<u8>(op, LENGTH) <= <u64>limit + 1) return false;
  raiseError(VECTOR_GP, 0);
  return true;
}

/** First micro-operation of exactly `count` instructions (fewer at a branch), after which the run loop comes back; 0 = raised. */
function cut(linear: u64, count: u32): usize {
  if (load<u32>(cpu, DR + 7 * 8) & 0xff && debugCheckExecute(linear)) return 0;
  const host = fetchPage(linear);
  if (raised) return 0;
  const to = arena + ARENA_CUT;
  store<u64>(cpu, linear & ~(<u64>0xfff), PAGE);
  build(to, linear, host, count);
  if (raised || beyondLimit(to)) return 0;
  cutting = true;
  keepRf = false;
  cutTrap = (load<u64>(cpu, RFLAGS) & TF) != 0;
  cutShadow = interruptShadow();
  closeJumps();
  return to;
}
