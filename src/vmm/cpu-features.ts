// The features a processor may have: where CPUID announces each, which bit of the core's FEATURES word it sets, and from
// which x86-64 level on it is there. CPUID and what the CPU does both follow from this table, so the two cannot disagree.

import type { LayoutName } from '../core/layout.js';

/** Who made the processor, as far as a guest can tell: the CPUID strings and the behaviour where the vendors differ. */
export type CpuVendor = 'intel' | 'amd';

/** Microarchitecture levels of the x86-64 psABI. */
export type CpuLevel = 'v1' | 'v2' | 'v3';
export const CPU_LEVELS = ['v1', 'v2', 'v3'] as const satisfies readonly CpuLevel[];

export type CpuidRegister = 'eax' | 'ebx' | 'ecx' | 'edx';

export interface CpuFeature {
  leaf: number;
  subleaf: number;
  register: CpuidRegister;
  bit: number;
  /** The lowest level that has it; 'option' = none, it has to be asked for. */
  level: CpuLevel | 'option';
  /** Bit of the core's FEATURES word; without one the core does it unasked, or it has nothing to do. */
  core?: LayoutName;
  /** Features without which it makes no sense. */
  needs: readonly string[];
  /** Whose processors alone have it. */
  vendor?: CpuVendor;
}

const LEVEL1 = { leaf: 1, subleaf: 0 } as const;
const LEVEL7 = { leaf: 7, subleaf: 0 } as const;
const EXTENDED = { leaf: 0x8000_0001, subleaf: 0 } as const;
const XSAVE = { leaf: 0xd, subleaf: 1 } as const;
const POWER = { leaf: 6, subleaf: 0 } as const;
const EXTENDED8 = { leaf: 0x8000_0008, subleaf: 0 } as const;
const EXTENDED21 = { leaf: 0x8000_0021, subleaf: 0 } as const;

type Place = { readonly leaf: number; readonly subleaf: number };

function feature(
  place: Place,
  register: CpuidRegister,
  bit: number,
  level: CpuFeature['level'],
  core?: LayoutName,
  ...needs: string[]
): CpuFeature {
  return { ...place, register, bit, level, needs, ...(core === undefined ? {} : { core }) };
}

function intel(feature: CpuFeature): CpuFeature {
  return { ...feature, vendor: 'intel' };
}
function amd(feature: CpuFeature): CpuFeature {
  return { ...feature, vendor: 'amd' };
}

