// The block of information that a Multiboot kernel finds (Multiboot Specification 0.6.96, 3.3), in conventional memory
// between 0x80000 and 0x9F000: existing kernels are linked below or from 1 MiB on.
//
// From the start: the GDT, the information structure, then modules, memory map and strings.

import { HIGH_START, LOW_END, memoryMap } from '../memory-map.js';
import { ImageError } from './image-error.js';
import type { BootModule } from './loader.js';
import type { Segment } from './segments.js';

export const INFO_START = 0x8_0000;
export const INFO_END = 0x9_f000;
/** The GDT: null, a flat code segment and a flat data segment, accessed already. */
export const GDT_ADDRESS = INFO_START;
export const GDT_ENTRIES = [0n, 0x00cf_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn];
const INFO_ADDRESS = INFO_START + 0x20;
const INFO_SIZE = 120;

const HAS_MEMORY = 0x1;
const HAS_CMDLINE = 0x4;
const HAS_MODULES = 0x8;
const HAS_MAP = 0x40;
const HAS_LOADER_NAME = 0x200;

const MODULE_SIZE = 16;
/** A map entry and the size field before it, which does not count itself. */
const MAP_ENTRY_SIZE = 24;
const USABLE = 1;
const RESERVED = 2;

const LOADER_NAME = 'doorbell';

/** Where a module has been put. */
export interface PlacedModule {
  readonly start: number;
  readonly module: BootModule;
}

/** Bytes from INFO_START, grown downwards from the fixed part. */
class Block {
  readonly bytes = new Uint8Array(INFO_END - INFO_START);
  readonly view = new DataView(this.bytes.buffer);
  #next = INFO_ADDRESS + INFO_SIZE;

  /** The address of `size` new bytes, on a 4-byte boundary. */
  take(size: number, what: string): number {
    const address = (this.#next + 3) & ~3;
    if (address + size > INFO_END) {
      throw new ImageError(
        `${what} does not fit in the ${INFO_END - INFO_START} bytes of Multiboot information: ${size} bytes`,
      );
    }
    this.#next = address + size;
    return address;
  }

  u32(address: number, value: number): void {
    this.view.setUint32(address - INFO_START, value, true);
  }

  u64(address: number, value: bigint): void {
    this.view.setBigUint64(address - INFO_START, value, true);
  }

  string(text: string, what: string): number {
    const encoded = new TextEncoder().encode(text);
    if (encoded.includes(0)) throw new ImageError(`${what} has a NUL character in it`);
    const address = this.take(encoded.length + 1, what);
    this.bytes.set(encoded, address - INFO_START);
    return address;
  }

  get used(): Uint8Array {
    return this.bytes.subarray(0, this.#next - INFO_START);
  }
}

/** The block as a segment to load, and the address that goes to EBX. Throws ImageError if it becomes too large. */
export function makeInformation(
  ram: number,
  cmdline: string,
  modules: readonly PlacedModule[],
): { segment: Segment; address: number } {
  const block = new Block();
  for (const [index, entry] of GDT_ENTRIES.entries()) block.u64(GDT_ADDRESS + index * 8, entry);
  const field = (offset: number, value: number): void => block.u32(INFO_ADDRESS + offset, value);
  field(0, HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MAP | HAS_LOADER_NAME);
  field(4, LOW_END / 1024);
  field(8, (ram - HIGH_START) / 1024);
  field(16, block.string(cmdline, 'the command line'));
  field(20, modules.length);
  field(24, writeModules(block, modules));
  const map = writeMap(block, ram);
  field(44, map.length);
  field(48, map.address);
  field(64, block.string(LOADER_NAME, "the loader's name"));
  const segment = { what: 'the Multiboot information', start: INFO_START, end: INFO_END, bytes: block.used };
  return { segment, address: INFO_ADDRESS };
}

function writeModules(block: Block, modules: readonly PlacedModule[]): number {
  const table = block.take(modules.length * MODULE_SIZE, `the table of ${modules.length} modules`);
  for (const [index, { start, module }] of modules.entries()) {
    const at = table + index * MODULE_SIZE;
    block.u32(at, start);
    block.u32(at + 4, start + module.bytes.length);
    block.u32(at + 8, block.string(module.cmdline ?? '', `the command line of module ${index}`));
  }
  return table;
}

function writeMap(block: Block, ram: number): { address: number; length: number } {
  const map = memoryMap(ram);
  const length = map.length * MAP_ENTRY_SIZE;
  const address = block.take(length, 'the memory map');
  for (const [index, range] of map.entries()) {
    const at = address + index * MAP_ENTRY_SIZE;
    block.u32(at, MAP_ENTRY_SIZE - 4);
    block.u64(at + 4, BigInt(range.start));
    block.u64(at + 12, BigInt(range.length));
    block.u32(at + 20, range.usable ? USABLE : RESERVED);
  }
  return { address, length };
}
