// Linear to host address without any cache: the guest's walk and then the nested one, or the shadow table's.

import { cpu, NESTED, NESTED_SHADOW } from '../state';
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
/** The shadow table's entry if it was a shadow MMIO marker. */
export let mmioEntry: u64 = 0;

/** The CPU walks the hypervisor's shadow table and cannot know guest-physical addresses of RAM: they are given as this. */
export const GPA_UNKNOWN: u64 = ~0xfff;

/**
 * Translate a truncated linear address (ACCESS_* bits, privilege by TLB index). `software`: by the guest's own tables even
 * under shadow paging, as the hypervisor's emulator does. False = raised.
 */
export function resolve(linear: u64, access: u32, mmu: u32, software: bool): bool {
  if (!checkCanonical(linear, access)) return false;
  isMmio = false;
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
    return true;
  }
  exitPaging(nestedReason, nestedQualification, gpaPage | (linear & 0xfff), linear, guestHow(access, mmu), false);
  return false;
}
