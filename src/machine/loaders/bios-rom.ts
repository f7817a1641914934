// BIOS ROMs: mapped where the processor fetches its first instruction after a reset, SDM vol. 3, 10.1.4.

import { ADDRESS_SPACE_END, BIOS_SHADOW_START, HIGH_START } from '../memory-map.js';
import { ImageError } from './image-error.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';
import { hexAddress } from './segments.js';

const BLOCK = 0x1_0000;
const MAX_SIZE = 16 * 1024 * 1024;
/** The first instruction is 16 bytes before 4 GiB. */
const RESET_VECTOR = 16;
/** NOP, CLI, CLD and an operand-size prefix stand before the jump in some firmware. */
const BEFORE_JUMP = [0x90, 0xfa, 0xfc, 0x66];
/** Far, near and short JMP. */
const JUMPS = [0xea, 0xe9, 0xeb];

export const biosLoader: Loader = {
  name: 'BIOS ROM',

  /** Whole 64 KiB blocks, whose reset vector jumps into segment F000, as a PC's does. Other firmware must be named as such. */
  recognises(image: Uint8Array): boolean {
    const { length } = image;
    if (length === 0 || length % BLOCK !== 0 || length > MAX_SIZE) return false;
    return image[length - 16] === 0xea && image[length - 13] === 0x00 && image[length - 12] === 0xf0;
  },

  /** The processor is left as it comes out of reset. */
  load(image: Uint8Array, { memory, ram, modules, cmdline, mapRom }: BootTarget): LoadReport {
    const { length } = image;
    if (length === 0 || length % BLOCK !== 0 || length > MAX_SIZE) {
      throw new ImageError(`the BIOS ROM has ${length} bytes; it must have a multiple of 65536, up to ${MAX_SIZE}`);
    }
    const vector = image.subarray(length - RESET_VECTOR);
    const first = vector.find((byte) => !BEFORE_JUMP.includes(byte));
    if (first === undefined || !JUMPS.includes(first)) {
      const bytes = [...vector].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
      throw new ImageError(
        `the BIOS ROM has no jump at its reset vector, offset ${hexAddress(length - RESET_VECTOR)}: ${bytes}`,
      );
    }
    if (modules.length > 0) throw new ImageError('a BIOS ROM cannot be given modules: it has no boot protocol');
    if (cmdline !== '') throw new ImageError('a BIOS ROM cannot be given a command line: it has no boot protocol');
    if (ram < HIGH_START) throw new ImageError(`a BIOS ROM needs 1 MiB of RAM, and there are ${ram} bytes`);
    if (mapRom === undefined) throw new ImageError('this machine has no place for a BIOS ROM');
    mapRom(ADDRESS_SPACE_END - length, image);
    const shadow = image.subarray(Math.max(0, length - (HIGH_START - BIOS_SHADOW_START)));
    memory.write(HIGH_START - shadow.length, shadow);
    return { notes: [] };
  },
};
