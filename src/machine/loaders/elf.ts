// The part of ELF that a boot loader needs: where an x86 executable's segments go, and its notes and sections
// (System V ABI, chapters 4 and 5; both classes).

import { ImageError } from './image-error.js';
import { hexAddress, type Segment } from './segments.js';

const MAGIC = 0x464c_457f;
const CLASS_AT = 4;
const DATA_AT = 5;
const CLASS_32 = 1;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const EXECUTABLE = 2;
const I386 = 3;
const X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;

/** Sizes and offsets that differ between the classes. */
interface Layout {
  readonly wide: boolean;
  readonly headerSize: number;
  readonly programSize: number;
  readonly sectionSize: number;
  /** Of the header: the entry, and the fields behind the addresses. */
  readonly phoff: number;
  readonly shoff: number;
  readonly counts: number;
  /** Of a program header. */
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

// prettier-ignore
const LAYOUT_32: Layout = {
  wide: false, headerSize: 52, programSize: 32, sectionSize: 40, phoff: 28, shoff: 32, counts: 42,
  offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20, align: 28,
};
// prettier-ignore
const LAYOUT_64: Layout = {
  wide: true, headerSize: 64, programSize: 56, sectionSize: 64, phoff: 32, shoff: 40, counts: 54,
  offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40, align: 48,
};

/** A piece of the file that PT_NOTE headers name. */
export interface NoteSegment {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly align: number;
}

/** The section headers as they stand in the file. */
export interface ElfSections {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly size: number;
  /** Index of the section with the sections' names. */
  readonly names: number;
  readonly wide: boolean;
}

export interface ElfImage {
  /** In order of their headers; empty ones are left out. */
  readonly segments: readonly Segment[];
  /** Physical address of the entry; undefined if it is outside of all segments. */
  readonly entry: number | undefined;
  /** The entry as the header has it. */
  readonly virtualEntry: bigint;
  readonly notes: readonly NoteSegment[];
  /** Undefined if there are none, or they are cut off. */
  readonly sections: ElfSections | undefined;
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

/** Addresses and sizes of either class. Those of 64 bits that a number cannot hold exactly are beyond any RAM or file. */
class Fields {
  readonly view: DataView;
  constructor(
    image: Uint8Array,
    readonly layout: Layout,
  ) {
    this.view = viewOf(image);
  }

  exact(at: number): bigint {
    return this.layout.wide ? this.view.getBigUint64(at, true) : BigInt(this.view.getUint32(at, true));
  }

  word(at: number): number {
    return Number(this.exact(at));
  }
}

/** Reads the headers of an ELF32 executable. Throws ImageError for what is no such thing, or cut off. */
export function readElf32(image: Uint8Array): ElfImage & { readonly entry: number } {
  if (image.length >= LAYOUT_32.headerSize && image[CLASS_AT] !== CLASS_32) {
    throw new ImageError('the ELF image is not 32-bit little-endian');
  }
  return withEntry(readElf(image));
}

/** Throws ImageError if the entry is not in what is loaded. */
export function withEntry(elf: ElfImage): ElfImage & { readonly entry: number } {
  const { entry, virtualEntry } = elf;
  if (entry === undefined) {
    throw new ImageError(`the entry 0x${virtualEntry.toString(16)} is outside of what the ELF image loads`);
  }
  return { ...elf, entry };
}

/** Reads the headers of an ELF executable of either class. Throws ImageError for what is no such thing, or cut off. */
export function readElf(image: Uint8Array): ElfImage {
  const layout = isElf64(image) ? LAYOUT_64 : LAYOUT_32;
  const bits = layout.wide ? 64 : 32;
  if (image.length < layout.headerSize) {
    throw new ImageError(`the ELF header is truncated: ${image.length} bytes of ${layout.headerSize}`);
  }
  const fields = new Fields(image, layout);
  const { view } = fields;
  const wellKnown = image[CLASS_AT] === CLASS_32 || image[CLASS_AT] === CLASS_64;
  if (!wellKnown || image[DATA_AT] !== LITTLE_ENDIAN) {
    throw new ImageError(`the ELF image is not ${bits}-bit little-endian`);
  }
  const type = view.getUint16(16, true);
  const machine = view.getUint16(18, true);
  if (type !== EXECUTABLE) throw new ImageError(`the ELF image is of type ${type}, not an executable (2)`);
  const [expected, name] = layout.wide ? [X86_64, 'x86-64'] : [I386, 'the 80386'];
  if (machine !== expected) {
    throw new ImageError(`the ELF image is for machine ${machine}, not for ${name} (${expected})`);
  }
  const offset = fields.word(layout.phoff);
  const size = view.getUint16(layout.counts, true);
  const count = view.getUint16(layout.counts + 2, true);
  if (size < layout.programSize) {
    throw new ImageError(`ELF program headers of ${size} bytes are too small; they have ${layout.programSize}`);
  }
  if (offset + size * count > image.length) {
    throw new ImageError(
      `the ELF program headers are truncated: ${count} of ${size} bytes at offset ${offset}, but the image has ${image.length}`,
    );
  }
  const segments: Segment[] = [];
  const notes: NoteSegment[] = [];
  const virtualEntry = fields.exact(24);
  let entry: number | undefined;
  for (let index = 0; index < count; index++) {
    const at = offset + index * size;
    const kind = view.getUint32(at, true);
    if (kind === PT_NOTE) notes.push(readNotes(image, fields, at, index));
    if (kind !== PT_LOAD) continue;
    const segment = readSegment(image, fields, at, index);
    if (segment.end === segment.start) continue;
    segments.push(segment);
    // The entry is a virtual address; paging is off when it is called.
    const into = virtualEntry - fields.exact(at + layout.virtual);
    if (entry === undefined && into >= 0n && into < BigInt(segment.end - segment.start)) {
      entry = Number(into) + segment.start;
    }
  }
  if (segments.length === 0) throw new ImageError('the ELF image has nothing to load (no PT_LOAD program header)');
  return { segments, entry, virtualEntry, notes, sections: readSections(image, fields) };
}

function readSegment(image: Uint8Array, fields: Fields, at: number, index: number): Segment {
  const { layout } = fields;
  const offset = fields.word(at + layout.offset);
  const start = fields.word(at + layout.physical);
  const fileSize = fields.word(at + layout.fileSize);
  const memorySize = fields.word(at + layout.memorySize);
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

function readNotes(image: Uint8Array, fields: Fields, at: number, index: number): NoteSegment {
  const { layout } = fields;
  const offset = fields.word(at + layout.offset);
  const size = fields.word(at + layout.fileSize);
  const what = `ELF notes ${index} at offset ${offset}`;
  if (offset + size > image.length) {
    throw new ImageError(`${what} are truncated: their ${size} bytes reach past the image's ${image.length}`);
  }
  // Some linkers give notes the alignment 8; everybody else's are aligned to 4, whatever the header says.
  const align = fields.word(at + layout.align) === 8 ? 8 : 4;
  return { what, bytes: image.subarray(offset, offset + size), align };
}

function readSections(image: Uint8Array, fields: Fields): ElfSections | undefined {
  const { view, layout } = fields;
  const offset = fields.word(layout.shoff);
  const size = view.getUint16(layout.counts + 4, true);
  const count = view.getUint16(layout.counts + 6, true);
  const names = view.getUint16(layout.counts + 8, true);
  if (count === 0 || size < layout.sectionSize || offset + size * count > image.length) return undefined;
  return { bytes: image.slice(offset, offset + size * count), count, size, names, wide: layout.wide };
}
