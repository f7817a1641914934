// A record of the table entries that a walk read, for people (inspect): off unless a buffer is given.

/** Where the next record goes; 0 = off. Record: { space u32, level u32, address u64, entry u64 }. */
export let walkTrace: usize = 0;
let traceEnd: usize = 0;
export const TRACE_RECORD: usize = 24;
/** Whose table: the guest's (address is guest-physical), or EPT, or NPT or shadow (address is the host's). */
export const TRACE_GUEST: u32 = 0;
export const TRACE_EPT: u32 = 1;
export const TRACE_HOST: u32 = 2;

/** Records from now on to `buffer` (room for `records`), or stops with 0. The count is (walkTrace - buffer) / TRACE_RECORD. */
export function setWalkTrace(buffer: usize, records: u32): void {
  walkTrace = buffer;
  traceEnd = buffer + <usize>records * TRACE_RECORD;
}

export function traceEntry(space: u32, level: u32, address: u64, entry: u64): void {
  if (walkTrace + TRACE_RECORD > traceEnd) return;
  store<u32>(walkTrace, space);
  store<u32>(walkTrace, level, 4);
  store<u64>(walkTrace, address, 8);
  store<u64>(walkTrace, entry, 16);
  walkTrace += TRACE_RECORD;
}
