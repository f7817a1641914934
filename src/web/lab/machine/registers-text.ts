// The registers as text, to be copied.

import type { Regs } from '../../../index.js';
import { modeWords, pagingWords, privilege, segmentWords } from './cpu-mode.js';
import { hex } from '../../../machine/hex.js';
import type { CpuState } from './session.js';

const REGISTERS: readonly (keyof Regs)[] = [
  ...(['rip', 'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
];

/** One register a line. */
export function registersText({ regs, sregs, retired }: CpuState): string {
  const line = (name: string, value: bigint, digits: number): string => `${name.padEnd(6)} ${hex(value, digits)}`;
  const longMode = (sregs.efer & 0x400n) !== 0n;
  const segments = (['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'tr', 'ldt'] as const).map((name) => {
    const segment = sregs[name];
    const { selector, base, limit } = segment;
    const words = segmentWords(segment, longMode);
    return `${name.padEnd(6)} ${hex(selector, 4)} base ${hex(base, 16)} limit ${hex(limit, 8)} ${words}`;
  });
  const tables = (['gdt', 'idt'] as const).map((name) => {
    const { base, limit } = sregs[name];
    return `${name.padEnd(6)}      base ${hex(base, 16)} limit ${hex(limit, 8)}`;
  });
  return [
    `${modeWords(regs, sregs)}, CPL ${privilege(regs, sregs)}, ${pagingWords(sregs)}, ${retired} instructions retired`,
    ...REGISTERS.map((name) => line(name, regs[name], 16)),
    line('rflags', regs.rflags, 8),
    ...(['cr0', 'cr2', 'cr3', 'cr4', 'efer'] as const).map((name) => line(name, sregs[name], 16)),
    ...segments,
    ...tables,
  ].join('\n');
}
