// Page tables that the hypervisor makes, of 512 entries of 8 bytes: EPT, NPT and shadow tables differ only in what stands
// in an entry. The tables come from a fixed pool; when it is used up all of them are dropped and built anew as the guest
// touches its memory, so a guest cannot make the hypervisor's memory grow.

import type { CoreMemory } from '../core/memory.js';
import { PAGE_SIZE } from './memory-slot.js';
import type { RegionAllocator } from './region-allocator.js';

/** Tables in a pool: enough for 2 GiB in 4 KiB pages. */
export const POOL_TABLES = 1024;

export class TablePool {
  /** Host address of the top-level table: it stays where it is. */
  readonly root: number;
  #used = 1;
  #drops = 0;

  /**
   * `branchLo` is the low half of an entry that points to a next table, less the address. `dropped` is called whenever
   * all translations are gone, for cached ones have to follow.
   */
  constructor(
    private readonly memory: CoreMemory,
    regions: RegionAllocator,
    private branchLo: number,
    private readonly dropped: () => void,
    private readonly tables = POOL_TABLES,
  ) {
    this.root = regions.allocate(tables * PAGE_SIZE, PAGE_SIZE);
  }

  /** Tables in use, the top-level one included. */
  get used(): number {
    return this.#used;
  }

  /** How often the pool was used up and began anew. */
  get drops(): number {
    return this.#drops;
  }

  /** Forgets all translations. With an argument, the tables made from now on have other entries. */
  clear(branchLo = this.branchLo): void {
    this.branchLo = branchLo;
    this.#used = 1;
    this.memory.u8.fill(0, this.root, this.root + PAGE_SIZE);
    this.dropped();
  }

  /**
   * Sets the entry of `address` at `level` (1: 4 KiB, 2: 2 MiB, 3: 1 GiB), making the tables above it; `top` is the level
   * of the top-level table, 4 or 5. A large page that stood above is replaced.
   */
  set(addressLo: number, addressHi: number, top: number, level: number, entryLo: number, entryHi: number): void {
    // The deepest path takes four new tables.
    if (this.#used + 4 > this.tables) {
      this.clear();
      this.#drops++;
    }
    const { u32 } = this.memory;
    let table = this.root;
    for (let at = top; at > level; at--) {
      const word = (table + tableIndex(addressLo, addressHi, at) * 8) >>> 2;
      const lo = u32[word]!;
      // Bits 0-2 are the rights in EPT, present and rights elsewhere; bit 7 is a large page in all formats.
      if ((lo & 7) === 0 || (lo & 0x80) !== 0) {
        table = this.root + this.#used++ * PAGE_SIZE;
        this.memory.u8.fill(0, table, table + PAGE_SIZE);
        u32[word] = table | this.branchLo;
        u32[word + 1] = 0;
      } else table = (lo & 0xffff_f000) >>> 0;
    }
    const word = (table + tableIndex(addressLo, addressHi, level) * 8) >>> 2;
    u32[word] = entryLo;
    u32[word + 1] = entryHi;
  }

  /** Host address of the level-1 entry of `address`, or 0 if the tables above it do not lead there. */
  find(addressLo: number, addressHi: number, top: number): number {
    const { u32 } = this.memory;
    let table = this.root;
    for (let at = top; at > 1; at--) {
      const lo = u32[(table + tableIndex(addressLo, addressHi, at) * 8) >>> 2]!;
      if ((lo & 7) === 0 || (lo & 0x80) !== 0) return 0;
      table = (lo & 0xffff_f000) >>> 0;
    }
    return table + tableIndex(addressLo, addressHi, 1) * 8;
  }
}

/** Index of an address's entry in a table of this level, 1…5. */
function tableIndex(lo: number, hi: number, level: number): number {
  if (level === 1) return (lo >>> 12) & 511;
  if (level === 2) return (lo >>> 21) & 511;
  if (level === 3) return ((hi & 0x7f) << 2) | (lo >>> 30);
  return (hi >>> (level === 4 ? 7 : 16)) & 511;
}
