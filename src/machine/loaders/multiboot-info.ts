// What a Multiboot kernel is told (Multiboot Specification 0.6.96, 3.3): the information structure, and behind it strings,
// modules and memory map.

import { HIGH_START, LOW_END, memoryMap, usableEnd } from '../memory-map.js';
import { InfoBlock } from './info-block.js';
import type { PlacedModule } from './modules.js';
import type { Segment } from './segments.js';

const INFO_SIZE = 120;

const HAS_MEMORY = 0x1;
const HAS_CMDLINE = 0x4;
const HAS_MODULES = 0x8;
const HAS_MAP = 0x40;
const HAS_LOADER_NAME = 0x200;

const MODULE_SIZE = 16;
/** A map entry and the size field before it, which does not count itself. */
const MAP_ENTRY_SIZE = 24;

export const LOADER_NAME = 'doorbell';

/** The block as a segment to load, and the address that goes to EBX. Throws ImageError if it becomes too large. */
export function makeInformation(
  ram: number,
  cmdline: string,
  modules: readonly PlacedModule[],
): { segment: Segment; address: number } {
  const block = new InfoBlock('Multiboot');
  const info = block.take(INFO_SIZE, 'the information structure', 8);
  const field = (offset: number, value: number): void => block.u32(info + offset, value);
  field(0, HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MAP | HAS_LOADER_NAME);
  field(4, LOW_END / 1024);
  field(8, Math.max(0, usableEnd(ram) - HIGH_START) / 1024);
  field(16, block.string(cmdline, 'the command line'));
  field(20, modules.length);
  field(24, writeModules(block, modules));
  const map = writeMap(block, ram);
  field(44, map.length);
  field(48, map.address);
  field(64, block.string(LOADER_NAME, "the loader's name"));
  return { segment: block.segment, address: info };
}

function writeModules(block: InfoBlock, modules: readonly PlacedModule[]): number {
  const table = block.take(modules.length * MODULE_SIZE, `the table of ${modules.length} modules`);
  for (const [index, { start, module }] of modules.entries()) {
    const at = table + index * MODULE_SIZE;
    block.u32(at, start);
    block.u32(at + 4, start + module.bytes.length);
    block.u32(at + 8, block.string(module.cmdline ?? '', `the command line of module ${index}`));
  }
  return table;
}

function writeMap(block: InfoBlock, ram: number): { address: number; length: number } {
  const map = memoryMap(ram);
  const length = map.length * MAP_ENTRY_SIZE;
  const address = block.take(length, 'the memory map');
  for (const [index, range] of map.entries()) {
    const at = address + index * MAP_ENTRY_SIZE;
    block.u32(at, MAP_ENTRY_SIZE - 4);
    block.u64(at + 4, range.start);
    block.u64(at + 12, range.length);
    block.u32(at + 20, range.type);
  }
  return { address, length };
}
