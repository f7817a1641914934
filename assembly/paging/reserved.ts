// Reserved bits of table entries with 64 bits (SDM vol. 3, 4.4.2 and 4.5.4).

import { cpu, EFER, PHYSICAL_BITS } from '../state';
import { EFER_NXE } from '../control';
import { ADDRESS, PTE_MMIO, PTE_NX } from './format';

/** Address bits from the physical-address width up to bit 51. */
export function reservedAddress(): u64 {
  return ADDRESS & ~(((<u64>1) << load<u64>(cpu, PHYSICAL_BITS)) - 1);
}

/** The guest's: NX counts as reserved while EFER.NXE = 0. PAE reserves bits 52-62 too, which long mode ignores. */
export function guestReserved(pae: bool): u64 {
  let bits = reservedAddress();
  if (!(load<u64>(cpu, EFER) & EFER_NXE)) bits |= PTE_NX;
  if (pae) bits |= 0x7ff0000000000000;
  return bits;
}

/** Of tables the hypervisor makes. */
export function hostReserved(): u64 {
  return reservedAddress() | PTE_MMIO;
}
