// Shadow paging's walk: the CPU translates by the hypervisor's table alone, whatever mode the guest believes to be in.

import { cpu, isLongMode, CR0, CR4, SHADOW_ROOT, COUNT_WALKS, TLB_SUPERVISOR_AC, TLB_USER } from '../state';
import { CR0_PG, CR4_LA57, CR4_PGE, CR4_SMAP, CR4_SMEP } from '../control';
import {
  ADDRESS,
  ATTEMPTS,
  ERROR_RSVD,
  HOW_FORCE,
  HOW_GB_PAGES,
  HOW_GLOBAL,
  HOW_HOST,
  HOW_REPORT_FETCH,
  HOW_SMAP,
  HOW_SMEP,
  HOW_USER,
  HOW_WP,
  PTE_MMIO,
} from './format';
import { REASON_PAGE_FAULT, exitPaging } from './exit';
import { hostReserved } from './reserved';
import { ALL_RIGHTS, startWalk, walkAgain, walkEntry, walkError, walkTable } from './table-walk';

/**
 * The entry that marks MMIO if the last shadowWalk() ended at one, else 0. Bits 12-50 are the guest frame; the hypervisor
 * may keep the guest's rights in bits 0-2 and 63, which the CPU, as hardware, does not look at once a reserved bit is set.
 */
export let shadowMmio: u64 = 0;

/**
 * Write protection holds for the supervisor too, or the hypervisor could not track the guest's tables; SMEP and SMAP are
 * the guest's, without effect while the guest has paging off (its tables then are all user pages).
 */
export function shadowHow(access: u32, mmu: u32): u32 {
  let how = access | HOW_HOST | HOW_GB_PAGES | HOW_REPORT_FETCH | HOW_WP;
  const cr4 = load<u64>(cpu, CR4);
  if (mmu == TLB_USER) how |= HOW_USER;
  if (!(load<u64>(cpu, CR0) & CR0_PG)) return how;
  if (cr4 & CR4_SMEP) how |= HOW_SMEP;
  if (cr4 & CR4_SMAP && mmu != TLB_SUPERVISOR_AC) how |= HOW_SMAP;
  if (cr4 & CR4_PGE) how |= HOW_GLOBAL;
  return how;
}

/** Host page as in format.ts; 0 = shadowMmio is set, or the #PF exit is raised. */
export function shadowWalk(linear: u64, access: u32, mmu: u32): u64 {
  store<u64>(cpu, load<u64>(cpu, COUNT_WALKS) + 1, COUNT_WALKS);
  let how = shadowHow(access, mmu);
  const levels = isLongMode() && load<u64>(cpu, CR4) & CR4_LA57 ? 5 : 4;
  shadowMmio = 0;
  let found: u64 = 0;
  let attempt: u32 = 0;
  do {
    if (++attempt >= ATTEMPTS) how |= HOW_FORCE;
    startWalk();
    found = walkTable(how, hostReserved(), levels, load<u64>(cpu, SHADOW_ROOT) & ADDRESS, linear, ALL_RIGHTS);
  } while (walkAgain);
  if (found) return found;
  if (walkError & ERROR_RSVD && walkEntry & PTE_MMIO) shadowMmio = walkEntry;
  else exitPaging(REASON_PAGE_FAULT, walkError, 0, linear, how, false);
  return 0;
}
