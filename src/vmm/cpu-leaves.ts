// The CPUID leaves that describe caches, topology, power and clocks. There are no caches: what is told of them is nominal, for
// software sizes its buffers by it and some divides by what it reads. Caches and threads are of one core each; L3 is everybody's.

import type { CpuidEntry } from './cpuid.js';
import { CRYSTAL_KHZ } from './kvm-leaves.js';

interface Cache {
  level: number;
  /** 1 data, 2 instructions, 3 both (SDM vol. 2, CPUID leaf 4). */
  type: number;
  ways: number;
  sets: number;
  shared: boolean;
}

const LINE = 64;

/** As of the processors whose signatures CPUID gives: 32 KiB, 32 KiB, 256 or 512 KiB, 8 or 16 MiB. */
const CACHES: Record<'intel' | 'amd', readonly Cache[]> = {
  intel: [
    { level: 1, type: 1, ways: 8, sets: 64, shared: false },
    { level: 1, type: 2, ways: 8, sets: 64, shared: false },
    { level: 2, type: 3, ways: 8, sets: 512, shared: false },
    { level: 3, type: 3, ways: 16, sets: 8192, shared: true },
  ],
  amd: [
    { level: 1, type: 1, ways: 8, sets: 64, shared: false },
    { level: 1, type: 2, ways: 8, sets: 64, shared: false },
    { level: 2, type: 3, ways: 8, sets: 1024, shared: false },
    { level: 3, type: 3, ways: 16, sets: 16384, shared: true },
  ],
};

/** Bits of an APIC id that tell cores of the package apart. */
export function coreBits(cores: number): number {
  return Math.ceil(Math.log2(cores));
}

/** Deterministic cache parameters, one cache a subleaf: leaf 4 and AMD's 8000001DH have the same form but for EAX[31:26]. */
function cacheLeaves(leaf: number, vendor: 'intel' | 'amd', cores: number): CpuidEntry[] {
  const ids = 2 ** coreBits(cores);
  return CACHES[vendor].map(({ level, type, ways, sets, shared }, subleaf) => {
    const sharing = (shared ? ids : 1) - 1;
    const ofPackage = vendor === 'intel' ? ids - 1 : 0;
    return {
      leaf,
      subleaf,
      eax: (type | (level << 5) | (1 << 8) | (sharing << 14) | (ofPackage << 26)) >>> 0, // bit 8: needs no initialisation
      ebx: ((ways - 1) << 22) | (LINE - 1),
      ecx: sets - 1,
      edx: 0,
    };
  });
}

/** Extended topology, leaf 0BH: one thread per core, all cores in one package. EDX is the x2APIC id: the vCPU fills it in. */
function topologyLeaves(cores: number): CpuidEntry[] {
  return [
    { leaf: 0xb, subleaf: 0, eax: 0, ebx: 1, ecx: 0x100, edx: 0 },
    { leaf: 0xb, subleaf: 1, eax: coreBits(cores), ebx: cores, ecx: 0x201, edx: 0 },
  ];
}

/** ARAT: the timer of the local APIC goes on whatever the processor's state. */
const ARAT = 1 << 2;

export interface LeafOptions {
  cores: number;
  arat: boolean;
  /** The processor has a local APIC: without one there are no ids for the topology to speak of. */
  apic: boolean;
}

export function intelLeaves(tscKhz: number, { cores, arat, apic }: LeafOptions): CpuidEntry[] {
  const { numerator, denominator } = crystalRatio(tscKhz);
  const mhz = Math.round(tscKhz / 1000) & 0xffff;
  return [
    // Descriptors of TLBs and the prefetcher; FFH: for caches see leaf 4 (SDM vol. 2, table 3-12).
    { leaf: 2, eax: 0x7603_6301, ebx: 0x00f0_b5ff, ecx: 0, edx: 0x00c1_0000 },
    ...cacheLeaves(4, 'intel', cores),
    { leaf: 6, eax: arat ? ARAT : 0, ebx: 0, ecx: 0, edx: 0 },
    ...(apic ? topologyLeaves(cores) : []),
    // TSC = crystal × EBX / EAX; then base, maximum and bus frequency in MHz.
    { leaf: 0x15, eax: denominator, ebx: numerator, ecx: CRYSTAL_KHZ * 1000, edx: 0 },
    { leaf: 0x16, eax: mhz, ebx: mhz, ecx: 100, edx: 0 },
    { leaf: 0x8000_0006, eax: 0, ebx: 0, ecx: 0x0100_6040, edx: 0 }, // L2: 256 KiB, 8 ways, lines of 64 bytes
  ];
}

/** The lowest terms of tscKhz / 25,000: Linux multiplies the crystal in kHz by EBX in 32 bits. */
function crystalRatio(tscKhz: number): { numerator: number; denominator: number } {
  let [a, b] = [tscKhz, CRYSTAL_KHZ];
  while (b !== 0) [a, b] = [b, a % b];
  return { numerator: tscKhz / a, denominator: CRYSTAL_KHZ / a };
}

export function amdLeaves({ cores, arat, apic }: LeafOptions): CpuidEntry[] {
  return [
    { leaf: 6, eax: arat ? ARAT : 0, ebx: 0, ecx: 0, edx: 0 },
    ...(apic ? topologyLeaves(cores) : []),
    // L1: TLBs of 64 entries, 32 KiB each, 8 ways, lines of 64 bytes (AMD APM vol. 3, E.4.4)
    { leaf: 0x8000_0005, eax: 0xff40_ff40, ebx: 0xff40_ff40, ecx: 0x2008_0140, edx: 0x2008_0140 },
    // L2: 512 KiB, 8 ways (code 6); L3: 32 × 512 KiB, 16 ways (code 8) (E.4.5)
    { leaf: 0x8000_0006, eax: 0, ebx: 0, ecx: 0x0200_6140, edx: 0x0080_8140 },
    ...cacheLeaves(0x8000_001d, 'amd', cores),
    // Extended APIC id, core id, node: the vCPU fills in the first two (E.4.16)
    { leaf: 0x8000_001e, eax: 0, ebx: 0, ecx: 0, edx: 0 },
  ];
}
