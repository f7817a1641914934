// Linear to host address without any cache: the guest's walk and then the nested one, or the shadow table's.

import { ACCESS_EXEC, cpu, NESTED, NESTED_SHADOW, TLB_USER } from '../state';
import { apicPage, isApicPage } from '../apic/page';
import { ADDRESS, FOUND_SHIFT, FOUND_WRITABLE } from './format';
import { exitPaging } from './exit';
import { checkCanonical, guestHow, guestWalk } from './guest-walk';
import { nestedMmio, nestedQualification, nestedReason, nestedWalk } from './nested';
import { shadowMmio, shadowWalk } from './shadow';

/** What resolve() found. `found` has the low bits of format.ts; `page` is 0 for MMIO. */
export let page: usize = 0;
export let gpaPage: u64 = 0;
export let found: u64 = 0;
export let isMmio: bool = false;
/** What resolve() found is the local APIC: `page` is where its registers are shown for one access. Nothing caches it. */
export let isApic: bool = false;
/** The shadow table's entry if it was a shadow MMIO marker. */
export let mmioEntry: u64 = 0;

/** The CPU walks the hypervisor's shadow table and cannot know guest-physical addresses of RAM: they are given as this. */
export const GPA_UNKNOWN: u64 = ~0xfff;

/**
 * Translate a truncated linear address (ACCESS_* bits, privilege by TLB index). `software`: by the guest's own tables even
 * under shadow paging, as the hypervisor's emulator does. False = raised.
 */
export function resolve(linear: u64, access: u32, mmu: u32, software: bool): bool {
  if (software && keptValid && (linear ^ keptLinear) >> 12 == 0 && access == keptAccess && mmu == keptMmu) {
    page = keptPage;
    gpaPage = keptGpa;
    found = keptFound;
    isMmio = keptMmio;
    isApic = keptApic;
    mmioEntry = 0;
    return true;
  }
  if (!walk(linear, access, mmu, software)) return false;
  if (software) {
    keptValid = true;
    keptLinear = linear;
    keptAccess = access;
    keptMmu = mmu;
    keptPage = page;
    keptGpa = gpaPage;
    keptFound = found;
    keptMmio = isMmio;
    keptApic = isApic;
  }
  return true;
}

// An operand of an emulated instruction is first checked and then accessed: it is walked once. Forgotten with each instruction.
let keptValid: bool = false;
let keptLinear: u64 = 0;
let keptAccess: u32 = 0;
let keptMmu: u32 = 0;
let keptPage: usize = 0;
let keptGpa: u64 = 0;
let keptFound: u64 = 0;
let keptMmio: bool = false;
let keptApic: bool = false;
/** A new instruction is emulated, or the tables may have changed: walk again. */
export function forgetWalk(): void {
  keptValid = false;
}

function walk(linear: u64, access: u32, mmu: u32, software: bool): bool {
  if (!checkCanonical(linear, access)) return false;
  isMmio = false;
  isApic = false;
  mmioEntry = 0;
  if (load<u32>(cpu, NESTED) == NESTED_SHADOW && !software) {
    found = shadowWalk(linear, access, mmu);
    page = <usize>(found & ADDRESS);
    gpaPage = GPA_UNKNOWN;
    if (found) return true;
    if (!shadowMmio) return false;
    isMmio = true;
    mmioEntry = shadowMmio;
    gpaPage = shadowMmio & 0x0007fffffffff000;
    // the guest's rights stand in the marker; where they need a closer look, the hypervisor has it
    if ((shadowMmio & 6) == 2 && mmu != TLB_USER) findApic(access);
    found = FOUND_WRITABLE | (12 << FOUND_SHIFT); // a reserved bit faults whatever the access
    return true;
  }
  const guest = guestWalk(linear, access, mmu);
  if (!guest) return false;
  found = guest;
  gpaPage = guest & ADDRESS;
  const host = nestedWalk(gpaPage | (linear & 0xfff), access, false);
  page = <usize>(host & ADDRESS);
  if (host) {
    if (!(host & FOUND_WRITABLE)) found &= ~FOUND_WRITABLE;
    return true;
  }
  if (nestedMmio) {
    isMmio = true;
    findApic(access);
    return true;
  }
  exitPaging(nestedReason, nestedQualification, gpaPage | (linear & 0xfff), linear, guestHow(access, mmu), false);
  return false;
}

/** The device's page is the processor's own APIC, which no data access leaves the guest for. */
function findApic(access: u32): void {
  if (access & ACCESS_EXEC || !isApicPage(gpaPage)) return;
  isMmio = false;
  isApic = true;
  page = apicPage();
}
