// Names of registers.

const BYTE: StaticArray<string> = [
  'al',
  'cl',
  'dl',
  'bl',
  'spl',
  'bpl',
  'sil',
  'dil',
  'r8b',
  'r9b',
  'r10b',
  'r11b',
  'r12b',
  'r13b',
  'r14b',
  'r15b',
];
const WORD: StaticArray<string> = [
  'ax',
  'cx',
  'dx',
  'bx',
  'sp',
  'bp',
  'si',
  'di',
  'r8w',
  'r9w',
  'r10w',
  'r11w',
  'r12w',
  'r13w',
  'r14w',
  'r15w',
];
const DOUBLE: StaticArray<string> = [
  'eax',
  'ecx',
  'edx',
  'ebx',
  'esp',
  'ebp',
  'esi',
  'edi',
  'r8d',
  'r9d',
  'r10d',
  'r11d',
  'r12d',
  'r13d',
  'r14d',
  'r15d',
];
const QUAD: StaticArray<string> = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];
const HIGH: StaticArray<string> = ['ah', 'ch', 'dh', 'bh'];
const SEGMENT: StaticArray<string> = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

/** A general-purpose register of 1, 2, 4 or 8 bytes. */
export function general(index: u32, bytes: u32): string {
  const i = index & 15;
  if (bytes == 1) return unchecked(BYTE[i]);
  if (bytes == 2) return unchecked(WORD[i]);
  if (bytes == 4) return unchecked(DOUBLE[i]);
  return unchecked(QUAD[i]);
}

/** AH, CH, DH, BH. */
export function high(index: u32): string {
  return unchecked(HIGH[index & 3]);
}

/** An XMM register, or with 32 bytes a YMM register. */
export function vector(index: u32, bytes: u32): string {
  return (bytes == 32 ? 'ymm' : 'xmm') + index.toString();
}

export function segmentName(index: u32): string {
  return index < 6 ? unchecked(SEGMENT[index]) : '?s';
}
