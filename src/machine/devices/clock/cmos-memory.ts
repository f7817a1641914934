// What a PC's firmware looks for in the CMOS memory beside the clock: sizes of memory, boot order, number of processors. The
// places are those of the IBM AT (technical reference, "CMOS RAM") and, above them, of QEMU's PC, which SeaBIOS reads.

const KB = 1024;
const MB = 1024 * KB;

export type BootDevice = 'floppy' | 'disk' | 'cdrom' | 'network';
const BOOT_CODES: Readonly<Record<BootDevice, number>> = { floppy: 1, disk: 2, cdrom: 3, network: 4 };

export interface CmosContents {
  /** RAM from address 0 to below 4 GiB, in bytes. */
  memory: number;
  /** RAM from 4 GiB on. */
  memoryAbove4G?: number;
  /** At most three are kept. */
  bootOrder?: readonly BootDevice[];
  processors?: number;
}

const BASE_KB = 640;

export function fillCmos(
  cmos: Uint8Array,
  { memory, memoryAbove4G = 0, bootOrder = [], processors = 1 }: CmosContents,
) {
  const put = (at: number, bytes: number, value: number): void => {
    const least = Math.max(0, Math.min(Math.floor(value), 256 ** bytes - 1));
    for (let byte = 0; byte < bytes; byte++) cmos[at + byte] = Math.floor(least / 256 ** byte) & 0xff;
  };
  // Equipment: mathematics coprocessor and PS/2 mouse.
  cmos[0x14] = 0x06;
  put(0x15, 2, Math.min(BASE_KB, memory / KB));
  // From 1 MB on, in KB; both places, of which one is what the power-on test found.
  const extended = (memory - MB) / KB;
  put(0x17, 2, extended);
  put(0x30, 2, extended);
  // From 16 MB on and from 4 GB on, in units of 64 KB.
  put(0x34, 2, (memory - 16 * MB) / (64 * KB));
  put(0x5b, 3, memoryAbove4G / (64 * KB));
  put(0x5f, 1, processors - 1);
  const [first, second, third] = bootOrder.map((device) => BOOT_CODES[device]);
  cmos[0x3d] = ((second ?? 0) << 4) | (first ?? 0);
  // Bit 0 would let floppies be booted without a signature.
  cmos[0x38] = (third ?? 0) << 4;
}
