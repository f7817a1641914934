// Builds Multiboot 1 images for the loader's tests, after the tables of the specification (0.6.96, 3.1) and of ELF.

export const MAGIC = 0x1bad_b002;

function bytesOf(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true);
  return new Uint8Array(view.buffer);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Magic, flags, the checksum that makes them zero, and what follows. */
export function header(flags: number, ...fields: readonly number[]): Uint8Array {
  return bytesOf([MAGIC, flags, -(MAGIC + flags), ...fields]);
}

export interface KludgeOptions {
  flags?: number;
  /** Bytes before the header in the file. */
  before?: number;
  headerAddr?: number;
  load?: number;
  loadEnd?: number;
  bssEnd?: number;
  entry?: number;
  code?: Uint8Array;
}

/** An image with load addresses in its header: by default 0x100000, code right behind the header, everything loaded. */
export function kludge(options: KludgeOptions = {}): Uint8Array {
  const { flags = 0, before = 0, code = Uint8Array.of(0xf4) } = options;
  const { load = 0x10_0000, loadEnd = 0, bssEnd = 0, headerAddr = load + before } = options;
  const { entry = headerAddr + 32 } = options;
  return concat(new Uint8Array(before), header(0x1_0000 | flags, headerAddr, load, loadEnd, bssEnd, entry), code);
}

export interface ElfSegment {
  type?: number;
  offset?: number;
  virtual?: number;
  physical: number;
  fileSize?: number;
  memorySize?: number;
}

export interface ElfOptions {
  class?: number;
  data?: number;
  type?: number;
  machine?: number;
  entry?: number;
  phoff?: number;
  phentsize?: number;
  phnum?: number;
  segments?: readonly ElfSegment[];
  /** What stands at file offset 0x1000: by default a Multiboot header without flags, then HLT. */
  content?: Uint8Array;
}

/** Where an ELF image's content is in the file, and where its code is in that. */
export const CONTENT = 0x1000;
export const CODE = 12;

export function elf(options: ElfOptions = {}): Uint8Array {
  const { content = concat(header(0), Uint8Array.of(0xf4)) } = options;
  const { segments = [{ physical: 0x10_0000 }] } = options;
  const image = new Uint8Array(CONTENT + content.length);
  const view = new DataView(image.buffer);
  image.set([0x7f, 0x45, 0x4c, 0x46, options.class ?? 1, options.data ?? 1, 1]);
  view.setUint16(16, options.type ?? 2, true);
  view.setUint16(18, options.machine ?? 3, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, options.entry ?? 0x10_0000 + CODE, true);
  view.setUint32(28, options.phoff ?? 52, true);
  view.setUint16(40, 52, true);
  view.setUint16(42, options.phentsize ?? 32, true);
  view.setUint16(44, options.phnum ?? segments.length, true);
  for (const [index, segment] of segments.entries()) {
    const at = 52 + index * 32;
    const { type = 1, offset = CONTENT, physical, virtual = physical } = segment;
    const { fileSize = content.length, memorySize = fileSize } = segment;
    for (const [field, value] of [type, offset, virtual, physical, fileSize, memorySize, 7, 0x1000].entries()) {
      view.setUint32(at + field * 4, value, true);
    }
  }
  image.set(content, CONTENT);
  return image;
}
