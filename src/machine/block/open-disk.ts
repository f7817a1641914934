// A disk file opened as it was asked for.

import type { BlockBackend } from './block-backend.js';
import type { DiskRequest } from './disk-option.js';
import { FileDisk } from './file-disk.js';
import { OverlayDisk } from './overlay-disk.js';

/** Node only. Throws BlockError. */
export function openDisk({ file, snapshot, readOnly }: DiskRequest): BlockBackend {
  const disk = FileDisk.open(file, { readOnly: readOnly || snapshot });
  return snapshot ? new OverlayDisk(disk) : disk;
}
