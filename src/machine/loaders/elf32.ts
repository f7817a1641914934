// The part of ELF that a boot loader needs: where an i386 executable's segments go (System V ABI, chapters 4 and 5).

import { ImageError } from './image-error.js';
import { hexAddress, type Segment } from './segments.js';

const MAGIC = 0x464c_457f;
const HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;
const CLASS_AT = 4;
const DATA_AT = 5;
const CLASS_32 = 1;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const EXECUTABLE = 2;
const I386 = 3;
const PT_LOAD = 1;

export interface ElfImage {
  /** In order of their headers; empty ones are left out. */
  readonly segments: readonly Segment[];
  /** Physical address of the entry. */
  readonly entry: number;
}

export function isElf(image: Uint8Array): boolean {
  return image.length >= 4 && viewOf(image).getUint32(0, true) === MAGIC;
}

export function isElf64(image: Uint8Array): boolean {
  return isElf(image) && image[CLASS_AT] === CLASS_64;
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.byteLength);
}

/** Reads the headers of an ELF32 executable. Throws ImageError for what is no such thing, or cut off. */
export function readElf32(image: Uint8Array): ElfImage {
  if (image.length < HEADER_SIZE) {
    throw new ImageError(`the ELF header is truncated: ${image.length} bytes of ${HEADER_SIZE}`);
  }
  const view = viewOf(image);
  if (image[CLASS_AT] !== CLASS_32 || image[DATA_AT] !== LITTLE_ENDIAN) {
    throw new ImageError('the ELF image is not 32-bit little-endian');
  }
  const type = view.getUint16(16, true);
  const machine = view.getUint16(18, true);
  if (type !== EXECUTABLE) throw new ImageError(`the ELF image is of type ${type}, not an executable (2)`);
  if (machine !== I386) throw new ImageError(`the ELF image is for machine ${machine}, not for the 80386 (3)`);
  const offset = view.getUint32(28, true);
  const size = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  if (size < PROGRAM_HEADER_SIZE) {
    throw new ImageError(`ELF program headers of ${size} bytes are too small; they have ${PROGRAM_HEADER_SIZE}`);
  }
  if (offset + size * count > image.length) {
    throw new ImageError(
      `the ELF program headers are truncated: ${count} of ${size} bytes at offset ${offset}, but the image has ${image.length}`,
    );
  }
  const segments: Segment[] = [];
  let entry = view.getUint32(24, true);
  let placed = false;
  for (let index = 0; index < count; index++) {
    const at = offset + index * size;
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const virtual = view.getUint32(at + 8, true);
    const segment = readSegment(image, view, at, index);
    if (segment.end === segment.start) continue;
    segments.push(segment);
    // The entry is a virtual address; paging is off when it is called.
    if (!placed && entry >= virtual && entry < virtual + segment.end - segment.start) {
      entry += segment.start - virtual;
      placed = true;
    }
  }
  if (segments.length === 0) throw new ImageError('the ELF image has nothing to load (no PT_LOAD program header)');
  if (!placed) throw new ImageError(`the entry ${hexAddress(entry)} is outside of what the ELF image loads`);
  return { segments, entry };
}

function readSegment(image: Uint8Array, view: DataView, at: number, index: number): Segment {
  const offset = view.getUint32(at + 4, true);
  const start = view.getUint32(at + 12, true);
  const fileSize = view.getUint32(at + 16, true);
  const memorySize = view.getUint32(at + 20, true);
  const what = `ELF segment ${index} at ${hexAddress(start)}`;
  if (fileSize > memorySize) {
    throw new ImageError(`${what} has ${fileSize} bytes in the file, but only ${memorySize} in memory`);
  }
  if (offset + fileSize > image.length) {
    throw new ImageError(
      `${what} is truncated: its ${fileSize} bytes at offset ${offset} reach past the image's ${image.length}`,
    );
  }
  return { what, start, end: start + memorySize, bytes: image.subarray(offset, offset + fileSize) };
}
