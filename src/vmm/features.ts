// From what CPUID says to what the CPU does: the core's feature bits follow the table of leaves, so the two cannot disagree.

import type { Layout } from '../core/layout.js';
import { CPU_FEATURES } from './cpu-features.js';
import type { Cpuid, CpuVendor } from './cpuid.js';

/** The FEATURES word. */
export function featureBits(cpuid: Cpuid, vendor: CpuVendor, layout: Layout): bigint {
  let bits = vendor === 'intel' ? BigInt(layout.FEATURE_INTEL) : 0n;
  for (const { leaf, subleaf, register, bit, core } of Object.values(CPU_FEATURES)) {
    if (core !== undefined && (cpuid.find(leaf, subleaf)[register] >>> bit) & 1) bits |= BigInt(layout[core]);
  }
  return bits;
}
