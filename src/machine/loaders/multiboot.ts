// Multiboot 1 images: ELF32 executables and images whose header has the load addresses (Multiboot Specification 0.6.96).

import { isElf, isElf64, readElf32 } from './elf.js';
import { enterProtectedMode, FLAT_GDT } from './entry-state.js';
import { ImageError } from './image-error.js';
import { INFO_START, reservedForInfo } from './info-block.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';
import { placeModules } from './modules.js';
import { hasMultibootHeader, HeaderFlag, readAddresses, readHeader } from './multiboot-header.js';
import { makeInformation } from './multiboot-info.js';
import { hasPvhEntry } from './pvh-note.js';
import { checkSegments, writeSegments, type Segment } from './segments.js';

/** In EAX at the entry. */
const BOOTED = 0x2bad_b002n;

export const multibootLoader: Loader = {
  name: 'Multiboot 1',

  /** A 64-bit ELF that has a PVH entry too can be started there only. */
  recognises: (image) => hasMultibootHeader(image) && !(isElf64(image) && hasPvhEntry(image)),

  /** Enters 32-bit protected mode with flat segments, paging and interrupts off (3.2). */
  load(image: Uint8Array, target: BootTarget): LoadReport {
    const { offset, flags } = readHeader(image);
    const { segments, entry } = place(image, offset, flags);
    checkSegments(segments, target.ram, [reservedForInfo('Multiboot')]);
    const modules = placeModules(target.modules, segments, target.ram);
    const information = makeInformation(target.ram, target.cmdline, modules);
    writeSegments([...segments, information.segment], target);
    for (const { start, module } of modules) target.memory.write(start, module.bytes);
    const rbx = BigInt(information.address);
    enterProtectedMode(target.vcpu, { rip: entry, gdt: FLAT_GDT, gdtAt: INFO_START, rax: BOOTED, rbx });
    const video = (flags & HeaderFlag.VideoMode) !== 0;
    return { notes: video ? ['the image asks for a video mode; this machine has no display'] : [] };
  },
};

function place(image: Uint8Array, offset: number, flags: number): { segments: readonly Segment[]; entry: number } {
  if ((flags & HeaderFlag.Addresses) !== 0) {
    const { segment, entry } = readAddresses(image, offset);
    return { segments: [segment], entry };
  }
  if (isElf64(image)) {
    throw new ImageError('the image is a 64-bit ELF; Multiboot 1 takes 32-bit ELF, or load addresses in its header');
  }
  if (!isElf(image)) {
    throw new ImageError(
      'the Multiboot header has no load addresses (flags bit 16), and the image is no ELF that would give them',
    );
  }
  return readElf32(image);
}
