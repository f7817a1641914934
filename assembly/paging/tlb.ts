// The TLBs in a vCPU's arena: three for data (by privilege), two for instructions; filling, and what empties them.

import {
  cpu,
  arena,
  ARENA_TLB,
  ARENA_ITLB,
  ARENA_JUMPS,
  JUMP_ENTRIES,
  TLB_ENTRY,
  TLB_SIZE,
  TLB_READ,
  TLB_WRITE,
  TLB_ADDEND,
  TLB_FLAGS,
  TLB_GPA,
  TLB_GLOBAL,
  TAG_MMIO,
  TAG_NONE,
  ITLB_ENTRY,
  ITLB_ENTRIES,
  ITLB_SIZE,
  ITLB_TAG,
  ITLB_GPA,
  ITLB_HOST,
  ITLB_FLAGS,
  EPOCH,
  JUMP_KEY,
  MODE,
  CPL,
  ACCESS_EXEC,
  ACCESS_WRITE,
  COUNT_TLB_MISSES,
} from '../state';
import { FOUND_GLOBAL, FOUND_WRITABLE, PAGE_MASK, PTE_MMIO, PTE_NX, foundShift } from './format';
import { tlbEntry } from './entry';
import { codeOf } from './code-watch';
import { logWrite, unlogged } from './write-log';
export { init, modeChanged } from './mode';
import { found, gpaPage, isApic, isMmio, mmioEntry, page, resolve } from './translation';

/** In TLB_FLAGS beside TLB_GLOBAL: only decoded code on the page, or the write log, keeps it from being written inline. */
export const TLB_WATCHED: u32 = 2;
/** log2 of the size of the page that mapped this one. */
export const TLB_PAGE_SHIFT: u32 = 8;
/** Bits 0-2 and (as bit 3) NX of a shadow MMIO marker. */
export const TLB_MARKER_SHIFT: u32 = 16;

/** In the padding of the first ITLB entry: a page larger than 4 KiB may be cached, so INVLPG has to look at every entry. */
// @ts-ignore: decorator
@inline const LARGE_CACHED: usize = ARENA_ITLB + 24;
/** EPOCH's bits in JUMP_KEY. */
const EPOCH_MAX: u32 = (1 << 24) - 1;

// @ts-ignore: decorator
@inline export function dataEntry(linear: u64, mmu: u32): usize {
  return tlbEntry(arena + ARENA_TLB + <usize>mmu * TLB_SIZE, linear);
}
// @ts-ignore: decorator
@inline export function itlbEntry(linear: u64, user: u32): usize {
  return arena + ARENA_ITLB + <usize>user * ITLB_SIZE + ((<usize>(linear >> 7)) & ((ITLB_ENTRIES - 1) * ITLB_ENTRY));
}

/** Nothing cached, epoch 1 (so that a jump cache of zeros holds nothing). */
export function initTlb(): void {
  store<u32>(cpu, 0, EPOCH);
  memory.fill(arena + ARENA_JUMPS, 0, JUMP_ENTRIES * 16);
  flushAll();
}

/**
 * Walk for a truncated linear address and cache the result. True = translated (translation.ts says to what), false =
 * raised. For data; instruction fetches have fillFetch().
 */
export function fill(linear: u64, access: u32, mmu: u32): bool {
  store<u64>(cpu, load<u64>(cpu, COUNT_TLB_MISSES) + 1, COUNT_TLB_MISSES);
  if (!resolve(linear, access, mmu, false)) return false;
  const tag = linear & PAGE_MASK;
  const entry = dataEntry(linear, mmu);
  if (isApic) {
    dropData(entry);
    return true;
  }
  let flags = flagsOf();
  store<u64>(entry, gpaPage, TLB_GPA);
  if (isMmio) {
    if (mmioEntry) flags |= (((<u32>mmioEntry) & 7) | (mmioEntry & PTE_NX ? 8 : 0)) << TLB_MARKER_SHIFT;
    store<u64>(entry, tag | TAG_MMIO, TLB_READ);
    store<u64>(entry, found & FOUND_WRITABLE ? tag | TAG_MMIO : TAG_NONE, TLB_WRITE);
    store<u32>(entry, flags, TLB_FLAGS);
    return true;
  }
  store<u32>(entry, page - <usize>tag, TLB_ADDEND);
  store<u64>(entry, TAG_NONE, TLB_WRITE);
  store<u64>(entry, tag, TLB_READ);
  store<u32>(entry, found & FOUND_WRITABLE ? flags | TLB_WATCHED : flags, TLB_FLAGS);
  if (found & FOUND_WRITABLE && (access & ACCESS_WRITE || !unlogged(page))) allowWrites(entry, tag, page);
  return true;
}

/**
 * A page is going to be written: make it writable inline unless it holds code. Another vCPU may be decoding there: it sets the code map and then
 * drops tags, this sets the tag and then looks at the map, so one of the two sees the other.
 */
export function allowWrites(entry: usize, tag: u64, host: usize): void {
  const flags = load<u32>(entry, TLB_FLAGS);
  logWrite(host);
  if (codeOf(host)) return;
  store<u32>(entry, flags & ~TLB_WATCHED, TLB_FLAGS);
  atomic.store<u64>(entry, tag, TLB_WRITE);
  if (codeOf(host)) {
    store<u64>(entry, TAG_NONE, TLB_WRITE);
    store<u32>(entry, flags, TLB_FLAGS);
  }
}

/** The marker that a cached shadow MMIO page came from (as far as it is kept). */
export function cachedMarker(entry: usize): u64 {
  const kept = load<u32>(entry, TLB_FLAGS) >> TLB_MARKER_SHIFT;
  return load<u64>(entry, TLB_GPA) | PTE_MMIO | (kept & 7) | (kept & 8 ? PTE_NX : 0);
}

