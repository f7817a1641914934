// The EPT or NPT of a Vm, built from its memory slots as the guest touches them.

import type { CoreMemory } from '../core/memory.js';
import type { MemorySlot } from './memory-slot.js';
import { PAGE_SIZE } from './memory-slot.js';
import type { RegionAllocator } from './region-allocator.js';
import type { Slots } from './slots.js';
import { TablePool } from './table-pool.js';

/** How entries look in a format; low and high halves, addresses left out. */
export interface NestedFormat {
  branchLo: number;
  readLo: number;
  writeLo: number;
  largeLo: number;
  mmioLo: number;
  mmioHi: number;
}

/** SDM vol. 3, 29.3.2: bits 0-2 read, write, execute; 3-5 memory type (6 = write-back); 7 large page. MMIO is 110b in bits 0-2, write without read, a misconfiguration whatever the rest says. */
export const EPT_FORMAT: NestedFormat = {
  branchLo: 0x07,
  readLo: 0x35,
  writeLo: 0x02,
  largeLo: 0x80,
  mmioLo: 0x06,
  mmioHi: 0,
};

/** AMD APM vol. 2, 15.25.5: the long-mode format, every access is a user's. Accessed and dirty are set in advance. MMIO is present with bit 51, which is reserved. */
export const NPT_FORMAT: NestedFormat = {
  branchLo: 0x27,
  readLo: 0x65,
  writeLo: 0x02,
  largeLo: 0x80,
  mmioLo: 0x05,
  mmioHi: 1 << (51 - 32),
};

/** What fix() made of a fault. */
export const Fixed = {
  /** The access will succeed, or exit at the MMIO marker, when it is made again. */
  Again: 0,
  /** A write to a read-only slot: it belongs to the MMIO bus. */
  ReadOnlyWrite: 1,
  /** Only of shadow paging: the guest's tables fault while a double fault is delivered. */
  TripleFault: 2,
} as const;

const TOP_LEVEL = 4;

export class NestedTable {
  readonly #pool: TablePool;

  /** `dropped` is called when translations that were made no longer hold. */
  constructor(
    memory: CoreMemory,
    regions: RegionAllocator,
    private readonly slots: Slots,
    private format: NestedFormat,
    dropped: () => void,
  ) {
    this.#pool = new TablePool(memory, regions, format.branchLo, dropped);
  }

  /** Host address of the top-level table. */
  get root(): number {
    return this.#pool.root;
  }

  /** Tables in use. */
  get tables(): number {
    return this.#pool.used;
  }

  get drops(): number {
    return this.#pool.drops;
  }

  /** Forgets everything, after slots have changed. */
  clear(): void {
    this.#pool.clear();
  }

  /** Forgets everything, and is of another format from now on. */
  become(format: NestedFormat): void {
    this.format = format;
    this.#pool.clear(format.branchLo);
  }

  /** Answers an EPT violation or nested page fault at a guest-physical address: maps the page or marks it as MMIO. */
  fix(lo: number, hi: number, write: boolean): number {
    const gpa = (hi >>> 0) * 2 ** 32 + (lo >>> 0);
    const slot = this.slots.find(gpa);
    const { format } = this;
    if (slot === undefined) {
      this.#pool.set(lo, hi, TOP_LEVEL, 1, format.mmioLo, format.mmioHi);
      return Fixed.Again;
    }
    if (write && slot.readOnly) return Fixed.ReadOnlyWrite;
    const writable = !slot.readOnly && (write || !slot.logsDirty);
    if (write) slot.markDirty(gpa, 1);
    const level = largestLevel(slot, gpa);
    const start = gpa - (gpa % (PAGE_SIZE * 512 ** (level - 1)));
    const host = slot.host + start - slot.base;
    const rights = format.readLo | (writable ? format.writeLo : 0) | (level > 1 ? format.largeLo : 0);
    this.#pool.set(lo, hi, TOP_LEVEL, level, host | rights, 0);
    return Fixed.Again;
  }

  /** Maps a page somewhere else, writable, until fix() is asked about it (scratch.ts). */
  lend(lo: number, hi: number, host: number): void {
    this.#pool.set(lo, hi, TOP_LEVEL, 1, host | this.format.readLo | this.format.writeLo, 0);
  }
}

/** The largest page around `gpa` that lies in the slot, has a host address as aligned as itself, and hides no dirty pages. */
function largestLevel(slot: MemorySlot, gpa: number): number {
  if (slot.logsDirty) return 1;
  for (let level = 3; level > 1; level--) {
    const bytes = PAGE_SIZE * 512 ** (level - 1);
    const start = gpa - (gpa % bytes);
    if (start >= slot.base && start + bytes <= slot.end && (slot.host + start - slot.base) % bytes === 0) return level;
  }
  return 1;
}
