// What a Multiboot 2 kernel is told: a list of tags (Multiboot2 Specification 2.0, 3.6).

import type { GuestMemory } from '../../vmm/guest-memory.js';
import { HIGH_START, LOW_END, memoryMap, usableEnd } from '../memory-map.js';
import type { ElfSections } from './elf.js';
import { InfoBlock, zeroTerminated } from './info-block.js';
import { LOADER_NAME } from './multiboot-info.js';
import type { PlacedModule } from './modules.js';
import type { Segment } from './segments.js';

const InformationTag = {
  End: 0,
  Cmdline: 1,
  LoaderName: 2,
  Module: 3,
  BasicMemory: 4,
  MemoryMap: 6,
  Framebuffer: 8,
  ElfSections: 9,
  AcpiOld: 14,
  AcpiNew: 15,
  LoadBase: 21,
} as const;
const MAP_ENTRY_SIZE = 24;
const RSDP_SIZE = 20;
const RSDP_NEW_SIZE = 36;
const RSDP_REVISION_AT = 15;

/** A list of little-endian numbers; n[0] bytes each. */
type Fields = readonly (readonly [size: 1 | 2 | 4 | 8, value: number])[];

function packed(fields: Fields): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return bytes;
}

export interface Multiboot2Parts {
  readonly memory: GuestMemory;
  readonly ram: number;
  readonly cmdline: string;
  readonly modules: readonly PlacedModule[];
  readonly sections: ElfSections | undefined;
  readonly acpiRsdp: number | undefined;
  /** Where the image lies; given to kernels that could have been moved. */
  readonly loadBase: number | undefined;
}

/** The block as a segment to load, and the address that goes to EBX. Throws ImageError if it becomes too large. */
export function makeInformation2(parts: Multiboot2Parts): { segment: Segment; address: number } {
  const { ram, cmdline, modules, sections, loadBase } = parts;
  const block = new InfoBlock('Multiboot 2');
  const address = block.take(8, 'the information', 8);
  let end = address + 8;
  const tag = (type: number, what: string, ...content: readonly Uint8Array[]): void => {
    const size = content.reduce((sum, { length }) => sum + length, 8);
    const at = block.take(size, what, 8);
    block.put(at, packed([[4, type], [4, size]])); // prettier-ignore
    let next = at + 8;
    for (const bytes of content) {
      block.put(next, bytes);
      next += bytes.length;
    }
    end = next;
  };
  tag(InformationTag.Cmdline, 'the command line', zeroTerminated(cmdline, 'the command line'));
  tag(InformationTag.LoaderName, "the loader's name", zeroTerminated(LOADER_NAME, "the loader's name"));
  for (const [index, { start, module }] of modules.entries()) {
    const what = `the command line of module ${index}`;
    const place = packed([[4, start], [4, start + module.bytes.length]]); // prettier-ignore
    tag(InformationTag.Module, what, place, zeroTerminated(module.cmdline ?? '', what));
  }
  const upper = Math.max(0, usableEnd(ram) - HIGH_START) / 1024;
  tag(InformationTag.BasicMemory, 'the amount of memory', packed([[4, LOW_END / 1024], [4, upper]])); // prettier-ignore
  tag(InformationTag.MemoryMap, 'the memory map', mapOf(ram));
  tag(InformationTag.Framebuffer, 'the text screen', TEXT_SCREEN);
  if (sections !== undefined) {
    const { count, size, names, bytes } = sections;
    // The specification's text has 16-bit fields here, its header file and GRUB 32-bit ones; kernels use the latter.
    const head = packed([[4, count], [4, size], [4, names]]); // prettier-ignore
    tag(InformationTag.ElfSections, 'the ELF section headers', head, bytes);
  }
  for (const [type, rsdp] of rootPointers(parts)) tag(type, 'the ACPI root pointer', rsdp);
  if (loadBase !== undefined) tag(InformationTag.LoadBase, 'the load address', packed([[4, loadBase]]));
  tag(InformationTag.End, 'the end tag');
  block.u32(address, end - address);
  return { segment: block.segment, address };
}

/** 80x25 of VGA text at B8000h: type 2, 16 bits a character, 160 bytes a line. */
// prettier-ignore
const TEXT_SCREEN = packed([[8, 0xb_8000], [4, 160], [4, 80], [4, 25], [1, 16], [1, 2], [2, 0]]);

function mapOf(ram: number): Uint8Array {
  const entries = memoryMap(ram).flatMap<Fields[number]>(({ start, length, type }) => [
    [8, start],
    [8, length],
    [4, type],
    [4, 0],
  ]);
  return packed([[4, MAP_ENTRY_SIZE], [4, 0], ...entries]);
}

/** Copies of the root pointer: of ACPI 1.0's part always, of the whole if there is more. */
function rootPointers({ memory, acpiRsdp }: Multiboot2Parts): [type: number, bytes: Uint8Array][] {
  if (acpiRsdp === undefined || !memory.covers(acpiRsdp, RSDP_NEW_SIZE)) return [];
  const rsdp = memory.read(acpiRsdp, RSDP_NEW_SIZE);
  const pointers: [number, Uint8Array][] = [[InformationTag.AcpiOld, rsdp.subarray(0, RSDP_SIZE)]];
  if (rsdp[RSDP_REVISION_AT]! >= 2) pointers.push([InformationTag.AcpiNew, rsdp]);
  return pointers;
}
