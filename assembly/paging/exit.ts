// Exits that paging makes: their reasons, and the exit record's fields for them.

import {
  cpu,
  setRaised,
  RAISED_EXIT,
  EXIT_REASON,
  EXIT_INFO,
  EXIT_QUALIFICATION,
  EXIT_GPA,
  EXIT_GLA,
  INFO_USER,
  INFO_WALK,
  INFO_SIZE_SHIFT,
} from '../state';
import { HOW_USER } from './format';

/** Basic exit reasons of VT-x (SDM vol. 3, appendix C), exit codes of SVM (AMD APM vol. 2, appendix C). */
export const REASON_EPT_VIOLATION: u32 = 48;
export const REASON_EPT_MISCONFIG: u32 = 49;
export const REASON_PAGE_FAULT: u32 = 0x4e; // #PF intercept: shadow paging
export const REASON_NPF: u32 = 0x400;

/** EPT violation (SDM vol. 3, table 28-7): bits 0-2 the access, 3-5 what the entries allow. */
export const QUALIFICATION_GLA: u64 = 1 << 7;
export const QUALIFICATION_FINAL: u64 = 1 << 8;
/** #NPF (AMD APM vol. 2, 15.25.6): where in the nested translation. */
export const NPF_FINAL: u64 = 1 << 32;
export const NPF_WALK: u64 = 1 << 33;

/** Size in bytes of the access being translated, for EXIT_INFO. */
export let accessSize: u32 = 1;
export function setAccessSize(size: u32): void {
  accessSize = size;
}

/**
 * Fill in the exit record. `how` gives access (bits 0-2) and privilege (HOW_USER) of the instruction's own access;
 * `walk`: the exit was met at one of the guest's table entries, whose address `gpa` then is.
 */
export function exitPaging(reason: u32, qualification: u64, gpa: u64, linear: u64, how: u32, walk: bool): void {
  let info = (how & 7) | (accessSize << INFO_SIZE_SHIFT);
  if (walk) info |= INFO_WALK;
  if (how & HOW_USER) info |= INFO_USER;
  store<u32>(cpu, reason, EXIT_REASON);
  store<u32>(cpu, info, EXIT_INFO);
  store<u64>(cpu, qualification, EXIT_QUALIFICATION);
  store<u64>(cpu, gpa, EXIT_GPA);
  store<u64>(cpu, linear, EXIT_GLA);
  setRaised(RAISED_EXIT);
}
