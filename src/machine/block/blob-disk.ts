// A disk in a Blob (a File that a user chose, say), in a browser's worker: pages have no way to read one at once. Read-only:
// put an OverlayDisk over it. Some of what was read is kept, since a Blob is slow to read in small pieces.

import { BlockError, checkRange, checkWritable, type BlockBackend } from './block-backend.js';

const CLUSTER = 256 * 1024;
/** 64 MiB of clusters at most; the one longest unused goes first. */
const MOST_CLUSTERS = 256;

/** What of FileReaderSync is needed. */
export interface BlobReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

export interface BlobDiskOptions {
  name?: string;
  /** Default: a FileReaderSync, which only workers have. */
  reader?: BlobReader;
}

export class BlobDisk implements BlockBackend {
  readonly readOnly = true;
  readonly name: string;
  readonly size: number;
  readonly #blob: Blob;
  readonly #reader: BlobReader;
  /** By number, the longest unused first. */
  readonly #clusters = new Map<number, Uint8Array>();

  /** Throws BlockError where there is no FileReaderSync. */
  constructor(blob: Blob, { name = 'blob', reader = makeReader(name) }: BlobDiskOptions = {}) {
    this.#blob = blob;
    this.#reader = reader;
    this.name = name;
    this.size = blob.size;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const number = Math.floor(at / CLUSTER);
      const within = at - number * CLUSTER;
      const count = Math.min(CLUSTER - within, into.length - done);
      into.set(this.#cluster(number).subarray(within, within + count), done);
      done += count;
    }
  }

  #cluster(number: number): Uint8Array {
    let cluster = this.#clusters.get(number);
    if (cluster === undefined) cluster = this.#fetch(number);
    else this.#clusters.delete(number);
    this.#clusters.set(number, cluster);
    if (this.#clusters.size > MOST_CLUSTERS) {
      for (const oldest of this.#clusters.keys()) {
        this.#clusters.delete(oldest);
        break;
      }
    }
    return cluster;
  }

  #fetch(number: number): Uint8Array {
    const start = number * CLUSTER;
    try {
      return new Uint8Array(this.#reader.readAsArrayBuffer(this.#blob.slice(start, start + CLUSTER)));
    } catch (cause) {
      throw new BlockError(
        `disk ${this.name} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          cause,
        },
      );
    }
  }

  write(): void {
    checkWritable(this);
  }

  flush(): void {}

  close(): void {
    this.#clusters.clear();
  }
}

function makeReader(name: string): BlobReader {
  const { FileReaderSync: Reader } = globalThis as { FileReaderSync?: new () => BlobReader };
  if (Reader === undefined) throw new BlockError(`disk ${name}: a Blob can be a disk in a browser's worker only`);
  return new Reader();
}
