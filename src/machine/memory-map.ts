// The PC's guest-physical address space: where there is RAM, and what a boot protocol tells the guest about it.

const KIB = 1024;
const MIB = 1024 * KIB;

/** End of the conventional memory that a guest may use; the BIOS keeps its data area in the last kilobyte below 640 KiB. */
export const LOW_END = 0x9_fc00;
/** Adapters' memory and firmware, up to 1 MiB. There is RAM behind it here, but no guest is told so. */
export const HIGH_START = MIB;
/** Everything from here to 4 GiB is devices'. */
export const HOLE_START = 0xe000_0000;

export const MIN_MEMORY = MIB;
export const MAX_MEMORY = HOLE_START;

/** One range of the memory map, in bytes. */
export interface MemoryRange {
  readonly start: number;
  readonly length: number;
  readonly usable: boolean;
}

/** The map of a PC with `memory` bytes of RAM, in ascending order. */
export function memoryMap(memory: number): MemoryRange[] {
  const map = [
    { start: 0, length: LOW_END, usable: true },
    { start: LOW_END, length: HIGH_START - LOW_END, usable: false },
  ];
  if (memory > HIGH_START) map.push({ start: HIGH_START, length: memory - HIGH_START, usable: true });
  return map;
}

/** Why nothing can be loaded at [start, end), or undefined. */
export function objectionTo(start: number, end: number, memory: number): string | undefined {
  if (end > memory) return `is outside of RAM, which ends at 0x${memory.toString(16)}`;
  if (start < HIGH_START && end > LOW_END && end > start) {
    return `overlaps 0x${LOW_END.toString(16)}…0x${(HIGH_START - 1).toString(16)}, which is not RAM on a PC`;
  }
  return undefined;
}
