// What CPUID says: the features of cpu-features.ts and what else software asks a processor. It claims what the core
// implements and nothing else.

import { CPU_FEATURES, featuresOf, type CpuidRegister, type CpuLevel, type CpuVendor } from './cpu-features.js';
import { amdLeaves, coreBits, intelLeaves } from './cpu-leaves.js';
import { kvmLeaves } from './kvm-leaves.js';

export type { CpuVendor } from './cpu-features.js';

/** A configurable processor. */
export interface CpuOptions {
  /** x86-64 level of the psABI; default 'v3'. */
  level?: CpuLevel;
  /** Changes to the level's features, in order: '+avx', '-aes' (names as in cpu-features.ts). What a feature needs comes and goes with it. */
  features?: readonly string[];
  /** Default 'intel'. */
  vendor?: CpuVendor;
  /** Up to 48 characters. */
  brand?: string;
  /** Width of a guest-physical address, 36…46 bits; default 40. */
  physicalBits?: number;
  /** 5-level paging; default false. */
  la57?: boolean;
  /** A local APIC, with `x2apic`, `tsc_deadline_timer` and `arat`; default false. */
  apic?: boolean;
  /** Cores that CPUID tells of, all in one package with one thread each, 1…8: as many as vCPUs will be created; default 1. */
  cores?: number;
  /** Show the hypervisor leaves and bit; default true. */
  hypervisor?: boolean;
  /** KVM's paravirtual clock, announced in the hypervisor leaves; default true. */
  kvmclock?: boolean;
}

