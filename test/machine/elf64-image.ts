// Builds 64-bit ELF executables with notes and sections for the loaders' tests (System V ABI, chapters 4 and 5).

import { concat, header } from './multiboot-image.js';

export interface Note {
  owner?: string;
  type?: number;
  data?: Uint8Array;
  /** What the note says of its data's size. */
  size?: number;
}

export interface Elf64Options {
  physical?: number;
  virtual?: bigint;
  memorySize?: number;
  entry?: bigint;
  machine?: number;
  /** undefined: no PT_NOTE. */
  notes?: readonly Note[] | undefined;
  code?: Uint8Array;
  /** Puts a Multiboot 1 header in front of the code. */
  multiboot?: boolean;
  /** Adds three section headers: null, a symbol table of 24 bytes, names. */
  sections?: boolean;
}

export const PHYS32_ENTRY = 18;
export const CODE_AT = 0x1000;

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function noteBytes({
  owner = 'Xen',
  type = PHYS32_ENTRY,
  data = u32(0x10_0000),
  size = data.length,
}: Note): Uint8Array {
  const name = new TextEncoder().encode(`${owner}\0`);
  const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(-bytes.length & 3));
  return concat(u32(name.length), u32(size), u32(type), padded(name), padded(data));
}

/** By default one segment at 1 MiB, linked to the top of the address space, entered by PVH at its first byte: HLT. */
export function elf64(options: Elf64Options = {}): Uint8Array {
  const { physical = 0x10_0000, virtual = 0xffff_ffff_8010_0000n, machine = 62 } = options;
  const { code = Uint8Array.of(0xf4) } = options;
  const notes = 'notes' in options ? options.notes : [{}];
  const content = concat(options.multiboot ? header(0) : new Uint8Array(), code);
  const note = concat(...(notes ?? []).map(noteBytes));
  const noteAt = CODE_AT + content.length;
  const sectionsAt = noteAt + note.length;
  const image = new Uint8Array(sectionsAt + (options.sections ? 3 * 64 : 0));
  const view = new DataView(image.buffer);
  image.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(24, options.entry ?? virtual, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, notes === undefined ? 1 : 2, true);
  const segment = (at: number, type: number, offset: number, size: number, memory: number): void => {
    view.setUint32(at, type, true);
    for (const [index, value] of [
      BigInt(offset),
      virtual,
      BigInt(physical),
      BigInt(size),
      BigInt(memory),
      4n,
    ].entries()) {
      view.setBigUint64(at + 8 + index * 8, value, true);
    }
  };
  segment(64, 1, CODE_AT, content.length, options.memorySize ?? content.length);
  segment(120, 4, noteAt, note.length, note.length);
  if (options.sections) {
    view.setBigUint64(40, BigInt(sectionsAt), true);
    for (const [index, value] of [64, 3, 2].entries()) view.setUint16(58 + index * 2, value, true);
    view.setUint32(sectionsAt + 64 + 4, 2, true);
    view.setUint32(sectionsAt + 128 + 4, 3, true);
    // The symbols are the first 24 bytes of the file, which are told from others easily.
    view.setBigUint64(sectionsAt + 64 + 32, 24n, true);
  }
  image.set(content, CODE_AT);
  image.set(note, noteAt);
  return image;
}
