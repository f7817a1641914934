// Option ROMs: an adapter's program for the BIOS (BIOS Boot Specification 1.01, 3.3).

import { EINVAL } from '../eventfd/index.js';

const UNIT = 512;
/** What is left between VGA memory and the BIOS. */
const MOST = 0x2_0000;

/** The ROM, if a BIOS would run it: 55 AA, a length in units of 512 bytes, and a sum of zero. Throws EINVAL. */
export function checkOptionRom(rom: Uint8Array): Uint8Array {
  if (!(rom instanceof Uint8Array)) throw new EINVAL('Pc.create: vgaRom must be a Uint8Array');
  if (rom[0] !== 0x55 || rom[1] !== 0xaa) {
    throw new EINVAL('Pc.create: the VGA BIOS is no option ROM: it does not begin with 55 AA');
  }
  const length = rom[2]! * UNIT;
  if (length === 0 || length > rom.length || rom.length > MOST) {
    throw new EINVAL(
      `Pc.create: the VGA BIOS says that it has ${length} bytes, and has ${rom.length}; ${MOST} is the most`,
    );
  }
  const sum = rom.subarray(0, length).reduce((total, byte) => (total + byte) & 0xff, 0);
  if (sum !== 0) throw new EINVAL(`Pc.create: the VGA BIOS is damaged: its bytes add up to ${sum}, not to 0`);
  return rom;
}