/** By the name that Linux shows in /proc/cpuinfo, where it has one. SDM vol. 2, CPUID; AMD APM vol. 3, appendix E. */
export const CPU_FEATURES: Readonly<Record<string, CpuFeature>> = {
  fpu: feature(LEVEL1, 'edx', 0, 'v1', 'FEATURE_FPU'),
  de: feature(LEVEL1, 'edx', 2, 'v1'),
  pse: feature(LEVEL1, 'edx', 3, 'v1'),
  tsc: feature(LEVEL1, 'edx', 4, 'v1'),
  msr: feature(LEVEL1, 'edx', 5, 'v1'),
  pae: feature(LEVEL1, 'edx', 6, 'v1'),
  mce: feature(LEVEL1, 'edx', 7, 'v1'),
  cx8: feature(LEVEL1, 'edx', 8, 'v1'),
  apic: feature(LEVEL1, 'edx', 9, 'option', 'FEATURE_APIC'),
  sep: feature(LEVEL1, 'edx', 11, 'v1'),
  mtrr: feature(LEVEL1, 'edx', 12, 'v1'),
  pge: feature(LEVEL1, 'edx', 13, 'v1'),
  mca: feature(LEVEL1, 'edx', 14, 'v1', undefined, 'mce'),
  cmov: feature(LEVEL1, 'edx', 15, 'v1'),
  pat: feature(LEVEL1, 'edx', 16, 'v1'),
  pse36: feature(LEVEL1, 'edx', 17, 'v1'),
  clflush: feature(LEVEL1, 'edx', 19, 'v1', 'FEATURE_CLFLUSH'),
  mmx: feature(LEVEL1, 'edx', 23, 'v1', 'FEATURE_MMX', 'fpu'),
  fxsr: feature(LEVEL1, 'edx', 24, 'v1', 'FEATURE_FXSR', 'fpu'),
  sse: feature(LEVEL1, 'edx', 25, 'v1', 'FEATURE_SSE', 'fxsr', 'mmx'),
  sse2: feature(LEVEL1, 'edx', 26, 'v1', 'FEATURE_SSE2', 'sse'),
  sse3: feature(LEVEL1, 'ecx', 0, 'v2', 'FEATURE_SSE3', 'sse2'),
  pclmulqdq: feature(LEVEL1, 'ecx', 1, 'v3', 'FEATURE_PCLMULQDQ', 'sse2'),
  ssse3: feature(LEVEL1, 'ecx', 9, 'v2', 'FEATURE_SSSE3', 'sse3'),
  fma: feature(LEVEL1, 'ecx', 12, 'v3', 'FEATURE_FMA', 'avx'),
  cx16: feature(LEVEL1, 'ecx', 13, 'v2'),
  pcid: feature(LEVEL1, 'ecx', 17, 'v1', 'FEATURE_PCID'),
  'sse4.1': feature(LEVEL1, 'ecx', 19, 'v2', 'FEATURE_SSE41', 'ssse3'),
  'sse4.2': feature(LEVEL1, 'ecx', 20, 'v2', 'FEATURE_SSE42', 'sse4.1'),
  x2apic: feature(LEVEL1, 'ecx', 21, 'option', 'FEATURE_X2APIC', 'apic'),
  movbe: feature(LEVEL1, 'ecx', 22, 'v3', 'FEATURE_MOVBE'),
  popcnt: feature(LEVEL1, 'ecx', 23, 'v2', 'FEATURE_POPCNT'),
  tsc_deadline_timer: feature(LEVEL1, 'ecx', 24, 'option', 'FEATURE_TSC_DEADLINE', 'apic'),
  aes: feature(LEVEL1, 'ecx', 25, 'v3', 'FEATURE_AES', 'sse2'),
  xsave: feature(LEVEL1, 'ecx', 26, 'v3', 'FEATURE_XSAVE', 'fxsr'),
  avx: feature(LEVEL1, 'ecx', 28, 'v3', 'FEATURE_AVX', 'xsave', 'sse4.2'),
  f16c: feature(LEVEL1, 'ecx', 29, 'v3', 'FEATURE_F16C', 'avx'),
  rdrand: feature(LEVEL1, 'ecx', 30, 'v3', 'FEATURE_RDRAND'),
  hypervisor: feature(LEVEL1, 'ecx', 31, 'v1'),
  fsgsbase: feature(LEVEL7, 'ebx', 0, 'v1', 'FEATURE_FSGSBASE'),
  tsc_adjust: feature(LEVEL7, 'ebx', 1, 'v1'),
  bmi1: feature(LEVEL7, 'ebx', 3, 'v3', 'FEATURE_BMI1'),
  avx2: feature(LEVEL7, 'ebx', 5, 'v3', 'FEATURE_AVX2', 'avx'),
  smep: feature(LEVEL7, 'ebx', 7, 'v1', 'FEATURE_SMEP'),
  bmi2: feature(LEVEL7, 'ebx', 8, 'v3', 'FEATURE_BMI2'),
  erms: feature(LEVEL7, 'ebx', 9, 'v1'),
  invpcid: feature(LEVEL7, 'ebx', 10, 'v1', 'FEATURE_INVPCID'),
  rdseed: feature(LEVEL7, 'ebx', 18, 'v3', 'FEATURE_RDSEED'),
  adx: feature(LEVEL7, 'ebx', 19, 'v3', 'FEATURE_ADX'),
  smap: feature(LEVEL7, 'ebx', 20, 'v1', 'FEATURE_SMAP'),
  sha: feature(LEVEL7, 'ebx', 29, 'v3', 'FEATURE_SHA', 'sse2'),
  umip: feature(LEVEL7, 'ecx', 2, 'v1', 'FEATURE_UMIP'),
  la57: feature(LEVEL7, 'ecx', 16, 'option', 'FEATURE_LA57'),
  rdpid: feature(LEVEL7, 'ecx', 22, 'v1'),
  spec_ctrl: intel(feature(LEVEL7, 'edx', 26, 'v1')),
  arch_capabilities: intel(feature(LEVEL7, 'edx', 29, 'v1')),
  arat: feature(POWER, 'eax', 2, 'option', undefined, 'apic'),
  xsaveopt: feature(XSAVE, 'eax', 0, 'v3', 'FEATURE_XSAVEOPT', 'xsave'),
  xsavec: feature(XSAVE, 'eax', 1, 'v3', 'FEATURE_XSAVEC', 'xsave'),
  xgetbv1: feature(XSAVE, 'eax', 2, 'v3', undefined, 'xsavec'),
  xsaves: feature(XSAVE, 'eax', 3, 'v3', 'FEATURE_XSAVES', 'xsavec'),
  lahf_lm: feature(EXTENDED, 'ecx', 0, 'v1'),
  topoext: amd(feature(EXTENDED, 'ecx', 22, 'v1')),
  lzcnt: feature(EXTENDED, 'ecx', 5, 'v3', 'FEATURE_LZCNT'),
  syscall: feature(EXTENDED, 'edx', 11, 'v1'),
  nx: feature(EXTENDED, 'edx', 20, 'v1', 'FEATURE_NX'),
  pdpe1gb: feature(EXTENDED, 'edx', 26, 'v1', 'FEATURE_GB_PAGES'),
  rdtscp: feature(EXTENDED, 'edx', 27, 'v1', 'FEATURE_RDTSCP'),
  lm: feature(EXTENDED, 'edx', 29, 'v1'),
  // There is no speculative execution, so AMD's "not affected" bits are all true, and LFENCE always serialises.
  amd_ssb_no: amd(feature(EXTENDED8, 'ebx', 26, 'v1')),
  btc_no: amd(feature(EXTENDED8, 'ebx', 29, 'v1')),
  lfence_rdtsc: amd(feature(EXTENDED21, 'eax', 2, 'v1')),
  null_sel_clr_base: amd(feature(EXTENDED21, 'eax', 6, 'v1')),
  srso_no: amd(feature(EXTENDED21, 'eax', 29, 'v1')),
  tsa_sq_no: amd(feature(EXTENDED21, 'ecx', 1, 'v1')),
  tsa_l1_no: amd(feature(EXTENDED21, 'ecx', 2, 'v1')),
};

