// KVM_IOEVENTFD: binding guest writes to eventfds, with KVM's checks in KVM's order (spec 2.3 to 2.7), and the doorbell flag
// of the 2013 patch.
//
// A registration stands on one bus. Two kinds also stand on the doorbell bus, which is asked before an access is decoded:
// MMIO with length 0, as upstream's FAST_MMIO, and MMIO with IoEventFdFlag.PvMmio, whose guest promises that every access
// touching the address is a write of that length starting there (the spec's last words in 2.11: a wildcard, EINVAL with Pio
// or DataMatch, EEXIST as a wildcard on MMIO and as an address on the doorbell bus). If the doorbell bus refuses, the MMIO
// half is taken back. PvMmio also takes length 0 (where it adds nothing) and not VirtioCcw.

import type { EventFd, EventFdContext } from '../eventfd/index.js';
import { contextOf, EEXIST, EFAULT, EINVAL, ENOENT } from '../eventfd/index.js';
import { hex, isU64 } from './address.js';
import type { DoorbellBus } from './doorbell-bus.js';
import type { IoBus } from './io-bus.js';
import { IoEventFdClaim } from './ioeventfd-claim.js';

/** Flags of an ioeventfd. Bits 0 to 4 have KVM's values. */
export const IoEventFdFlag = {
  /** Only writes of exactly `datamatch`. */
  DataMatch: 0x1,
  /** `addr` is a port. */
  Pio: 0x2,
  /** Remove instead of add. */
  Deassign: 0x4,
  /** s390's channel I/O space: registrations are kept, nothing on x86 ever writes there. */
  VirtioCcw: 0x8,
  /** A slot in KVM's enumeration without a meaning: accepted and ignored (spec 2.3). */
  FastMmioSlot: 0x10,
  /** Ours, from the 2013 patch: also a doorbell, see the head of this file. */
  PvMmio: 0x100,
} as const;
export type IoEventFdFlag = number;

const VALID_FLAGS = 0x1f | IoEventFdFlag.PvMmio;
const NOT_WITH_PV = IoEventFdFlag.Pio | IoEventFdFlag.DataMatch | IoEventFdFlag.VirtioCcw;
const VALID_LENGTHS: readonly number[] = [0, 1, 2, 4, 8];

/** The fields of kvm_ioeventfd. */
export interface IoEventFdArgs {
  fd: EventFd;
  /** Guest-physical address, or port number with Pio. */
  addr: bigint;
  /** Bytes a write must have: 1, 2, 4, 8; 0 (the default) is any. */
  len?: number;
  /** Compared with the zero-extended value of the write if DataMatch is set, else ignored. */
  datamatch?: bigint;
  flags?: IoEventFdFlag;
}

/** The buses registrations go to. */
export interface IoEventFdBuses {
  mmio: IoBus;
  pio: IoBus;
  ccw: IoBus;
  doorbells: DoorbellBus;
}

/** A registration and the count of its eventfd. */
export interface IoEventFdCount {
  bus: string;
  addr: bigint;
  len: number;
  datamatch: bigint | undefined;
  context: EventFdContext;
  count: bigint;
}

interface Registration {
  readonly bus: IoBus;
  readonly claim: IoEventFdClaim;
  readonly doorbell: boolean;
}

/** A VM's ioeventfds. Each holds its eventfd until deassign() or close(); closing the handles does not remove it. */
export class IoEventFds {
  private readonly registrations = new Map<IoEventFdClaim, Registration>();

  constructor(private readonly buses: IoEventFdBuses) {}

  get size(): number {
    return this.registrations.size;
  }

  /** The ioctl: assign(), or deassign() if the Deassign flag is set. */
  apply(args: IoEventFdArgs): void {
    const flags = this.fields(args).flags;
    if ((flags & IoEventFdFlag.Deassign) !== 0) this.deassign(args);
    else this.assign(args);
  }

