// A page walk as text: the table entries that were read, one a line, with their flags by name.

import { ADDRESS, PTE_A, PTE_D, PTE_G, PTE_MMIO, PTE_NX, PTE_P, PTE_PS, PTE_U, PTE_W } from '../paging/format';
import { TRACE_EPT, TRACE_GUEST, TRACE_RECORD } from '../paging/trace';
import { digits } from './text';

/** Names of the entries by level, from the page table up. */
const LEVELS: StaticArray<string> = ['', 'PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'];
/** EPT memory types (SDM vol. 3, table 29-6). */
const MEMORY_TYPES: StaticArray<string> = ['UC', 'WC', 'type 2', 'type 3', 'WT', 'WP', 'WB', 'type 7'];

const EPT_LARGE: u64 = 0x80;
const EPT_A: u64 = 0x100;
const EPT_D: u64 = 0x200;
const PTE_PWT: u64 = 0x8;
const PTE_PCD: u64 = 0x10;

/** An entry of the guest's, of NPT's or of a shadow table. `wide`: 8 bytes, else the 32-bit format. */
function entryText(entry: u64, level: u32, wide: bool): string {
  if (!(entry & PTE_P)) return 'not present';
  let text = 'P';
  if (entry & PTE_W) text += ' W';
  if (entry & PTE_U) text += ' U';
  if (entry & PTE_PWT) text += ' PWT';
  if (entry & PTE_PCD) text += ' PCD';
  if (entry & PTE_A) text += ' A';
  const leaf = level == 1 || (entry & PTE_PS) != 0;
  if (leaf && entry & PTE_D) text += ' D';
  if (level > 1 && entry & PTE_PS) text += ' PS';
  if (leaf && entry & PTE_G) text += ' G';
  if (wide && entry & PTE_NX) text += ' NX';
  if (wide && leaf && entry & PTE_MMIO) text += ' MMIO';
  if (!leaf) return text + ' -> table 0x' + (entry & ADDRESS).toString(16);
  return (
    text + ' -> ' + pageText(entry & ADDRESS & (wide ? ~0 : 0xffffffff), wide ? 3 + 9 * level : level == 2 ? 22 : 12)
  );
}

function eptText(entry: u64, level: u32): string {
  if (!(entry & 7)) return 'not present';
  let text = (entry & 1 ? 'R' : '-') + (entry & 2 ? 'W' : '-') + (entry & 4 ? 'X' : '-');
  if ((entry & 7) == 6) return text + ' MMIO';
  if (entry & EPT_A) text += ' A';
  if (level != 1 && !(entry & EPT_LARGE)) return text + ' -> table 0x' + (entry & ADDRESS).toString(16);
  if (entry & EPT_D) text += ' D';
  text += ' ' + unchecked(MEMORY_TYPES[(<u32>(entry >> 3)) & 7]);
  return text + ' -> ' + pageText(entry & ADDRESS, 3 + 9 * level);
}

function pageText(address: u64, shift: u32): string {
  const size =
    shift == 12 ? '4 KiB' : shift == 21 ? '2 MiB' : shift == 22 ? '4 MiB' : shift == 30 ? '1 GiB' : '512 GiB';
  return size + ' page 0x' + (address & ~(((<u64>1) << shift) - 1)).toString(16);
}

/**
 * The lines of a walk. `records` are those of paging/trace.ts; `paging` is the format of the guest's own tables: 2 for
 * 32-bit entries, 3 for PAE, 4 or 5 for that many levels.
 */
export function walkOf(records: Uint8Array, paging: i32): string {
  const lines = new Array<string>();
  for (let at = 0; at + <i32>TRACE_RECORD <= records.length; at += <i32>TRACE_RECORD) {
    const record = records.dataStart + at;
    const space = load<u32>(record);
    const level = load<u32>(record, 4);
    const address = load<u64>(record, 8);
    const entry = load<u64>(record, 16);
    const wide = space != TRACE_GUEST || paging != 2;
    const table =
      (space == TRACE_GUEST ? 'guest ' : space == TRACE_EPT ? 'EPT ' : 'host ') +
      (level <= 5 ? unchecked(LEVELS[level]) : '?');
    const flags = space == TRACE_EPT ? eptText(entry, level) : entryText(entry, level, wide);
    lines.push(
      table.padEnd(11) + ' @ 0x' + digits(address, 10) + ' = 0x' + digits(entry, wide ? 16 : 8) + '  ' + flags,
    );
  }
  return lines.join('\n');
}
