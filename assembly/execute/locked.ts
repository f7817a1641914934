// Locked instructions (SDM vol. 3, 9.1.2) on memory that other threads' vCPUs write: what was loaded is exchanged for the result
// if it is still there; else the instruction is done again from its load, with the flags that it began with. An operand that is not
// aligned, on two pages, in a device or on the slow path for another reason is loaded and stored without that.

import { FLAG_A, FLAG_B, FLAG_KIND, FLAG_R, RFLAGS } from '../state';

/** What the running instruction loaded, and the flags at that time. */
let loaded: u64 = 0;
let flagKind: u32 = 0;
let flagA: u64 = 0;
let flagB: u64 = 0;
let flagR: u64 = 0;
let flags: u64 = 0;

// @ts-ignore: decorator
@inline export function loadLocked<T>(c: usize, d: usize, at: usize): void {
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
@inline export function storeLocked<T>(c: usize, at: usize, value: T): bool {
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
