// A disk in a file or a block device of the host, under Node. Nothing of it is held in memory. No Node module is imported, as
// in core/asset.ts, so that the library loads in browsers too; there, opening one is an error.

import { BlockError, checkRange, checkWritable, type BlockBackend } from './block-backend.js';

/** What of node:fs is needed. */
interface Files {
  openSync(path: string, flags: 'r' | 'r+'): number;
  fstatSync(fd: number): { isFile(): boolean; isBlockDevice(): boolean; size: number };
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, from: Uint8Array, offset: number, length: number, position: number): number;
  fdatasyncSync(fd: number): void;
  closeSync(fd: number): void;
}

export interface FileDiskOptions {
  /** Opens the file for reading only. */
  readOnly?: boolean;
}

export class FileDisk implements BlockBackend {
  readonly name: string;
  readonly readOnly: boolean;
  readonly size: number;
  readonly #files: Files;
  #fd: number | undefined;

  private constructor(files: Files, name: string, fd: number, size: number, readOnly: boolean) {
    this.#files = files;
    this.name = name;
    this.#fd = fd;
    this.size = size;
    this.readOnly = readOnly;
  }

  /** Throws BlockError: one line with the file's name. */
  static open(path: string, { readOnly = false }: FileDiskOptions = {}): FileDisk {
    const { process } = globalThis as {
      process?: { getBuiltinModule?(name: 'node:fs'): Files | undefined };
    };
    const files = process?.getBuiltinModule?.('node:fs');
    if (files === undefined) throw new BlockError(`disk ${path}: files can be opened by path in Node only`);
    const fd = attempt(path, 'cannot be opened', () => files.openSync(path, readOnly ? 'r' : 'r+'));
    try {
      const size = attempt(path, 'cannot be opened', () => sizeOf(files, fd));
      if (size < 512) throw new BlockError(`disk ${path}: ${size} bytes are less than a sector (512)`);
      return new FileDisk(files, path, fd, size, readOnly);
    } catch (error) {
      files.closeSync(fd);
      throw error;
    }
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    const fd = this.#open();
    for (let done = 0; done < into.length;) {
      const at = done;
      const count = attempt(this.name, 'cannot be read', () =>
        this.#files.readSync(fd, into, at, into.length - at, offset + at),
      );
      if (count === 0) throw new BlockError(`disk ${this.name}: the file has become shorter than ${this.size} bytes`);
      done += count;
    }
  }

  write(offset: number, from: Uint8Array): void {
    checkWritable(this);
    checkRange(this, offset, from.length);
    const fd = this.#open();
    for (let done = 0; done < from.length;) {
      const at = done;
      done += attempt(this.name, 'cannot be written', () =>
        this.#files.writeSync(fd, from, at, from.length - at, offset + at),
      );
    }
  }

  flush(): void {
    if (this.readOnly) return;
    const fd = this.#open();
    attempt(this.name, 'cannot be flushed', () => this.#files.fdatasyncSync(fd));
  }

  close(): void {
    if (this.#fd === undefined) return;
    this.#files.closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    if (this.#fd === undefined) throw new BlockError(`disk ${this.name} has been closed`);
    return this.#fd;
  }
}

/** A block device's size is not in its inode: its end is found by reading. */
function sizeOf(files: Files, fd: number): number {
  const stat = files.fstatSync(fd);
  if (stat.isFile()) return stat.size;
  if (!stat.isBlockDevice()) throw new Error('it is neither a file nor a block device');
  const sector = new Uint8Array(512);
  const has = (number: number): boolean => files.readSync(fd, sector, 0, 512, number * 512) === 512;
  let low = 0;
  let high = 1;
  while (high < 2 ** 43 && has(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (has(middle)) low = middle;
    else high = middle;
  }
  return has(0) ? high * 512 : 0;
}

function attempt<T>(name: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new BlockError(`disk ${name} ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
