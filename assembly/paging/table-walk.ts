// The walk of tables with 64-bit entries: PAE, 4-level and 5-level paging of the guest, and the same format where the
// hypervisor uses it (NPT, shadow). One implementation; `how` and `reserved` say whose rules hold.

import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '../state';
import {
  ADDRESS,
  ERROR_P,
  ERROR_RSVD,
  FOUND,
  FOUND_GLOBAL,
  FOUND_SHIFT,
  FOUND_WRITABLE,
  HOW_FORCE,
  HOW_GB_PAGES,
  HOW_GLOBAL,
  HOW_HOST,
  PTE_A,
  PTE_D,
  PTE_G,
  PTE_NX,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  errorCode,
  permitted,
} from './format';
import { exitPaging } from './exit';
import { nestedQualification, nestedReason, nestedWalk } from './nested';
import { watchWrite } from './code-watch';
import { logWrite } from './write-log';
import { TRACE_GUEST, TRACE_HOST, traceEntry, walkTrace } from './trace';

/** Why a walk found nothing, if not `raised`: error code, and the entry where it ended. */
export let walkError: u32 = 0;
export let walkEntry: u64 = 0;
/** The walk lost a race for an entry and has to be made again. */
export let walkAgain: bool = false;
export function startWalk(): void {
  walkAgain = false;
}

/** Rights with which a walk begins: nothing taken away yet. */
// @ts-ignore: decorator
@inline export const ALL_RIGHTS: u64 = PTE_W | PTE_U;

/**
 * Walk from the table at `table` (of the given level; 1 = page table) down. Accessed and dirty are set on the way back,
 * when every check has passed. Rights narrow from level to level.
 */
export function walkTable(how: u32, reserved: u64, level: u32, table: u64, linear: u64, rights: u64): u64 {
  const shift: u64 = 3 + 9 * level;
  const address = table + (((linear >> shift) & 511) << 3);
  let place: u64 = address | FOUND_WRITABLE;
  if (!(how & HOW_HOST)) {
    place = guestEntry(address, linear, how, ACCESS_READ);
    if (!place) return 0;
  }
  const host = <usize>(place & ~7);
  const entry = atomic.load<u64>(host);
  if (walkTrace) traceEntry(how & HOW_HOST ? TRACE_HOST : TRACE_GUEST, level, address, entry);
  if (!(entry & PTE_P)) return walkFault(how, 0, entry);
  const leaf = level == 1 || ((entry & PTE_PS) != 0 && (level == 2 || (level == 3 && (how & HOW_GB_PAGES) != 0)));
  if (leaf) {
    // Bit 12 of a large page's entry is PAT; the address bits below the page's size are reserved.
    if (level > 1) reserved |= (((<u64>1) << shift) - 1) & ~0x1fff;
  } else if (entry & PTE_PS) return walkFault(how, ERROR_P | ERROR_RSVD, entry);
  if (entry & reserved) return walkFault(how, ERROR_P | ERROR_RSVD, entry);
  rights = (rights & (entry | PTE_NX)) | (entry & PTE_NX);
  let set = PTE_A;
  let found: u64;
  if (leaf) {
    if (!permitted(rights, how, how & 7)) return walkFault(how, ERROR_P, entry);
    if (how & ACCESS_WRITE) set |= PTE_D;
    const offset = ((<u64>1) << shift) - 1;
    found =
      (entry & ADDRESS & ~offset) | (linear & offset & ADDRESS) | foundFlags(how, rights, entry | set, <u32>shift);
  } else {
    found = walkTable(how, reserved, level - 1, entry & ADDRESS, linear, rights);
    if (!found) return 0;
  }
  if ((entry & set) == set) return found;
  if (!(place & FOUND_WRITABLE) && !guestEntry(address, linear, how, ACCESS_WRITE)) return 0;
  if (!(how & HOW_HOST)) logWrite(host);
  if (atomic.cmpxchg<u64>(host, entry, entry | set) != entry) {
    if (!(how & HOW_FORCE)) return walkLost();
    atomic.or<u64>(host, set);
  }
  if (!(how & HOW_HOST)) watchWrite(host, 8);
  return found;
}

/** Low bits of a result, from the leaf as it stands after this walk. */
export function foundFlags(how: u32, rights: u64, leaf: u64, shift: u32): u64 {
  let flags = FOUND | ((<u64>shift) << FOUND_SHIFT);
  if (leaf & PTE_D && permitted(rights, how, ACCESS_WRITE)) flags |= FOUND_WRITABLE;
  if (leaf & PTE_G && how & HOW_GLOBAL) flags |= FOUND_GLOBAL;
  return flags;
}

/**
 * Host address of a guest table's entry, with FOUND_WRITABLE in the low bits if it may be written; 0 = exit raised.
 * Entries are aligned and tables are pages, so an entry crosses no page and bits 0-1 are free.
 */
export function guestEntry(gpa: u64, linear: u64, how: u32, access: u32): u64 {
  const found = nestedWalk(gpa, access, true);
  if (found) return (found & ADDRESS) | (gpa & (PAGE_SIZE - 1)) | (found & FOUND_WRITABLE);
  exitPaging(nestedReason, nestedQualification, gpa, linear, how, true);
  return 0;
}

export function walkFault(how: u32, cause: u32, entry: u64): u64 {
  walkError = errorCode(how, cause);
  walkEntry = entry;
  return 0;
}

export function walkLost(): u64 {
  walkAgain = true;
  return 0;
}
