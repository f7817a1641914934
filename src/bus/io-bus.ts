// A bus: who answers an access at an address. Port I/O, MMIO and the (never written) CCW space are three of these.
//
// Every claim that covers an access is found, whatever the order of registration; KVM's own search can miss some (spec 2.8).
// When several cover it they are asked one after the other until one takes it, in the order KVM means its bus to have:
//   1. ioeventfds and in-kernel devices, the lower start first. At one start the shorter first; equal lengths in order of
//      registration; a length-0 ioeventfd behind everything that was at its address when it came, before what came later
//      unless that is shorter than something ahead of it. An ioeventfd takes only a write at exactly its address, of exactly
//      its length (0: any) and, with DATAMATCH, of exactly its value; it never takes a read (spec 2.9).
//   2. user devices (ClaimRank.User), in the same order: in KVM these live behind the exit to user space.
//   3. nobody: write() and read() return false, and the access is the caller's.
// So an in-kernel range that starts below an ioeventfd inside it wins over it, as KVM's IOAPIC and coalesced zones do.
//
// The hot path takes addresses and data as 32-bit halves and allocates nothing.

import { EINVAL, ENOSPC } from '../eventfd/index.js';
import { AddressTable } from './address-table.js';
import { hex, high32, isU64, low32 } from './address.js';
import type { BusClaim } from './claim.js';
import { ClaimRank, RangeClaim } from './claim.js';
import type { IoDevice, WideValue } from './device.js';
import { RangeList } from './range-list.js';

/** KVM's NR_IOBUS_DEVS: in-kernel devices, without ioeventfds, that one bus takes (spec 2.6). */
export const BUS_DEVICES_MAX = 1000;

/** A device's place on a bus: `len` bytes from `addr`. */
export interface ClaimOptions {
  addr: bigint;
  len: number | bigint;
  device: IoDevice;
  /** Default: ClaimRank.User. */
  rank?: ClaimRank;
}

const NO_CLAIMS: readonly BusClaim[] = [];

export class IoBus implements WideValue {
  /** The result of the last read() that returned true: low and high 32 bits, unsigned. */
  lo = 0;
  hi = 0;
  private inKernel = RangeList.empty;
  private user = RangeList.empty;
  private inKernelCount = 0;
  /** Address -> index of the claims that start there and compete in address order. */
  private readonly table = new AddressTable();
  private readonly starts: (readonly BusClaim[])[] = [];
  private readonly free: number[] = [];

  /** `name` is for messages: 'MMIO', 'PIO'. */
  constructor(readonly name: string) {}

  /** Low 32 bits of what read() found. */
  get dataLo(): number {
    return this.lo;
  }

  /** High 32 bits of what read() found; 0 for accesses of up to 4 bytes. */
  get dataHi(): number {
    return this.hi;
  }

  /** Offers a write of 1 to 8 bytes at the address; true if a claim took it. Halves may be signed or unsigned. */
  write(addrLo: number, addrHi: number, length: number, dataLo: number, dataHi: number): boolean {
    const { inKernel, user } = this;
    if (inKernel.size !== 0 && this.writeRange(inKernel, false, addrLo, addrHi, length, dataLo, dataHi)) return true;
    const index = this.table.get(addrLo, addrHi);
    if (index >= 0) {
      const claims = this.starts[index]!;
      for (let i = 0; i < claims.length; i++) {
        const claim = claims[i]!;
        if (claim.active && claim.offer(length, dataLo, dataHi)) return true;
      }
    }
    return user.size !== 0 && this.writeRange(user, true, addrLo, addrHi, length, dataLo, dataHi);
  }

  /** Offers a read of 1 to 8 bytes; true if a device answered, with the value in dataLo and dataHi. */
  read(addrLo: number, addrHi: number, length: number): boolean {
    const { inKernel, user } = this;
    if (inKernel.size !== 0 && this.readRange(inKernel, addrLo, addrHi, length)) return true;
    return user.size !== 0 && this.readRange(user, addrLo, addrHi, length);
  }

  private writeRange(
    list: RangeList,
    atToo: boolean,
    addrLo: number,
    addrHi: number,
    length: number,
    dataLo: number,
    dataHi: number,
  ): boolean {
    const lo = addrLo >>> 0;
    const hi = addrHi >>> 0;
    const sum = lo + length - 1;
    const lastLo = sum >>> 0;
    const lastHi = sum > 0xffff_ffff ? hi + 1 : hi;
    const end = list.starting(lo, hi, atToo);
    for (let i = list.first(end, lastLo, lastHi); i < end; i++) {
      if (!list.reaches(i, lastLo, lastHi)) continue;
      const claim = list.at(i);
      if (claim.active && claim.write(list.offset(i, lo, hi), length, dataLo, dataHi)) return true;
    }
    return false;
  }

