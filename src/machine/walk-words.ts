// A page walk in words: how the linear address splits into indices, what each entry says, and how it ends.

import type { LookUp } from '../vmm/look-up.js';
import type { TableEntry } from '../vmm/table-entry.js';
import { hex, sizeWords } from './hex.js';

export interface AddressPart {
  readonly name: string;
  /** The bits, both included. */
  readonly high: number;
  readonly low: number;
  readonly value: number | bigint;
}

/** Bits of an index and of the offset by format (SDM vol. 3, 4.3 to 4.5): the tables from the top. */
const SPLITS = {
  '32-bit': ['PDE', 'PTE'],
  pae: ['PDPTE', 'PDE', 'PTE'],
  '4-level': ['PML4E', 'PDPTE', 'PDE', 'PTE'],
  '5-level': ['PML5E', 'PML4E', 'PDPTE', 'PDE', 'PTE'],
} as const;

/** The parts of a linear address from the top; a large page takes the lower indices into its offset. */
export function splitAddress({ linear, guest, steps }: Pick<LookUp, 'linear' | 'guest' | 'steps'>): AddressPart[] {
  const part = (name: string, high: number, low: number): AddressPart => {
    const value = (linear >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
    return { name, high, low, value: high - low < 32 ? Number(value) : value };
  };
  if (guest === 'none') return [part('physical address', 31, 0)];
  const pageSize = steps.find(({ entry }) => entry?.pageSize !== undefined)?.entry?.pageSize ?? 4096;
  const offsetBits = Math.log2(pageSize);
  const indexBits = guest === '32-bit' ? 10 : 9;
  const parts: AddressPart[] = [];
  const names = SPLITS[guest];
  for (const [at, name] of names.entries()) {
    const low = 12 + indexBits * (names.length - 1 - at);
    if (low < offsetBits) break;
    parts.push(part(name, Math.min(low + indexBits - 1, guest === 'pae' ? 31 : 63), low));
  }
  const top = parts[0]!.high;
  if (top > 32) parts.unshift(part('sign', 63, top + 1));
  parts.push(part('offset', offsetBits - 1, 0));
  return parts;
}

/** What an entry is good for, in words. */
export function entryWords({ table, meaning, target, pageSize }: TableEntry): string {
  const space = table === 'guest' ? '' : 'host ';
  switch (meaning) {
    case 'table':
      return `table at ${space}0x${hex(target!, 1)}`;
    case 'page':
      return `${sizeWords(pageSize!)} page at ${space}0x${hex(target!, 1)}`;
    case 'absent':
      return table === 'guest' ? 'not present' : 'not mapped yet: the guest has not touched it';
    case 'mmio':
      return 'no memory: marked as a device';
    case 'reserved':
      return 'reserved bits are set';
  }
}

/** Where the walk leads, or where and why it stops. */
export function endWords({ end, steps, gpa, rights, host, guest, linear }: LookUp): string {
  const last = steps.findLast(({ entry }) => entry !== undefined)?.entry;
  const at = last === undefined ? '' : ` at ${last.name} ${last.index}`;
  switch (end) {
    case 'mapped': {
      const allowed = [
        rights.write ? 'may be written' : 'read only',
        rights.execute ? 'executed' : 'not executed',
        rights.user ? 'by user code, too' : 'by the supervisor only',
      ].join(', ');
      const words = guest === 'none' ? 'without paging' : allowed;
      const where = host === undefined ? 'no memory is there' : `offset 0x${hex(host, 1)} of the host's memory`;
      return `Leads to guest-physical 0x${hex(gpa!, 1)} (${words}); ${where}.`;
    }
    case 'absent':
      return `Stops${at}: it is not present. An access raises a page fault.`;
    case 'reserved':
      return `Stops${at}: reserved bits are set. An access raises a page fault with RSVD.`;
    case 'not canonical':
      return `Stops before it begins: 0x${hex(linear, 16)} is not canonical. An access raises a general protection fault.`;
    case 'no memory': {
      const missing = steps.at(-1)?.gpa;
      return `Stops: the next table, at guest-physical 0x${hex(missing ?? 0n, 1)}, is where no memory is.`;
    }
  }
}
