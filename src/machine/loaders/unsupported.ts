// Formats that are known by sight and cannot be started yet. Without these they would run as flat binaries, and crash.

import { isElf } from './elf32.js';
import { ImageError } from './image-error.js';
import type { Loader } from './loader.js';

function unsupported(name: string, recognises: (image: Uint8Array) => boolean): Loader {
  return {
    name,
    recognises,
    load(): never {
      throw new ImageError(`images of this format are not supported yet: ${name}`);
    },
  };
}

/** The boot flag and the magic of the setup header (Linux, Documentation/arch/x86/boot.rst). */
export const bzImageLoader = unsupported('Linux bzImage', (image) => {
  if (image.length < 0x206) return false;
  const magic = String.fromCharCode(...image.subarray(0x202, 0x206));
  return image[0x1fe] === 0x55 && image[0x1ff] === 0xaa && magic === 'HdrS';
});

export const elfKernelLoader = unsupported('ELF image without a Multiboot header', isElf);

/** Whole 64 KiB blocks, whose reset vector, 16 bytes before the end, jumps into segment F000. */
export const biosLoader = unsupported('BIOS ROM', (image) => {
  const { length } = image;
  if (length === 0 || length % 0x1_0000 !== 0) return false;
  return image[length - 16] === 0xea && image[length - 13] === 0x00 && image[length - 12] === 0xf0;
});
