// The doorbell bus: guest-physical addresses where any write means "signal this eventfd", with no length and no data.
//
// It is asked before anything is decoded, so all it knows is the address, and an address stands for one eventfd only.
// Upstream KVM calls it FAST_MMIO, the 2013 patch PV_MMIO. Separate from the MMIO bus so that guests and devices which do
// not use doorbells pay nothing, and no device ever sees an access without a length (spec 2.10, 2.11).

import type { EventFdContext } from '../eventfd/index.js';
import { EEXIST } from '../eventfd/index.js';
import { AddressTable } from './address-table.js';
import { hex, high32, low32 } from './address.js';

/** The table's values are index and promised length (0, 1, 2, 4, 8) in one number, so that a kick looks at one cell. */
const LENGTH_BITS = 4;
const LENGTH_MASK = 15;

/** One doorbell, as entries() lists it. */
export interface Doorbell {
  readonly addr: bigint;
  /** The length its guest promised to write, 0 for any. The bus does not check it. */
  readonly len: number;
  readonly context: EventFdContext;
}

/** Who keeps a copy of the bus: told when a doorbell has come, and when one has gone, before add() or remove() returns. */
export interface DoorbellListener {
  added(doorbell: Doorbell): void;
  removed(addr: bigint): void;
}

/** Doorbells by guest-physical address: kick() costs the same with one and with ten thousand. */
export class DoorbellBus {
  private readonly table = new AddressTable();
  private readonly doorbells: (Doorbell | undefined)[] = [];
  private readonly targets: EventFdContext[] = [];
  private readonly free: number[] = [];
  private readonly listeners = new Set<DoorbellListener>();

  /** True if there is no doorbell: skip the lookup. */
  get empty(): boolean {
    return this.table.size === 0;
  }

  get size(): number {
    return this.table.size;
  }

  /**
   * A write of `length` bytes at the guest-physical address (two 32-bit halves): signals its doorbell and returns true if
   * there is one that takes writes of that length. What a kick costs in TypeScript.
   */
  kick(lo: number, hi: number, length: number): boolean {
    const found = this.table.get(lo, hi);
    if (found < 0) return false;
    const promised = found & LENGTH_MASK;
    if (promised !== 0 && promised !== length) return false;
    this.targets[found >> LENGTH_BITS]!.signal();
    return true;
  }

  /** kick() from a thread of the guest's alone: false, with nothing done, if somebody elsewhere must hear of the signal at once. */
  kickUnheard(lo: number, hi: number, length: number): boolean {
    const found = this.table.get(lo, hi);
    if (found < 0) return false;
    const promised = found & LENGTH_MASK;
    if (promised !== 0 && promised !== length) return false;
    const target = this.targets[found >> LENGTH_BITS]!;
    if (target.heard) return false;
    target.signal();
    return true;
  }

  /** Index of the doorbell at the address, or -1. */
  lookup(lo: number, hi: number): number {
    const found = this.table.get(lo, hi);
    return found < 0 ? -1 : found >> LENGTH_BITS;
  }

  /** Signals the eventfd of a doorbell that lookup() has just found. */
  signal(index: number): void {
    this.targets[index]!.signal();
  }

  /** The promised length of the doorbell at an index lookup() has found, 0 for any. */
  length(index: number): number {
    return this.doorbells[index]!.len;
  }

  /** Adds a doorbell (the bus holds the eventfd until remove()) and returns its index. EEXIST if the address has one. */
  add(addr: bigint, context: EventFdContext, len = 0): number {
    if (this.lookup(low32(addr), high32(addr)) >= 0) {
      throw new EEXIST(`doorbell bus: there is a doorbell at ${hex(addr)} already`);
    }
    const index = this.free.pop() ?? this.doorbells.length;
    this.doorbells[index] = { addr, len, context };
    this.targets[index] = context;
    this.table.set(low32(addr), high32(addr), (index << LENGTH_BITS) | len);
    context.acquire();
    for (const listener of this.listeners) listener.added({ addr, len, context });
    return index;
  }

  /** Removes the doorbell at the address; false if there is none. */
  remove(addr: bigint): boolean {
    const index = this.lookup(low32(addr), high32(addr));
    if (index < 0) return false;
    this.table.delete(low32(addr), high32(addr));
    for (const listener of this.listeners) listener.removed(addr);
    this.doorbells[index]!.context.release();
    this.doorbells[index] = undefined;
    this.free.push(index);
    return true;
  }

  /** Every doorbell, in no particular order: what a vCPU's own thread needs for its copy of the bus. */
  *entries(): Generator<Doorbell> {
    for (const doorbell of this.doorbells) if (doorbell !== undefined) yield doorbell;
  }

  follow(listener: DoorbellListener): void {
    this.listeners.add(listener);
  }

  unfollow(listener: DoorbellListener): void {
    this.listeners.delete(listener);
  }

  /** Cells a lookup of the address looks at; for tests and statistics. */
  probes(lo: number, hi: number): number {
    return this.table.probes(lo, hi);
  }
}
