// Flat binaries: started the way a BIOS starts a boot sector, whatever their length.

import { ImageError } from './image-error.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';

/** Where boot sectors go. */
const LOAD_ADDRESS = 0x7c00;
const MAX_SIZE = 512 * 1024;
/** BIOS number of the drive that was booted: the first hard disk. */
const BOOT_DRIVE = 0x80n;

export const flatLoader: Loader = {
  name: 'flat binary',

  /** There is nothing to recognise: any bytes are code. */
  recognises(): boolean {
    return true;
  },

  /** At 0000:7C00 in real mode, with the stack below and the drive in DL. */
  load(image: Uint8Array, { memory, vcpu, modules }: BootTarget): LoadReport {
    if (image.length === 0) throw new ImageError('the image is empty');
    if (image.length > MAX_SIZE) {
      throw new ImageError(`the flat binary has ${image.length} bytes; at most ${MAX_SIZE} can be loaded`);
    }
    if (modules.length > 0) throw new ImageError('a flat binary cannot be given modules: it has no boot protocol');
    memory.write(LOAD_ADDRESS, image);
    const sregs = vcpu.getSregs();
    vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(LOAD_ADDRESS), rsp: BigInt(LOAD_ADDRESS), rdx: BOOT_DRIVE });
    return { notes: [] };
  },
};
