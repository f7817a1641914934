// A disk in memory. A snapshot of a machine copies it whole: for one that is large, put an OverlayDisk over it.

import type { Stateful } from '../../bus/device-state.js';
import { checkRange, checkWritable, type BlockBackend } from './block-backend.js';

export interface MemoryDiskOptions {
  readOnly?: boolean;
  name?: string;
}

export class MemoryDisk implements BlockBackend, Stateful {
  readonly name: string;
  readonly readOnly: boolean;
  readonly #bytes: Uint8Array;

  /** Stands on the bytes given, not on a copy; or is empty and of a size. */
  constructor(contents: Uint8Array | number, { readOnly = false, name = 'in memory' }: MemoryDiskOptions = {}) {
    this.#bytes = typeof contents === 'number' ? new Uint8Array(contents) : contents;
    this.readOnly = readOnly;
    this.name = name;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    into.set(this.#bytes.subarray(offset, offset + into.length));
  }

  write(offset: number, from: Uint8Array): void {
    checkWritable(this);
    checkRange(this, offset, from.length);
    this.#bytes.set(from, offset);
  }

  flush(): void {}

  close(): void {}

  /** What nobody can write is not kept: null. */
  save(): Uint8Array | null {
    return this.readOnly ? null : this.#bytes.slice();
  }

  restore(state: Uint8Array | null): void {
    if (state !== null) this.#bytes.set(state);
  }
}
