// Where counters live: slots of one cache line in shared memory, handed out and taken back by any thread.
// A slot is free when its Refs word is 0; claiming it is one compare-exchange, so there is no list to keep consistent.

import { SLOT_BYTES, SLOT_WORDS, Slot } from './counter.js';
import { EINVAL, ENOMEM } from './errno.js';

/** Memory for eventfd counters; `byteOffset` and `byteLength` are multiples of 64. */
export interface EventFdPoolOptions {
  /** Zeroed memory nobody else writes. An unshared WebAssembly memory must not grow while a counter lives in it. */
  buffer: SharedArrayBuffer | ArrayBuffer;
  byteOffset?: number;
  byteLength?: number;
}

const FIRST_CHUNK_BYTES = 64 * SLOT_BYTES;
const LARGEST_CHUNK_BYTES = 1024 * SLOT_BYTES;

/** Shared memory where the platform gives it, plain memory on a page that is not cross-origin isolated. */
function allocateBuffer(byteLength: number): SharedArrayBuffer | ArrayBuffer {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(byteLength) : new SharedArrayBuffer(byteLength);
}

/**
 * A set of counter slots. With options it is a fixed region (say, of a guest's memory) and ENOMEM when full; without, it
 * allocates as it needs. Several threads may make a pool over the same region and allocate from it at once.
 */
export class EventFdPool {
  readonly #chunks: Int32Array[] = [];
  readonly #grows: boolean;
  #chunk = 0;
  #slot = 0;

  /** Throws EINVAL if the region is not aligned to 64 bytes or does not lie in the buffer. */
  constructor(options?: EventFdPoolOptions) {
    this.#grows = options === undefined;
    if (options === undefined) return;
    const { buffer, byteOffset = 0, byteLength = buffer.byteLength - byteOffset } = options;
    const aligned = byteOffset % SLOT_BYTES === 0 && byteLength % SLOT_BYTES === 0;
    if (!aligned || byteOffset < 0 || byteLength <= 0 || byteOffset + byteLength > buffer.byteLength) {
      throw new EINVAL(
        `EventFdPool: region ${byteOffset}+${byteLength} must be aligned to ${SLOT_BYTES} bytes, not empty, ` +
          `and inside its buffer of ${buffer.byteLength} bytes`,
      );
    }
    this.#chunks.push(new Int32Array(buffer, byteOffset, byteLength / 4));
  }

  /** How many eventfds fit in the memory the pool has now. */
  get capacity(): number {
    return this.#chunks.reduce((slots, chunk) => slots + chunk.length / SLOT_WORDS, 0);
  }

  /** Claims a free slot: its words, zeroed but for Refs, which is -1 until the caller publishes it. Throws ENOMEM. */
  allocate(): Int32Array {
    const found = this.#claim() ?? (this.#grow() ? this.#claim() : undefined);
    if (found === undefined) throw new ENOMEM(`EventFdPool: all ${this.capacity} slots are in use`);
    for (let word = 0; word < SLOT_WORDS; word++) if (word !== Slot.Refs) Atomics.store(found, word, 0);
    return found;
  }

  /** Looks at every slot once, starting after the last one given out. */
  #claim(): Int32Array | undefined {
    for (let left = this.capacity; left > 0; left--) {
      let chunk = this.#chunks[this.#chunk]!;
      if (this.#slot >= chunk.length) {
        this.#slot = 0;
        this.#chunk = (this.#chunk + 1) % this.#chunks.length;
        chunk = this.#chunks[this.#chunk]!;
      }
      const at = this.#slot;
      this.#slot += SLOT_WORDS;
      if (Atomics.compareExchange(chunk, at + Slot.Refs, 0, -1) === 0) return chunk.subarray(at, at + SLOT_WORDS);
    }
    return undefined;
  }

  #grow(): boolean {
    if (!this.#grows) return false;
    const bytes = Math.min(FIRST_CHUNK_BYTES << this.#chunks.length, LARGEST_CHUNK_BYTES);
    this.#chunk = this.#chunks.push(new Int32Array(allocateBuffer(bytes))) - 1;
    this.#slot = 0;
    return true;
  }
}

/** Where eventfds go that name no pool. */
export const defaultPool = new EventFdPool();
