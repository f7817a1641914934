// Which model-specific registers a processor has beside those of its core: CPUID's announcements decide.

import { CPU_FEATURES } from '../cpu-features.js';
import type { Cpuid, CpuVendor } from '../cpuid.js';
import { KVM_FEATURES, KvmFeature } from '../kvm-leaves.js';
import type { KvmClock } from './kvmclock.js';
import { mtrrs } from './mtrr.js';
import type { MsrRules } from './register.js';
import { speculation } from './speculation.js';
import { amdRegisters, intelRegisters, machineCheck } from './vendors.js';

export interface ProcessorModel {
  cpuid: Cpuid;
  vendor: CpuVendor;
  physicalBits: number;
  tscKhz: number;
  kvmclock: KvmClock;
}

export function registersOf({ cpuid, vendor, physicalBits, tscKhz, kvmclock }: ProcessorModel): MsrRules {
  const has = (name: string): boolean => {
    const { leaf, subleaf, register, bit } = CPU_FEATURES[name]!;
    return ((cpuid.find(leaf, subleaf)[register] >>> bit) & 1) !== 0;
  };
  const kvm = cpuid.find(KVM_FEATURES, 0).eax;
  return [
    ...(has('mtrr') ? mtrrs(physicalBits) : []),
    ...(has('mca') ? machineCheck() : []),
    ...speculation(has('spec_ctrl'), has('arch_capabilities')),
    ...(vendor === 'intel' ? intelRegisters(tscKhz) : amdRegisters()),
    ...kvmclock.rules((kvm & KvmFeature.Clocksource) !== 0, (kvm & KvmFeature.Clocksource2) !== 0),
  ];
}
