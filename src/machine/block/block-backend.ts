// What a disk stands on: bytes at offsets, read and written at once. Drives (devices/ide/) know this and nothing of files.

import type { DeviceState } from '../../bus/device-state.js';

export interface BlockBackend {
  /** Bytes; fixed for the backend's life. */
  readonly size: number;
  /** Whether write() is refused. */
  readonly readOnly: boolean;
  /** For messages: a file's name, or what kind of disk it is. */
  readonly name: string;
  /** Fills `into` from the offset on. Throws BlockError. */
  read(offset: number, into: Uint8Array): void;
  /** Throws BlockError, and may then have written a part. */
  write(offset: number, from: Uint8Array): void;
  /** Returns when what was written will survive the program. Throws BlockError. */
  flush(): void;
  close(): void;
  /**
   * State for snapshots, as Stateful has it: both or neither. A backend without them that is not read-only is written
   * somewhere from which nothing comes back, and a machine with such a disk refuses snapshots.
   */
  save?(): DeviceState;
  restore?(state: DeviceState): void;
}

/** A disk cannot be opened, read or written; the message says which disk and why. */
export class BlockError extends Error {
  override readonly name = 'BlockError';
}

/** Throws BlockError unless the range lies within the disk. */
export function checkRange({ name, size }: BlockBackend, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset + length <= size) return;
  throw new BlockError(`disk ${name}: ${length} bytes at ${offset} are not within its ${size} bytes`);
}

/** Throws BlockError for a read-only disk. */
export function checkWritable({ name, readOnly }: BlockBackend): void {
  if (readOnly) throw new BlockError(`disk ${name} is read-only`);
}

/** What a snapshot of a disk has. Throws BlockError if what is written to it cannot be undone. */
export function saveDisk(disk: BlockBackend): DeviceState {
  if (disk.save !== undefined) return disk.save();
  if (disk.readOnly) return null;
  throw new BlockError(
    `snapshot: disk ${disk.name} is written in place, which a snapshot cannot undo; give it copy-on-write (--disk FILE,snapshot) or make it read-only`,
  );
}

/** Puts a disk back to what saveDisk() returned. */
export function restoreDisk(disk: BlockBackend, state: DeviceState): void {
  disk.restore?.(state);
}
