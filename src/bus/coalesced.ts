// Coalesced I/O (spec 4.4): writes into a zone are queued in a ring instead of leaving the guest, until the user drains it.

import { EINVAL } from '../eventfd/index.js';
import { isU64 } from './address.js';
import { ClaimRank, RangeClaim } from './claim.js';
import type { IoDevice } from './device.js';
import { DECLINED } from './device.js';
import type { IoBus } from './io-bus.js';

/** Entries of the ring; one stays empty to tell full from empty, so 169 can be queued. */
export const COALESCED_ENTRIES = 170;
const PAGE_BYTES = 4096;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 24;

/** One queued write. `data` is its little-endian value. */
export interface CoalescedWrite {
  addr: bigint;
  len: number;
  pio: boolean;
  data: bigint;
}

/** The ring page with KVM's layout: u32 first (consumer), u32 last (producer), entries {u64 addr, u32 len, u32 pio, u8[8]}. */
export class CoalescedRing {
  private readonly view: DataView;

  /** `buffer` may be shared with whoever drains the ring; 4096 bytes from `byteOffset` are used. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(PAGE_BYTES), byteOffset = 0) {
    this.view = new DataView(buffer, byteOffset, PAGE_BYTES);
  }

  /** Queues a write; false if the ring is full or its `last` was overwritten with nonsense. */
  push(addr: bigint, len: number, pio: boolean, dataLo: number, dataHi: number): boolean {
    const { view } = this;
    const first = view.getUint32(0, true);
    const last = view.getUint32(4, true);
    if (last >= COALESCED_ENTRIES || (last + 1) % COALESCED_ENTRIES === first) return false;
    const at = HEADER_BYTES + last * ENTRY_BYTES;
    view.setBigUint64(at, addr, true);
    view.setUint32(at + 8, len, true);
    view.setUint32(at + 12, pio ? 1 : 0, true);
    view.setUint32(at + 16, dataLo, true);
    view.setUint32(at + 20, dataHi, true);
    view.setUint32(4, (last + 1) % COALESCED_ENTRIES, true);
    return true;
  }

  /** The page as it is; the zones on the buses are what a snapshot asks. */
  save(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset, PAGE_BYTES).slice();
  }

  restore(page: Uint8Array): void {
    new Uint8Array(this.view.buffer, this.view.byteOffset, PAGE_BYTES).set(page);
  }

  /** Takes the oldest write; undefined when there is none. */
  shift(): CoalescedWrite | undefined {
    const { view } = this;
    const first = view.getUint32(0, true) % COALESCED_ENTRIES;
    if (first === view.getUint32(4, true)) return undefined;
    const at = HEADER_BYTES + first * ENTRY_BYTES;
    const write = {
      addr: view.getBigUint64(at, true),
      len: view.getUint32(at + 8, true),
      pio: view.getUint32(at + 12, true) === 1,
      data: view.getBigUint64(at + 16, true),
    };
    view.setUint32(0, (first + 1) % COALESCED_ENTRIES, true);
    return write;
  }
}

/** A zone's device: takes writes while the ring has room, and no reads. */
class ZoneDevice implements IoDevice {
  readonly name = 'coalesced zone';

  constructor(
    private readonly ring: CoalescedRing,
    private readonly addr: bigint,
    private readonly pio: boolean,
  ) {}

  read(): number {
    return DECLINED;
  }

  write(offset: number, length: number, value: number): void | typeof DECLINED {
    return this.writeWide(offset, length, value, 0);
  }

  save(): Uint8Array {
    return this.ring.save();
  }

  restore(page: Uint8Array): void {
    this.ring.restore(page);
  }

  readWide(): typeof DECLINED {
    return DECLINED;
  }

  writeWide(offset: number, length: number, lo: number, hi: number): void | typeof DECLINED {
    if (!this.ring.push(this.addr + BigInt(offset), length, this.pio, lo, hi)) return DECLINED;
  }
}

/** The fields of kvm_coalesced_mmio_zone: `size` is a u32, `pio` 0 or 1. */
export interface ZoneArgs {
  addr: bigint;
  size: number;
  pio?: number;
}

/** A VM's coalesced zones on its MMIO and PIO buses, in front of one ring. */
export class CoalescedZones {
  /** Each zone, and whether it is on the PIO bus. */
  private readonly zones = new Map<RangeClaim, boolean>();
  private readonly buses: { readonly mmio: IoBus; readonly pio: IoBus };

  constructor(
    buses: { readonly mmio: IoBus; readonly pio: IoBus },
    readonly ring = new CoalescedRing(),
  ) {
    this.buses = { mmio: buses.mmio, pio: buses.pio };
  }

  /** EINVAL if `pio` is not 0 or 1 or the range is not u64 + u32; ENOSPC if the bus is full. Duplicates and size 0 are fine. */
  register(args: ZoneArgs): void {
    const { addr, size, pio } = this.fields(args, 'register');
    const claim = new RangeClaim(addr, size, new ZoneDevice(this.ring, addr, pio), ClaimRank.InKernel);
    this.bus(pio).insert(claim);
    this.zones.set(claim, pio);
  }

  /** Removes every zone of that bus that contains the range; none is no error. EINVAL as register(). */
  unregister(args: ZoneArgs): void {
    const { addr, size, pio } = this.fields(args, 'unregister');
    const bus = this.bus(pio);
    const end = addr + BigInt(size);
    if (end >= 1n << 64n) return;
    for (const [zone, onPio] of this.zones) {
      const zoneEnd = BigInt.asUintN(64, zone.addr + BigInt(zone.len));
      if (onPio !== pio || addr < zone.addr || end > zoneEnd) continue;
      bus.remove(zone);
      this.zones.delete(zone);
    }
  }

  private bus(pio: boolean): IoBus {
    return pio ? this.buses.pio : this.buses.mmio;
  }

  private fields({ addr, size, pio = 0 }: ZoneArgs, what: string): { addr: bigint; size: number; pio: boolean } {
    if (pio !== 0 && pio !== 1) throw new EINVAL(`coalesced zone: ${what}: pio is ${pio}, not 0 or 1`);
    if (!isU64(addr) || !Number.isInteger(size) || size < 0 || size > 0xffff_ffff) {
      throw new EINVAL(`coalesced zone: ${what}: ${size} bytes at ${addr} is not a u64 address with a u32 size`);
    }
    return { addr, size, pio: pio === 1 };
  }
}
