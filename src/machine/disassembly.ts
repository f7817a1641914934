// The instructions around an address of the guest's. Those behind it are plain; those before it have to be guessed, since x86
// code cannot be read backwards: every byte before the address is tried as a start, and of the starts from which
// decoding arrives exactly at the address, the way that most of them share is taken. Decoding from different
// bytes soon falls into step, so the guess is good unless data stand before the code; it is still a guess. Zeros, which decode as
// ADD, are taken for unused memory or the end of a number: what follows two of them has a vote more.

import type { CodeBits, Inspector } from '../core/inspect.js';
import type { Vcpu } from '../vmm/vcpu.js';
import type { Vm } from '../vmm/vm.js';
import { codeBits, linearRip, reach, readLinear } from './code-bytes.js';

/** The longest instruction (SDM vol. 2, 2.3.11). */
export const LONGEST_INSTRUCTION = 15;

/** One instruction, or a byte that is none. */
export interface CodeLine {
  /** Linear. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** In Intel's syntax; `(bad)` for a byte that begins no instruction. */
  readonly text: string;
}

export interface Disassembly {
  readonly bits: CodeBits;
  /** Linear address of the instruction that comes next, wherever the lines are. */
  readonly rip: bigint;
  /** In the order of addresses. Empty where nothing can be read. */
  readonly lines: readonly CodeLine[];
}

export interface DisassembleOptions {
  /** Linear; default: that of the instruction that comes next. */
  address?: bigint;
  /** Instructions from the address on. Default 12. */
  count?: number;
  /** Instructions before it, as far as some can be found. Default 0. */
  before?: number;
}

const LINE = /^([0-9a-f]+) {2}((?:[0-9a-f]{2} )+) *(.*)$/;

/** The lines of an inspector's listing. */
export function readListing(listing: string): CodeLine[] {
  return listing.split('\n').flatMap((line) => {
    const [, address, bytes, text] = LINE.exec(line) ?? [];
    if (address === undefined || bytes === undefined || text === undefined) return [];
    return [{ address: BigInt(`0x${address}`), bytes: Uint8Array.from(bytes.trim().split(' '), parseHex), text }];
  });
}

const isZero = (byte: number): boolean => byte === 0;
const parseHex = (text: string): number => parseInt(text, 16);

/** At most `count` instructions that end where `bytes` end; `address` is that of the first byte. */
export function linesBefore(
  inspector: Inspector,
  bytes: Uint8Array,
  address: bigint,
  bits: CodeBits,
  count: number,
): CodeLine[] {
  const end = bytes.length;
  const at = Array.from({ length: end }, (_, start): CodeLine | undefined => {
    const part = bytes.subarray(start, start + LONGEST_INSTRUCTION);
    const [line] = readListing(inspector.listing(part, reach(address + BigInt(start), bits), bits, 1));
    return line === undefined || line.text.startsWith('(') || line.bytes.every(isZero) ? undefined : line;
  });
  // How many starts come through each byte on a way that arrives at the end.
  const arrives = new Uint8Array(end + 1);
  arrives[end] = 1;
  for (let start = end - 1; start >= 0; start--) {
    const line = at[start];
    if (line !== undefined) arrives[start] = arrives[start + line.bytes.length] ?? 0;
  }
  const votes = new Uint32Array(end + 1);
  for (let start = 0; start < end; start++) {
    if (arrives[start] === 0) continue;
    votes[start]! += start >= 2 && bytes[start] !== 0 && bytes[start - 1] === 0 && bytes[start - 2] === 0 ? 2 : 1;
    votes[start + at[start]!.bytes.length]! += votes[start]!;
  }
  const lines: CodeLine[] = [];
  for (let next = end; lines.length < count;) {
    let best: number | undefined;
    for (let start = Math.max(0, next - LONGEST_INSTRUCTION); start < next; start++) {
      if (arrives[start] === 0 || start + at[start]!.bytes.length !== next) continue;
      if (best === undefined || votes[start]! >= votes[best]!) best = start;
    }
    if (best === undefined) break;
    lines.unshift(at[best]!);
    next = best;
  }
  return lines;
}

/** Reads the guest's memory and lists what it finds. */
export function disassemble(
  inspector: Inspector,
  vm: Vm,
  vcpu: Vcpu,
  { address, count = 12, before = 0 }: DisassembleOptions,
): Disassembly {
  const regs = vcpu.getRegs();
  const sregs = vcpu.getSregs();
  const bits = codeBits(regs, sregs);
  const rip = linearRip(regs, sregs, bits);
  const from = reach(address ?? rip, bits);
  const bytes = readLinear(vm, vcpu, from, count * LONGEST_INSTRUCTION);
  const following = bytes.length === 0 ? [] : readListing(inspector.listing(bytes, from, bits, count));
  return { bits, rip, lines: [...preceding(inspector, vm, vcpu, from, bits, before), ...following] };
}

function preceding(
  inspector: Inspector,
  vm: Vm,
  vcpu: Vcpu,
  address: bigint,
  bits: CodeBits,
  count: number,
): CodeLine[] {
  if (count === 0) return [];
  // One more than asked for, so that the first line shown has been voted for, too. What cannot be read in one piece
  // up to the address is looked for from the address's page on.
  const wanted = (count + 1) * LONGEST_INSTRUCTION;
  for (const length of [wanted, Number(address % 4096n)]) {
    const window = address < BigInt(length) ? Number(address) : Math.min(length, wanted);
    if (window === 0) continue;
    const start = address - BigInt(window);
    const bytes = readLinear(vm, vcpu, start, window);
    if (bytes.length === window) return linesBefore(inspector, bytes, start, bits, count);
  }
  return [];
}
