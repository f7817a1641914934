// Descriptors: fetched from the GDT or LDT with implicit supervisor accesses (SDM vol. 3, 4.6), taken apart, and put into
// a segment's cache. The last one fetched stands in `descriptor*`: AssemblyScript functions return one value.

import {
  GDTR_BASE,
  GDTR_LIMIT,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEGMENT_SELECTOR,
  SEG_LDTR,
  SEG_SS,
  CPL,
  cpu,
  isLongMode,
  raiseError,
  raised,
  segment,
} from '../state';
import { VECTOR_GP, VECTOR_SS } from '../vectors';
import { systemRead64, systemWrite8 } from '../paging/access';
import {
  HIGH_ACCESSED,
  HIGH_CODE,
  HIGH_PRESENT,
  HIGH_S,
  HIGH_WRITABLE,
  highDpl,
  HIGH_GRANULAR,
  RIGHTS_ACCESSED,
  RIGHTS_BIG,
  RIGHTS_DPL_SHIFT,
  RIGHTS_GRANULAR,
  RIGHTS_S,
  RIGHTS_UNUSABLE,
} from './rights';

/** The descriptor that the last successful fetch read: its two doublewords and where it stands. */
export let descriptorLow: u32 = 0;
export let descriptorHigh: u32 = 0;
export let descriptorAddress: u64 = 0;
/** Bits 63:32 of the base or offset of a 16-byte system descriptor, after fetchUpper(). */
export let descriptorUpper: u32 = 0;
let roomForUpper: bool = false;

/** EXT of the error codes made now (SDM vol. 3, 6.13): 1 while an event that no INT n, INT3 or INTO caused is delivered. */
export let external: u32 = 0;
export function setExternal(value: u32): void {
  external = value;
}

/** Raise with an error code that names a selector. */
export function selectorFault(vector: u32, selector: u32): void {
  raiseError(vector, (selector & 0xfffc) | external);
}

/** Addresses of system tables are 32 bits wide outside IA-32e mode. */
export function systemLinear(address: u64): u64 {
  return isLongMode() ? address : address & 0xffffffff;
}

/** Find the selector's entry; false when it is outside its table (or there is no LDT). */
function locate(selector: u32): bool {
  const last = (<u64>(selector | 7)) & 0xffff;
  let base = load<u64>(cpu, GDTR_BASE);
  let limit = <u64>load<u32>(cpu, GDTR_LIMIT);
  if ((selector & 4) != 0) {
    const ldtr = segment(SEG_LDTR);
    if ((load<u32>(ldtr, SEGMENT_ATTRIBUTES) & RIGHTS_UNUSABLE) != 0) return false;
    base = load<u64>(ldtr, SEGMENT_BASE);
    limit = <u64>load<u32>(ldtr, SEGMENT_LIMIT);
  }
  if (last > limit) return false;
  roomForUpper = last + 8 <= limit;
  descriptorAddress = systemLinear(base + (last & 0xfff8));
  return true;
}

function read(): bool {
  const value = systemRead64(descriptorAddress);
  if (raised) return false;
  descriptorLow = <u32>value;
  descriptorHigh = <u32>(value >> 32);
  return true;
}

/** Fetch a descriptor. False: `vector`(selector) is raised because it lies outside its table, or the read faulted. */
export function fetchDescriptor(selector: u32, vector: u32): bool {
  if (!locate(selector)) {
    selectorFault(vector, selector);
    return false;
  }
  return read();
}

/**
 * Fetch the descriptor of a stack segment for a level: present, writable data, RPL and DPL both that level (SDM vol. 3, 5.7).
 * `vector` is raised for what it is not, #SS if it is not present. False = raised.
 */
export function fetchStack(selector: u32, level: u32, vector: u32): bool {
  if (!fetchDescriptor(selector, vector)) return false;
  const high = descriptorHigh;
  const isStack = (high & (HIGH_S | HIGH_CODE | HIGH_WRITABLE)) == (HIGH_S | HIGH_WRITABLE);
  if (!isStack || (selector & 3) != level || highDpl(high) != level) {
    selectorFault(vector, selector);
    return false;
  }
  if ((high & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_SS, selector);
    return false;
  }
  return true;
}