/**
 * The features of a level with `changes` applied in order: '+name' adds one and what it needs, '-name' takes it away and what
 * needs it. An unknown name, or another vendor's, is given to `refuse`.
 */
export function featuresOf(
  { level, vendor }: { level: CpuLevel; vendor: CpuVendor },
  changes: readonly string[],
  refuse: (change: string) => never,
): Set<string> {
  const rank = CPU_LEVELS.indexOf(level);
  const has = new Set(
    Object.entries(CPU_FEATURES).flatMap(([name, { level: from, vendor: whose = vendor }]) =>
      whose === vendor && from !== 'option' && CPU_LEVELS.indexOf(from) <= rank ? [name] : [],
    ),
  );
  const add = (name: string): void => {
    has.add(name);
    for (const other of CPU_FEATURES[name]!.needs) add(other);
  };
  const remove = (name: string): void => {
    has.delete(name);
    for (const [other, { needs }] of Object.entries(CPU_FEATURES)) {
      if (has.has(other) && needs.includes(name)) remove(other);
    }
  };
  for (const change of changes) {
    const name = change.slice(1);
    if (!/^[+-]/.test(change) || !Object.hasOwn(CPU_FEATURES, name)) refuse(change);
    const { vendor: whose = vendor } = CPU_FEATURES[name]!;
    if (change.startsWith('+') && whose !== vendor) refuse(change);
    if (change.startsWith('+')) add(name);
    else remove(name);
  }
  return has;
}
