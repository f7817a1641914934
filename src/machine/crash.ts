// What is known about a guest that ended badly: its registers, the code around the instruction that it did not get past, the
// exception that came last, and where the address leads that it was about.

import { loadInspector } from '../core/inspect.js';
import type { LookUp } from '../vmm/look-up.js';
import type { Regs, Sregs } from '../vmm/regs.js';
import type { LastException, Vcpu } from '../vmm/vcpu.js';
import type { Vm } from '../vmm/vm.js';
import { codeBits, linearRip, readLinear } from './code-bytes.js';
import { disassemble, LONGEST_INSTRUCTION, type CodeLine } from './disassembly.js';
import { hex } from './hex.js';
import { endWords, entryWords } from './walk-words.js';

export interface Crash {
  /** One line: what happened. */
  readonly message: string;
  readonly regs: Regs;
  readonly sregs: Sregs;
  /** Linear address of the instruction, and as many of its bytes as can be read, at most 15. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** The instruction disassembled: address, bytes and text. Empty if no byte of it can be read. */
  readonly listing: string;
  /** The instructions around it, itself included. */
  readonly code: readonly CodeLine[];
  /** The exception that the processor raised last, however long ago; undefined if there was none. */
  readonly exception: LastException | undefined;
  /** Where addresses lead: the instruction's; that of a page fault that came last; and CR2's, unless it is 0. */
  readonly walks: readonly LookUp[];
}

/** Instructions before and behind. */
const BEFORE = 5;
const FROM = 6;

const PAGE_FAULT = 14;
/** Mnemonics by vector (SDM vol. 3, table 6-1). */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  0: '#DE, divide error',
  1: '#DB, debug exception',
  2: 'NMI',
  3: '#BP, breakpoint',
  4: '#OF, overflow',
  5: '#BR, BOUND range exceeded',
  6: '#UD, invalid opcode',
  7: '#NM, no x87 device',
  8: '#DF, double fault',
  10: '#TS, invalid TSS',
  11: '#NP, segment not present',
  12: '#SS, stack-segment fault',
  13: '#GP, general protection',
  14: '#PF, page fault',
  16: '#MF, x87 error',
  17: '#AC, alignment check',
  18: '#MC, machine check',
  19: '#XM, SIMD error',
  20: '#VE, virtualisation exception',
  21: '#CP, control protection',
};

/** Takes the vCPU's state down. The disassembler is loaded only now: a run that ends well never needs it. */
export async function readCrash(vm: Vm, vcpu: Vcpu, message: string): Promise<Crash> {
  const regs = vcpu.getRegs();
  const sregs = vcpu.getSregs();
  const bits = codeBits(regs, sregs);
  const address = linearRip(regs, sregs, bits);
  const bytes = readLinear(vm, vcpu, address, LONGEST_INSTRUCTION);
  const inspector = await loadInspector();
  const listing = bytes.length === 0 ? '' : inspector.listing(bytes, address, bits, 1).trimEnd();
  const { lines: code } = disassemble(inspector, vm, vcpu, { count: FROM, before: BEFORE });
  const exception = vcpu.lastException;
  const addresses = new Set([address]);
  if (exception?.vector === PAGE_FAULT) addresses.add(exception.address);
  if (sregs.cr2 !== 0n) addresses.add(sregs.cr2);
  const walks = [...addresses].map((each) => vcpu.lookUp(each));
  return { message, regs, sregs, address, bytes, listing, code, exception, walks };
}

/** The crash as people read it: message, last exception, registers, segments, page walks, code; the instruction has an arrow. */
export function describeCrash(crash: Crash): string {
  const { message, exception, walks } = crash;
  return [
    message,
    ...(exception === undefined ? [] : [exceptionWords(exception)]),
    ...registerLines(crash),
    ...walks.flatMap(walkLines),
    ...codeLines(crash),
  ].join('\n');
}

function exceptionWords({ vector, error, address }: LastException): string {
  const name = EXCEPTIONS[vector] ?? `vector ${vector}`;
  const code = error === undefined ? '' : `, error code 0x${hex(error, 1)}`;
  if (vector !== PAGE_FAULT || error === undefined) return `the last exception: ${name}${code}`;
  const what = (error & 16) !== 0 ? 'a fetch' : (error & 2) !== 0 ? 'a write' : 'a read';
  const who = (error & 4) !== 0 ? 'user code' : 'the supervisor';
  const why = (error & 8) !== 0 ? 'reserved bits are set' : (error & 1) !== 0 ? 'no such right' : 'no page is there';
  return `the last exception: ${name}${code}: ${what} by ${who} at 0x${hex(address, 16)}, ${why}`;
}

function registerLines({ regs, sregs }: Crash): string[] {
  const { rip, rflags, rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15 } = regs;
  const general = { rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15 };
  const names = Object.entries(general).map(([name, value]) => `${name.padEnd(3)} ${hex(value, 16)}`);
  const rows = [0, 4, 8, 12].map((first) => names.slice(first, first + 4).join('  '));
  const { cs, ss, ds, es, fs, gs, tr, ldt, gdt, idt, cr0, cr2, cr3, cr4, efer } = sregs;
  const segments = Object.entries({ cs, ss, ds, es, fs, gs, tr, ldt }).map(
    ([name, { selector, base, limit }]) =>
      `${name.padEnd(3)} ${hex(selector, 4)} base ${hex(base, 16)} limit ${hex(limit, 8)}`,
  );
  return [
    `rip ${hex(rip, 16)}  rflags ${hex(rflags, 8)}`,
    ...rows,
    `cr0 ${hex(cr0, 8)}  cr2 ${hex(cr2, 16)}  cr3 ${hex(cr3, 16)}  cr4 ${hex(cr4, 8)}  efer ${hex(efer, 8)}`,
    ...segments,
    `gdt base ${hex(gdt.base, 16)} limit ${hex(gdt.limit, 4)}  idt base ${hex(idt.base, 16)} limit ${hex(idt.limit, 4)}`,
  ];
}

function walkLines(walk: LookUp): string[] {
  const entries = walk.steps.flatMap(({ entry, gpa }) => {
    if (entry === undefined) return [];
    const flags = entry.flags.length === 0 ? '' : ` ${entry.flags.join(' ')}`;
    const where = gpa === undefined ? '' : ` at 0x${hex(gpa, 1)}`;
    return [
      `  ${entry.name} ${entry.index}${where}: ${hex(entry.value, entry.size * 2)}${flags}: ${entryWords(entry)}`,
    ];
  });
  return [`the page walk of 0x${hex(walk.linear, 16)} (${walk.guest}):`, ...entries, `  ${endWords(walk)}`];
}

function codeLines({ address, code }: Crash): string[] {
  if (!code.some((line) => line.address === address)) {
    return [`no instruction can be read at 0x${address.toString(16)}`];
  }
  const digits = code.at(-1)!.address.toString(16).length;
  return code.map((line) => {
    const bytes = [...line.bytes].map((byte) => hex(byte, 2)).join(' ');
    return `${line.address === address ? '>' : ' '} ${hex(line.address, digits)}  ${bytes.padEnd(30)}  ${line.text}`;
  });
}
