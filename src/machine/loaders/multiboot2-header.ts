// The header by which a Multiboot 2 image is known (Multiboot2 Specification 2.0, 3.1).

import { ImageError } from './image-error.js';
import { placeByAddresses } from './load-addresses.js';
import { hexAddress, type Segment } from './segments.js';

const MAGIC = 0xe852_50d6;
/** The header lies in the first 32 KiB, on an 8-byte boundary. */
const SEARCHED = 32768;
const FIXED_SIZE = 16;
const TAG_SIZE = 8;
const I386 = 0;

const HeaderTag = {
  End: 0,
  InformationRequest: 1,
  Address: 2,
  Entry: 3,
  ConsoleFlags: 4,
  Framebuffer: 5,
  ModuleAlignment: 6,
  EfiBootServices: 7,
  EfiEntry32: 8,
  EfiEntry64: 9,
  Relocatable: 10,
} as const;
const OPTIONAL = 0x1;
const CONSOLE_REQUIRED = 0x1;
const EGA_TEXT_SUPPORTED = 0x2;
/** The last kind of information that the specification knows; what is requested may still be absent (3.1.4). */
const LAST_INFORMATION = 21;
/** load_addr: load the file from its beginning. */
const FROM_START = 0xffff_ffff;

export interface Multiboot2Header {
  readonly offset: number;
  /** The image by its address tag, if it has one. */
  readonly segment: Segment | undefined;
  /** By the entry tag. */
  readonly entry: number | undefined;
  readonly relocatable: boolean;
  readonly notes: readonly string[];
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.byteLength);
}

function sum(view: DataView, at: number): number {
  return [0, 4, 8, 12].reduce((total, field) => (total + view.getUint32(at + field, true)) >>> 0, 0);
}

/** Offset of the first header whose checksum is right; else of the first magic number; -1 without one. */
function search(image: Uint8Array): number {
  const view = viewOf(image);
  let first = -1;
  for (let at = 0; at + FIXED_SIZE <= Math.min(image.length, SEARCHED); at += 8) {
    if (view.getUint32(at, true) !== MAGIC) continue;
    if (sum(view, at) === 0) return at;
    if (first < 0) first = at;
  }
  return first;
}

export function hasMultiboot2Header(image: Uint8Array): boolean {
  return search(image) >= 0;
}

/** A tag: its place in the image, and where it ends. */
interface Tag {
  readonly type: number;
  readonly optional: boolean;
  readonly at: number;
  readonly end: number;
}

/** Throws ImageError if the header is cut off or malformed, or requires what is not known here. */
export function readMultiboot2Header(image: Uint8Array): Multiboot2Header {
  const offset = search(image);
  const what = `the Multiboot 2 header at offset ${hexAddress(offset)}`;
  const bad = (why: string): never => {
    throw new ImageError(`${what}: ${why}`);
  };
  const view = viewOf(image);
  if (sum(view, offset) !== 0) {
    bad(`wrong checksum: magic, architecture, length and checksum add up to ${hexAddress(sum(view, offset))}, not 0`);
  }
  const architecture = view.getUint32(offset + 4, true);
  if (architecture !== I386) bad(`it is for architecture ${architecture}, not for i386 (0)`);
  const length = view.getUint32(offset + 8, true);
  const end = offset + length;
  if (length < FIXED_SIZE || end > Math.min(image.length, SEARCHED)) {
    bad(`its ${length} bytes do not fit in the image's first ${Math.min(image.length, SEARCHED)}`);
  }
  const reader = new TagReader(image, offset, bad);
  for (let at = offset + FIXED_SIZE; ;) {
    if (at + TAG_SIZE > end) bad('it has no end tag');
    const size = view.getUint32(at + 4, true);
    const tag = {
      type: view.getUint16(at, true),
      optional: (view.getUint16(at + 2, true) & OPTIONAL) !== 0,
      at,
      end: at + size,
    };
    if (size < TAG_SIZE || tag.end > end) {
      bad(`the tag of type ${tag.type} at offset ${hexAddress(at)} has ${size} bytes, and ${end - at} are left`);
    }
    if (tag.type === HeaderTag.End) break;
    reader.read(tag);
    at += Math.ceil(size / 8) * 8;
  }
  return { offset, ...reader.result(what) };
}

