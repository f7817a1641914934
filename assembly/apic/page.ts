// The APIC page in xAPIC mode: accesses of the guest to it stay in the core (as with VT-x's virtualisation of APIC accesses)
// and end on a page of the arena. A read finds there what the register shows; a write leaves there what the register gets.

import { ARENA_APIC, arena, cpu, MSR_APIC_BASE } from '../state';
import { readRegister, writeRegister } from './access';
import { isEnabled, isX2apic } from './registers';

const BASE_ADDRESS: u64 = ~0xfff;

/** A guest-physical page is this vCPU's APIC. */
export function isApicPage(gpa: u64): bool {
  return isEnabled(cpu) && !isX2apic(cpu) && (gpa & BASE_ADDRESS) == (load<u64>(cpu, MSR_APIC_BASE) & BASE_ADDRESS);
}
// @ts-ignore: decorator
@inline export function apicPage(): usize {
  return arena + ARENA_APIC;
}
/** An access is going to read a register: registers stand at multiples of 16 and have 32 bits (12.4.1). */
export function showRegister(offset: u32): void {
  store<u32>(apicPage() + (offset & 0xff0), readRegister(offset >> 4));
}
/** The guest has written there. Anything but a register's first four bytes means nothing. */
export function takeRegister(host: usize): void {
  const offset = <u32>(host - apicPage());
  if (!(offset & 15)) writeRegister(offset >> 4, load<u32>(host));
}
