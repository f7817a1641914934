// The "zero page" of a Linux kernel, struct boot_params (Linux, Documentation/arch/x86/zero-page.rst).

import { HIGH_START, memoryMap, usableEnd } from '../memory-map.js';
import { SetupField, type LinuxImage } from './linux-header.js';

export const ZERO_PAGE_SIZE = 4096;

const EXT_MEM_K = 0x02;
const OLD_CMDLINE_MAGIC = 0x20;
const OLD_CMDLINE_OFFSET = 0x22;
const ACPI_RSDP = 0x70;
const ALT_MEM_K = 0x1e0;
const E820_ENTRIES = 0x1e8;
const E820_TABLE = 0x2d0;
const E820_ENTRY_SIZE = 20;

/** Before protocol 2.02 the command line was found by this magic. */
const CMDLINE_MAGIC = 0xa33f;
/** "Undefined": a loader without a number of its own. */
const LOADER = 0xff;
const NORMAL_VIDEO = 0xffff;
/** QUIET_FLAG is the only one of loadflags that is not the loader's or fixed. */
const KEPT_LOADFLAGS = 0x21;

/** struct screen_info for VGA text mode 3, 80x25, the cursor at the top left (Linux, include/uapi/linux/screen_info.h). */
const SCREEN: readonly (readonly [at: number, value: number])[] = [
  [0x06, 3],
  [0x07, 80],
  // A colour EGA or better, with all of its memory (BIOS function 12h/10h).
  [0x0a, 3],
  [0x0e, 25],
  // Type: VGA text; 16 scan lines a character.
  [0x0f, 1],
  [0x10, 16],
];

export interface ZeroPageParts {
  readonly linux: LinuxImage;
  readonly ram: number;
  readonly initrd: { readonly start: number; readonly size: number };
  /** From the zero page's own start. */
  readonly cmdline: { readonly address: number; readonly offset: number };
  readonly acpiRsdp: number;
}

export function zeroPage({ linux, ram, initrd, cmdline, acpiRsdp }: ZeroPageParts): Uint8Array {
  const page = new Uint8Array(ZERO_PAGE_SIZE);
  const view = new DataView(page.buffer);
  for (const [at, value] of SCREEN) page[at] = value;
  const highKib = Math.max(0, usableEnd(ram) - HIGH_START) / 1024;
  view.setUint16(EXT_MEM_K, Math.min(highKib, 0xffff), true);
  view.setUint32(ALT_MEM_K, highKib, true);
  view.setBigUint64(ACPI_RSDP, BigInt(acpiRsdp), true);

  page.set(linux.header, SetupField.SetupSects);
  view.setUint16(SetupField.VideoMode, NORMAL_VIDEO, true);
  page[SetupField.TypeOfLoader] = LOADER;
  page[SetupField.LoadFlags]! &= KEPT_LOADFLAGS;
  view.setUint32(SetupField.Code32Start, linux.loadAddress, true);
  view.setUint32(SetupField.RamdiskImage, initrd.start, true);
  view.setUint32(SetupField.RamdiskSize, initrd.size, true);
  if (linux.version >= 0x202) {
    view.setUint32(SetupField.CmdLinePtr, cmdline.address, true);
  } else {
    view.setUint16(OLD_CMDLINE_MAGIC, CMDLINE_MAGIC, true);
    view.setUint16(OLD_CMDLINE_OFFSET, cmdline.offset, true);
  }

  const map = memoryMap(ram);
  page[E820_ENTRIES] = map.length;
  for (const [index, range] of map.entries()) {
    const at = E820_TABLE + index * E820_ENTRY_SIZE;
    view.setBigUint64(at, BigInt(range.start), true);
    view.setBigUint64(at + 8, BigInt(range.length), true);
    view.setUint32(at + 16, range.type, true);
  }
  return page;
}
