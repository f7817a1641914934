// Builds Multiboot 2 images for the loader's tests, after the tables of the specification (2.0, 3.1).

import { concat } from './multiboot-image.js';
import { u32 } from './elf64-image.js';

export const MAGIC2 = 0xe852_50d6;

/** A header tag with its padding. */
export function tag(type: number, fields: readonly number[] = [], flags = 0): Uint8Array {
  const size = 8 + fields.length * 4;
  return concat(u32(type | (flags << 16)), u32(size), ...fields.map(u32), new Uint8Array(-size & 7));
}

export function header2(tags: readonly Uint8Array[], { architecture = 0, length = 0, wrong = 0 } = {}): Uint8Array {
  const content = concat(...tags, tag(0));
  const size = length || 16 + content.length;
  return concat(u32(MAGIC2), u32(architecture), u32(size), u32(wrong - (MAGIC2 + architecture + size)), content);
}

export const LOAD = 0x10_0000;

/** An image with load and entry addresses in its header: 1 MiB, code behind the header. */
export function multiboot2(tags: readonly Uint8Array[] = [], code: Uint8Array = Uint8Array.of(0xf4)): Uint8Array {
  const size = header2([tag(2, [0, 0, 0, 0]), tag(3, [0]), ...tags]).length;
  return concat(header2([tag(2, [LOAD, LOAD, 0, 0]), tag(3, [LOAD + size]), ...tags]), code);
}
