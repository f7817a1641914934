// Finishing one instruction on the hypervisor's behalf: the slow path of an exit. The bytes are fetched again through the
// guest's tables and decoded again, every operand is translated by a walk of its own; MMIO reads are asked for one by
// one and MMIO writes collected, and the micro-operations run by the same loop as ever.

import {
  arena,
  ARENA_EMULATE,
  COUNT_DECODES,
  cpu,
  CR2,
  INJECT_ERROR,
  INJECT_INFO,
  INJECT_LENGTH,
  is64,
  PAGE,
  raised,
  RAISED_CR2,
  RAISED_ERROR,
  RAISED_EXCEPTION,
  RAISED_HAS_ERROR,
  RAISED_NEED_READ,
  RAISED_VECTOR,
  RFLAGS,
  RIP,
  SEG_CS,
  segment,
  SEGMENT_BASE,
  setEmulating,
  setRaised,
} from '../state';
import { build } from '../decode/block';
import { beyondLimit, closeJumps, finishInstruction, openJumps } from '../execute/enter';
import { interruptShadow } from '../events/shadow';
import { TF } from '../flags';
import { execute } from '../execute/run';
import { syncExit } from '../execute/slow';
import { fetchPage } from '../paging/access';
import { resetMmio, rewindMmio } from '../paging/mmio';
import { forgetWalk } from '../paging/translation';

export const EMULATE_DONE: i32 = 0;
/** The last entry of the read list lacks its data. */
export const EMULATE_READ: i32 = 1;
/** An exception waits for the guest in INJECT_INFO. */
export const EMULATE_FAULT: i32 = 2;
/** The instruction is not in memory, or not one at all. */
export const EMULATE_FAILED: i32 = 3;
/** A page has to be made present first: the exit record says which. */
export const EMULATE_EXIT: i32 = 4;

/** Emulate the instruction at RIP. */
export function emulate(): i32 {
  syncExit();
  resetMmio();
  forgetWalk();
  store<u64>(cpu, load<u64>(cpu, COUNT_DECODES) + 1, COUNT_DECODES);
  const rip = load<u64>(cpu, RIP);
  const linear = is64() ? rip : (load<u64>(segment(SEG_CS), SEGMENT_BASE) + rip) & 0xffffffff;
  setEmulating(true);
  const host = fetchPage(linear);
  if (host && !raised) build(arena + ARENA_EMULATE, linear, host, 1);
  setEmulating(false);
  if (!raised && host) beyondLimit(arena + ARENA_EMULATE);
  if (raised) return outcome();
  if (!host) return EMULATE_FAILED;
  store<u64>(cpu, linear & ~(<u64>0xfff), PAGE);
  return emulateAgain();
}
/** Go on with the instruction that emulate() began, now that a read has its data. */
export function emulateAgain(): i32 {
  rewindMmio();
  forgetWalk();
  const shadow = interruptShadow();
  const trap = (load<u64>(cpu, RFLAGS) & TF) != 0;
  const before = load<u64>(cpu, RIP);
  setEmulating(true);
  closeJumps();
  execute(arena + ARENA_EMULATE);
  setEmulating(false);
  openJumps();
  if (raised) return outcome();
  // a REP instruction with elements left is not over
  if (load<u64>(cpu, RIP) != before) finishInstruction(trap, shadow);
  return EMULATE_DONE;
}
function outcome(): i32 {
  const what = raised;
  setRaised(0);
  if (what == RAISED_NEED_READ) return EMULATE_READ;
  if (what != RAISED_EXCEPTION) return EMULATE_EXIT;
  queueException();
  return EMULATE_FAULT;
}
/** Turn what is raised into an event to inject: type 3, hardware exception. */
export function queueException(): void {
  const vector = load<u32>(cpu, RAISED_VECTOR);
  const hasError = load<u32>(cpu, RAISED_HAS_ERROR);
  if (vector == 14) store<u64>(cpu, load<u64>(cpu, RAISED_CR2), CR2);
  store<u32>(cpu, 0x80000000 | (hasError ? 0x800 : 0) | 0x300 | vector, INJECT_INFO);
  store<u32>(cpu, load<u32>(cpu, RAISED_ERROR), INJECT_ERROR);
  store<u32>(cpu, 0, INJECT_LENGTH);
}
