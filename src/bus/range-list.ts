// Device ranges in address order, immutable: a registration makes a new list, so a lookup that is under way keeps its own.
//
// Order: lower start first; at one start the shorter first; equals in the order they came. Ranges may overlap and nest.
// Beside each range stands the highest last address of all ranges up to it, so that a search that walks back from the last
// range starting at or below an access knows when nothing further down can reach it: no range is ever missed.

import type { RangeClaim } from './claim.js';

function below(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi < bHi || (aHi === bHi && aLo < bLo);
}

export class RangeList {
  static readonly empty = new RangeList([]);

  readonly size: number;
  private readonly startLo: Uint32Array;
  private readonly startHi: Uint32Array;
  private readonly lastLo: Uint32Array;
  private readonly lastHi: Uint32Array;
  private readonly reachLo: Uint32Array;
  private readonly reachHi: Uint32Array;

  private constructor(private readonly claims: readonly RangeClaim[]) {
    const size = claims.length;
    this.size = size;
    this.startLo = new Uint32Array(size);
    this.startHi = new Uint32Array(size);
    this.lastLo = new Uint32Array(size);
    this.lastHi = new Uint32Array(size);
    this.reachLo = new Uint32Array(size);
    this.reachHi = new Uint32Array(size);
    let reach = 0n;
    claims.forEach((claim, index) => {
      const last = claim.addr + BigInt(claim.len) - 1n;
      if (last > reach) reach = last;
      this.startLo[index] = claim.lo;
      this.startHi[index] = claim.hi;
      this.lastLo[index] = Number(last & 0xffff_ffffn);
      this.lastHi[index] = Number(last >> 32n);
      this.reachLo[index] = Number(reach & 0xffff_ffffn);
      this.reachHi[index] = Number(reach >> 32n);
    });
  }

  /** The list with one more claim, whose range is not empty and does not wrap. */
  with(claim: RangeClaim): RangeList {
    const after = (other: RangeClaim): boolean =>
      other.addr > claim.addr || (other.addr === claim.addr && other.len > claim.len);
    const index = this.claims.findIndex(after);
    const at = index < 0 ? this.size : index;
    return new RangeList([...this.claims.slice(0, at), claim, ...this.claims.slice(at)]);
  }

  without(claim: RangeClaim): RangeList {
    return new RangeList(this.claims.filter((other) => other !== claim));
  }

  at(index: number): RangeClaim {
    return this.claims[index]!;
  }

  /** Bytes from the start of range `index` to the address. */
  offset(index: number, lo: number, hi: number): number {
    return (hi - this.startHi[index]!) * 0x1_0000_0000 + (lo - this.startLo[index]!);
  }

  /** How many ranges start below the address, or also those that start at it. Halves are unsigned. */
  starting(lo: number, hi: number, atToo: boolean): number {
    let from = 0;
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const startLo = this.startLo[middle]!;
      const startHi = this.startHi[middle]!;
      const counts = atToo ? !below(lo, hi, startLo, startHi) : below(startLo, startHi, lo, hi);
      if (counts) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The lowest index below `end` from which on a range may reach the access's last byte. */
  first(end: number, lastLo: number, lastHi: number): number {
    let index = end;
    while (index > 0 && !below(this.reachLo[index - 1]!, this.reachHi[index - 1]!, lastLo, lastHi)) index--;
    return index;
  }

  /** Whether range `index`, which starts at or below the access, also holds the access's last byte. */
  reaches(index: number, lastLo: number, lastHi: number): boolean {
    return !below(this.lastLo[index]!, this.lastHi[index]!, lastLo, lastHi);
  }
}
