// All memory slots of a Vm: which slot covers a guest-physical address, and the rules of KVM_SET_USER_MEMORY_REGION.

import { EEXIST, EINVAL, ENOENT } from '../eventfd/index.js';
import { MemoryFlag, MemorySlot, PAGE_SIZE, type MemoryRegion } from './memory-slot.js';
import type { RegionAllocator } from './region-allocator.js';

/** KVM_USER_MEM_SLOTS on x86. */
const SLOT_IDS = 32764;
const MIB2 = 2 ** 21;
const GIB = 2 ** 30;

/** Told when what was mapped may no longer be: by a slot's removal, move or flags, or because a slot now covers MMIO. */
export interface SlotListener {
  /** Anything mapped from slots or marked as MMIO is out of date. */
  slotsChanged(): void;
  /** The code that was decoded from [host, host + length) is out of date. */
  hostReleased(host: number, length: number): void;
}

export class Slots {
  readonly #byId = new Map<number, MemorySlot>();
  #sorted: MemorySlot[] = [];
  #last: MemorySlot | undefined;
  #generation = 0;

  constructor(
    private readonly regions: RegionAllocator,
    private readonly physicalBits: number,
    private readonly listener: SlotListener,
  ) {}

  /** The slot that covers the guest-physical address, or undefined. */
  find(gpa: number): MemorySlot | undefined {
    const last = this.#last;
    if (last !== undefined && gpa >= last.base && gpa < last.base + last.size) return last;
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const slot = this.#sorted[middle]!;
      if (gpa < slot.base) high = middle;
      else if (gpa >= slot.end) low = middle + 1;
      else return (this.#last = slot);
    }
    return undefined;
  }

  /** Counts the changes of where slots are: creations, deletions and moves. */
  get generation(): number {
    return this.#generation;
  }

  /** The slot whose memory the host address lies in. */
  findHost(host: number): MemorySlot | undefined {
    return this.#sorted.find((slot) => host >= slot.host && host < slot.host + slot.size);
  }

  /** Slots by address. */
  list(): readonly MemorySlot[] {
    return this.#sorted;
  }

  /**
   * Creates, deletes (size 0), moves (other address) or re-flags a slot. Errors as KVM's, in its order: EINVAL for flags,
   * misaligned size or address, slot number, range beyond the physical-address width, deleting a slot that does not exist,
   * changing the size or read-only flag of one that does; EEXIST if the range overlaps another slot; ENOMEM.
   */
  set(region: MemoryRegion): void {
    const { slot: id, flags = 0, guestPhysAddr, memorySize: size } = region;
    const what = `memory slot ${id}`;
    if ((flags & ~(MemoryFlag.LogDirtyPages | MemoryFlag.ReadOnly)) !== 0) {
      throw new EINVAL(`${what}: flags 0x${flags.toString(16)} has bits other than LogDirtyPages and ReadOnly`);
    }
    if (!Number.isSafeInteger(size) || size < 0 || size % PAGE_SIZE !== 0) {
      throw new EINVAL(`${what}: size ${size} is not a multiple of ${PAGE_SIZE}`);
    }
    if (guestPhysAddr < 0n || guestPhysAddr % BigInt(PAGE_SIZE) !== 0n) {
      throw new EINVAL(
        `${what}: guest-physical address 0x${guestPhysAddr.toString(16)} is not a multiple of ${PAGE_SIZE}`,
      );
    }
    if (!Number.isInteger(id) || id < 0 || id >= SLOT_IDS)
      throw new EINVAL(`${what}: slot numbers are 0…${SLOT_IDS - 1}`);
    if (guestPhysAddr + BigInt(size) > 1n << BigInt(this.physicalBits)) {
      throw new EINVAL(
        `${what}: 0x${guestPhysAddr.toString(16)}+${size} ends beyond the ${this.physicalBits} bits of a physical address`,
      );
    }
    const base = Number(guestPhysAddr);
    const old = this.#byId.get(id);
    if (size === 0) this.#delete(id, old);
    else if (old === undefined) this.#create(id, base, size, flags);
    else this.#change(old, base, size, flags);
  }

  /** The dirty bitmap of a slot, which starts anew. ENOENT if there is no such slot or it keeps no log (as KVM). */
  takeDirtyLog(id: number): Uint8Array {
    const slot = this.#byId.get(id);
    if (slot?.dirty === undefined)
      throw new ENOENT(`memory slot ${id} ${slot ? 'keeps no dirty log' : 'does not exist'}`);
    const log = slot.dirty;
    slot.dirty = new Uint8Array(log.length);
    // Pages written since must fault once more to be seen.
    if (log.some((byte) => byte !== 0)) this.listener.slotsChanged();
    return log;
  }

  #delete(id: number, old: MemorySlot | undefined): void {
    if (old === undefined) throw new EINVAL(`memory slot ${id}: size 0 deletes a slot, and this one does not exist`);
    this.#byId.delete(id);
    this.#generation++;
    this.#changed();
    this.listener.hostReleased(old.host, old.size);
    this.regions.release(old.host, old.size);
  }

  #create(id: number, base: number, size: number, flags: number): void {
    this.#refuseOverlap(id, base, size);
    this.#byId.set(id, new MemorySlot(id, base, size, this.#allocate(base, size), flags));
    this.#generation++;
    this.#changed();
  }

  #change(slot: MemorySlot, base: number, size: number, flags: number): void {
    if (size !== slot.size) {
      throw new EINVAL(`memory slot ${slot.id}: size ${slot.size} cannot become ${size}; delete the slot first`);
    }
    if (((flags ^ slot.flags) & MemoryFlag.ReadOnly) !== 0) {
      throw new EINVAL(`memory slot ${slot.id}: ReadOnly cannot change; delete the slot first`);
    }
    if (base !== slot.base) this.#refuseOverlap(slot.id, base, size);
    if (base !== slot.base) this.#generation++;
    slot.base = base;
    slot.setFlags(flags);
    this.#changed();
  }

  #refuseOverlap(id: number, base: number, size: number): void {
    for (const other of this.#sorted) {
      if (other.id === id || base >= other.end || base + size <= other.base) continue;
      throw new EEXIST(
        `memory slot ${id}: 0x${base.toString(16)}+${size} overlaps slot ${other.id}, 0x${other.base.toString(16)}+${other.size}`,
      );
    }
  }

  /** The largest pages that the slot can use need guest and host addresses that agree modulo the page's size. */
  #allocate(base: number, size: number): number {
    const holdsGib = Math.floor((base + size) / GIB) > Math.ceil(base / GIB);
    if (holdsGib) {
      try {
        return this.regions.allocate(size, GIB, base % GIB);
      } catch {
        // There may still be room for 2 MiB pages.
      }
    }
    return this.regions.allocate(size, MIB2, base % MIB2);
  }

  #changed(): void {
    this.#last = undefined;
    this.#sorted = [...this.#byId.values()].sort((a, b) => a.base - b.base);
    this.listener.slotsChanged();
  }
}
