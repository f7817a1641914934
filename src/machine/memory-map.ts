// The PC's guest-physical address space: where there is RAM, and what a boot protocol tells the guest about it.

const KIB = 1024;
const MIB = 1024 * KIB;

/** End of the conventional memory that a guest may use; the BIOS keeps its data area in the last kilobyte below 640 KiB. */
export const LOW_END = 0x9_fc00;
/** Adapters' memory and firmware, up to 1 MiB. There is RAM behind it here, but no guest is told so. */
export const HIGH_START = MIB;
/** Everything from here to 4 GiB is devices'. */
export const HOLE_START = 0xe000_0000;
/** PCI configuration space in memory (ECAM); a machine whose RAM reaches beyond here has none. */
export const ECAM_START = 0xb000_0000;
export const ECAM_SIZE = 256 * MIB;
/** Where a PC has its BIOS below 1 MiB: a copy, in RAM, of the end of the ROM. */
export const BIOS_SHADOW_START = 0xe_0000;
/** The I/O APIC's, HPET's and local APIC's pages lie here; above it is the firmware's ROM. */
const CHIPSET_START = 0xfec0_0000;
export const ADDRESS_SPACE_END = 0x1_0000_0000;

export const MIN_MEMORY = MIB;
export const MAX_MEMORY = HOLE_START;

/** Address range types of the ACPI specification (6.5, table 15.1), which E820, Multiboot and PVH share. */
export const RangeType = { Usable: 1, Reserved: 2, AcpiTables: 3, AcpiNvs: 4 } as const;

/** One range of the memory map, in bytes. */
export interface MemoryRange {
  readonly start: number;
  readonly length: number;
  /** One of RangeType. */
  readonly type: number;
  readonly usable: boolean;
}

/** ACPI tables lie in the last bytes of RAM: the guest may use them once it has read the tables. */
export const ACPI_AREA = { size: 128 * KIB } as const;

/** Where the ACPI tables go with `memory` bytes of RAM; undefined if there is so little that they would have no place. */
export function acpiArea(memory: number): { readonly start: number; readonly size: number } | undefined {
  const start = memory - ACPI_AREA.size;
  return start <= HIGH_START ? undefined : { start, size: ACPI_AREA.size };
}

/** End of the RAM from 1 MiB on that loaders and guests may use at once. */
export function usableEnd(memory: number): number {
  return acpiArea(memory)?.start ?? memory;
}

/** Whether RAM leaves the room that PCI configuration space in memory (ECAM) needs. */
export function hasEcam(memory: number): boolean {
  return memory <= ECAM_START;
}

function range(start: number, end: number, type: number): MemoryRange {
  return { start, length: end - start, type, usable: type === RangeType.Usable };
}

/** The map of a PC with `memory` bytes of RAM, in ascending order. */
export function memoryMap(memory: number): MemoryRange[] {
  const map = [
    range(0, LOW_END, RangeType.Usable),
    // The extended BIOS data area, adapters and firmware.
    range(LOW_END, HIGH_START, RangeType.Reserved),
  ];
  const end = usableEnd(memory);
  if (end > HIGH_START) map.push(range(HIGH_START, end, RangeType.Usable));
  if (end < memory) map.push(range(end, memory, RangeType.AcpiTables));
  if (hasEcam(memory)) map.push(range(ECAM_START, ECAM_START + ECAM_SIZE, RangeType.Reserved));
  map.push(range(CHIPSET_START, ADDRESS_SPACE_END, RangeType.Reserved));
  return map;
}

/** Why nothing can be loaded at [start, end), or undefined. */
export function objectionTo(start: number, end: number, memory: number): string | undefined {
  if (end > memory) return `is outside of RAM, which ends at 0x${memory.toString(16)}`;
  if (start < HIGH_START && end > LOW_END && end > start) {
    return `overlaps 0x${LOW_END.toString(16)}…0x${(HIGH_START - 1).toString(16)}, which is not RAM on a PC`;
  }
  const tables = usableEnd(memory);
  if (end > tables) return `overlaps the ACPI tables at 0x${tables.toString(16)}, the end of RAM`;
  return undefined;
}