/** The same for instruction fetches. MMIO is not cached: nobody runs code there twice. */
export function fillFetch(linear: u64, mmu: u32): bool {
  store<u64>(cpu, load<u64>(cpu, COUNT_TLB_MISSES) + 1, COUNT_TLB_MISSES);
  if (!resolve(linear, ACCESS_EXEC, mmu, false)) return false;
  if (isMmio) return true;
  const entry = itlbEntry(linear, mmu & 1);
  store<u64>(entry, linear & PAGE_MASK, ITLB_TAG);
  store<u64>(entry, gpaPage, ITLB_GPA);
  store<u32>(entry, page, ITLB_HOST);
  store<u32>(entry, flagsOf(), ITLB_FLAGS);
  return true;
}

function flagsOf(): u32 {
  const shift = foundShift(found);
  if (shift > 12) store<u32>(arena, 1, LARGE_CACHED);
  return (found & FOUND_GLOBAL ? TLB_GLOBAL : 0) | (shift << TLB_PAGE_SHIFT);
}

function dropData(entry: usize): void {
  store<u64>(entry, TAG_NONE, TLB_READ);
  store<u64>(entry, TAG_NONE, TLB_WRITE);
}

export function flushAll(): void {
  const data = arena + ARENA_TLB;
  for (let entry = data; entry < data + 3 * TLB_SIZE; entry += TLB_ENTRY) dropData(entry);
  const code = arena + ARENA_ITLB;
  for (let entry = code; entry < code + 2 * ITLB_SIZE; entry += ITLB_ENTRY) store<u64>(entry, TAG_NONE, ITLB_TAG);
  store<u32>(arena, 0, LARGE_CACHED);
  newEpoch();
}

/** What MOV CR3 does: global pages stay (SDM vol. 3, 4.10.4.1). */
export function flushNonGlobal(): void {
  const data = arena + ARENA_TLB;
  for (let entry = data; entry < data + 3 * TLB_SIZE; entry += TLB_ENTRY) {
    if (!(load<u32>(entry, TLB_FLAGS) & TLB_GLOBAL)) dropData(entry);
  }
  const code = arena + ARENA_ITLB;
  for (let entry = code; entry < code + 2 * ITLB_SIZE; entry += ITLB_ENTRY) {
    if (!(load<u32>(entry, ITLB_FLAGS) & TLB_GLOBAL)) store<u64>(entry, TAG_NONE, ITLB_TAG);
  }
  newEpoch();
}

/** What INVLPG does: also global entries, and every 4 KiB piece of the large page that holds the address. */
export function flushPage(linear: u64): void {
  const tag = linear & PAGE_MASK;
  if (load<u32>(arena, LARGE_CACHED)) {
    const data = arena + ARENA_TLB;
    for (let entry = data; entry < data + 3 * TLB_SIZE; entry += TLB_ENTRY) {
      if (covers(load<u64>(entry, TLB_READ), load<u32>(entry, TLB_FLAGS), linear)) dropData(entry);
    }
    const code = arena + ARENA_ITLB;
    for (let entry = code; entry < code + 2 * ITLB_SIZE; entry += ITLB_ENTRY) {
      if (covers(load<u64>(entry, ITLB_TAG), load<u32>(entry, ITLB_FLAGS), linear))
        store<u64>(entry, TAG_NONE, ITLB_TAG);
    }
  } else {
    for (let mmu: u32 = 0; mmu < 3; mmu++) {
      const entry = dataEntry(linear, mmu);
      if ((load<u64>(entry, TLB_READ) & ~TAG_MMIO) == tag) dropData(entry);
    }
    for (let user: u32 = 0; user < 2; user++) {
      const entry = itlbEntry(linear, user);
      if (load<u64>(entry, ITLB_TAG) == tag) store<u64>(entry, TAG_NONE, ITLB_TAG);
    }
  }
  newEpoch();
}

/** Does the page that an entry was made from hold the address? */
// @ts-ignore: decorator
@inline function covers(tag: u64, flags: u32, linear: u64): bool {
  return (tag & 0xffe) == 0 && (tag ^ linear) >> ((flags >> TLB_PAGE_SHIFT) & 63) == 0;
}

/** The host page got code: writes to it must take the slow path from now on. This vCPU's TLBs. */
export function dropWritable(hostPage: usize): void {
  dropWritableIn(arena, hostPage);
}

/** The same in the TLBs of any vCPU's arena. The code map must have been set before. */
export function dropWritableIn(vcpuArena: usize, hostPage: usize): void {
  const data = vcpuArena + ARENA_TLB;
  for (let entry = data; entry < data + 3 * TLB_SIZE; entry += TLB_ENTRY) {
    const tag = load<u64>(entry, TLB_WRITE);
    if (tag & 0xfff || <usize>tag + load<u32>(entry, TLB_ADDEND) != hostPage) continue;
    atomic.store<u64>(entry, TAG_NONE, TLB_WRITE);
    store<u32>(entry, load<u32>(entry, TLB_FLAGS) | TLB_WATCHED, TLB_FLAGS);
  }
}

/** Every key in the jump cache becomes stale. */
export function newEpoch(): void {
  let epoch = load<u32>(cpu, EPOCH) + 1;
  if (epoch > EPOCH_MAX) {
    memory.fill(arena + ARENA_JUMPS, 0, JUMP_ENTRIES * 16);
    epoch = 1;
  }
  store<u32>(cpu, epoch, EPOCH);
  updateJumpKey();
}

export function updateJumpKey(): void {
  const user: u32 = load<u32>(cpu, CPL) == 3 ? 128 : 0;
  store<u32>(cpu, (load<u32>(cpu, EPOCH) << 8) | user | load<u32>(cpu, MODE), JUMP_KEY);
}
