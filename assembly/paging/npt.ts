// The nested page tables' walk (AMD APM vol. 2, 15.25): guest-physical to host address in the 4-level x86 format.

import { cpu, NESTED_ROOT, ACCESS_WRITE } from '../state';
import {
  ADDRESS,
  ATTEMPTS,
  ERROR_P,
  ERROR_RSVD,
  HOW_FORCE,
  HOW_GB_PAGES,
  HOW_HOST,
  HOW_REPORT_FETCH,
  HOW_USER,
  PTE_MMIO,
  errorCode,
} from './format';
import { NPF_FINAL, NPF_WALK } from './exit';
import { hostReserved } from './reserved';
import { ALL_RIGHTS, startWalk, walkAgain, walkEntry, walkError, walkTable } from './table-walk';

/** Every access is a user access to the nested tables (15.25.5), the host's NX is on. */
// @ts-ignore: decorator
@inline const HOW_NPT: u32 = HOW_HOST | HOW_USER | HOW_GB_PAGES | HOW_REPORT_FETCH;

/** Why nptWalk() found nothing: EXITINFO1 of the #NPF. */
export let nptError: u64 = 0;
export let nptMmio: bool = false;

/** Translate `gpa`. A walk of the guest's tables is treated as user writes, whatever it does there (15.25.5). */
export function nptWalk(gpa: u64, access: u32, guestTable: bool): u64 {
  const where = guestTable ? NPF_WALK : NPF_FINAL;
  let how = HOW_NPT | (guestTable ? ACCESS_WRITE : access);
  nptMmio = false;
  if (gpa >> 48) {
    nptError = errorCode(how, 0) | where; // beyond what four levels can map
    return 0;
  }
  let found: u64 = 0;
  let attempt: u32 = 0;
  do {
    if (++attempt >= ATTEMPTS) how |= HOW_FORCE;
    startWalk();
    found = walkTable(how, hostReserved(), 4, load<u64>(cpu, NESTED_ROOT) & ADDRESS, gpa, ALL_RIGHTS);
  } while (walkAgain);
  if (!found) {
    nptError = walkError | where;
    nptMmio = (walkError & ERROR_RSVD) != 0 && (walkEntry & PTE_MMIO) != 0;
  }
  return found;
}

/** EXITINFO1 of an access to a page known to be MMIO. */
export function nptMmioError(access: u32): u64 {
  return errorCode(HOW_NPT | access, ERROR_P | ERROR_RSVD) | NPF_FINAL;
}
