// Guest-physical memory as the world outside the CPU sees it: loaders, devices (DMA), debuggers.

import type { CoreMemory } from '../core/memory.js';
import { EFAULT, EINVAL } from '../eventfd/index.js';
import type { MemorySlot } from './memory-slot.js';
import type { Slots } from './slots.js';

/** Told of bytes at `host` that somebody else than the CPU writes. */
export interface WriteListener {
  willWrite(host: number, length: number): void;
  written(host: number, length: number): void;
  /** A view was handed out through which they may be written at any time. */
  exposed(host: number, length: number): void;
}

/**
 * Reads and writes over memory slots. Addresses are guest-physical, as bigint or (below 2^53) number. An access that no
 * slot covers throws EFAULT naming the first address without memory, and has then changed nothing. Read-only slots can be
 * written here (that is how a ROM gets its contents). Writes mark pages dirty and are seen by running code at once.
 */
export class GuestMemory {
  constructor(
    private readonly memory: CoreMemory,
    private readonly slots: Slots,
    private readonly listener: WriteListener,
  ) {}

  /** A copy of `length` bytes. */
  read(gpa: bigint | number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.readInto(gpa, out);
    return out;
  }

  /** Fills `target` from guest memory. */
  readInto(gpa: bigint | number, target: Uint8Array): void {
    let at = Number(gpa);
    for (let done = 0; done < target.length;) {
      const slot = this.#slot(at, 'read');
      const count = Math.min(target.length - done, slot.end - at);
      const host = slot.host + at - slot.base;
      target.set(this.memory.u8.subarray(host, host + count), done);
      done += count;
      at += count;
    }
  }

  write(gpa: bigint | number, bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array)) throw new EINVAL('memory.write: the bytes must be a Uint8Array');
    const start = Number(gpa);
    const end = start + bytes.length;
    for (let at = start; at < end; at = this.#slot(at, 'write').end);
    for (let at = start; at < end;) {
      const slot = this.#slot(at, 'write');
      const count = Math.min(end, slot.end) - at;
      const host = slot.host + at - slot.base;
      this.listener.willWrite(host, count);
      this.memory.u8.set(bytes.subarray(at - start, at - start + count), host);
      slot.markDirty(at, count);
      this.listener.written(host, count);
      at += count;
    }
  }

  /** Sets `length` bytes to `value`. */
  fill(gpa: bigint | number, value: number, length: number): void {
    this.write(gpa, new Uint8Array(length).fill(value));
  }

  readU8(gpa: bigint | number): number {
    return this.memory.u8[this.#host(Number(gpa), 1, 'read')]!;
  }
  readU16(gpa: bigint | number): number {
    return this.memory.view.getUint16(this.#host(Number(gpa), 2, 'read'), true);
  }
  readU32(gpa: bigint | number): number {
    return this.memory.view.getUint32(this.#host(Number(gpa), 4, 'read'), true);
  }
  readU64(gpa: bigint | number): bigint {
    return this.memory.view.getBigUint64(this.#host(Number(gpa), 8, 'read'), true);
  }
  writeU8(gpa: bigint | number, value: number): void {
    this.memory.u8[this.#writable(Number(gpa), 1)] = value;
  }
  writeU16(gpa: bigint | number, value: number): void {
    this.memory.view.setUint16(this.#writable(Number(gpa), 2), value, true);
  }
  writeU32(gpa: bigint | number, value: number): void {
    this.memory.view.setUint32(this.#writable(Number(gpa), 4), value, true);
  }
  writeU64(gpa: bigint | number, value: bigint): void {
    this.memory.view.setBigUint64(this.#writable(Number(gpa), 8), value, true);
  }

  /**
   * The bytes themselves, not a copy; the range must lie in one slot. The view is good until slots change; who writes
   * through it reports that with `touched()`. From then on each Vm.restore() puts the view's pages back, written or not:
   * to look at memory once, read() is cheaper.
   */
  view(gpa: bigint | number, length: number): Uint8Array {
    const host = this.#host(Number(gpa), length, 'view');
    this.listener.exposed(host, length);
    return this.memory.u8.subarray(host, host + length);
  }

  /** Reports a write made through `view()`. */
  touched(gpa: bigint | number, length: number): void {
    this.#writable(Number(gpa), length);
  }

  /** Whether slots cover all of the range. */
  covers(gpa: bigint | number, length: number): boolean {
    const end = Number(gpa) + length;
    if (end > Number.MAX_SAFE_INTEGER) return false;
    for (let at = Number(gpa); at < end;) {
      const slot = this.slots.find(at);
      if (slot === undefined) return false;
      at = slot.end;
    }
    return true;
  }

  /** Whether slots that the guest can write cover all of the range. */
  isRam(gpa: bigint | number, length: number): boolean {
    const end = Number(gpa) + length;
    if (end > Number.MAX_SAFE_INTEGER) return false;
    for (let at = Number(gpa); at < end;) {
      const slot = this.slots.find(at);
      if (slot === undefined || slot.readOnly) return false;
      at = slot.end;
    }
    return true;
  }

  /** @internal The place in linear memory; undefined where no slot is. */
  hostOf(gpa: bigint): number | undefined {
    const slot = this.slots.find(Number(gpa));
    return slot === undefined ? undefined : slot.host + Number(gpa) - slot.base;
  }

  #slot(gpa: number, what: string): MemorySlot {
    const slot = this.slots.find(gpa);
    if (slot === undefined) {
      throw new EFAULT(`${what} of guest-physical address 0x${gpa.toString(16)}, which no memory slot covers`);
    }
    return slot;
  }

  #host(gpa: number, length: number, what: string): number {
    const slot = this.#slot(gpa, what);
    if (gpa + length > slot.end) {
      throw new EFAULT(
        `${what} of ${length} bytes at 0x${gpa.toString(16)} leaves memory slot ${slot.id} at 0x${slot.end.toString(16)}`,
      );
    }
    return slot.host + gpa - slot.base;
  }

  #writable(gpa: number, length: number): number {
    const host = this.#host(gpa, length, 'write');
    this.slots.find(gpa)!.markDirty(gpa, length);
    this.listener.willWrite(host, length);
    this.listener.written(host, length);
    return host;
  }
}
