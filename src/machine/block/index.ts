// What disks stand on.

export { BlobDisk, type BlobDiskOptions, type BlobReader } from './blob-disk.js';
export { BlockError, type BlockBackend } from './block-backend.js';
export { parseDisk, type DiskRequest } from './disk-option.js';
export { FileDisk, type FileDiskOptions } from './file-disk.js';
export { MemoryDisk, type MemoryDiskOptions } from './memory-disk.js';
export { openDisk } from './open-disk.js';
export { OverlayDisk, type OverlayDiskOptions } from './overlay-disk.js';
