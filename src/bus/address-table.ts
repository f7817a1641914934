// A hash table from 64-bit addresses (two 32-bit halves) to small numbers, in one typed array: the lookup behind every kick.
//
// Open addressing with linear probing, at most a third full, so a lookup looks at 1.3 cells on average however many
// entries there are. A cell is four words (low half, high half, value, spare): 16 bytes, never across a cache line.
// Removal moves later cells of the run back instead of leaving a marker, so the table never gets slower with use.

const CELL_WORDS = 4;
const FIRST_CELLS = 16;
const EMPTY = -1;

/**
 * Multiplicative hashing (Knuth, vol. 3, 6.4): the upper bits of the product spread doorbells 4 bytes, a page or a gigabyte
 * apart alike. The high half comes in rotated by a multiplication of its own.
 */
function mix(lo: number, hi: number): number {
  return Math.imul(lo ^ Math.imul(hi, 0x27d4eb2f), 0x9e3779b1 | 0);
}

/** Address -> value >= 0. Halves may be signed or unsigned. */
export class AddressTable {
  private cells = new Int32Array(FIRST_CELLS * CELL_WORDS).fill(EMPTY);
  private mask = FIRST_CELLS - 1;
  /** How far mix() is shifted so that an index of a cell remains. */
  private shift = 32 - Math.log2(FIRST_CELLS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The value at the address, or -1. */
  get(lo: number, hi: number): number {
    const { cells, mask } = this;
    const keyLo = lo | 0;
    const keyHi = hi | 0;
    for (let cell = mix(keyLo, keyHi) >>> this.shift; ; cell = (cell + 1) & mask) {
      const at = cell << 2;
      const value = cells[at + 2]!;
      if (value < 0 || (cells[at] === keyLo && cells[at + 1] === keyHi)) return value;
    }
  }

  /** Sets the value (>= 0) at the address. */
  set(lo: number, hi: number, value: number): void {
    if ((this.count + 1) * 3 > this.mask + 1) this.grow();
    const at = this.find(lo | 0, hi | 0) << 2;
    if (this.cells[at + 2]! < 0) this.count++;
    this.cells[at] = lo;
    this.cells[at + 1] = hi;
    this.cells[at + 2] = value;
  }

  /** Removes the address; nothing happens if it is not there. */
  delete(lo: number, hi: number): void {
    const { cells, mask } = this;
    let hole = this.find(lo | 0, hi | 0);
    if (cells[(hole << 2) + 2]! < 0) return;
    this.count--;
    for (let cell = (hole + 1) & mask; cells[(cell << 2) + 2]! >= 0; cell = (cell + 1) & mask) {
      // A cell may fill the hole only if its home is not between the hole (exclusive) and itself: it must stay findable.
      const home = mix(cells[cell << 2]!, cells[(cell << 2) + 1]!) >>> this.shift;
      if (((cell - home) & mask) < ((cell - hole) & mask)) continue;
      cells.copyWithin(hole << 2, cell << 2, (cell << 2) + CELL_WORDS);
      hole = cell;
    }
    cells[(hole << 2) + 2] = EMPTY;
  }

  /** How many cells a lookup of the address looks at: 1 at best. For tests and statistics. */
  probes(lo: number, hi: number): number {
    return ((this.find(lo | 0, hi | 0) - (mix(lo | 0, hi | 0) >>> this.shift)) & this.mask) + 1;
  }

  /** The cell of the address, or the empty one where it belongs. */
  private find(lo: number, hi: number): number {
    const { cells, mask } = this;
    let cell = mix(lo, hi) >>> this.shift;
    while (cells[(cell << 2) + 2]! >= 0 && (cells[cell << 2] !== lo || cells[(cell << 2) + 1] !== hi)) {
      cell = (cell + 1) & mask;
    }
    return cell;
  }

  private grow(): void {
    const old = this.cells;
    this.mask = this.mask * 2 + 1;
    this.shift--;
    this.cells = new Int32Array((this.mask + 1) * CELL_WORDS).fill(EMPTY);
    for (let at = 0; at < old.length; at += CELL_WORDS) {
      if (old[at + 2]! < 0) continue;
      const to = this.find(old[at]!, old[at + 1]!) << 2;
      this.cells.set(old.subarray(at, at + CELL_WORDS), to);
    }
  }
}
