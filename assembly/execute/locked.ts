// Locked instructions (SDM vol. 3, 9.1.2) on memory that other threads' vCPUs write: what was loaded is exchanged for the result
// if it is still there; else the instruction is done again from its load, with the flags that it began with. An operand that is not
// aligned, on two pages, in a device or on the slow path for another reason is loaded and stored without that.

import { cpu, FLAG_A, FLAG_B, FLAG_KIND, FLAG_R, RFLAGS } from '../state';
import { AUX, HANDLER, Uop, UOP } from '../uop';
import { host } from '../paging/entry';
import { address, dst, readable, src, tlbEntry, writable } from './operand';

/** What the running instruction loaded, and the flags at that time. */
let loaded: u64 = 0;
let flagKind: u32 = 0;
let flagA: u64 = 0;
let flagB: u64 = 0;
let flagR: u64 = 0;
let flags: u64 = 0;

// @ts-ignore: decorator
@inline function loadLocked<T>(c: usize, d: usize, at: usize): void {
  const value = at & (sizeof<T>() - 1) ? load<T>(at) : atomic.load<T>(at);
  loaded = <u64>value;
  flagKind = load<u32>(c, FLAG_KIND);
  flagA = load<u64>(c, FLAG_A);
  flagB = load<u64>(c, FLAG_B);
  flagR = load<u64>(c, FLAG_R);
  flags = load<u64>(c, RFLAGS);
  store<u64>(d, <u64>value);
}

/** False: the flags are as before, and the instruction has to be done again. */
// @ts-ignore: decorator
@inline function storeLocked<T>(c: usize, at: usize, value: T): bool {
  // a value put back unchanged was written when it was loaded; CMPXCHG has changed its accumulator by then
  if (<u64>value == loaded) return true;
  if (at & (sizeof<T>() - 1)) {
    store<T>(at, value);
    return true;
  }
  if (<u64>atomic.cmpxchg<T>(at, <T>loaded, value) == loaded) return true;
  store<u32>(c, flagKind, FLAG_KIND);
  store<u64>(c, flagA, FLAG_A);
  store<u64>(c, flagB, FLAG_B);
  store<u64>(c, flagR, FLAG_R);
  store<u64>(c, flags, RFLAGS);
  return false;
}

/**
 * A LOAD_LOCKED or STORE_LOCKED: the next micro-operation, or 0 if the TLB does not have the operand. A function of its own and
 * not part of the run loop: what is in there costs every other instruction, too.
 */
export function locked(op: usize, tlb: usize): usize {
  const c = cpu;
  const a = address(op);
  const e = tlbEntry(tlb, a);
  const handler = <u32>load<u16>(op, HANDLER);
  const stores = handler >= <u32>Uop.STORE_LOCKED8;
  const log2 = handler - (stores ? <u32>Uop.STORE_LOCKED8 : <u32>Uop.LOAD_LOCKED8);
  const size: u32 = 1 << log2;
  if (!writable(e, a, size)) return 0;
  const at = host(e, a);
  if (!stores) {
    if (!readable(e, a, size)) return 0;
    if (log2 == 0) loadLocked<u8>(c, dst(op), at);
    else if (log2 == 1) loadLocked<u16>(c, dst(op), at);
    else if (log2 == 2) loadLocked<u32>(c, dst(op), at);
    else loadLocked<u64>(c, dst(op), at);
    return op + UOP;
  }
  let done: bool;
  if (log2 == 0) done = storeLocked<u8>(c, at, load<u8>(src(op)));
  else if (log2 == 1) done = storeLocked<u16>(c, at, load<u16>(src(op)));
  else if (log2 == 2) done = storeLocked<u32>(c, at, load<u32>(src(op)));
  else done = storeLocked<u64>(c, at, load<u64>(src(op)));
  return done ? op + UOP : op - <usize>load<u8>(op, AUX) * UOP;
}
