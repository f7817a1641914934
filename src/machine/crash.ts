// What is known about a guest that ended badly: its registers, and the instruction that it did not get past.

import { loadInspector, type CodeBits } from '../core/inspect.js';
import type { Regs, Sregs } from '../vmm/regs.js';
import type { Vcpu } from '../vmm/vcpu.js';
import type { Vm } from '../vmm/vm.js';
import { codeBits, linearRip, readLinear } from './code-bytes.js';
import { LONGEST_INSTRUCTION } from './disassembly.js';

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
}

/** Takes the vCPU's state down. The disassembler is loaded only now: a run that ends well never needs it. */
export async function readCrash(vm: Vm, vcpu: Vcpu, message: string): Promise<Crash> {
  const regs = vcpu.getRegs();
  const sregs = vcpu.getSregs();
  const bits = codeBits(regs, sregs);
  const address = linearRip(regs, sregs, bits);
  const bytes = readLinear(vm, vcpu, address, LONGEST_INSTRUCTION);
  return { message, regs, sregs, address, bytes, listing: await disassemble(bytes, address, bits) };
}

async function disassemble(bytes: Uint8Array, address: bigint, bits: CodeBits): Promise<string> {
  if (bytes.length === 0) return '';
  return (await loadInspector()).listing(bytes, address, bits, 1).trimEnd();
}

const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** The crash as people read it: message, registers, segments, instruction. */
export function describeCrash({ message, regs, sregs, address, listing }: Crash): string {
  const { rip, rflags, rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15 } = regs;
  const general = { rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15 };
  const names = Object.entries(general).map(([name, value]) => `${name.padEnd(3)} ${hex(value, 16)}`);
  const rows = [0, 4, 8, 12].map((first) => names.slice(first, first + 4).join('  '));
  const { cs, ss, ds, es, fs, gs, tr, ldt, gdt, idt, cr0, cr2, cr3, cr4, efer } = sregs;
  const segments = Object.entries({ cs, ss, ds, es, fs, gs, tr, ldt }).map(
    ([name, { selector, base, limit }]) =>
      `${name.padEnd(3)} ${hex(BigInt(selector), 4)} base ${hex(base, 16)} limit ${hex(BigInt(limit), 8)}`,
  );
  return [
    message,
    `rip ${hex(rip, 16)}  rflags ${hex(rflags, 8)}`,
    ...rows,
    `cr0 ${hex(cr0, 8)}  cr2 ${hex(cr2, 16)}  cr3 ${hex(cr3, 16)}  cr4 ${hex(cr4, 8)}  efer ${hex(efer, 8)}`,
    ...segments,
    `gdt base ${hex(gdt.base, 16)} limit ${hex(BigInt(gdt.limit), 4)}  idt base ${hex(idt.base, 16)} limit ${hex(BigInt(idt.limit), 4)}`,
    listing === '' ? `no instruction can be read at 0x${address.toString(16)}` : listing,
  ].join('\n');
}
