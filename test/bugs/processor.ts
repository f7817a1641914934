// A processor for short pieces of code, and what came of them: an exception, with its frame, or the HLT behind them.

import { expect } from 'vitest';
import { CODE, flatGuest, HANDLERS, realGuest, RSP } from '../core/flat.js';
import { LEFT, Machine, REASON, type Paging } from '../core/machine.js';

export { CODE, DATA, DEVICE, RAX, RBX, RCX, RDI, RDX, RSI, RSP, STACK } from '../core/flat.js';
export const machine = new Machine();

export const DE = 0;
export const DB = 1;
export const BP = 3;
export const UD = 6;
export const NM = 7;
export const SS = 12;
export const GP = 13;
export const PF = 14;
export const MF = 16;
export const XM = 19;

export const CF = 1n;
export const PF_FLAG = 4n;
export const AF = 0x10n;
export const ZF = 0x40n;
export const SF = 0x80n;
export const TF = 0x100n;
export const OF = 0x800n;
export const ARITHMETIC = CF | PF_FLAG | AF | ZF | SF | OF;

/** Page table of the flat guest's first 2 MiB of RAM; CR3; its GDT, IDT, TSS. */
export const PAGE_TABLE = 0x4000;
export const PAGE_DIRECTORY = 0x3000;
export const PML4 = 0x1000;
const GDT = 0x8000;
export const IDT = 0x9000;
export const TSS = 0xa000;
/** The kernel's stack when an event comes from CPL 3; IST 1. */
export const KERNEL_STACK = 0x5_8000;
export const IST1 = 0x5_c000;
const HLT = 0xf4;
const ERROR_CODES = new Set([8, 10, 11, 12, 13, 14, 17]);

/** Machine code; the text says what it is. */
export function code(_text: string, hex: string): number[] {
  return hex.split(' ').map((byte) => Number.parseInt(byte, 16));
}

/** What came of it. Without a vector, the code came to its HLT. */
export interface Outcome {
  vector: number | undefined;
  error: bigint | undefined;
  rip: bigint;
  cs: bigint;
  flags: bigint;
  rsp: bigint;
}

export interface Setup {
  paging?: Paging;
  /** Runs when the guest is set up and before it starts. */
  prepare?: () => void;
  /** At CPL 3. */
  user?: boolean;
  budget?: number;
}

/** 64-bit code at CODE, then HLT. At CPL 3 the HLT is a #GP, whose outcome is without a vector too. */
export function run(bytes: number[], { paging = 'ept', prepare, user = false, budget = 1000 }: Setup = {}): Outcome {
  flatGuest(machine, [...bytes, HLT], paging);
  for (let vector = 0; vector < 256; vector++) machine.write(HANDLERS + vector * 16, [HLT]);
  machine.write64(TSS + 4, BigInt(KERNEL_STACK));
  machine.write64(TSS + 36, BigInt(IST1));
  if (user) {
    machine.write64(GDT + 24, 0x00affb000000ffffn);
    machine.write64(GDT + 32, 0x00cff3000000ffffn);
    machine.set('GDTR_LIMIT', 0x27);
    machine.segment(1, 0x1b, 0, 0xffff_ffff, 0xa0fb);
    for (const index of [0, 2, 3, 4, 5]) machine.segment(index, 0x23, 0, 0xffff_ffff, 0xc0f3);
    machine.set32('CPL', 3);
  }
  prepare?.();
  machine.changed();
  return finish(user ? CODE + bytes.length : undefined, budget);
}

/** 16-bit real-mode code at 1000:0000; only whether an exception came, and which. */
export function runReal(bytes: number[], prepare?: () => void): number | undefined {
  realGuest(machine, [...bytes, HLT]);
  for (let vector = 0; vector < 256; vector++) machine.write(CODE + 0x8000 + vector * 16, [HLT]);
  prepare?.();
  machine.changed();
  expect(machine.run(1000)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  const rip = Number(machine.get('RIP'));
  return rip >= 0x8000 ? (rip - 0x8000) >> 4 : undefined;
}

/** Of the error that run() throws when the budget is used up before a HLT. */
export const NO_HLT = 'no HLT within';

function finish(end: number | undefined, budget: number): Outcome {
  if (machine.run(budget) !== LEFT) throw new Error(`${NO_HLT} ${budget} instructions`);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  const at = Number(machine.get('RIP')) - 1; // of the HLT
  if (at < HANDLERS || at >= HANDLERS + 256 * 16) {
    return {
      vector: undefined,
      error: undefined,
      rip: BigInt(at),
      cs: 8n,
      flags: rflags(),
      rsp: machine.reg(RSP),
    };
  }
  const vector = (at - HANDLERS) >> 4;
  let frame = Number(machine.reg(RSP));
  const error = ERROR_CODES.has(vector) ? machine.read64(frame) : undefined;
  if (error !== undefined) frame += 8;
  const [rip, cs, flags, rsp] = [0, 8, 16, 24].map((offset) => machine.read64(frame + offset)) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const through = end !== undefined && vector === GP && rip === BigInt(end);
  return { vector: through ? undefined : vector, error: through ? undefined : error, rip, cs, flags, rsp };
}

export function rflags(): bigint {
  return BigInt(machine.core.getRflags!() >>> 0);
}
export function setFlags(flags: bigint): void {
  machine.core.setRflags!(Number(flags | 2n));
}

/** Sets a page of the first 2 MiB: address and flags. */
export function mapPage(linear: number, entry: bigint): void {
  machine.write64(PAGE_TABLE + (linear >> 12) * 8, entry);
}
