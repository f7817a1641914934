// The header by which a Multiboot 1 image is known (Multiboot Specification 0.6.96, 3.1).

import { ImageError } from './image-error.js';
import { placeByAddresses } from './load-addresses.js';
import { hexAddress, type Segment } from './segments.js';

const MAGIC = 0x1bad_b002;
/** The header lies in the first 8 KiB, on a 4-byte boundary. */
const SEARCHED = 8192;
const BASIC_SIZE = 12;
const ADDRESSES_SIZE = 32;

export const HeaderFlag = {
  PageAlignModules: 0x1,
  MemoryInformation: 0x2,
  VideoMode: 0x4,
  /** The load addresses stand in the header. */
  Addresses: 0x1_0000,
} as const;
/** What a loader must understand or else refuse the image. */
const REQUIRED = 0xffff;
const KNOWN = HeaderFlag.PageAlignModules | HeaderFlag.MemoryInformation | HeaderFlag.VideoMode;

export interface MultibootHeader {
  /** Offset in the image. */
  readonly offset: number;
  readonly flags: number;
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.byteLength);
}

/** Offset of the first header whose checksum is right; else of the first magic number; -1 without one. */
function search(image: Uint8Array): number {
  const view = viewOf(image);
  let first = -1;
  for (let at = 0; at + 4 <= Math.min(image.length, SEARCHED); at += 4) {
    if (view.getUint32(at, true) !== MAGIC) continue;
    if (first < 0) first = at;
    if (at + BASIC_SIZE <= image.length && checksum(view, at) === 0) return at;
  }
  return first;
}

/** Magic, flags and checksum add up to zero. */
function checksum(view: DataView, at: number): number {
  return (view.getUint32(at, true) + view.getUint32(at + 4, true) + view.getUint32(at + 8, true)) >>> 0;
}

export function hasMultibootHeader(image: Uint8Array): boolean {
  return search(image) >= 0;
}

/** Throws ImageError if the header is cut off, its checksum is wrong, or it requires what we do not know. */
export function readHeader(image: Uint8Array): MultibootHeader {
  const offset = search(image);
  const what = `the Multiboot header at offset ${hexAddress(offset)}`;
  const view = viewOf(image);
  const flags = offset + 8 <= image.length ? view.getUint32(offset + 4, true) : 0;
  const size = (flags & HeaderFlag.Addresses) !== 0 ? ADDRESSES_SIZE : BASIC_SIZE;
  if (offset + BASIC_SIZE <= image.length && checksum(view, offset) !== 0) {
    throw new ImageError(
      `${what} has a wrong checksum: magic, flags and checksum add up to ${hexAddress(checksum(view, offset))}, not 0`,
    );
  }
  const end = Math.min(image.length, SEARCHED);
  if (offset + size > end) {
    throw new ImageError(`${what} is truncated: it has ${end - offset} bytes of ${size} in the image's first 8 KiB`);
  }
  const unknown = flags & REQUIRED & ~KNOWN;
  if (unknown !== 0) {
    throw new ImageError(`${what} requires features that are not known here (flags ${hexAddress(unknown)})`);
  }
  return { offset, flags };
}

/** The image as the header's address fields describe it (3.1.3). */
export function readAddresses(image: Uint8Array, offset: number): { segment: Segment; entry: number } {
  const view = viewOf(image);
  const field = (index: number): number => view.getUint32(offset + 12 + index * 4, true);
  const what = `the Multiboot header at offset ${hexAddress(offset)}`;
  const addresses = { header: field(0), load: field(1), loadEnd: field(2), bssEnd: field(3), entry: field(4) };
  return { segment: placeByAddresses(image, what, offset, addresses), entry: addresses.entry };
}
