// The setup header of a Linux/x86 kernel image (Linux, Documentation/arch/x86/boot.rst), protocol 2.00 and later.

import { ImageError } from './image-error.js';
import { hexAddress } from './segments.js';

/** Offsets of the fields, in the image and in the zero page alike. */
export const SetupField = {
  SetupSects: 0x1f1,
  SysSize: 0x1f4,
  VideoMode: 0x1fa,
  BootFlag: 0x1fe,
  HeaderLength: 0x201,
  Magic: 0x202,
  Version: 0x206,
  TypeOfLoader: 0x210,
  LoadFlags: 0x211,
  Code32Start: 0x214,
  RamdiskImage: 0x218,
  RamdiskSize: 0x21c,
  CmdLinePtr: 0x228,
  InitrdAddrMax: 0x22c,
  KernelAlignment: 0x230,
  Relocatable: 0x234,
  XLoadFlags: 0x236,
  CmdlineSize: 0x238,
  PrefAddress: 0x258,
  InitSize: 0x260,
} as const;

const MAGIC = 0x5372_6448;
const BOOT_FLAG = 0xaa55;
const SECTOR = 512;
/** What setup_sects means when it is 0. */
const OLD_SETUP_SECTS = 4;
/** The header must not reach into what follows it in the zero page. */
const HEADER_END = 0x290;
const LOADED_HIGH = 0x01;
const XLF_KERNEL_64 = 0x01;
const ENTRY_64 = 0x200;
/** For kernels that do not say: before protocols 2.03 and 2.06. */
const OLD_INITRD_MAX = 0x37ff_ffff;
const OLD_CMDLINE_SIZE = 255;
/** Where a kernel goes that cannot be relocated: zImage and bzImage. */
const LOW_ADDRESS = 0x1_0000;
const HIGH_ADDRESS = 0x10_0000;
/** The rule for bzImage is in the text on relocatable_kernel: from protocol 2.10 on they tell what memory they need. */
const TELLS_MEMORY = 0x20a;

export interface LinuxImage {
  /** 0x20f for 2.15. */
  readonly version: number;
  /** The header's bytes, which go to the zero page from 0x1F1 on. */
  readonly header: Uint8Array;
  /** The kernel proper. */
  readonly code: Uint8Array;
  readonly loadAddress: number;
  readonly loadedHigh: boolean;
  /** What the kernel uses before it has read the memory map, [start, end). */
  readonly runtime: { readonly start: number; readonly end: number };
  /** Offset of the 64-bit entry in the code; undefined without one. */
  readonly entry64: number | undefined;
  /** Last byte that an initrd may have. */
  readonly initrdMax: number;
  /** Bytes of a command line, without its NUL. */
  readonly cmdlineSize: number;
}

export function isLinux(image: Uint8Array): boolean {
  if (image.length < SetupField.Magic + 4) return false;
  const view = viewOf(image);
  return view.getUint16(SetupField.BootFlag, true) === BOOT_FLAG && view.getUint32(SetupField.Magic, true) === MAGIC;
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.byteLength);
}

