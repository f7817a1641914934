// The linear memory that the CPU, the hypervisor and the guest's RAM share, and the views through which TypeScript sees
// it. Views of a memory that has grown are stale, so everyone reaches them through this object and keeps none.

import { CoreError } from './error.js';
import type { MemoryLimits } from './module.js';

export const WASM_PAGE = 65536;

export class CoreMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  u8!: Uint8Array;
  u32!: Uint32Array;
  i32!: Int32Array;
  u64!: BigUint64Array;
  view!: DataView;
  readonly #maximumPages: number;

  constructor(limits: MemoryLimits, memory?: WebAssembly.Memory) {
    this.#maximumPages = limits.maximumPages;
    this.shared = limits.shared;
    this.memory =
      memory ??
      new WebAssembly.Memory({ initial: limits.initialPages, maximum: limits.maximumPages, shared: limits.shared });
    this.refresh();
  }

  /** Bytes there are now. */
  get size(): number {
    return this.u8.length;
  }

  /** Bytes there can be. */
  get limit(): number {
    return this.#maximumPages * WASM_PAGE;
  }

  /** Takes fresh views, after this or another thread has grown the memory. */
  refresh(): void {
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Makes sure that addresses below `end` exist. Throws CoreError when the host refuses. New memory reads as zero. */
  ensure(end: number): void {
    if (end <= this.size) return;
    const pages = Math.ceil((end - this.size) / WASM_PAGE);
    try {
      this.memory.grow(pages);
    } catch {
      throw new CoreError(`linear memory of ${this.size} bytes cannot grow to ${end} (limit ${this.limit})`);
    }
    this.refresh();
  }
}
