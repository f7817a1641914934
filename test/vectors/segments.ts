// The descriptor tables of the vectors with segments: what a selector means, and where an offset is.

/** Segment registers in the order of their encoding. */
export const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
export const SEG_CS = 1;
export const SEG_SS = 2;

/**
 * The GDT these vectors were recorded with, as far as their selectors name it: Linux's entries for the kernel
 * (32-bit code, 64-bit code, data), user code of 32 bits, user data, user code of 64 bits, then a TSS and the LDT.
 * Entries 8 to 11 are two system descriptors of 16 bytes each, which whoever builds the tables fills in.
 */
export const GDT: readonly bigint[] = [
  0n,
  0x00cf9b000000ffffn,
  0x00af9b000000ffffn,
  0x00cf93000000ffffn,
  0x00cffb000000ffffn,
  0x00cff3000000ffffn,
  0x00affb000000ffffn,
];
export const GDT_TSS = 8;
export const GDT_LDT = 10;
/** In bytes; Linux's. */
export const GDT_LIMIT = 0x7f;

/** A code or data descriptor (SDM vol. 3, 3.4.5), taken apart. */
export interface Segment {
  base: bigint;
  /** In bytes. */
  limit: number;
  /** VT-x access rights: descriptor bits 40 to 47 in bits 0 to 7, bits 52 to 55 in bits 12 to 15. */
  rights: number;
  /** Mask of the stack pointer, or of the offsets a 16-bit operand size leaves: FFFFH or FFFFFFFFH by the D/B bit. */
  mask: bigint;
}

export function segmentOf(descriptor: bigint): Segment {
  const low = Number(descriptor & 0xffff_ffffn);
  const high = Number(descriptor >> 32n);
  const limit = (low & 0xffff) | (high & 0xf0000);
  return {
    base: BigInt(((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0),
    limit: (high & 0x80_0000) !== 0 ? ((limit << 12) | 0xfff) >>> 0 : limit,
    rights: (high >>> 8) & 0xf0ff,
    mask: (high & 0x40_0000) !== 0 ? 0xffff_ffffn : 0xffffn,
  };
}

/** The descriptor tables of one file. */
export class Tables {
  readonly #segments = new Map<number, Segment>();

  /** @param ldt entries as in memory */
  constructor(readonly ldt: BigUint64Array) {}

  /** What a selector means; the entry must be in its table. */
  segment(selector: number): Segment {
    let segment = this.#segments.get(selector);
    if (segment === undefined) {
      const entry = ((selector & 4) !== 0 ? this.ldt : GDT)[selector >> 3];
      if (entry === undefined) throw new RangeError(`selector ${selector.toString(16)} is outside its table`);
      segment = segmentOf(entry);
      this.#segments.set(selector, segment);
    }
    return segment;
  }

  /** Size in bits of the code a selector means, by its L and D bits. */
  codeSize(selector: number): 16 | 32 | 64 {
    const { rights } = this.segment(selector);
    if ((rights & 0x2000) !== 0) return 64;
    return (rights & 0x4000) !== 0 ? 32 : 16;
  }

  /** Offset of a linear address in the segment a selector means, wrapped as its size wraps. */
  offset(selector: number, linear: bigint): bigint {
    const { base, mask, rights } = this.segment(selector);
    return (rights & 0x2000) !== 0 ? linear : (linear - base) & mask;
  }
}