/** Takes from each tag what it says. */
class TagReader {
  readonly #view: DataView;
  #addresses: [header: number, load: number, loadEnd: number, bssEnd: number] | undefined;
  #entry: number | undefined;
  #relocatable = false;
  readonly #notes: string[] = [];

  constructor(
    private readonly image: Uint8Array,
    private readonly offset: number,
    private readonly bad: (why: string) => never,
  ) {
    this.#view = viewOf(image);
  }

  read(tag: Tag): void {
    switch (tag.type) {
      case HeaderTag.InformationRequest:
        return this.#information(tag);
      case HeaderTag.Address:
        this.#addresses = [0, 1, 2, 3].map((index) => this.#field(tag, index)) as [number, number, number, number];
        return;
      case HeaderTag.Entry:
        this.#entry = this.#field(tag, 0);
        return;
      case HeaderTag.ConsoleFlags:
        return this.#console(tag);
      case HeaderTag.Framebuffer:
        return this.#framebuffer(tag);
      case HeaderTag.ModuleAlignment:
        return;
      case HeaderTag.EfiBootServices:
      case HeaderTag.EfiEntry32:
      case HeaderTag.EfiEntry64:
        return this.#unlessOptional(tag, `it requires EFI (tag ${tag.type}), which this machine does not have`);
      case HeaderTag.Relocatable:
        this.#relocatable = true;
        return;
      default:
        return this.#unlessOptional(tag, `it requires tag ${tag.type}, which is not known here`);
    }
  }

  #field({ type, at, end }: Tag, index: number): number {
    const place = at + TAG_SIZE + index * 4;
    if (place + 4 > end)
      this.bad(`the tag of type ${type} at offset ${hexAddress(at)} is too short: ${end - at} bytes`);
    return this.#view.getUint32(place, true);
  }

  #unlessOptional({ optional }: Tag, why: string): void {
    if (!optional) this.bad(why);
  }

  #information(tag: Tag): void {
    for (let index = 0; tag.at + TAG_SIZE + index * 4 < tag.end; index++) {
      const type = this.#field(tag, index);
      if (type > LAST_INFORMATION) this.#unlessOptional(tag, `it requires information of type ${type}, not known here`);
    }
  }

  #console(tag: Tag): void {
    const flags = this.#field(tag, 0);
    if ((flags & CONSOLE_REQUIRED) !== 0 && (flags & EGA_TEXT_SUPPORTED) === 0) {
      this.#unlessOptional(tag, 'it requires a console other than VGA text, which this machine does not have');
    }
  }

  #framebuffer(tag: Tag): void {
    const [width, height, depth] = [0, 1, 2].map((index) => this.#field(tag, index)) as [number, number, number];
    // A depth of 0 asks for text (3.1.10); other zeros mean "no preference".
    if (depth === 0) return;
    this.#unlessOptional(
      tag,
      `it requires a graphics mode, ${width}x${height}x${depth}; this machine has VGA text only`,
    );
    this.#notes.push('the image asks for a graphics mode; this machine has VGA text only');
  }

  result(what: string): Omit<Multiboot2Header, 'offset'> {
    const parts = { entry: this.#entry, relocatable: this.#relocatable, notes: this.#notes };
    if (this.#addresses === undefined) return { segment: undefined, ...parts };
    const [header, load, loadEnd, bssEnd] = this.#addresses;
    const entry = this.#entry;
    if (entry === undefined) return this.bad('it has load addresses (tag 2), but no entry address (tag 3)');
    const start = load === FROM_START ? header - this.offset : load;
    if (start < 0) this.bad(`header_addr ${hexAddress(header)} is below the header's offset in the file`);
    const addresses = { header, load: start, loadEnd, bssEnd, entry };
    return { segment: placeByAddresses(this.image, what, this.offset, addresses), ...parts };
  }
}