  /**
   * Registers. Errors, the first that applies: EFAULT (no arguments), EINVAL (length; address + length reaching 2^64; flags;
   * length 0 with DataMatch; PvMmio with Pio, DataMatch or VirtioCcw), EBADF or EINVAL (fd), EEXIST, ENOSPC.
   */
  assign(args: IoEventFdArgs): void {
    const { fd, addr, len, datamatch, flags } = this.fields(args);
    const what = `ioeventfd: assign ${describe(addr, len, flags)}`;
    if (!VALID_LENGTHS.includes(len)) throw new EINVAL(`${what}: length is not 0, 1, 2, 4 or 8`);
    if (!isU64(addr)) throw new EINVAL(`${what}: the address is not an unsigned 64-bit bigint`);
    if (addr + BigInt(len) >= 1n << 64n) throw new EINVAL(`${what}: address + length reaches 2^64`);
    if ((flags & ~VALID_FLAGS) !== 0) throw new EINVAL(`${what}: unknown flag bits`);
    const matches = (flags & IoEventFdFlag.DataMatch) !== 0;
    const pv = (flags & IoEventFdFlag.PvMmio) !== 0;
    if (len === 0 && matches) throw new EINVAL(`${what}: length 0 has no data to match`);
    if (pv && (flags & NOT_WITH_PV) !== 0) {
      throw new EINVAL(`${what}: PvMmio does not go with Pio, DataMatch or VirtioCcw`);
    }
    if (matches && !isU64(datamatch)) throw new EINVAL(`${what}: datamatch is not an unsigned 64-bit bigint`);

    const context = contextOf(fd, what);
    const bus = this.bus(flags);
    const claim = new IoEventFdClaim(addr, len, matches ? datamatch : undefined, context);
    const taken = bus.startingAt(addr).some((other) => other instanceof IoEventFdClaim && claim.collides(other));
    if (taken) throw new EEXIST(`${what}: the ${bus.name} bus has an ioeventfd there that would take the same writes`);

    bus.insert(claim);
    const doorbell = pv || (len === 0 && bus === this.buses.mmio);
    try {
      if (doorbell) this.buses.doorbells.add(addr, context, len);
    } catch (error) {
      bus.remove(claim);
      throw error;
    }
    context.acquire();
    this.registrations.set(claim, { bus, claim, doorbell });
  }

  /**
   * Removes the registration with the same bus, eventfd (through any of its handles), address, length and data match; its
   * doorbell goes with it. EBADF or EINVAL (fd), else ENOENT: nothing else is validated. PvMmio is not compared, since the
   * other fields already name one registration. When this returns, no further signal comes from it.
   */
  deassign(args: IoEventFdArgs): void {
    const { fd, addr, len, datamatch, flags } = this.fields(args);
    const what = `ioeventfd: deassign ${describe(addr, len, flags)}`;
    const context = contextOf(fd, what);
    const bus = this.bus(flags);
    const match = (flags & IoEventFdFlag.DataMatch) !== 0 ? datamatch : undefined;
    const claim = (isU64(addr) ? bus.startingAt(addr) : []).find(
      (other) =>
        other instanceof IoEventFdClaim && other.context === context && other.len === len && other.datamatch === match,
    );
    const registration = claim instanceof IoEventFdClaim ? this.registrations.get(claim) : undefined;
    if (registration === undefined) throw new ENOENT(`${what}: there is no such ioeventfd on the ${bus.name} bus`);
    this.drop(registration);
  }

  /** What every registered eventfd has counted. */
  counts(): IoEventFdCount[] {
    return [...this.registrations.values()].map(({ bus, claim: { addr, len, datamatch, context } }) => ({
      bus: bus.name,
      addr,
      len,
      datamatch,
      context,
      count: context.count,
    }));
  }

  /** Gives counts back to the eventfds that are registered still, or again. */
  restoreCounts(counts: readonly IoEventFdCount[]): void {
    if (counts.length === 0) return;
    const registered = new Set<EventFdContext>();
    for (const { context } of this.registrations.keys()) registered.add(context);
    for (const { context, count } of counts) {
      if (registered.has(context) && context.count !== count) context.assign(count);
    }
  }

  /** Removes every registration, as the end of the VM does. */
  close(): void {
    for (const registration of this.registrations.values()) this.drop(registration);
  }

  private drop({ bus, claim, doorbell }: Registration): void {
    bus.remove(claim);
    if (doorbell) this.buses.doorbells.remove(claim.addr);
    this.registrations.delete(claim);
    claim.context.release();
  }

  /** The Pio bit wins over the VirtioCcw bit (spec 2.2). */
  private bus(flags: number): IoBus {
    if ((flags & IoEventFdFlag.Pio) !== 0) return this.buses.pio;
    return (flags & IoEventFdFlag.VirtioCcw) !== 0 ? this.buses.ccw : this.buses.mmio;
  }

  private fields(args: IoEventFdArgs): Required<IoEventFdArgs> {
    if (typeof args !== 'object' || args === null) throw new EFAULT('ioeventfd: no arguments given');
    return { len: 0, datamatch: 0n, flags: 0, ...args };
  }
}

function describe(addr: unknown, len: unknown, flags: number): string {
  const where = typeof addr === 'bigint' ? hex(addr) : String(addr);
  return `addr ${where} len ${String(len)} flags 0x${(flags >>> 0).toString(16)}`;
}
