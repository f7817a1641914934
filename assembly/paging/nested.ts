// Guest-physical to host address, by whichever nested table is in use.

import { cpu, EXIT_DATA, NESTED, NESTED_NPT, NESTED_EPT } from '../state';
import { eptMmio, eptQualification, eptReason, eptWalk } from './ept';
import { nptError, nptMmio, nptMmioError, nptWalk } from './npt';
import { ERROR_P, ERROR_RSVD, HOW_REPORT_FETCH, errorCode } from './format';
import {
  QUALIFICATION_FINAL,
  QUALIFICATION_GLA,
  REASON_EPT_MISCONFIG,
  REASON_EPT_VIOLATION,
  REASON_NPF,
  REASON_PAGE_FAULT,
  exitPaging,
} from './exit';

/** Why nestedWalk() found nothing: the exit it makes; and whether the entry was the hypervisor's MMIO marker. */
export let nestedReason: u32 = 0;
export let nestedQualification: u64 = 0;
export let nestedMmio: bool = false;

/** `guestTable`: `gpa` is an entry of the guest's tables and not the final address. Shadow paging's software walk uses the EPT. */
export function nestedWalk(gpa: u64, access: u32, guestTable: bool): u64 {
  if (load<u32>(cpu, NESTED) == NESTED_NPT) {
    const found = nptWalk(gpa, access, guestTable);
    if (!found) {
      nestedReason = REASON_NPF;
      nestedQualification = nptError;
      nestedMmio = nptMmio;
    }
    return found;
  }
  const found = eptWalk(gpa, access, guestTable);
  if (!found) {
    nestedReason = eptReason;
    nestedQualification = eptQualification;
    if (eptReason == REASON_EPT_VIOLATION) {
      nestedQualification |= guestTable ? QUALIFICATION_GLA : QUALIFICATION_GLA | QUALIFICATION_FINAL;
    }
    nestedMmio = eptMmio;
  }
  return found;
}

/** EXIT_QUALIFICATION of an access to the MMIO marker of NPT or shadow paging: the error code, with RSVD. */
function mmioError(how: u32): u64 {
  if (load<u32>(cpu, NESTED) == NESTED_NPT) return nptMmioError(how & 7);
  return errorCode(how | HOW_REPORT_FETCH, ERROR_P | ERROR_RSVD);
}

/**
 * The exit for an access to a page known to be MMIO; the same record as a walk that ends at the marker makes. `marker`:
 * under shadow paging the marker entry, where the hypervisor keeps the guest's rights; it goes to EXIT_DATA.
 */
export function exitMmio(gpa: u64, linear: u64, how: u32, marker: u64 = 0): void {
  const kind = load<u32>(cpu, NESTED);
  if (kind == NESTED_EPT) exitPaging(REASON_EPT_MISCONFIG, 0, gpa, linear, how, false);
  else if (kind == NESTED_NPT) exitPaging(REASON_NPF, mmioError(how), gpa, linear, how, false);
  else {
    exitPaging(REASON_PAGE_FAULT, mmioError(how), gpa, linear, how, false);
    store<u64>(cpu, marker, EXIT_DATA);
  }
}
