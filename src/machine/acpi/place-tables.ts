// Puts the tables into guest memory, for kernels that start without a firmware: in the megabyte's last 128 KiB, which every
// memory map here calls reserved and where the root pointer and the MP structure are searched for (ACPI 5.2.5.1, MP 4).

import type { GuestMemory } from '../../vmm/guest-memory.js';
import type { Blob, Link } from './blob.js';
import { buildTables } from './build-tables.js';
import { buildMpTables } from './mp-tables.js';
import type { PlatformOptions } from './platform.js';

const TABLES_AT = 0xe_0000;
const ROOTS_AT = 0xf_0000;
const MP_AT = 0xf_0100;
const END = 0x10_0000;

export class TablesError extends Error {
  override readonly name = 'TablesError';
}

/** Where the tables went. */
export interface PlacedTables {
  readonly rsdp: number;
  readonly mp: number;
}

/** Writes ACPI and MP tables. Throws TablesError if there are too many processors for the room. */
export function placeTables(memory: GuestMemory, options: PlatformOptions): PlacedTables {
  const { tables, rsdp, links } = buildTables(options);
  const places = new Map([
    [tables.name, { blob: tables, at: TABLES_AT }],
    [rsdp.name, { blob: rsdp, at: ROOTS_AT }],
  ]);
  if (TABLES_AT + tables.bytes.length > ROOTS_AT) {
    throw new TablesError(
      `ACPI tables of ${options.cpus} processors take ${tables.bytes.length} bytes, more than 64 KiB`,
    );
  }
  const linked = link(places, links);
  const mp = buildMpTables(options, MP_AT);
  if (MP_AT + mp.length > END) throw new TablesError(`MP tables of ${options.cpus} processors take ${mp.length} bytes`);
  for (const [name, { at }] of places) memory.write(at, linked.get(name)!);
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
