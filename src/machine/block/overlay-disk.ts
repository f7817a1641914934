// Copy-on-write over another disk: what is written stays in memory, in clusters, and the disk below is never written.
//
// A snapshot takes the clusters as they are, without copying them: from then on they are shared, and a write to a shared one
// copies it first.

import type { Stateful } from '../../bus/device-state.js';
import { BlockError, checkRange, type BlockBackend } from './block-backend.js';

/** Small enough that a sector written alone costs little, large enough that a full gigabyte is a few 10,000 entries. */
const CLUSTER = 16 * 1024;
const DEFAULT_LIMIT = 1024 * 1024 * 1024;

export interface OverlayDiskOptions {
  /** Bytes that clusters may take, those that only snapshots still have not counted; default 1 GiB. */
  limit?: number;
}

export type OverlayState = { numbers: readonly number[]; clusters: readonly Uint8Array[] };

export class OverlayDisk implements BlockBackend, Stateful {
  readonly readOnly = false;
  readonly name: string;
  readonly size: number;
  readonly #base: BlockBackend;
  readonly #mostClusters: number;
  readonly #limit: number;
  /** By number; each as long as a cluster, the last too. */
  readonly #clusters = new Map<number, Uint8Array>();
  /** Numbers of those that no snapshot has. */
  readonly #own = new Set<number>();

  /** Closes `base` when it is closed. */
  constructor(base: BlockBackend, { limit = DEFAULT_LIMIT }: OverlayDiskOptions = {}) {
    if (!(limit >= CLUSTER)) throw new BlockError(`disk ${base.name}: the overlay's limit must be ${CLUSTER} or more`);
    this.#base = base;
    this.name = base.name;
    this.size = base.size;
    this.#limit = limit;
    this.#mostClusters = Math.floor(limit / CLUSTER);
  }

  /** Bytes that clusters take. */
  get used(): number {
    return this.#clusters.size * CLUSTER;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const number = Math.floor(at / CLUSTER);
      const cluster = this.#clusters.get(number);
      if (cluster !== undefined) {
        const within = at - number * CLUSTER;
        const count = Math.min(CLUSTER - within, into.length - done);
        into.set(cluster.subarray(within, within + count), done);
        done += count;
        continue;
      }
      // All that follows and has not been written either comes from below in one piece.
      let next = number + 1;
      const last = Math.floor((offset + into.length - 1) / CLUSTER);
      while (next <= last && !this.#clusters.has(next)) next++;
      const count = Math.min(next * CLUSTER - at, into.length - done);
      this.#base.read(at, into.subarray(done, done + count));
      done += count;
    }
  }

  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    for (let done = 0; done < from.length;) {
      const at = offset + done;
      const number = Math.floor(at / CLUSTER);
      const within = at - number * CLUSTER;
      const count = Math.min(CLUSTER - within, from.length - done);
      this.#writable(number, count === CLUSTER).set(from.subarray(done, done + count), within);
      done += count;
    }
  }

  /** A cluster that may be written; `whole` if all of it is about to be. */
  #writable(number: number, whole: boolean): Uint8Array {
    const before = this.#clusters.get(number);
    if (before !== undefined && this.#own.has(number)) return before;
    if (before === undefined && this.#clusters.size >= this.#mostClusters) {
      throw new BlockError(`disk ${this.name}: its copy-on-write overlay is full (${this.#limit} bytes)`);
    }
    const cluster = new Uint8Array(CLUSTER);
    if (!whole) {
      if (before !== undefined) cluster.set(before);
      else this.#base.read(number * CLUSTER, cluster.subarray(0, Math.min(CLUSTER, this.size - number * CLUSTER)));
    }
    this.#clusters.set(number, cluster);
    this.#own.add(number);
    return cluster;
  }

  /** Nothing here is meant to survive the program. */
  flush(): void {}

  close(): void {
    this.#clusters.clear();
    this.#own.clear();
    this.#base.close();
  }

  save(): OverlayState {
    this.#own.clear();
    return { numbers: [...this.#clusters.keys()], clusters: [...this.#clusters.values()] };
  }

  restore({ numbers, clusters }: OverlayState): void {
    this.#own.clear();
    this.#clusters.clear();
    for (const [index, number] of numbers.entries()) this.#clusters.set(number, clusters[index]!);
  }
}