/** Fetch for LAR, LSL, VERR, VERW: false without `raised` when null or outside its table. */
export function lookUpDescriptor(selector: u32): bool {
  return (selector & 0xfffc) != 0 && locate(selector) && read();
}

/** Where the selector's entry would be, 0 when there is none. Raises nothing. */
export function descriptorPlace(selector: u32): u64 {
  return (selector & 0xfffc) != 0 && locate(selector) ? descriptorAddress : 0;
}

/** Second half of a 16-byte system descriptor (SDM vol. 3, 3.5 and 5.8.3.1: its type field must be zero). */
export function fetchUpper(selector: u32): bool {
  if (!roomForUpper) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  const value = systemRead64(descriptorAddress + 8);
  if (raised) return false;
  if (((value >> 40) & 0x1f) != 0) {
    selectorFault(VECTOR_GP, selector);
    return false;
  }
  descriptorUpper = <u32>value;
  return true;
}

// @ts-ignore: decorator
@inline export function descriptorBase(low: u32, high: u32): u32 {
  return (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000);
}
/** Limit in bytes. */
// @ts-ignore: decorator
@inline export function descriptorLimit(low: u32, high: u32): u32 {
  const limit = (low & 0xffff) | (high & 0xf0000);
  return (high & HIGH_GRANULAR) != 0 ? (limit << 12) | 0xfff : limit;
}
// @ts-ignore: decorator
@inline export function descriptorRights(high: u32): u32 {
  return (high >> 8) & 0xf0ff;
}

/** Set the accessed bit in memory; a write only when it was clear, so that tables in ROM work. May raise. */
export function markAccessed(address: u64, high: u32): void {
  if ((high & HIGH_ACCESSED) == 0) systemWrite8(address + 5, ((high | HIGH_ACCESSED) >> 8) & 0xff);
}

/** Fill a segment register's cache. */
export function storeSegment(seg: usize, selector: u32, base: u64, limit: u32, rights: u32): void {
  const s = segment(seg);
  store<u64>(s, base, SEGMENT_BASE);
  store<u32>(s, limit, SEGMENT_LIMIT);
  store<u32>(s, rights, SEGMENT_ATTRIBUTES);
  store<u32>(s, selector, SEGMENT_SELECTOR);
}

/** Fill it from a code or data descriptor; the cache always says accessed. */
export function storeDescriptor(seg: usize, selector: u32, low: u32, high: u32): void {
  const rights = descriptorRights(high);
  storeSegment(
    seg,
    selector,
    <u64>descriptorBase(low, high),
    descriptorLimit(low, high),
    (rights & RIGHTS_S) != 0 ? rights | RIGHTS_ACCESSED : rights,
  );
}

/** Null selector: unusable. The limit stays (only base and usability change on processors), SS keeps the level in DPL. */
export function storeNull(seg: usize, selector: u32, level: u32): void {
  const s = segment(seg);
  const kept = load<u32>(s, SEGMENT_ATTRIBUTES) & (RIGHTS_BIG | RIGHTS_GRANULAR);
  store<u64>(s, 0, SEGMENT_BASE);
  store<u32>(s, selector, SEGMENT_SELECTOR);
  store<u32>(s, RIGHTS_UNUSABLE | kept | (seg == SEG_SS ? level << RIGHTS_DPL_SHIFT : 0), SEGMENT_ATTRIBUTES);
}

// @ts-ignore: decorator
@inline export function currentLevel(): u32 {
  return load<u32>(cpu, CPL);
}
// @ts-ignore: decorator
@inline export function selectorOf(seg: usize): u32 {
  return load<u32>(segment(seg), SEGMENT_SELECTOR) & 0xffff;
}