  private readRange(list: RangeList, addrLo: number, addrHi: number, length: number): boolean {
    const lo = addrLo >>> 0;
    const hi = addrHi >>> 0;
    const sum = lo + length - 1;
    const lastLo = sum >>> 0;
    const lastHi = sum > 0xffff_ffff ? hi + 1 : hi;
    const end = list.starting(lo, hi, true);
    for (let i = list.first(end, lastLo, lastHi); i < end; i++) {
      if (!list.reaches(i, lastLo, lastHi)) continue;
      const claim = list.at(i);
      if (claim.active && claim.read(list.offset(i, lo, hi), length, this)) return true;
    }
    return false;
  }

  /**
   * Puts a device on the bus. EINVAL if the range is empty, negative, or reaches past 2^64; ENOSPC if an in-kernel device
   * finds BUS_DEVICES_MAX others. Give the result to remove(); to move a device, remove it and claim again.
   */
  claim({ addr, len, device, rank = ClaimRank.User }: ClaimOptions): RangeClaim {
    const bytes = Number(len);
    if (!isU64(addr) || !Number.isSafeInteger(bytes) || bytes <= 0 || addr + BigInt(bytes) > 1n << 64n) {
      throw new EINVAL(`${this.name} bus: ${device.name} cannot claim ${len} bytes at ${addr}`);
    }
    const claim = new RangeClaim(addr, bytes, device, rank);
    this.insert(claim);
    return claim;
  }

  /** Puts any claim on the bus. One whose range is empty or wraps past 2^64 covers nothing but counts. ENOSPC as claim(). */
  insert(claim: BusClaim): void {
    const isRange = claim instanceof RangeClaim;
    if (isRange && claim.rank === ClaimRank.User) {
      if (coversAnything(claim)) this.user = this.user.with(claim);
      return;
    }
    if (this.inKernelCount >= BUS_DEVICES_MAX) {
      throw new ENOSPC(`${this.name} bus: no room at ${hex(claim.addr)}, ${BUS_DEVICES_MAX} devices are on it already`);
    }
    if (isRange) {
      this.inKernelCount++;
      if (!coversAnything(claim)) return;
      this.inKernel = this.inKernel.with(claim);
    }
    const claims = this.startingAt(claim.addr);
    const longer = claim.len === 0 ? -1 : claims.findIndex((other) => other.len > claim.len);
    const at = longer < 0 ? claims.length : longer;
    this.setStartingAt(claim, [...claims.slice(0, at), claim, ...claims.slice(at)]);
  }

  /** Takes a claim off the bus: when this returns it is not asked again, not even by a lookup that is under way. */
  remove(claim: BusClaim): void {
    if (!claim.active) return;
    claim.active = false;
    if (claim instanceof RangeClaim) {
      if (claim.rank === ClaimRank.User) {
        this.user = this.user.without(claim);
        return;
      }
      this.inKernelCount--;
      this.inKernel = this.inKernel.without(claim);
    }
    const claims = this.startingAt(claim.addr);
    if (!claims.includes(claim)) return;
    this.setStartingAt(
      claim,
      claims.filter((other) => other !== claim),
    );
  }

  /** Every device, in order of address; one that has several claims comes several times. */
  *devices(): Generator<IoDevice> {
    for (const list of [this.inKernel, this.user]) {
      for (let index = 0; index < list.size; index++) yield list.at(index).device;
    }
  }

  /** The ioeventfds and in-kernel devices that start at the address, in the order they are asked. */
  startingAt(addr: bigint): readonly BusClaim[] {
    const index = this.table.get(low32(addr), high32(addr));
    return index < 0 ? NO_CLAIMS : this.starts[index]!;
  }

  private setStartingAt({ lo, hi }: BusClaim, claims: readonly BusClaim[]): void {
    let index = this.table.get(lo, hi);
    if (claims.length === 0) {
      this.table.delete(lo, hi);
      this.starts[index] = NO_CLAIMS;
      this.free.push(index);
      return;
    }
    if (index < 0) {
      index = this.free.pop() ?? this.starts.length;
      this.table.set(lo, hi, index);
    }
    this.starts[index] = claims;
  }
}

function coversAnything({ addr, len }: RangeClaim): boolean {
  return len > 0 && addr + BigInt(len) <= 1n << 64n;
}
