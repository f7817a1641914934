// Linux bzImage and zImage, by the 64-bit boot protocol where the kernel has it, else by the 32-bit one (Linux,
// Documentation/arch/x86/boot.rst). The real-mode setup is not run: what it would find out is told.
//
// In conventional memory, from 0x90000: the zero page, the GDT, the command line; below, from 0x80000, page tables.

import { LOW_END, usableEnd } from '../memory-map.js';
import { enterLongMode, enterProtectedMode, LINUX_GDT_32, LINUX_GDT_64 } from './entry-state.js';
import { ImageError } from './image-error.js';
import { identityTables } from './identity-tables.js';
import { zeroTerminated } from './info-block.js';
import { isLinux, readLinux, versionText, type LinuxImage } from './linux-header.js';
import { zeroPage, ZERO_PAGE_SIZE } from './linux-zero-page.js';
import type { BootModule, BootTarget, Loader, LoadReport } from './loader.js';
import { checkSegments, hexAddress, writeSegments, type Segment } from './segments.js';

const PAGE_TABLES = 0x8_0000;
const ZERO_PAGE = 0x9_0000;
const GDT = ZERO_PAGE + ZERO_PAGE_SIZE;
const CMDLINE = GDT + 64;
const CMDLINE_ROOM = LOW_END - CMDLINE;
const PAGE = 4096;

export const linuxLoader: Loader = {
  name: 'Linux bzImage',

  recognises: isLinux,

  /** In ESI/RSI the zero page, the kernel's selectors, interrupts off. */
  load(image: Uint8Array, target: BootTarget): LoadReport {
    const linux = readLinux(image);
    const { ram, cmdline, modules, acpiRsdp = 0, vcpu } = target;
    const line = commandLine(linux, cmdline);
    const kernel = checkKernel(linux, ram);
    const initrd = placeInitrd(linux, kernel, joined(modules), ram);
    const start = initrd.start;
    const page = zeroPage({
      linux,
      ram,
      initrd: { start, size: initrd.bytes.length },
      cmdline: { address: CMDLINE, offset: CMDLINE - ZERO_PAGE },
      acpiRsdp,
    });
    const gdt = linux.entry64 === undefined ? LINUX_GDT_32 : LINUX_GDT_64;
    writeSegments([kernel, initrd, low('zero page', ZERO_PAGE, page), low('command line', CMDLINE, line)], target);
    for (const [index, entry] of gdt.entries.entries()) target.memory.writeU64(GDT + index * 8, entry);
    const entry = { gdt, gdtAt: GDT, rsi: BigInt(ZERO_PAGE), rbx: 0n, rbp: 0n, rdi: 0n };
    if (linux.entry64 === undefined) {
      enterProtectedMode(vcpu, { ...entry, rip: linux.loadAddress });
    } else {
      target.memory.write(PAGE_TABLES, identityTables(PAGE_TABLES));
      enterLongMode(vcpu, { ...entry, rip: linux.loadAddress + linux.entry64 }, PAGE_TABLES);
    }
    const named = modules.some((module) => module.cmdline !== undefined);
    return { notes: named ? ['Linux gets its initrd without a command line of its own'] : [] };
  },
};

function low(what: string, start: number, bytes: Uint8Array): Segment {
  return { what: `the ${what}`, start, end: start + bytes.length, bytes };
}

function commandLine({ cmdlineSize, version }: LinuxImage, text: string): Uint8Array {
  const bytes = zeroTerminated(text, 'the command line');
  const most = Math.min(cmdlineSize, CMDLINE_ROOM - 1);
  if (bytes.length - 1 > most) {
    throw new ImageError(
      `the command line has ${bytes.length - 1} bytes; this kernel (boot protocol ${versionText(version)}) takes ${most}`,
    );
  }
  return bytes;
}

/** The kernel as a segment, whose place and the memory it uses before it knows the memory map are RAM. */
function checkKernel({ code, loadAddress, loadedHigh, runtime }: LinuxImage, ram: number): Segment {
  const bytes = code;
  const kernel = {
    what: `the Linux kernel at ${hexAddress(loadAddress)}`,
    start: loadAddress,
    end: loadAddress + bytes.length,
    bytes,
  };
  const reservedFrom = loadedHigh ? PAGE_TABLES : ZERO_PAGE;
  const reserved = { what: 'the boot parameters', start: reservedFrom, end: LOW_END, bytes: new Uint8Array() };
  checkSegments([kernel], ram, [reserved]);
  const end = usableEnd(ram);
  if (runtime.end > end) {
    const needed = runtime.end - runtime.start;
    throw new ImageError(
      `the Linux kernel needs ${needed} bytes at ${hexAddress(runtime.start)} to start (init_size), ` +
        `but RAM for it ends at ${hexAddress(end)}; give the machine more memory`,
    );
  }
  checkSegments([{ ...kernel, what: 'what the Linux kernel needs to start', ...runtime }], ram, [reserved]);
  return kernel;
}

/** Several initramfs images are one, each on a 4-byte boundary (Linux, driver-api/early-userspace/buffer-format.rst). */
function joined(modules: readonly BootModule[]): Uint8Array {
  if (modules.length === 1) return modules[0]!.bytes;
  const aligned = (size: number): number => (size + 3) & ~3;
  const all = new Uint8Array(modules.reduce((sum, { bytes }) => sum + aligned(bytes.length), 0));
  let at = 0;
  for (const { bytes } of modules) {
    all.set(bytes, at);
    at += aligned(bytes.length);
  }
  return all;
}

/** As high as the kernel reads and RAM goes, so that it is out of the way while the kernel unpacks itself. */
function placeInitrd({ initrdMax, runtime }: LinuxImage, kernel: Segment, bytes: Uint8Array, ram: number): Segment {
  if (bytes.length === 0) return { what: 'no initrd', start: 0, end: 0, bytes };
  const from = Math.max(kernel.end, runtime.end, 0x10_0000);
  const to = Math.min(usableEnd(ram), initrdMax + 1);
  const start = Math.floor((to - bytes.length) / PAGE) * PAGE;
  if (start < from) {
    throw new ImageError(
      `the initrd (${bytes.length} bytes) does not fit between the kernel's end, ${hexAddress(from)}, and ${hexAddress(to)}, ` +
        (to === initrdMax + 1 ? 'the highest address this kernel takes (initrd_addr_max)' : 'the end of RAM'),
    );
  }
  return { what: `the initrd at ${hexAddress(start)}`, start, end: start + bytes.length, bytes };
}
