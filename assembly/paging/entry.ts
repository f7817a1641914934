// An entry of a software TLB, and the check that lets an access happen at once: all inline, for the handlers of the run loop.

import { TLB_ADDEND, TLB_ENTRIES, TLB_ENTRY, TLB_READ, TLB_WRITE } from '../state';

/** The entry of a data TLB that a linear address may be in: entries are 32 bytes, so one shift and one mask. */
// @ts-ignore: decorator
@inline export function tlbEntry(tlb: usize, linear: u64): usize {
  return tlb + ((<usize>(linear >> 7)) & ((TLB_ENTRIES - 1) * TLB_ENTRY));
}
/** May be read here at once: the page of the last byte has to match, so an access that crosses pages never does. */
// @ts-ignore: decorator
@inline export function readable(entry: usize, linear: u64, size: u64): bool {
  return load<u64>(entry, TLB_READ) == ((linear + (size - 1)) & ~(<u64>0xfff));
}
// @ts-ignore: decorator
@inline export function writable(entry: usize, linear: u64, size: u64): bool {
  return load<u64>(entry, TLB_WRITE) == ((linear + (size - 1)) & ~(<u64>0xfff));
}
/** Address in linear memory. */
// @ts-ignore: decorator
@inline export function host(entry: usize, linear: u64): usize {
  return <usize>linear + <usize>load<u32>(entry, TLB_ADDEND);
}
