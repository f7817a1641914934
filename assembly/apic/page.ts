// The APIC page in xAPIC mode: accesses of the guest to it stay in the core (as with VT-x's virtualisation of APIC accesses)
// and end on a page of the arena. A read finds there what the register shows; a write leaves there what the register gets.

import { ARENA_APIC, arena, cpu, MSR_APIC_BASE } from '../state';
import { readPage, writePage } from './access';
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
/**
 * An access is going to read there, up to 8 bytes: registers stand at multiples of 16 and have 32 bits (12.4.1), behind them
 * is nothing.
 */
export function showRegister(offset: u32): void {
  show(offset >> 4);
  if ((offset & 15) > 8 && offset < 0xff0) show((offset >> 4) + 1);
}
function show(register: u32): void {
  const at = apicPage() + ((<usize>register) << 4);
  store<u64>(at, readPage(register));
  store<u64>(at, 0, 8);
}
/** The guest has written there. A write that does not begin at a register, or has not all of it, means nothing (12.4.1). */
export function takeRegister(host: usize, size: u32): void {
  const offset = <u32>(host - apicPage());
  if (offset & 15 || size < 4) return;
  writePage(offset >> 4, load<u32>(host));
}
