// Memory type range registers (SDM vol. 3, 12.11; AMD APM vol. 2, 7.7). There are no caches whose behaviour they could change:
// they are kept and read back, with the values refused that a processor refuses.

import type { Msr } from '../msrs.js';
import type { MsrRule, MsrRules } from './register.js';

const CAP = 0xfe;
const BASE0 = 0x200;
const DEF_TYPE = 0x2ff;
const FIXED = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f] as const;

/** Pairs of base and mask; as many as Linux and firmware expect at least. */
const PAIRS = 8;
/** IA32_MTRRCAP: the number of pairs, fixed ranges, write-combining. */
const CAP_FIXED = 1n << 8n;
const CAP_WRITE_COMBINING = 1n << 10n;

const UNCACHEABLE = 0n;
const WRITE_BACK = 6n;
/** Of IA32_MTRR_DEF_TYPE: fixed ranges are on, all of it is on. */
const FIXED_ENABLE = 1n << 10n;
const ENABLE = 1n << 11n;
/** Of a mask: the pair is on. */
const VALID = 1n << 11n;

/** UC, WC, WT, WP, WB (SDM vol. 3, table 12-8). */
function isType(type: bigint): boolean {
  return type <= 1n || (type >= 4n && type <= 6n);
}

const DEF_TYPE_RULE: MsrRule = {
  reset: 0n,
  takes: (value) => (value & ~(0xffn | FIXED_ENABLE | ENABLE)) === 0n && isType(value & 0xffn),
};

const FIXED_RULE: MsrRule = {
  reset: 0n,
  takes: (value) => {
    for (let shift = 0n; shift < 64n; shift += 8n) if (!isType((value >> shift) & 0xffn)) return false;
    return true;
  },
};

/** The page numbers that an address of so many bits can have. */
function pages(physicalBits: number): bigint {
  return ((1n << BigInt(physicalBits)) - 1n) & ~0xfffn;
}

export function mtrrs(physicalBits: number): MsrRules {
  const addresses = pages(physicalBits);
  const base: MsrRule = {
    reset: 0n,
    takes: (value) => (value & ~(addresses | 0xffn)) === 0n && isType(value & 0xffn),
  };
  const mask: MsrRule = { reset: 0n, takes: (value) => (value & ~(addresses | VALID)) === 0n };
  return [
    [CAP, { reset: BigInt(PAIRS) | CAP_FIXED | CAP_WRITE_COMBINING, fixed: true }],
    ...FIXED.map((index) => [index, FIXED_RULE] as const),
    ...Array.from({ length: 2 * PAIRS }, (_, n) => [BASE0 + n, n % 2 === 0 ? base : mask] as const),
    [DEF_TYPE, DEF_TYPE_RULE],
  ];
}

const ALL_WRITE_BACK = 0x0606_0606_0606_0606n;
const VIDEO_MEMORY = 0x259;

/**
 * What firmware leaves in them, for a kernel that is loaded without firmware: write-back, but uncacheable video memory at
 * A0000H…BFFFFH and devices from `devices` up to 4 GiB. An operating system that finds them off believes the firmware broken, and
 * does without PAT. `devices` is a power of two below 4 GiB, or the sum of 2 GiB and one.
 */
export function firmwareMtrrs(devices: number, physicalBits: number): Msr[] {
  const size = 0x1_0000_0000n - BigInt(devices);
  return [
    ...FIXED.map((index) => ({ index, data: index === VIDEO_MEMORY ? 0n : ALL_WRITE_BACK })),
    { index: BASE0, data: BigInt(devices) | UNCACHEABLE },
    { index: BASE0 + 1, data: (pages(physicalBits) & ~(size - 1n)) | VALID },
    { index: DEF_TYPE, data: WRITE_BACK | FIXED_ENABLE | ENABLE },
  ];
}
