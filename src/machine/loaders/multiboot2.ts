// Multiboot 2 images: ELF executables of either class, and images whose header has the load addresses (Multiboot2
// Specification 2.0).

import { isElf, readElf, withEntry, type ElfImage, type ElfSections } from './elf.js';
import { enterProtectedMode, FLAT_GDT } from './entry-state.js';
import { ImageError } from './image-error.js';
import { INFO_START, reservedForInfo } from './info-block.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';
import { placeModules } from './modules.js';
import { hasMultiboot2Header, readMultiboot2Header, type Multiboot2Header } from './multiboot2-header.js';
import { makeInformation2 } from './multiboot2-info.js';
import { placeSymbols } from './symbol-sections.js';
import { checkSegments, hexAddress, writeSegments, type Segment } from './segments.js';

/** In EAX at the entry. */
const BOOTED = 0x36d7_6289n;

export const multiboot2Loader: Loader = {
  name: 'Multiboot 2',

  recognises: hasMultiboot2Header,

  /** Enters 32-bit protected mode with flat segments, paging and interrupts off (3.3). */
  load(image: Uint8Array, target: BootTarget): LoadReport {
    const header = readMultiboot2Header(image);
    const { segments: kernel, entry, sections } = place(image, header);
    const segments = [...kernel, ...(sections === undefined ? [] : placeSymbols(image, sections, kernel))];
    checkSegments(segments, target.ram, [reservedForInfo('Multiboot 2')]);
    const modules = placeModules(target.modules, segments, target.ram);
    const loadBase = header.relocatable ? Math.min(...kernel.map(({ start }) => start)) : undefined;
    const { memory, ram, cmdline, acpiRsdp } = target;
    const information = makeInformation2({ memory, ram, cmdline, modules, sections, acpiRsdp, loadBase });
    writeSegments([...segments, information.segment], target);
    for (const { start, module } of modules) memory.write(start, module.bytes);
    const rbx = BigInt(information.address);
    enterProtectedMode(target.vcpu, { rip: entry, gdt: FLAT_GDT, gdtAt: INFO_START, rax: BOOTED, rbx });
    return { notes: header.notes };
  },
};

interface Placed {
  readonly segments: readonly Segment[];
  readonly entry: number;
  readonly sections: ElfSections | undefined;
}

function place(image: Uint8Array, { segment, entry, offset }: Multiboot2Header): Placed {
  if (segment !== undefined && entry !== undefined) return { segments: [segment], entry, sections: undefined };
  if (!isElf(image)) {
    throw new ImageError(
      `the Multiboot 2 header at offset ${hexAddress(offset)} has no load addresses (tag 2), and the image is no ELF that ` +
        'would give them',
    );
  }
  const elf = readElf(image);
  const { segments, sections } = elf;
  return { segments, entry: entry === undefined ? withEntry(elf).entry : within(elf, entry), sections };
}

function within({ segments }: ElfImage, entry: number): number {
  if (segments.some(({ start, end }) => entry >= start && entry < end)) return entry;
  throw new ImageError(
    `the entry ${hexAddress(entry)} of the Multiboot 2 header is outside of what the ELF image loads`,
  );
}
