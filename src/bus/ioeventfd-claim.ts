// An ioeventfd on a bus: a write at exactly this address, of this length and value, signals an eventfd.

import type { EventFdContext } from '../eventfd/index.js';
import { high32, low32 } from './address.js';
import { BusClaim } from './claim.js';

export class IoEventFdClaim extends BusClaim {
  private readonly maskLo: number;
  private readonly maskHi: number;
  private readonly matchLo: number;
  private readonly matchHi: number;

  /** `datamatch` undefined is a wildcard: any value. */
  constructor(
    addr: bigint,
    len: number,
    readonly datamatch: bigint | undefined,
    readonly context: EventFdContext,
  ) {
    super(addr, len);
    // Comparing under a mask decides wildcard and datamatch alike. A datamatch wider than len keeps its upper bits outside
    // the mask and so can never match, as in KVM (spec 2.4).
    const wild = datamatch === undefined;
    this.maskLo = wild ? 0 : len >= 4 ? -1 : (1 << (len * 8)) - 1;
    this.maskHi = wild || len < 8 ? 0 : -1;
    this.matchLo = wild ? 0 : low32(datamatch);
    this.matchHi = wild ? 0 : high32(datamatch);
  }

  override offer(length: number, dataLo: number, dataHi: number): boolean {
    if (this.len !== 0 && this.len !== length) return false;
    if ((dataLo & this.maskLo) !== this.matchLo || (dataHi & this.maskHi) !== this.matchHi) return false;
    this.context.signal();
    return true;
  }

  /** Whether this one and `other`, at the same address, cannot both be there (EEXIST, spec 2.5). */
  collides(other: IoEventFdClaim): boolean {
    if (this.len === 0 || other.len === 0) return true;
    if (this.len !== other.len) return false;
    return this.datamatch === undefined || other.datamatch === undefined || this.datamatch === other.datamatch;
  }
}
