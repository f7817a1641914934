// The note by which an ELF kernel says that it can be entered without firmware: XEN_ELFNOTE_PHYS32_ENTRY
// (Xen, docs/misc/pvh.pandoc and public/elfnote.h).

import { isElf, readElf, type ElfImage } from './elf.js';
import { ImageError } from './image-error.js';

const PHYS32_ENTRY = 18;
const HEADER_SIZE = 12;
/** "Xen" and its NUL. */
const OWNER = [0x58, 0x65, 0x6e, 0];

/** The physical address of the PVH entry; undefined without one. Throws ImageError for notes that are cut off. */
export function pvhEntry({ notes }: ElfImage): number | undefined {
  for (const { what, bytes, align } of notes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const aligned = (size: number): number => Math.ceil(size / align) * align;
    for (let at = 0; at + HEADER_SIZE <= bytes.length;) {
      const nameSize = view.getUint32(at, true);
      const size = view.getUint32(at + 4, true);
      const type = view.getUint32(at + 8, true);
      const name = at + HEADER_SIZE;
      const data = at + aligned(HEADER_SIZE + nameSize);
      if (data + size > bytes.length) {
        throw new ImageError(`${what}: the note at byte ${at} is truncated; it has ${nameSize} and ${size} bytes`);
      }
      const ours = nameSize === OWNER.length && OWNER.every((byte, index) => bytes[name + index] === byte);
      if (ours && type === PHYS32_ENTRY) {
        if (size === 4) return view.getUint32(data, true);
        if (size === 8) return Number(view.getBigUint64(data, true));
        throw new ImageError(`${what}: the PVH entry note has ${size} bytes; it has 4 or 8`);
      }
      at = data + aligned(size);
    }
  }
  return undefined;
}

/** For recognition: what is malformed has none. */
export function hasPvhEntry(image: Uint8Array): boolean {
  if (!isElf(image)) return false;
  try {
    return pvhEntry(readElf(image)) !== undefined;
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}
