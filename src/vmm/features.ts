// From what CPUID says to what the CPU does: the core's feature bits follow the table, so the two cannot disagree.

import type { Layout, LayoutName } from '../core/layout.js';
import type { Cpuid, CpuidEntry, CpuVendor } from './cpuid.js';

type Register = 'ebx' | 'ecx' | 'edx';

const FEATURES: readonly (readonly [LayoutName, number, Register, number])[] = [
  ['FEATURE_PCID', 1, 'ecx', 17],
  ['FEATURE_MOVBE', 1, 'ecx', 22],
  ['FEATURE_FSGSBASE', 7, 'ebx', 0],
  ['FEATURE_SMEP', 7, 'ebx', 7],
  ['FEATURE_INVPCID', 7, 'ebx', 10],
  ['FEATURE_SMAP', 7, 'ebx', 20],
  ['FEATURE_UMIP', 7, 'ecx', 2],
  ['FEATURE_LA57', 7, 'ecx', 16],
  ['FEATURE_NX', 0x8000_0001, 'edx', 20],
  ['FEATURE_GB_PAGES', 0x8000_0001, 'edx', 26],
  ['FEATURE_RDTSCP', 0x8000_0001, 'edx', 27],
];

/** The FEATURES word. */
export function featureBits(cpuid: Cpuid, vendor: CpuVendor, layout: Layout): number {
  let bits = vendor === 'intel' ? layout.FEATURE_INTEL : 0;
  for (const [name, leaf, register, bit] of FEATURES) {
    const entry: CpuidEntry = cpuid.find(leaf, 0);
    if ((entry[register] >>> bit) & 1) bits |= layout[name];
  }
  return bits;
}
