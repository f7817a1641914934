// The CPUID leaves of the hypervisor: KVM's signature and features, for the hypercalls, their numbers and the clock are KVM's.
// Linux, Documentation/virt/kvm/x86/cpuid.rst.

import type { CpuidEntry } from './cpuid.js';

const SIGNATURE = 0x4000_0000;
export const KVM_FEATURES = 0x4000_0001;
/** Frequencies, as VMware and QEMU tell them: TSC in EAX, the local APIC timer's clock in EBX, both in kHz. */
const TIMING = 0x4000_0010;

/** "KVMKVMKVM\0\0\0" in EBX, ECX, EDX. */
const KVM = [0x4b4d_564b, 0x564b_4d56, 0x4d] as const;

/** Of EAX of the feature leaf. */
export const KvmFeature = {
  /** MSRs 11H and 12H. */
  Clocksource: 1 << 0,
  /** I/O needs no delays. */
  NopIoDelay: 1 << 1,
  /** MSRs 4B564D00H and 4B564D01H. */
  Clocksource2: 1 << 3,
  /** The clock's structure says itself whether it goes together on all vCPUs. */
  ClocksourceStable: 1 << 24,
} as const;

/** The local APIC's timer, and the crystal of leaf 15H, count at 25 MHz. */
export const CRYSTAL_KHZ = 25_000;

export function kvmLeaves(tscKhz: number, kvmclock: boolean): CpuidEntry[] {
  const { Clocksource, NopIoDelay, Clocksource2, ClocksourceStable } = KvmFeature;
  const features = NopIoDelay | (kvmclock ? Clocksource | Clocksource2 | ClocksourceStable : 0);
  const [ebx, ecx, edx] = KVM;
  return [
    { leaf: SIGNATURE, eax: TIMING, ebx, ecx, edx },
    { leaf: KVM_FEATURES, eax: features, ebx: 0, ecx: 0, edx: 0 },
    { leaf: TIMING, eax: tscKhz, ebx: CRYSTAL_KHZ, ecx: 0, edx: 0 },
  ];
}
