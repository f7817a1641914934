// The extended page tables' walk (SDM vol. 3, 29.3): guest-physical to host address, four levels.

import { cpu, NESTED_ROOT, PHYSICAL_BITS, ACCESS_READ, ACCESS_WRITE } from '../state';
import { ADDRESS, ATTEMPTS, FOUND, FOUND_SHIFT, FOUND_WRITABLE } from './format';
import { REASON_EPT_MISCONFIG, REASON_EPT_VIOLATION } from './exit';
import { TRACE_EPT, traceEntry, walkTrace } from './trace';

/** Accessed and dirty flags are kept (EPTP bit 6). */
export const EPTP_AD: u64 = 0x40;
const EPT_LARGE: u64 = 0x80;
const EPT_A: u64 = 0x100;
const EPT_D: u64 = 0x200;
/** Bits 2:0 of the hypervisor's MMIO marker: write without read, which is a misconfiguration. */
const EPT_MMIO: u64 = 6;

/** Why eptWalk() found nothing. The qualification has bits 0-5 only. */
export let eptReason: u32 = 0;
export let eptQualification: u64 = 0;
export let eptMmio: bool = false;
let again: bool = false;

/**
 * Translate `gpa` for `access` (ACCESS_* bits). `guestTable`: the access is the processor's own to a guest paging-structure
 * entry, which counts as a write when accessed and dirty flags are on (SDM vol. 3, 29.3.5).
 */
export function eptWalk(gpa: u64, access: u32, guestTable: bool): u64 {
  const eptp = load<u64>(cpu, NESTED_ROOT);
  const need: u32 = guestTable && eptp & EPTP_AD ? ACCESS_READ | ACCESS_WRITE : access;
  eptMmio = false;
  if (gpa >> 48) return violation(need, 0); // beyond what four levels can map
  let found: u64 = 0;
  let attempt: u32 = 0;
  do {
    again = false;
    found = eptLevel(4, eptp & ADDRESS, gpa, need, 7, (eptp & EPTP_AD) != 0, ++attempt >= ATTEMPTS);
  } while (again);
  return found;
}

function eptLevel(level: u32, table: u64, gpa: u64, need: u32, allowed: u32, flags: bool, force: bool): u64 {
  const shift: u64 = 3 + 9 * level;
  const address = <usize>(table + (((gpa >> shift) & 511) << 3));
  const entry = atomic.load<u64>(address);
  if (walkTrace) traceEntry(TRACE_EPT, level, address, entry);
  if (!(entry & 7)) return violation(need, 0);
  const leaf = level == 1 || (level <= 3 && (entry & EPT_LARGE) != 0);
  if (misconfigured(entry, level, leaf)) {
    eptReason = REASON_EPT_MISCONFIG;
    eptQualification = 0;
    eptMmio = (entry & 7) == EPT_MMIO;
    return 0;
  }
  allowed &= (<u32>entry) & 7;
  let set = EPT_A;
  let found: u64;
  if (leaf) {
    if ((allowed & need) != need) return violation(need, allowed);
    const offset = ((<u64>1) << shift) - 1;
    found = (entry & ADDRESS & ~offset) | (gpa & offset & ADDRESS) | (shift << FOUND_SHIFT) | FOUND;
    if (need & ACCESS_WRITE) set |= EPT_D;
    if (allowed & ACCESS_WRITE && (!flags || (entry | set) & EPT_D)) found |= FOUND_WRITABLE;
  } else {
    found = eptLevel(level - 1, entry & ADDRESS, gpa, need, allowed, flags, force);
    if (!found) return 0;
  }
  if (!flags || (entry & set) == set) return found;
  if (atomic.cmpxchg<u64>(address, entry, entry | set) != entry) {
    if (!force) {
      again = true;
      return 0;
    }
    atomic.or<u64>(address, set);
  }
  return found;
}

function violation(need: u32, allowed: u32): u64 {
  eptReason = REASON_EPT_VIOLATION;
  eptQualification = need | (allowed << 3);
  return 0;
}

/** SDM vol. 3, 29.3.3.1. Execute-only entries are supported (IA32_VMX_EPT_VPID_CAP bit 0). */
function misconfigured(entry: u64, level: u32, leaf: bool): bool {
  if ((entry & 3) == 2) return true;
  if ((entry & ADDRESS) >> load<u64>(cpu, PHYSICAL_BITS)) return true;
  if (!leaf) return (entry & (level == 4 ? 0xf8 : 0x78)) != 0;
  const type = (<u32>(entry >> 3)) & 7;
  if (type == 2 || type == 3 || type == 7) return true;
  return (entry & ADDRESS & (((<u64>1) << (3 + 9 * level)) - 1)) != 0;
}