/** kvm_cpuid_entry2: the answer for a leaf; without `subleaf`, for every ECX. */
export interface CpuidEntry {
  leaf: number;
  subleaf?: number;
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

export type RequiredCpu = Required<CpuOptions>;

const bit = (...numbers: number[]): number => numbers.reduce((word, number) => (word | (1 << number)) >>> 0, 0);

/** Three or four characters-in-a-register words of a string. */
function words(text: string, count: number): number[] {
  return Array.from({ length: count }, (_, word) => {
    let value = 0;
    for (let at = 3; at >= 0; at--) value = value * 256 + (text.charCodeAt(word * 4 + at) || 0);
    return value;
  });
}

/** AMD repeats these bits of leaf 1 (AMD APM vol. 3, appendix E.4.2). */
const AMD_REPEATED = bit(0, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 23, 24);
/** More than one core in the package: HTT of leaf 1's EDX, and AMD's CmpLegacy in 80000001H's ECX. */
const HTT = bit(28);
const CMP_LEGACY = bit(1);
const INVARIANT_TSC = bit(8);

/** The table for a processor whose TSC counts `tscKhz` thousand a second. */
export function defaultCpuid(cpu: RequiredCpu, tscKhz: number): CpuidEntry[] {
  const intel = cpu.vendor === 'intel';
  const [v0, v1, v2] = words(intel ? 'GenuineIntel' : 'AuthenticAMD', 3) as [number, number, number];
  const has = featuresOf(cpu, implied(cpu), (change) => {
    throw new Error(`no feature ${change}`);
  });
  const bits = (leaf: number, subleaf: number, register: CpuidRegister): number =>
    bit(
      ...Object.entries(CPU_FEATURES).flatMap(([name, feature]) =>
        has.has(name) && feature.leaf === leaf && feature.subleaf === subleaf && feature.register === register
          ? [feature.bit]
          : [],
      ),
    );
  const features = bits(1, 0, 'edx');
  // Family 6 model 3FH and family 17H model 31H: old enough for every feature missing here to be believable, and without a
  // defect for which an operating system would want what we have not.
  const signature = intel ? 0x0003_06f2 : 0x0083_0f10;
  const { cores } = cpu;
  const brand = words(cpu.brand.padEnd(48, '\0'), 12);
  const table: CpuidEntry[] = [
    { leaf: 0, eax: intel ? 0x16 : 0xd, ebx: v0, ecx: v2, edx: v1 },
    {
      leaf: 1,
      eax: signature,
      ebx: (cores << 16) | 0x0800, // logical processors, CLFLUSH line of 8 × 8 bytes; the vCPU fills in its APIC id
      ecx: bits(1, 0, 'ecx'), // with OSXSAVE filled in by the vCPU
      edx: cores > 1 ? (features | HTT) >>> 0 : features,
    },
    { leaf: 7, subleaf: 0, eax: 0, ebx: bits(7, 0, 'ebx'), ecx: bits(7, 0, 'ecx'), edx: bits(7, 0, 'edx') },
    {
      leaf: 0x8000_0000,
      eax: intel ? 0x8000_0008 : 0x8000_0021,
      ebx: intel ? 0 : v0,
      ecx: intel ? 0 : v2,
      edx: intel ? 0 : v1,
    },
    {
      leaf: 0x8000_0001,
      eax: intel ? 0 : signature,
      ebx: 0,
      ecx: (bits(0x8000_0001, 0, 'ecx') | (!intel && cores > 1 ? CMP_LEGACY : 0)) >>> 0,
      edx: (bits(0x8000_0001, 0, 'edx') | (intel ? 0 : features & AMD_REPEATED)) >>> 0,
    },
    ...[0, 1, 2].map((n) => ({
      leaf: 0x8000_0002 + n,
      eax: brand[n * 4]!,
      ebx: brand[n * 4 + 1]!,
      ecx: brand[n * 4 + 2]!,
      edx: brand[n * 4 + 3]!,
    })),
    { leaf: 0x8000_0007, eax: 0, ebx: 0, ecx: 0, edx: INVARIANT_TSC },
    {
      leaf: 0x8000_0008,
      eax: cpu.physicalBits | ((has.has('la57') ? 57 : 48) << 8),
      ebx: bits(0x8000_0008, 0, 'ebx'),
      ecx: intel ? 0 : (cores - 1) | (coreBits(cores) << 12),
      edx: 0,
    },
  ];
  if (has.has('xsave')) table.push(...stateLeaves(has.has('avx'), bits(0xd, 1, 'eax')));
  const leaves = { cores, arat: has.has('arat'), apic: has.has('apic') };
  if (intel) table.push(...intelLeaves(tscKhz, leaves));
  else {
    table.push(...amdLeaves(leaves));
    table.push({
      leaf: 0x8000_0021,
      eax: bits(0x8000_0021, 0, 'eax'),
      ebx: 0,
      ecx: bits(0x8000_0021, 0, 'ecx'),
      edx: 0,
    });
  }
  if (cpu.hypervisor) table.push(...kvmLeaves(tscKhz, cpu.kvmclock));
  return table;
}

/** What comes with a local APIC. */
const WITH_APIC = ['+apic', '+x2apic', '+tsc_deadline_timer', '+arat'];

/** The option flags as changes to the features; those that the user asks for come after them. */
function implied({ features, apic, la57, hypervisor }: RequiredCpu): string[] {
  return [...(apic ? WITH_APIC : []), ...(la57 ? ['+la57'] : []), ...(hypervisor ? [] : ['-hypervisor']), ...features];
}

/** Where the upper halves of the YMM registers stand in an XSAVE area, and how long they are (SDM vol. 1, 13.4 and 13.5.3). */
const YMM_OFFSET = 576;
const YMM_SIZE = 256;

/** Leaf DH: the parts of an XSAVE area. EBX of the first two depends on XCR0: the vCPU fills it in. */
function stateLeaves(avx: boolean, eax: number): CpuidEntry[] {
  const size = avx ? YMM_OFFSET + YMM_SIZE : YMM_OFFSET;
  const leaves: CpuidEntry[] = [
    { leaf: 0xd, subleaf: 0, eax: avx ? 7 : 3, ebx: YMM_OFFSET, ecx: size, edx: 0 },
    { leaf: 0xd, subleaf: 1, eax, ebx: YMM_OFFSET, ecx: 0, edx: 0 },
  ];
  if (avx) leaves.push({ leaf: 0xd, subleaf: 2, eax: YMM_SIZE, ebx: YMM_OFFSET, ecx: 0, edx: 0 });
  return leaves;
}

/** Bytes of an XSAVE area with the components that `xcr0` enables. */
export function xsaveSize(xcr0: bigint): number {
  return (xcr0 & 4n) !== 0n ? YMM_OFFSET + YMM_SIZE : YMM_OFFSET;
}

const ZERO: CpuidEntry = { leaf: 0, eax: 0, ebx: 0, ecx: 0, edx: 0 };

/** Looks leaves up as hardware does. */
export class Cpuid {
  #entries: CpuidEntry[] = [];
  readonly #byLeaf = new Map<number, CpuidEntry[]>();

  constructor(entries: readonly CpuidEntry[]) {
    this.entries = entries;
  }

  get entries(): readonly CpuidEntry[] {
    return this.#entries;
  }

  /** KVM_SET_CPUID2. */
  set entries(entries: readonly CpuidEntry[]) {
    this.#entries = entries.map((entry) => ({ ...entry }));
    this.#byLeaf.clear();
    for (const entry of this.#entries) {
      const leaf = entry.leaf >>> 0;
      this.#byLeaf.set(leaf, [...(this.#byLeaf.get(leaf) ?? []), entry]);
    }
  }

  /** The answer for EAX and ECX; leaves that are not there read as zero. */
  find(leaf: number, subleaf: number): CpuidEntry {
    const rows = this.#byLeaf.get(leaf >>> 0);
    return rows?.find((row) => row.subleaf === undefined || row.subleaf >>> 0 === subleaf >>> 0) ?? ZERO;
  }
}
