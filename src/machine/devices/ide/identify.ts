// What IDENTIFY DEVICE answers (6.17.7): 256 words.

/** What of a disk the answer depends on. */
export interface DiskDescription {
  readonly sectors: number;
  /** CHS translation in force: heads and sectors per track. */
  readonly heads: number;
  readonly sectorsPerTrack: number;
  /** Sectors per block of READ MULTIPLE; 0 while it is off. */
  readonly multiple: number;
  readonly mostMultiple: number;
  /** Transfer mode set, as SET FEATURES 03h numbers it: 20h… is multiword DMA, 40h… Ultra DMA. */
  readonly transferMode: number;
  readonly writeCache: boolean;
  readonly lookAhead: boolean;
  /** 1 for the drive that is jumpered as device 1. */
  readonly number: 0 | 1;
  readonly serial: string;
}

/** What a drive says whose capacity exceeds 8 GB in 16 heads of 63 sectors; and the default translation. */
export const HEADS = 16;
export const SECTORS_PER_TRACK = 63;
const MOST_CYLINDERS = 16383;
/** What 28 bits of LBA reach, less one for reasons of history (word 60). */
const MOST_LBA28 = 0x0fff_ffff;

const FIRMWARE = '1.0';
const MODEL = 'Doorbell disk';

export function identifyDevice(disk: DiskDescription, target: Uint8Array): void {
  target.fill(0, 0, 512);
  const view = new DataView(target.buffer, target.byteOffset, 512);
  const word = (number: number, value: number): void => view.setUint16(number * 2, value, true);
  const dword = (number: number, value: number): void => view.setUint32(number * 2, value, true);
  const { sectors, heads, sectorsPerTrack, multiple, mostMultiple, transferMode } = disk;
  // A BIOS reads nothing at all of a disk that has no cylinder: the only one of a tiny disk is not complete.
  const cylinders = Math.max(1, Math.min(MOST_CYLINDERS, Math.floor(sectors / (HEADS * SECTORS_PER_TRACK))));
  const currentCylinders = Math.min(0xffff, Math.floor(sectors / (heads * sectorsPerTrack)));
  const mode = transferMode & 7;

  // A fixed drive; default translation.
  word(0, 0x0040);
  word(1, cylinders);
  word(3, HEADS);
  word(6, SECTORS_PER_TRACK);
  text(target, 10, 20, disk.serial);
  text(target, 23, 8, FIRMWARE);
  text(target, 27, 40, MODEL);
  word(47, 0x8000 | mostMultiple);
  // IORDY, IORDY may be disabled, LBA, DMA.
  word(49, 0x0f00);
  word(50, 0x4000);
  // PIO timing mode 2 without IORDY; words 54–58, 64–70 and 88 are valid.
  word(51, 0x0200);
  word(53, 0x0007);
  word(54, currentCylinders);
  word(55, heads);
  word(56, sectorsPerTrack);
  dword(57, currentCylinders * heads * sectorsPerTrack);
  word(59, multiple === 0 ? 0 : 0x0100 | multiple);
  dword(60, Math.min(MOST_LBA28, sectors));
  // Multiword DMA 0–2, PIO 3 and 4, 120 ns a cycle.
  word(63, 0x0007 | ((transferMode & 0xf8) === 0x20 ? 0x100 << mode : 0));
  word(64, 0x0003);
  for (let number = 65; number <= 68; number++) word(number, 120);
  // ATA/ATAPI-4 to -7, no particular revision.
  word(80, 0x00f0);
  // Look-ahead, write cache, power management; FLUSH CACHE EXT, FLUSH CACHE, 48-bit addresses.
  word(82, 0x0068);
  word(83, 0x7400);
  word(84, 0x4000);
  word(85, 0x0008 | (disk.writeCache ? 0x20 : 0) | (disk.lookAhead ? 0x40 : 0));
  word(86, 0x3400);
  word(87, 0x4000);
  // Ultra DMA 0–5, by a cable of 80 conductors; the drive's number is set by jumper, and diagnostics passed.
  word(88, 0x003f | ((transferMode & 0xf8) === 0x40 ? 0x100 << mode : 0));
  word(93, disk.number === 0 ? 0x600b : 0x6b00);
  dword(100, sectors % 2 ** 32);
  word(102, Math.floor(sectors / 2 ** 32));
  // One logical sector a physical one.
  word(106, 0x4000);
  // Word 255 is A5h and a checksum that makes all 512 bytes add up to 0.
  target[510] = 0xa5;
  let sum = 0;
  for (let at = 0; at < 511; at++) sum += target[at]!;
  target[511] = -sum;
}

/** Strings have the first character in the high byte of the first word, and blanks behind (volume 1, 3.2.9). */
export function text(target: Uint8Array, word: number, length: number, value: string): void {
  for (let at = 0; at < length; at++) {
    target[word * 2 + (at ^ 1)] = at < value.length ? value.charCodeAt(at) & 0x7f : 0x20;
  }
}
