// Multiboot 1 images: ELF32 executables and images whose header has the load addresses (Multiboot Specification 0.6.96).

import type { Segment as SegmentRegister } from '../../vmm/regs.js';
import type { Vcpu } from '../../vmm/vcpu.js';
import { HIGH_START } from '../memory-map.js';
import { isElf, isElf64, readElf32 } from './elf32.js';
import { ImageError } from './image-error.js';
import type { BootModule, BootTarget, Loader, LoadReport } from './loader.js';
import { hasMultibootHeader, HeaderFlag, readAddresses, readHeader } from './multiboot-header.js';
import {
  GDT_ADDRESS,
  GDT_ENTRIES,
  INFO_END,
  INFO_START,
  makeInformation,
  type PlacedModule,
} from './multiboot-info.js';
import { checkSegments, writeSegments, type Segment } from './segments.js';

/** In EAX at the entry. */
const BOOTED = 0x2bad_b002n;
const CODE_SELECTOR = 0x08;
const DATA_SELECTOR = 0x10;
const CODE_TYPE = 0xb;
const DATA_TYPE = 0x3;
const CR0_PE = 1n;
const PAGE = 4096;

export const multibootLoader: Loader = {
  name: 'Multiboot 1',

  recognises: hasMultibootHeader,

  /** Enters 32-bit protected mode with flat segments, paging and interrupts off (3.2). */
  load(image: Uint8Array, target: BootTarget): LoadReport {
    const { offset, flags } = readHeader(image);
    const { segments, entry } = place(image, offset, flags);
    const reserved = { what: 'the Multiboot information', start: INFO_START, end: INFO_END, bytes: new Uint8Array() };
    checkSegments(segments, target.ram, [reserved]);
    const modules = placeModules(target.modules, segments, target.ram);
    const information = makeInformation(target.ram, target.cmdline, modules);
    writeSegments([...segments, information.segment], target);
    for (const { start, module } of modules) target.memory.write(start, module.bytes);
    enter(target.vcpu, entry, information.address);
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

/** Behind the kernel, from 1 MiB on, each on a page of its own: what page-aligned modules ask for, and others do not mind. */
function placeModules(modules: readonly BootModule[], segments: readonly Segment[], ram: number): PlacedModule[] {
  let next = Math.max(HIGH_START, ...segments.map(({ end }) => end));
  return modules.map((module, index) => {
    const start = Math.ceil(next / PAGE) * PAGE;
    next = start + module.bytes.length;
    if (next > ram) {
      throw new ImageError(
        `module ${index} (${module.bytes.length} bytes) does not fit in RAM behind the kernel: from 0x${start.toString(16)} ` +
          `there are ${Math.max(0, ram - start)} bytes`,
      );
    }
    return { start, module };
  });
}

function enter(vcpu: Vcpu, entry: number, information: number): void {
  const flat = (selector: number, type: number): SegmentRegister => ({
    base: 0n,
    limit: 0xffff_ffff,
    selector,
    type,
    present: 1,
    dpl: 0,
    db: 1,
    s: 1,
    l: 0,
    g: 1,
    avl: 0,
    unusable: 0,
  });
  const data = flat(DATA_SELECTOR, DATA_TYPE);
  const sregs = vcpu.getSregs();
  vcpu.setSregs({
    ...sregs,
    cs: flat(CODE_SELECTOR, CODE_TYPE),
    ds: data,
    es: data,
    fs: data,
    gs: data,
    ss: data,
    gdt: { base: BigInt(GDT_ADDRESS), limit: GDT_ENTRIES.length * 8 - 1 },
    cr0: sregs.cr0 | CR0_PE,
  });
  vcpu.setRegs({ ...vcpu.getRegs(), rax: BOOTED, rbx: BigInt(information), rip: BigInt(entry) });
}
