// Puts the tables into guest memory, for kernels that start without a firmware. The root pointer and the MP structure go where
// they are searched for, into the megabyte's last 64 KiB (ACPI 5.2.5.1, MP 4).

import type { GuestMemory } from '../../vmm/guest-memory.js';
import type { Blob, Link } from './blob.js';
import { buildTables } from './build-tables.js';
import { buildMpTables } from './mp-tables.js';
import type { PlatformOptions } from './platform.js';

const ROOTS_AT = 0xf_0000;
const MP_AT = 0xf_0100;
const END = 0x10_0000;

export class TablesError extends Error {
  override readonly name = 'TablesError';
}

/** Where the tables go that a pointer leads to. */
export interface TableArea {
  readonly start: number;
  readonly size: number;
}
const LOW_AREA: TableArea = { start: 0xe_0000, size: ROOTS_AT - 0xe_0000 };

/** Where the tables went. */
export interface PlacedTables {
  readonly rsdp: number;
  readonly mp: number;
}

/**
 * Writes ACPI and MP tables. `area` is memory that the memory map calls reserved, or ACPI tables; at E0000h by default.
 * Throws TablesError if there are too many processors for the room.
 */
export function placeTables(memory: GuestMemory, options: PlatformOptions, area = LOW_AREA): PlacedTables {
  const { tables, rsdp, links } = buildTables(options);
  const start = Math.ceil(area.start / tables.align) * tables.align;
  const places = new Map([
    [tables.name, { blob: tables, at: start }],
    [rsdp.name, { blob: rsdp, at: ROOTS_AT }],
  ]);
  const mp = buildMpTables(options, MP_AT);
  if (start + tables.bytes.length > area.start + area.size || MP_AT + mp.length > END) {
    throw new TablesError(`ACPI tables: those of ${options.cpus} processors do not fit into ${area.size} bytes`);
  }
  for (const [name, bytes] of link(places, links)) memory.write(places.get(name)!.at, bytes);
  memory.write(MP_AT, mp);
  return { rsdp: ROOTS_AT, mp: MP_AT };
}

/** Copies of the blobs with all pointers and checksums right for their places. */
export function link(
  places: ReadonlyMap<string, { readonly blob: Blob; readonly at: number }>,
  links: readonly Link[],
): Map<string, Uint8Array> {
  const copies = new Map([...places].map(([name, { blob }]) => [name, blob.bytes.slice()]));
  for (const step of links) {
    const bytes = copies.get(step.blob)!;
    if (step.kind === 'pointer') {
      const view = new DataView(bytes.buffer);
      // All places are below 4 GiB: the upper half of a long pointer stays 0.
      view.setUint32(step.offset, view.getUint32(step.offset, true) + places.get(step.to)!.at, true);
    } else {
      const sum = bytes.subarray(step.start, step.start + step.length).reduce((total, byte) => total + byte, 0);
      bytes[step.offset]! -= sum;
    }
  }
  return copies;
}
