// A memory slot: a range of guest-physical addresses backed by linear memory (KVM_SET_USER_MEMORY_REGION).

/** Flags of a memory slot, with KVM's values. */
export const MemoryFlag = {
  /** KVM_MEM_LOG_DIRTY_PAGES: record which pages are written. */
  LogDirtyPages: 1,
  /** KVM_MEM_READONLY: reads and fetches see the memory, writes go to the MMIO bus. */
  ReadOnly: 2,
} as const;

/** What setMemoryRegion() takes: the fields of kvm_userspace_memory_region, less the address that the Vm chooses itself. */
export interface MemoryRegion {
  /** Slot number, 0…32763. */
  slot: number;
  /** MemoryFlag bits. */
  flags?: number;
  /** First guest-physical address, a multiple of 4096. */
  guestPhysAddr: bigint;
  /** Bytes, a multiple of 4096; 0 deletes the slot. */
  memorySize: number;
}

export const PAGE_SIZE = 4096;

/** A slot in use. Guest-physical addresses are plain numbers here: they have at most 52 bits. */
export class MemorySlot {
  /** One bit a page, page 0 in bit 0 of byte 0, as long as KVM's (whole 64-bit words); undefined without dirty logging. */
  dirty: Uint8Array | undefined;

  constructor(
    readonly id: number,
    public base: number,
    readonly size: number,
    readonly host: number,
    public flags: number,
  ) {
    this.setFlags(flags);
  }

  get end(): number {
    return this.base + this.size;
  }
  get readOnly(): boolean {
    return (this.flags & MemoryFlag.ReadOnly) !== 0;
  }
  get logsDirty(): boolean {
    return this.dirty !== undefined;
  }

  /** Turning dirty logging on begins with an empty log; turning it off forgets the log. */
  setFlags(flags: number): void {
    this.flags = flags;
    const logs = (flags & MemoryFlag.LogDirtyPages) !== 0;
    if (logs === this.logsDirty) return;
    this.dirty = logs ? new Uint8Array(Math.ceil(this.size / PAGE_SIZE / 64) * 8) : undefined;
  }

  /** Marks the pages of [gpa, gpa + length) dirty, if somebody asked. */
  markDirty(gpa: number, length: number): void {
    if (this.dirty === undefined) return;
    const last = Math.floor((gpa + length - 1 - this.base) / PAGE_SIZE);
    for (let page = Math.floor((gpa - this.base) / PAGE_SIZE); page <= last; page++) {
      this.dirty[page >>> 3]! |= 1 << (page & 7);
    }
  }
}
