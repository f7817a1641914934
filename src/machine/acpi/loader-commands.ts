// The tables as a firmware finds them in fw_cfg: the blobs, and etc/table-loader, the list of what to do with them. An entry
// is 128 bytes: a command, and its numbers and file names (QEMU, hw/acpi/bios-linker-loader.c).

import { little } from './aml.js';
import type { Blob, Link } from './blob.js';
import type { AcpiTables } from './build-tables.js';

const LOADER_FILE = 'etc/table-loader';
const ENTRY = 128;
const NAME = 56;
const Command = { Allocate: 1, AddPointer: 2, AddChecksum: 3 } as const;
/** Anywhere below 4 GiB, or where the root pointer is searched for. */
const Zone = { High: 1, Segment: 2 } as const;

/** The files of fw_cfg by name. */
export function firmwareFiles({ tables, rsdp, links }: AcpiTables): Map<string, Uint8Array> {
  const entries = [allocate(rsdp, Zone.Segment), allocate(tables, Zone.High), ...links.map(command)];
  const loader = new Uint8Array(entries.length * ENTRY);
  for (const [index, entry] of entries.entries()) loader.set(entry, index * ENTRY);
  return new Map([
    [rsdp.name, rsdp.bytes],
    [tables.name, tables.bytes],
    [LOADER_FILE, loader],
  ]);
}

function fileName(name: string): number[] {
  const bytes = new Uint8Array(NAME);
  bytes.set(new TextEncoder().encode(name));
  return [...bytes];
}

function allocate({ name, align }: Blob, zone: number): number[] {
  return [...little(Command.Allocate, 4), ...fileName(name), ...little(align, 4), zone];
}

function command(link: Link): number[] {
  if (link.kind === 'pointer') {
    const { blob, to, offset, size } = link;
    return [...little(Command.AddPointer, 4), ...fileName(blob), ...fileName(to), ...little(offset, 4), size];
  }
  const { blob, offset, start, length } = link;
  return [
    ...little(Command.AddChecksum, 4),
    ...fileName(blob),
    ...[offset, start, length].flatMap((n) => little(n, 4)),
  ];
}
