// The local APIC's registers (SDM vol. 3, chapter 12): names, bits, the mode it is in, and its state after reset. What they
// hold stands in the state page, so that snapshots have it and other vCPUs can set bits in it.

import {
  APIC,
  APIC_DFR,
  APIC_ID,
  APIC_LDR,
  APIC_LVT,
  APIC_SVR,
  cpu,
  FEATURES,
  FEATURE_APIC,
  FEATURE_TSC_DEADLINE,
  FEATURE_X2APIC,
  MSR_APIC_BASE,
  STATE_END,
  STATE_SIZE,
  VCPUS,
} from '../state';

// Numbers of the registers: their offset on the APIC page / 16, and their MSR - 800H (table 12-6).
export const REG_ID: u32 = 0x02;
export const REG_VERSION: u32 = 0x03;
export const REG_TPR: u32 = 0x08;
export const REG_APR: u32 = 0x09;
export const REG_PPR: u32 = 0x0a;
export const REG_EOI: u32 = 0x0b;
export const REG_RRD: u32 = 0x0c;
export const REG_LDR: u32 = 0x0d;
export const REG_DFR: u32 = 0x0e;
export const REG_SVR: u32 = 0x0f;
export const REG_ISR: u32 = 0x10;
export const REG_TMR: u32 = 0x18;
export const REG_IRR: u32 = 0x20;
export const REG_ESR: u32 = 0x28;
export const REG_ICR: u32 = 0x30;
export const REG_ICR_HIGH: u32 = 0x31;
export const REG_LVT_TIMER: u32 = 0x32;
export const REG_LVT_LINT0: u32 = 0x35;
export const REG_LVT_ERROR: u32 = 0x37;
export const REG_TIMER_INITIAL: u32 = 0x38;
export const REG_TIMER_COUNT: u32 = 0x39;
export const REG_TIMER_DIVIDE: u32 = 0x3e;
export const REG_SELF_IPI: u32 = 0x3f;

/** Version 14H, six LVT entries, no directed-EOI suppression. */
export const VERSION: u32 = 0x0005_0014;

/** Entries of the LVT, from REG_LVT_TIMER on. */
export const LVT_TIMER: u32 = 0;
export const LVT_LINT0: u32 = 3;
export const LVT_LINT1: u32 = 4;
export const LVT_ERROR: u32 = 5;
export const LVT_MASKED: u32 = 1 << 16;
export const LVT_MODE: u32 = 7 << 8;
export const LVT_EXTINT: u32 = 7 << 8;
/** Of the timer's entry: 0 one-shot, 1 periodic, 2 TSC-deadline. */
export const LVT_TIMER_MODE: u32 = 3 << 17;
export const LVT_TIMER_PERIODIC: u32 = 1 << 17;
export const LVT_TIMER_TSC: u32 = 2 << 17;

export const SVR_ENABLED: u32 = 0x100;
/** Spurious vector, enabled, focus checking. */
export const SVR_BITS: u32 = 0x3ff;

/** Bits of IA32_APIC_BASE (12.4.4). */
export const BASE_BSP: u64 = 1 << 8;
export const BASE_X2APIC: u64 = 1 << 10;
export const BASE_ENABLED: u64 = 1 << 11;

/** Bits of ESR (12.5.3). */
export const ERROR_SEND_VECTOR: u32 = 1 << 5;
export const ERROR_RECEIVE_VECTOR: u32 = 1 << 6;
export const ERROR_REGISTER: u32 = 1 << 7;

// @ts-ignore: decorator
@inline export function stateOf(index: u32): usize {
  return VCPUS + <usize>index * STATE_SIZE;
}
// @ts-ignore: decorator
@inline export function indexOf(state: usize): u32 {
  return <u32>((state - VCPUS) / STATE_SIZE);
}
/** Address of an LVT entry of this vCPU. */
// @ts-ignore: decorator
@inline export function lvt(entry: u32): usize {
  return cpu + APIC_LVT + ((<usize>entry) << 2);
}

/** The vCPU whose state page this is has a local APIC that is globally enabled. */
// @ts-ignore: decorator
@inline export function isEnabled(state: usize): bool {
  return (load<u64>(state, FEATURES) & FEATURE_APIC) != 0 && (load<u64>(state, MSR_APIC_BASE) & BASE_ENABLED) != 0;
}
// @ts-ignore: decorator
@inline export function isX2apic(state: usize): bool {
  return (load<u64>(state, MSR_APIC_BASE) & BASE_X2APIC) != 0;
}
// @ts-ignore: decorator
@inline export function isSoftwareEnabled(state: usize): bool {
  return (load<u32>(state, APIC_SVR) & SVR_ENABLED) != 0;
}
export function hasX2apic(): bool {
  return (load<u64>(cpu, FEATURES) & FEATURE_X2APIC) != 0;
}
export function hasTscDeadline(): bool {
  return (load<u64>(cpu, FEATURES) & FEATURE_TSC_DEADLINE) != 0;
}

/** In x2APIC mode the logical destination follows from the id (12.12.10.2). */
export function logicalId(id: u32): u32 {
  return ((id >> 4) << 16) | (1 << (id & 15));
}

/** After power-up, INIT, or a change of the mode by which the registers begin anew; the id stays (12.4.7.1). */
export function resetRegisters(): void {
  const id = load<u32>(cpu, APIC_ID);
  memory.fill(cpu + APIC, 0, STATE_END - APIC);
  store<u32>(cpu, id, APIC_ID);
  store<u32>(cpu, 0xffffffff, APIC_DFR);
  store<u32>(cpu, 0xff, APIC_SVR);
  for (let entry: u32 = 0; entry <= LVT_ERROR; entry++) store<u32>(lvt(entry), LVT_MASKED);
  // So that the 8259s' interrupts arrive before anybody has set up the APIC: what a BIOS does first (QEMU does the same).
  if (indexOf(cpu) == 0) store<u32>(lvt(LVT_LINT0), LVT_EXTINT);
  if (isX2apic(cpu)) store<u32>(cpu, logicalId(id), APIC_LDR);
}
