// What the processor is doing, in words: operating mode, width of the code, privilege, paging; and what a segment is.

import type { Regs, Segment, Sregs } from '../../../index.js';

const bit = (value: bigint, number: number): boolean => ((value >> BigInt(number)) & 1n) !== 0n;

/** For example `64-bit mode (long mode)` (SDM vol. 3, 2.2). */
export function modeWords({ rflags }: Regs, { cr0, efer, cs }: Sregs): string {
  if (!bit(cr0, 0)) return '16-bit real mode';
  if (bit(rflags, 17)) return 'virtual-8086 mode, 16-bit';
  const width = cs.db !== 0 ? '32-bit' : '16-bit';
  if (!bit(efer, 10)) return `${width} protected mode`;
  return cs.l !== 0 ? '64-bit long mode' : `${width} compatibility mode (long mode)`;
}

/** The privilege level: SS's, as VT-x has it (SDM vol. 3, 25.4.1); 0 in real mode. */
export function privilege({ rflags }: Regs, { cr0, ss }: Sregs): number {
  if (!bit(cr0, 0)) return 0;
  return bit(rflags, 17) ? 3 : ss.dpl;
}

/** The format of the guest's page tables (SDM vol. 3, 4.1.1). */
export function pagingWords({ cr0, cr4, efer }: Sregs): string {
  if (!bit(cr0, 31)) return 'no paging';
  if (!bit(cr4, 5)) return '32-bit paging';
  if (!bit(efer, 10)) return 'PAE paging';
  return bit(cr4, 12) ? '5-level paging' : '4-level paging';
}

/** Types of system segments by number (SDM vol. 3, table 3-2); in long mode those with 32 are 64 bits wide. */
const SYSTEM_TYPES: Readonly<Record<number, string>> = {
  1: '16-bit TSS, available',
  2: 'LDT',
  3: '16-bit TSS, busy',
  4: '16-bit call gate',
  5: 'task gate',
  6: '16-bit interrupt gate',
  7: '16-bit trap gate',
  9: '32-bit TSS, available',
  11: '32-bit TSS, busy',
  12: '32-bit call gate',
  14: '32-bit interrupt gate',
  15: '32-bit trap gate',
};

/** The attributes of a segment register (SDM vol. 3, 3.4.5 and table 3-1). */
export function segmentWords(segment: Segment, longMode: boolean): string {
  const { type, s, dpl, db, l, g, unusable, present } = segment;
  if (unusable !== 0) return 'unusable';
  const words: string[] = [];
  if (s === 0) {
    const name = SYSTEM_TYPES[type] ?? `reserved type ${type}`;
    words.push(longMode ? name.replace('32-bit', '64-bit') : name);
  } else if ((type & 8) !== 0) {
    words.push(`${l !== 0 ? 64 : db !== 0 ? 32 : 16}-bit code`);
    words.push((type & 2) !== 0 ? 'execute/read' : 'execute only');
    if ((type & 4) !== 0) words.push('conforming');
  } else {
    words.push(`${db !== 0 ? 32 : 16}-bit data`);
    words.push((type & 2) !== 0 ? 'read/write' : 'read only');
    if ((type & 4) !== 0) words.push('expand-down');
  }
  if (s !== 0 && (type & 1) === 0) words.push('not accessed');
  words.push(`ring ${dpl}`);
  if (g !== 0) words.push('4 KiB granularity');
  if (present === 0) words.push('not present');
  return words.join(', ');
}
