// All ACPI tables of a PC, linked with each other but not yet to an address.

import { hasEcam } from '../memory-map.js';
import { little } from './aml.js';
import { Blob, type Link } from './blob.js';
import { dsdtBody } from './dsdt.js';
import type { PlatformOptions } from './platform.js';
import { FADT_DSDT, FADT_FACS, FADT_X_DSDT, facs, fadt, hpet, madt, mcfg, table } from './static-tables.js';

const TABLES_FILE = 'etc/acpi/tables';
const RSDP_FILE = 'etc/acpi/rsdp';
const HEADER = 36;
const CHECKSUM = 9;
const DSDT_REVISION = 2;
const FACS_ALIGN = 64;

/** Offsets in the root pointer (5.2.5.3). */
const RSDP_CHECKSUM = 8;
const RSDP_RSDT = 16;
const RSDP_XSDT = 24;
const RSDP_EXTENDED_CHECKSUM = 32;
const RSDP_FIRST_LENGTH = 20;
const RSDP_LENGTH = 36;
const RSDP_REVISION = 2;
/** It is searched for at multiples of 16. */
const RSDP_ALIGN = 16;

export interface AcpiTables {
  /** Everything but the root pointer. */
  readonly tables: Blob;
  readonly rsdp: Blob;
  /** What to do when both have their place, in this order. */
  readonly links: readonly Link[];
}

/** The tables of a PC with so many vCPUs and so much memory. */
export function buildTables(options: PlatformOptions): AcpiTables {
  const tables = new Blob(TABLES_FILE, FACS_ALIGN);
  const add = (bytes: number[]): number => tables.append(bytes, 8);
  const sealed = (at: number): void => {
    const length = new DataView(tables.bytes.buffer).getUint32(at + 4, true);
    tables.checksum(at + CHECKSUM, at, length);
  };
  const facsAt = tables.append(facs(), FACS_ALIGN);
  const dsdtAt = add(table('DSDT', DSDT_REVISION, dsdtBody(options)));
  const fadtAt = add(fadt());
  tables.pointer(fadtAt + FADT_FACS, 4, tables, facsAt);
  tables.pointer(fadtAt + FADT_DSDT, 4, tables, dsdtAt);
  tables.pointer(fadtAt + FADT_X_DSDT, 8, tables, dsdtAt);
  const listed = [fadtAt, add(madt(options)), add(hpet())];
  if (hasEcam(options.memory)) listed.push(add(mcfg()));
  const root = (signature: string, size: 4 | 8): number => {
    const at = add(
      table(
        signature,
        1,
        listed.flatMap(() => little(0, size)),
      ),
    );
    for (const [index, to] of listed.entries()) tables.pointer(at + HEADER + index * size, size, tables, to);
    return at;
  };
  const rsdtAt = root('RSDT', 4);
  const xsdtAt = root('XSDT', 8);
  for (const at of [dsdtAt, ...listed, rsdtAt, xsdtAt]) sealed(at);
  const rsdp = rootPointer(tables, rsdtAt, xsdtAt);
  return { tables, rsdp, links: [...tables.links, ...rsdp.links] };
}

function rootPointer(tables: Blob, rsdtAt: number, xsdtAt: number): Blob {
  const rsdp = new Blob(RSDP_FILE, RSDP_ALIGN);
  const bytes = new Uint8Array(RSDP_LENGTH);
  bytes.set(new TextEncoder().encode('RSD PTR \0DOORBL'));
  bytes[15] = RSDP_REVISION;
  bytes[20] = RSDP_LENGTH;
  rsdp.append(bytes);
  rsdp.pointer(RSDP_RSDT, 4, tables, rsdtAt);
  rsdp.pointer(RSDP_XSDT, 8, tables, xsdtAt);
  rsdp.checksum(RSDP_CHECKSUM, 0, RSDP_FIRST_LENGTH);
  rsdp.checksum(RSDP_EXTENDED_CHECKSUM, 0, RSDP_LENGTH);
  return rsdp;
}
