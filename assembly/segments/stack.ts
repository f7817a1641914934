// A stack being pushed to or popped from by a control transfer or an event: the current one or another level's. A frame is
// checked whole (room(), then probeFrame()) before its first byte is written, so that transfers are all or nothing.

import {
  ACCESS_WRITE,
  CR4,
  GPR,
  MMU,
  RFLAGS,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEG_SS,
  TLB_SUPERVISOR,
  TLB_SUPERVISOR_AC,
  TLB_USER,
  cpu,
  is64,
  raiseError,
  raised,
  segment,
} from '../state';
import { CR4_SMAP } from '../control';
import { VECTOR_SS } from '../vectors';
import { AC } from '../flags';
import { probe, readAs, writeAs } from '../paging/access';
import { inLimit, isCanonical } from './linear';
import { RIGHTS_BIG } from './rights';

// @ts-ignore: decorator
@inline export const STACK_POINTER: usize = GPR + 4 * 8;

let base: u64 = 0;
let limit: u32 = 0;
let rights: u32 = 0;
let wide: bool = false;
let mask: u64 = 0;
let mmu: u32 = 0;
/** Stack pointer of the open stack, moved by push() and pop(); not wrapped. */
let pointer: u64 = 0;

/** The data TLB that explicit accesses at a level go through, with CR4.SMAP and RFLAGS.AC as they are (SDM vol. 3, 4.6). */
export function mmuOf(level: u32): u32 {
  if (level == 3) return TLB_USER;
  return (load<u64>(cpu, CR4) & CR4_SMAP) != 0 && (load<u64>(cpu, RFLAGS) & AC) != 0
    ? TLB_SUPERVISOR_AC
    : TLB_SUPERVISOR;
}

/** Open a stack. `is64Bit`: 64-bit stack pointer, no base, no limit. */
export function openStack(
  stackBase: u64,
  stackLimit: u32,
  stackRights: u32,
  top: u64,
  level: u32,
  is64Bit: bool,
): void {
  base = is64Bit ? 0 : stackBase;
  limit = stackLimit;
  rights = stackRights;
  wide = is64Bit;
  mask = is64Bit ? ~(<u64>0) : (stackRights & RIGHTS_BIG) != 0 ? <u64>0xffffffff : <u64>0xffff;
  mmu = mmuOf(level);
  pointer = top;
}

export function openCurrentStack(): void {
  const ss = segment(SEG_SS);
  openStack(
    load<u64>(ss, SEGMENT_BASE),
    load<u32>(ss, SEGMENT_LIMIT),
    load<u32>(ss, SEGMENT_ATTRIBUTES),
    load<u64>(cpu, STACK_POINTER),
    0,
    is64(),
  );
  mmu = load<u32>(cpu, MMU);
}

/** IA-32e event delivery puts its frame on a 16-byte boundary (SDM vol. 3, 6.14.2). */
export function alignStack(): void {
  pointer &= ~(<u64>15);
}

function inside(start: u64, bytes: u32): bool {
  if (wide) return isCanonical(start) && isCanonical(start + bytes - 1);
  return inLimit(rights, limit, start & mask, bytes);
}

/** Every item of `bytes` at `start` upwards lies inside the stack segment; items wrap one by one. Raises nothing. */
function allInside(start: u64, bytes: u32, item: u32): bool {
  if (bytes == 0) return true;
  if (wide || (start & mask) + bytes - 1 <= mask) return inside(start, bytes);
  for (let i: u32 = 0; i < bytes; i += item) {
    if (!inside(start + i, item)) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline function address(at: u64): u64 {
  return wide ? at : (base + (at & mask)) & 0xffffffff;
}

/** Whether `bytes` of `item`-byte entries can be pushed as far as the segment is concerned. Raises nothing. */
export function room(bytes: u32, item: u32): bool {
  return allInside(pointer - bytes, bytes, item);
}

/** Probe the frame about to be pushed, in the order of the pushes (CR2 tells the first that faults). False = raised. */
export function probeFrame(bytes: u32, item: u32): bool {
  const first = address(pointer - item);
  const last = address(pointer - bytes);
  // One page and no wrap: the first push decides for all.
  if (((first + item - 1) ^ last) >> 12 == 0) return probe(first, item, ACCESS_WRITE, mmu);
  for (let i: u32 = item; i <= bytes; i += item) {
    if (!probe(address(pointer - i), item, ACCESS_WRITE, mmu)) return false;
  }
  return true;
}

/** Push `1 << size` bytes; only after room() and probeFrame(). */
export function push(value: u64, size: u32): void {
  if (raised) return;
  const item: u32 = 1 << size;
  pointer -= item;
  writeAs(address(pointer), item, value, mmu);
}

/** Whether `bytes` lie above the stack pointer, `skip` bytes up; raises #SS(0) if not. */
export function available(skip: u32, bytes: u32, item: u32): bool {
  if (allInside(pointer + skip, bytes, item)) return true;
  raiseError(VECTOR_SS, 0);
  return false;
}

/** Read the next `1 << size` bytes and move on; look at `raised`. */
export function pop(size: u32): u64 {
  if (raised) return 0;
  const item: u32 = 1 << size;
  const at = address(pointer);
  pointer += item;
  return readAs(at, item, mmu);
}

/** Move the pointer of the open stack (parameters released by RET n). */
export function skipStack(bytes: u32): void {
  pointer += bytes;
}

/** Put the open stack's pointer into RSP, as wide as that stack's pointers are. */
export function commitPointer(): void {
  setPointer(pointer, rights, wide);
}

/** Load RSP for a stack segment: all of it, ESP (upper half cleared), or SP alone (the rest of ESP stays). */
export function setPointer(value: u64, stackRights: u32, is64Bit: bool): void {
  if (is64Bit) store<u64>(cpu, value, STACK_POINTER);
  else if ((stackRights & RIGHTS_BIG) != 0) store<u64>(cpu, value & 0xffffffff, STACK_POINTER);
  else store<u16>(cpu, <u16>value, STACK_POINTER);
}