export function versionText(version: number): string {
  return `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;
}

/** The header with the fields that its version does not have read as zero. */
class Fields {
  readonly view: DataView;
  readonly end: number;

  constructor(image: Uint8Array) {
    this.view = viewOf(image);
    this.end = SetupField.Magic + image[SetupField.HeaderLength]!;
  }

  u8(at: number): number {
    return at + 1 > this.end ? 0 : this.view.getUint8(at);
  }
  u16(at: number): number {
    return at + 2 > this.end ? 0 : this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return at + 4 > this.end ? 0 : this.view.getUint32(at, true);
  }
  u64(at: number): number {
    return at + 8 > this.end ? 0 : Number(this.view.getBigUint64(at, true));
  }
}

/** Reads the header and finds the kernel. Throws ImageError for what contradicts itself or is cut off. */
export function readLinux(image: Uint8Array): LinuxImage {
  const bad = (why: string): never => {
    throw new ImageError(`the Linux setup header: ${why}`);
  };
  if (image.length < HEADER_END) bad(`truncated: the image has ${image.length} bytes, the header reaches to 0x290`);
  const fields = new Fields(image);
  const version = fields.u16(SetupField.Version);
  if (version < 0x200 || version >= 0x300) {
    bad(`boot protocol ${versionText(version)} at offset 0x206 is not known; 2.00 to 2.15 are`);
  }
  // The jump over the header is "EB xx"; its distance says where the header ends.
  const smallest = SetupField.CmdLinePtr - 4;
  if (fields.end > HEADER_END || fields.end < smallest) {
    bad(`it ends at ${hexAddress(fields.end)} by the jump at offset 0x200; it must end at 0x224 to 0x290`);
  }
  const setupSize = ((fields.u8(SetupField.SetupSects) || OLD_SETUP_SECTS) + 1) * SECTOR;
  if (setupSize >= image.length) {
    bad(
      `truncated setup: ${setupSize / SECTOR} sectors are ${setupSize} bytes and the kernel follows them, ` +
        `but the image has ${image.length}`,
    );
  }
  const loadedHigh = (fields.u8(SetupField.LoadFlags) & LOADED_HIGH) !== 0;
  const code = readCode(image, fields, version, setupSize);
  const has64 = version >= 0x20c && (fields.u16(SetupField.XLoadFlags) & XLF_KERNEL_64) !== 0;
  if (has64 && code.length <= ENTRY_64)
    bad(`the kernel's ${code.length} bytes do not reach to its 64-bit entry, 0x200`);
  if (has64 && !loadedHigh) bad('it has a 64-bit entry (xloadflags bit 0), but is not loaded high (loadflags bit 0)');
  const cmdlineSize = version >= 0x206 ? fields.u32(SetupField.CmdlineSize) : OLD_CMDLINE_SIZE;
  return {
    version,
    header: image.subarray(SetupField.SetupSects, fields.end),
    code,
    loadedHigh,
    ...placeKernel(fields, version, loadedHigh, code.length),
    entry64: has64 ? ENTRY_64 : undefined,
    initrdMax: version >= 0x203 ? fields.u32(SetupField.InitrdAddrMax) : OLD_INITRD_MAX,
    cmdlineSize: cmdlineSize === 0 ? OLD_CMDLINE_SIZE : cmdlineSize,
  };
}

/** What is behind the setup, as far as syssize says; a signature may follow it. */
function readCode(image: Uint8Array, fields: Fields, version: number, setupSize: number): Uint8Array {
  // Before protocol 2.04 the field had 16 bits, too few for a bzImage (boot.rst on syssize).
  if (version < 0x204) return image.subarray(setupSize);
  const size = fields.u32(SetupField.SysSize) * 16;
  const there = image.length - setupSize;
  if (size === 0) throw new ImageError('the Linux setup header: syssize at offset 0x1f4 is 0');
  // It counts 16-byte units, the last of which need not be whole.
  if (there + 15 < size) {
    throw new ImageError(
      `the Linux kernel is truncated: ${size} bytes from offset ${hexAddress(setupSize)} on by syssize, but there are ${there}`,
    );
  }
  return image.subarray(setupSize, setupSize + Math.min(size, there));
}

/** Where the kernel is loaded and what it then uses: boot.rst on pref_address and init_size. */
function placeKernel(
  fields: Fields,
  version: number,
  loadedHigh: boolean,
  size: number,
): Pick<LinuxImage, 'loadAddress' | 'runtime'> {
  const standard = loadedHigh ? HIGH_ADDRESS : LOW_ADDRESS;
  if (version < TELLS_MEMORY || !loadedHigh) {
    return { loadAddress: standard, runtime: { start: standard, end: standard + size } };
  }
  const preferred = fields.u64(SetupField.PrefAddress);
  const alignment = fields.u32(SetupField.KernelAlignment);
  const relocatable = fields.u8(SetupField.Relocatable) !== 0;
  if (relocatable && (alignment === 0 || (alignment & (alignment - 1)) !== 0)) {
    throw new ImageError(
      `the Linux setup header: kernel_alignment ${hexAddress(alignment)} at offset 0x230 is not a power of two`,
    );
  }
  // A relocatable kernel below its preferred address would only move itself up there.
  const loadAddress = relocatable ? Math.max(standard, Math.ceil(preferred / alignment) * alignment) : standard;
  const start = relocatable ? loadAddress : preferred;
  return { loadAddress, runtime: { start, end: start + Math.max(fields.u32(SetupField.InitSize), size) } };
}
