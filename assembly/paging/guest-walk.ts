// The guest's own page walk: linear to guest-physical address in each of the paging modes (SDM vol. 3, chapter 4). The
// running CPU, the emulator and the inspector all use this one.

import {
  cpu,
  raised,
  raiseError,
  isLongMode,
  CR0,
  CR3,
  CR4,
  EFER,
  FEATURES,
  FEATURE_GB_PAGES,
  PDPTE,
  RAISED_CR2,
  COUNT_WALKS,
  ACCESS_EXEC,
  ACCESS_READ,
  ACCESS_WRITE,
  TLB_SUPERVISOR_AC,
  TLB_USER,
} from '../state';
import { CR0_PG, CR0_WP, CR4_LA57, CR4_PAE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_NXE } from '../control';
import { VECTOR_GP, VECTOR_PF } from '../vectors';
import {
  ADDRESS,
  ATTEMPTS,
  ERROR_P,
  ERROR_RSVD,
  FOUND,
  FOUND_SHIFT,
  FOUND_WRITABLE,
  HOW_FORCE,
  HOW_GB_PAGES,
  HOW_GLOBAL,
  HOW_PSE,
  HOW_REPORT_FETCH,
  HOW_SMAP,
  HOW_SMEP,
  HOW_USER,
  HOW_WP,
  PTE_A,
  PTE_D,
  PTE_P,
  PTE_PS,
  permitted,
} from './format';
import { QUALIFICATION_GLA, REASON_EPT_VIOLATION, exitPaging, setAccessSize } from './exit';
import { nestedQualification, nestedReason, nestedWalk } from './nested';
import { guestReserved, reservedAddress } from './reserved';
import { watchWrite } from './code-watch';
import { logWrite } from './write-log';
import { TRACE_GUEST, traceEntry, walkTrace } from './trace';
import {
  ALL_RIGHTS,
  foundFlags,
  guestEntry,
  startWalk,
  walkAgain,
  walkError,
  walkFault,
  walkLost,
  walkTable,
} from './table-walk';

/** The access being made is a stack reference: a non-canonical address raises #SS and not #GP (SDM vol. 1, 3.3.7.1). */
export let stackAccess: bool = false;
export function setStackAccess(value: bool): void {
  stackAccess = value;
}

/** A linear address as wide as the processor's mode has it; a non-canonical one is left alone. */
// @ts-ignore: decorator
@inline export function truncated(linear: u64): u64 {
  return isLongMode() ? linear : linear & 0xffffffff;
}

/** False and raised if the address is not canonical. To be called with a truncated address. */
export function checkCanonical(linear: u64, access: u32): bool {
  if (!isLongMode()) return true;
  const unused: i64 = load<u64>(cpu, CR4) & CR4_LA57 ? 7 : 16;
  if (<u64>((<i64>(linear << unused)) >> unused) == linear) return true;
  raiseError(stackAccess && !(access & ACCESS_EXEC) ? 12 : 13, 0);
  return false;
}

/** Rules of the present mode for an access by the data TLB `mmu`'s privilege. */
export function guestHow(access: u32, mmu: u32): u32 {
  const cr0 = load<u64>(cpu, CR0);
  const cr4 = load<u64>(cpu, CR4);
  let how = access;
  if (mmu == TLB_USER) how |= HOW_USER;
  if (!(cr0 & CR0_PG)) return how;
  if (cr0 & CR0_WP) how |= HOW_WP;
  if (cr4 & CR4_SMEP) how |= HOW_SMEP | HOW_REPORT_FETCH;
  if (cr4 & CR4_SMAP && mmu != TLB_SUPERVISOR_AC) how |= HOW_SMAP;
  if (cr4 & CR4_PGE) how |= HOW_GLOBAL;
  if (cr4 & CR4_PSE) how |= HOW_PSE;
  if (cr4 & CR4_PAE && load<u64>(cpu, EFER) & EFER_NXE) how |= HOW_REPORT_FETCH;
  if (load<u64>(cpu, FEATURES) & FEATURE_GB_PAGES) how |= HOW_GB_PAGES;
  return how;
}

/**
 * Translate a truncated, canonical linear address. Result as in format.ts with the guest-physical page; 0 = raised: #PF,
 * or an exit because one of the tables is not where the nested tables let it be read.
 */
export function guestWalk(linear: u64, access: u32, mmu: u32): u64 {
  if (!(load<u64>(cpu, CR0) & CR0_PG)) return (linear & ADDRESS) | FOUND | FOUND_WRITABLE | (12 << FOUND_SHIFT);
  store<u64>(cpu, load<u64>(cpu, COUNT_WALKS) + 1, COUNT_WALKS);
  let how = guestHow(access, mmu);
  let found: u64 = 0;
  let attempt: u32 = 0;
  do {
    if (++attempt >= ATTEMPTS) how |= HOW_FORCE;
    startWalk();
    found = walkOnce(how, linear);
  } while (walkAgain && !raised);
  if (!found && !raised) {
    raiseError(VECTOR_PF, walkError);
    store<u64>(cpu, linear, RAISED_CR2);
  }
  return found;
}

