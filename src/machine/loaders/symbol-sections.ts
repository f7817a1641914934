// Symbols and strings of an ELF kernel, which no segment loads: Multiboot 2 puts them in memory too, and says in the
// section headers where (Multiboot2 Specification 2.0, 3.6.7).

import { HIGH_START } from '../memory-map.js';
import type { ElfSections } from './elf.js';
import { ImageError } from './image-error.js';
import { hexAddress, type Segment } from './segments.js';

const SYMBOLS = 2;
const STRINGS = 3;
const ALIGNMENT = 16;

/** Offsets in a section header. */
const FIELDS_32 = { address: 12, offset: 16, size: 20 };
const FIELDS_64 = { address: 16, offset: 24, size: 32 };

/** Those that have no address get one behind the kernel, which is written into `sections`. */
export function placeSymbols(image: Uint8Array, sections: ElfSections, kernel: readonly Segment[]): Segment[] {
  const { bytes, count, size: stride, wide } = sections;
  const fields = wide ? FIELDS_64 : FIELDS_32;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const placed: Segment[] = [];
  let next = Math.max(HIGH_START, ...kernel.map(({ end }) => end));
  for (let index = 0; index < count; index++) {
    const at = index * stride;
    const type = view.getUint32(at + 4, true);
    const [offset, size] = [word(at + fields.offset), word(at + fields.size)];
    if ((type !== SYMBOLS && type !== STRINGS) || size === 0 || word(at + fields.address) !== 0) continue;
    if (offset + size > image.length) {
      throw new ImageError(
        `ELF section ${index} is truncated: its ${size} bytes at offset ${offset} reach past the image's ${image.length}`,
      );
    }
    const start = Math.ceil(next / ALIGNMENT) * ALIGNMENT;
    next = start + size;
    const what = `ELF section ${index} at ${hexAddress(start)}`;
    placed.push({ what, start, end: next, bytes: image.subarray(offset, offset + size) });
    if (wide) view.setBigUint64(at + fields.address, BigInt(start), true);
    else view.setUint32(at + fields.address, start, true);
  }
  return placed;
}
