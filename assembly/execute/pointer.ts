// Far pointers in memory, segment-register moves, BOUND, and the double-width compare-and-exchange.

import { ACCESS_WRITE, cpu, GPR, MMU, PAIR_LOCK, raise, raised, raiseError, SEG_CS, SEG_SS, T1, T2 } from '../state';
import { VECTOR_BR, VECTOR_GP, VECTOR_UD } from '../vectors';
import { probe, read16, read64, readAs, write64 } from '../paging/access';
import { loadSegment } from '../segments/load';
import { getFlags, setFlags, ZF } from '../flags';
import { beginStackShadow } from '../events/shadow';
import { signed, writeSized } from './sized';

/** m16:16, m16:32 or m16:64 at a linear address: offset to T1, selector to T2. */
export function farPointer(memory: u64, size: u32): void {
  const bytes: u32 = 1 << size;
  const offset = readAs(memory, bytes, load<u32>(cpu, MMU));
  if (raised) return;
  const selector = read16(memory + bytes);
  if (raised) return;
  store<u64>(cpu, offset, T1);
  store<u64>(cpu, selector, T2);
}
export function movSegment(seg: u32, selector: u32): void {
  if (seg == SEG_CS) return raise(VECTOR_UD);
  loadSegment(seg, selector);
  if (!raised && seg == SEG_SS) beginStackShadow();
}
/** LES, LDS, LSS, LFS, LGS. */
export function loadFarPointer(seg: u32, size: u32, memory: u64, register: usize): void {
  farPointer(memory, size);
  if (raised) return;
  const offset = load<u64>(cpu, T1);
  loadSegment(seg, <u32>load<u64>(cpu, T2));
  if (!raised) writeSized(register, size, offset);
}
/** BOUND: #BR unless lower <= index <= upper, signed. */
export function bound(size: u32, memory: u64, register: usize): void {
  const bytes: u32 = 1 << size;
  const mmu = load<u32>(cpu, MMU);
  const lower = signed(readAs(memory, bytes, mmu), size);
  if (raised) return;
  const upper = signed(readAs(memory + bytes, bytes, mmu), size);
  if (raised) return;
  const index = signed(load<u64>(register), size);
  if (index < lower || index > upper) raise(VECTOR_BR);
}
/**
 * CMPXCHG8B, CMPXCHG16B: the destination is written either way; only ZF changes. Between vCPUs of several threads they are
 * atomic to each other.
 */
export function compareExchangePair(wide: bool, memory: u64): void {
  const mmu = load<u32>(cpu, MMU);
  if (wide && memory & 15) return raiseError(VECTOR_GP, 0);
  if (!probe(memory, wide ? 16 : 8, ACCESS_WRITE, mmu)) return;
  while (atomic.cmpxchg<u32>(PAIR_LOCK, 0, 1)) {}
  exchangePair(wide, memory);
  atomic.store<u32>(PAIR_LOCK, 0);
}
function exchangePair(wide: bool, memory: u64): void {
  const rax = cpu + GPR;
  const rcx = cpu + GPR + 8;
  const rdx = cpu + GPR + 16;
  const rbx = cpu + GPR + 24;
  const low = read64(memory);
  if (raised) return;
  let equal: bool;
  if (wide) {
    const high = read64(memory + 8);
    if (raised) return;
    equal = low == load<u64>(rax) && high == load<u64>(rdx);
    write64(memory, equal ? load<u64>(rbx) : low);
    write64(memory + 8, equal ? load<u64>(rcx) : high);
    if (!equal) {
      store<u64>(rax, low);
      store<u64>(rdx, high);
    }
  } else {
    equal = low == (((<u64>load<u32>(rdx)) << 32) | load<u32>(rax));
    write64(memory, equal ? ((<u64>load<u32>(rcx)) << 32) | load<u32>(rbx) : low);
    if (!equal) {
      store<u64>(rax, low & 0xffffffff);
      store<u64>(rdx, low >> 32);
    }
  }
  setFlags(equal ? getFlags() | ZF : getFlags() & ~ZF);
}
