// Hands out the part of linear memory that belongs to the hypervisor: guest RAM and the tables made for it. First fit, and
// what is given back is cleared and joined with its free neighbours, so that slots may come and go without end.

import type { CoreMemory } from '../core/memory.js';
import { ENOMEM } from '../eventfd/index.js';

interface Region {
  start: number;
  end: number;
}

export class RegionAllocator {
  /** Free regions below `#top`, by address, never touching each other. All of them read as zero. */
  readonly #free: Region[] = [];
  #top: number;

  constructor(
    private readonly memory: CoreMemory,
    start: number,
  ) {
    this.#top = start;
  }

  /**
   * Host address of `size` zero bytes, congruent to `residue` modulo `alignment` (a power of two). Throws ENOMEM when
   * linear memory (4 GiB at most) has no such room.
   */
  allocate(size: number, alignment: number, residue = 0): number {
    for (const [index, region] of this.#free.entries()) {
      const start = alignUp(region.start, alignment, residue);
      if (start + size > region.end) continue;
      const rest = [
        { start: region.start, end: start },
        { start: start + size, end: region.end },
      ];
      this.#free.splice(index, 1, ...rest.filter((part) => part.start < part.end));
      return start;
    }
    const start = alignUp(this.#top, alignment, residue);
    const end = start + size;
    if (end > this.memory.limit) {
      throw new ENOMEM(
        `no room for ${size} bytes: linear memory ends at ${this.memory.limit}, ${this.#top} are in use`,
      );
    }
    try {
      this.memory.ensure(end);
    } catch (error) {
      throw new ENOMEM((error as Error).message);
    }
    if (start > this.#top) this.#insert({ start: this.#top, end: start });
    this.#top = end;
    return start;
  }

  /** Takes a region back and clears it, so that no guest sees what another slot held. */
  release(start: number, size: number): void {
    this.memory.u8.fill(0, start, start + size);
    this.#insert({ start, end: start + size });
  }

  #insert(region: Region): void {
    let index = this.#free.findIndex((other) => other.start > region.start);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    if (after !== undefined && after.start === region.end) {
      region.end = after.end;
      this.#free.splice(index, 1);
    }
    if (before !== undefined && before.end === region.start) before.end = region.end;
    else this.#free.splice(index, 0, region);
  }
}

function alignUp(address: number, alignment: number, residue: number): number {
  const over = (address - residue) % alignment;
  if (over === 0) return address;
  return address + (over > 0 ? alignment - over : -over);
}
