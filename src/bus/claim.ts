// Claims: what stands on a bus. A range with a device behind it here; ioeventfds are the other kind (ioeventfd-claim.ts).

import { high32, low32 } from './address.js';
import type { IoDevice, WideValue } from './device.js';
import { DECLINED } from './device.js';

/** Where a device stands in the order of asking. */
export const ClaimRank = {
  /** Like KVM's own irqchip: competes with ioeventfds in address order and counts against the bus's 1,000 devices. */
  InKernel: 0,
  /** Like a device of KVM's user: asked after every ioeventfd and in-kernel claim has declined. No limit. */
  User: 1,
} as const;
export type ClaimRank = (typeof ClaimRank)[keyof typeof ClaimRank];

/** Something that starts at an address of a bus. */
export abstract class BusClaim {
  /** False after removal, so that a lookup that is under way passes it over. */
  active = true;
  readonly lo: number;
  readonly hi: number;

  /** `len` in bytes; 0 for a claim that is only its address. */
  constructor(
    readonly addr: bigint,
    readonly len: number,
  ) {
    this.lo = low32(addr);
    this.hi = high32(addr);
  }

  /** Offers a write of `length` bytes that starts where the claim starts; true if it was taken. */
  abstract offer(length: number, dataLo: number, dataHi: number): boolean;
}

/** The low `length` (1 to 4) bytes of a value, unsigned. */
export function truncate(value: number, length: number): number {
  return length >= 4 ? value >>> 0 : value & ((1 << (length << 3)) - 1);
}

/** A device behind the addresses from `addr` up to, not including, `addr + len`. */
export class RangeClaim extends BusClaim {
  constructor(
    addr: bigint,
    len: number,
    readonly device: IoDevice,
    readonly rank: ClaimRank,
  ) {
    super(addr, len);
  }

  override offer(length: number, dataLo: number, dataHi: number): boolean {
    return length <= this.len && this.write(0, length, dataLo, dataHi);
  }

  /** A write that lies wholly in the range; false if the device declined it. */
  write(offset: number, length: number, dataLo: number, dataHi: number): boolean {
    const { device } = this;
    if (length <= 4) return device.write(offset, length, truncate(dataLo, length)) !== DECLINED;
    const lo = dataLo >>> 0;
    const hi = truncate(dataHi, length - 4);
    if (device.writeWide !== undefined) return device.writeWide(offset, length, lo, hi) !== DECLINED;
    if (device.write(offset, 4, lo) === DECLINED) return false;
    device.write(offset + 4, length - 4, hi);
    return true;
  }

  /** A read that lies wholly in the range, into `value`; false if the device declined it. */
  read(offset: number, length: number, value: WideValue): boolean {
    const { device } = this;
    if (length > 4 && device.readWide !== undefined) {
      if (device.readWide(offset, length, value) === DECLINED) return false;
      value.lo >>>= 0;
      value.hi = truncate(value.hi, length - 4);
      return true;
    }
    const lo = device.read(offset, Math.min(length, 4));
    if (lo === DECLINED) return false;
    let hi = 0;
    if (length > 4) {
      const second = device.read(offset + 4, length - 4);
      hi = truncate(second === DECLINED ? -1 : second, length - 4);
    }
    value.lo = truncate(lo, length);
    value.hi = hi;
    return true;
  }
}