function walkOnce(how: u32, linear: u64): u64 {
  const cr3 = load<u64>(cpu, CR3);
  const cr4 = load<u64>(cpu, CR4);
  if (isLongMode())
    return walkTable(how, guestReserved(false), cr4 & CR4_LA57 ? 5 : 4, cr3 & ADDRESS, linear, ALL_RIGHTS);
  if (!(cr4 & CR4_PAE)) return walk32(how, cr3 & 0xfffff000, linear);
  const pdpte = load<u64>(cpu + PDPTE + ((<usize>(linear >> 30)) << 3));
  if (!(pdpte & PTE_P)) return walkFault(how, 0, pdpte);
  return walkTable(how, guestReserved(true), 2, pdpte & ADDRESS, linear, ALL_RIGHTS);
}

/** Paging with 32-bit entries (SDM vol. 3, 4.3), 4 MiB pages with 40-bit addresses (PSE-36) included. */
function walk32(how: u32, table: u64, linear: u64): u64 {
  const pdeAddress = table + ((linear >> 22) << 2);
  const pdePlace = guestEntry(pdeAddress, linear, how, ACCESS_READ);
  if (!pdePlace) return 0;
  const pdeHost = <usize>(pdePlace & ~3);
  const pde: u64 = atomic.load<u32>(pdeHost);
  if (walkTrace) traceEntry(TRACE_GUEST, 2, pdeAddress, pde);
  if (!(pde & PTE_P)) return walkFault(how, 0, pde);
  if (pde & PTE_PS && how & HOW_PSE) {
    // Bits 13-20 are address bits 32-39; bit 21 and those beyond the physical-address width are reserved.
    const high = (pde & 0x1fe000) << 19;
    if (pde & 0x200000 || high & reservedAddress()) return walkFault(how, ERROR_P | ERROR_RSVD, pde);
    if (!permitted(pde, how, how & 7)) return walkFault(how, ERROR_P, pde);
    const set = how & ACCESS_WRITE ? PTE_A | PTE_D : PTE_A;
    if (!mark32(pdeHost, pdePlace, pdeAddress, pde, set, how, linear)) return 0;
    return high | (pde & 0xffc00000) | (linear & 0x3ff000) | foundFlags(how, pde, pde | set, 22);
  }
  const pteAddress = (pde & 0xfffff000) + (((linear >> 12) & 1023) << 2);
  const ptePlace = guestEntry(pteAddress, linear, how, ACCESS_READ);
  if (!ptePlace) return 0;
  const pteHost = <usize>(ptePlace & ~3);
  const pte: u64 = atomic.load<u32>(pteHost);
  if (walkTrace) traceEntry(TRACE_GUEST, 1, pteAddress, pte);
  if (!(pte & PTE_P)) return walkFault(how, 0, pte);
  if (!permitted(pde & pte, how, how & 7)) return walkFault(how, ERROR_P, pte);
  const set = how & ACCESS_WRITE ? PTE_A | PTE_D : PTE_A;
  if (!mark32(pteHost, ptePlace, pteAddress, pte, set, how, linear)) return 0;
  if (!mark32(pdeHost, pdePlace, pdeAddress, pde, PTE_A, how, linear)) return 0;
  return (pte & 0xfffff000) | foundFlags(how, pde & pte, pte | set, 12);
}

/** Set accessed and dirty in a 32-bit entry; false = lost a race (walkAgain) or an exit is raised. */
function mark32(host: usize, place: u64, address: u64, entry: u64, set: u64, how: u32, linear: u64): bool {
  if ((entry & set) == set) return true;
  if (!(place & FOUND_WRITABLE) && !guestEntry(address, linear, how, ACCESS_WRITE)) return false;
  const old = <u32>entry;
  logWrite(host);
  if (atomic.cmpxchg<u32>(host, old, old | (<u32>set)) != old) {
    if (!(how & HOW_FORCE)) {
      walkLost();
      return false;
    }
    atomic.or<u32>(host, <u32>set);
  }
  watchWrite(host, 4);
  return true;
}

/**
 * Load the PDPTE registers for PAE paging from the table that `cr3` points to (SDM vol. 3, 4.4.1): to be called before
 * CR3, CR0 or CR4 take their new values. False = raised (#GP(0) for reserved bits, or an exit) and nothing changed.
 */
export function loadPdptesFrom(cr3: u64): bool {
  const table = cr3 & 0xffffffe0;
  setAccessSize(8);
  const found = nestedWalk(table, ACCESS_READ, true);
  if (!found) {
    // Only these accesses have no linear address (SDM vol. 3, table 28-7, bit 7).
    const qualification =
      nestedReason == REASON_EPT_VIOLATION ? nestedQualification & ~QUALIFICATION_GLA : nestedQualification;
    exitPaging(nestedReason, qualification, table, 0, ACCESS_READ, true);
    return false;
  }
  const host = <usize>((found & ADDRESS) | (table & 0xfff));
  const reserved: u64 = reservedAddress() | 0xfff00000000001e6;
  for (let i: usize = 0; i < 32; i += 8) {
    const entry = atomic.load<u64>(host + i);
    if (entry & PTE_P && entry & reserved) {
      raiseError(VECTOR_GP, 0);
      return false;
    }
  }
  memory.copy(cpu + PDPTE, host, 32);
  return true;
}

/** The same with CR3 as it is. */
export function loadPdptes(): bool {
  return loadPdptesFrom(load<u64>(cpu, CR3));
}
