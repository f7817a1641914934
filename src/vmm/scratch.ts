// Writes to read-only slots. They belong to the MMIO bus (spec 2.9), but the page is memory to everything else, code
// included, so it cannot be marked as MMIO. While such a write is emulated the page is a writable copy; what the
// instruction wrote there is then taken out and sent to the bus, and the slot itself is as it was.

import type { CoreMemory } from '../core/memory.js';
import { PAGE_SIZE } from './memory-slot.js';
import type { NestedTable } from './nested-table.js';
import type { RegionAllocator } from './region-allocator.js';
import type { Slots } from './slots.js';

/** A write operand lies on two pages at most; as many again for a second one. */
const COPIES = 4;

interface Copy {
  lo: number;
  hi: number;
  /** Bytes that the instruction writes from there on; 0 = it is not the instruction's write. */
  length: number;
  /** Address of the page's copy. */
  host: number;
}

/** A write that was caught, as the emulator's list would have it. */
export interface CaughtWrite {
  lo: number;
  hi: number;
  length: number;
  dataLo: number;
  dataHi: number;
  /** It reaches the end of its page: if the access crossed into another one, this was its first half. */
  leads: boolean;
}

export class ScratchPages {
  readonly #copies: Copy[] = [];
  readonly #host: number;

  constructor(
    private readonly memory: CoreMemory,
    regions: RegionAllocator,
    private readonly slots: Slots,
    private readonly nested: NestedTable,
  ) {
    this.#host = regions.allocate(COPIES * PAGE_SIZE, PAGE_SIZE);
  }

  /**
   * Puts a copy in the place of the page at this address, for a write of `length` bytes there (0: the processor's own, to
   * an entry of the guest's tables, which no bus sees). False: there are no more copies.
   */
  lend(lo: number, hi: number, length: number): boolean {
    const slot = this.slots.find((hi >>> 0) * 2 ** 32 + (lo >>> 0));
    if (slot === undefined || this.#copies.length === COPIES) return false;
    const host = this.#host + this.#copies.length * PAGE_SIZE;
    const page = (hi >>> 0) * 2 ** 32 + ((lo & ~0xfff) >>> 0);
    const from = slot.host + page - slot.base;
    this.memory.u8.copyWithin(host, from, from + PAGE_SIZE);
    this.#copies.push({ lo, hi, length, host });
    this.nested.lend(lo, hi, host);
    return true;
  }

  /** Puts the pages back and gives what was written, in the order in which the instruction asked. */
  collect(completed: boolean): CaughtWrite[] {
    const writes: CaughtWrite[] = [];
    for (const { lo, hi, length, host } of this.#copies.splice(0)) {
      this.nested.fix(lo, hi, false);
      if (!completed) continue;
      const leads = (lo & 0xfff) + length === PAGE_SIZE;
      // Pieces of 8 bytes at most, as everything on the bus.
      for (let at = 0; at < length; at += 8) {
        const piece = Math.min(8, length - at);
        const bytes = host + (lo & 0xfff) + at;
        const { view } = this.memory;
        let dataLo = 0;
        let dataHi = 0;
        for (let byte = piece - 1; byte >= 0; byte--) {
          const value = view.getUint8(bytes + byte);
          if (byte >= 4) dataHi = ((dataHi << 8) | value) >>> 0;
          else dataLo = ((dataLo << 8) | value) >>> 0;
        }
        writes.push({ lo: (lo + at) >>> 0, hi, length: piece, dataLo, dataHi, leads });
      }
    }
    return writes;
  }

  /** Whether any page is lent. */
  get lent(): boolean {
    return this.#copies.length > 0;
  }
}
