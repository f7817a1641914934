// ELF kernels with a PVH entry note, 32-bit or 64-bit: the "x86/HVM direct boot ABI" (Xen, docs/misc/pvh.pandoc), which
// Linux (CONFIG_PVH), FreeBSD and unikernels have.

import { memoryMap } from '../memory-map.js';
import { isElf, isElf64, readElf } from './elf.js';
import { enterProtectedMode, FLAT_GDT } from './entry-state.js';
import { ImageError } from './image-error.js';
import { InfoBlock, INFO_START, reservedForInfo } from './info-block.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';
import { placeModules, type PlacedModule } from './modules.js';
import { pvhEntry } from './pvh-note.js';
import { checkSegments, hexAddress, writeSegments } from './segments.js';

/** struct hvm_start_info, version 1 (Xen, public/arch-x86/hvm/start_info.h). */
const MAGIC = 0x336e_c578;
const VERSION = 1;
const INFO_SIZE = 56;
const MODULE_SIZE = 32;
const MAP_ENTRY_SIZE = 24;

export const pvhLoader: Loader = {
  name: 'ELF with a PVH entry',

  /** Every ELF that no other loader wants: without the note it gets an error that says what is missing. */
  recognises: isElf,

  /** Enters 32-bit protected mode with flat segments, paging off, EBX at the start information. */
  load(image: Uint8Array, target: BootTarget): LoadReport {
    const elf = readElf(image);
    const { segments } = elf;
    const entry = pvhEntry(elf);
    if (entry === undefined) {
      const kind = isElf64(image) ? '64-bit' : '32-bit';
      throw new ImageError(
        `the ${kind} ELF image has neither a Multiboot header nor a PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY); ` +
          'a Linux vmlinux has the note if it was built with CONFIG_PVH, else give its bzImage',
      );
    }
    if (!segments.some(({ start, end }) => entry >= start && entry < end)) {
      throw new ImageError(`the PVH entry ${hexAddress(entry)} is outside of what the ELF image loads`);
    }
    checkSegments(segments, target.ram, [reservedForInfo('PVH')]);
    const modules = placeModules(target.modules, segments, target.ram);
    const block = new InfoBlock('PVH');
    const information = describe(block, target, modules);
    writeSegments([...segments, block.segment], target);
    for (const { start, module } of modules) target.memory.write(start, module.bytes);
    const rbx = BigInt(information);
    enterProtectedMode(target.vcpu, { rip: entry, gdt: FLAT_GDT, gdtAt: INFO_START, rbx });
    return { notes: [] };
  },
};

/** Writes the start information and what it points to; its address. */
function describe(block: InfoBlock, { ram, cmdline, acpiRsdp = 0 }: BootTarget, modules: readonly PlacedModule[]) {
  const info = block.take(INFO_SIZE, 'the start information', 8);
  const map = memoryMap(ram);
  block.u32(info, MAGIC);
  block.u32(info + 4, VERSION);
  block.u32(info + 12, modules.length);
  block.u64(info + 16, writeModules(block, modules));
  block.u64(info + 24, block.string(cmdline, 'the command line'));
  block.u64(info + 32, acpiRsdp);
  const table = block.take(map.length * MAP_ENTRY_SIZE, 'the memory map', 8);
  for (const [index, range] of map.entries()) {
    const at = table + index * MAP_ENTRY_SIZE;
    block.u64(at, range.start);
    block.u64(at + 8, range.length);
    block.u32(at + 16, range.type);
  }
  block.u64(info + 40, table);
  block.u32(info + 48, map.length);
  return info;
}

function writeModules(block: InfoBlock, modules: readonly PlacedModule[]): number {
  if (modules.length === 0) return 0;
  const table = block.take(modules.length * MODULE_SIZE, `the table of ${modules.length} modules`, 8);
  for (const [index, { start, module }] of modules.entries()) {
    const at = table + index * MODULE_SIZE;
    block.u64(at, start);
    block.u64(at + 8, module.bytes.length);
    if (module.cmdline !== undefined) {
      block.u64(at + 16, block.string(module.cmdline, `the command line of module ${index}`));
    }
  }
  return table;
}
