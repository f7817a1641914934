// The hypervisor's look into the guest's page tables, by the core's own walk, with the nested table filled in on the way.

import type { VcpuContext } from './context.js';
import { Fixed } from './nested-table.js';

/** What a walk found. */
export interface Walked {
  gpa: bigint;
  /** The page may be written with this privilege, and its dirty flag is set. */
  writable: boolean;
}

const ADDRESS = 0x000f_ffff_ffff_f000n;
/** Low bits of the core's result (assembly/paging/format.ts). */
const FOUND_WRITABLE = 2n;
const EFER_LMA = 1 << 10;
const CR0_PG = 1 << 31;
const CR4_LA57 = 1 << 12;
/** A walk touches 5 tables at most; each may need a nested entry for reading and one for its accessed flag. */
const ATTEMPTS = 16;

/**
 * Translates a linear address for an access (ACCESS_*) with the privilege of a TLB (TLB_*), setting accessed and dirty as
 * the CPU would. Undefined: the guest's tables refuse, and RAISED_* in the state page says how; nothing is queued.
 */
export function walkGuest(context: VcpuContext, linear: bigint, access: number, mmu: number): Walked | undefined {
  const { core, shared } = context;
  const { exports, layout } = core;
  const address = canonical(context, linear);
  if (address === undefined) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = exports.guestWalk(address, access, mmu);
    if (found !== 0n) {
      return {
        gpa: (BigInt.asUintN(64, found) & ADDRESS) | (address & 0xfffn),
        writable: (found & FOUND_WRITABLE) !== 0n,
      };
    }
    const raised = exports.raised.value as number;
    exports.setRaised(0);
    if (raised !== layout.RAISED_EXIT) return undefined;
    const { u32 } = shared.memory;
    const word = context.word(layout.EXIT_GPA);
    const write = (u32[context.word(layout.EXIT_QUALIFICATION)]! & layout.ACCESS_WRITE) !== 0;
    if (shared.nested.fix(u32[word]!, u32[word + 1]!, write) !== Fixed.Again) return undefined;
  }
  return undefined;
}

/** The formats of a guest's page tables; none while paging is off. */
export type GuestPaging = 'none' | '32-bit' | 'pae' | '4-level' | '5-level';

/** A walk with the entries it read: 24-byte records { space u32 (0 guest, 1 EPT, 2 NPT), level u32, address u64, entry u64 }. */
export interface PageWalk {
  readonly paging: GuestPaging;
  readonly records: Uint8Array;
  /** Where it leads; undefined if the guest's tables do not map the address. */
  readonly gpa: bigint | undefined;
}

/** walkGuest() for a read at supervisor privilege, with every entry of the guest's and the nested tables it met. */
export function traceWalk(context: VcpuContext, linear: bigint): PageWalk {
  const { core, shared } = context;
  const { exports, layout } = core;
  walkGuest(context, linear, layout.ACCESS_READ, layout.TLB_SUPERVISOR); // so that the nested tables are there
  const start = exports.traceStart();
  const found = walkGuest(context, linear, layout.ACCESS_READ, layout.TLB_SUPERVISOR);
  const length = exports.traceStop() * 24;
  const records = new Uint8Array(shared.memory.u32.buffer, start, length).slice();
  return { paging: guestPaging(context), records, gpa: found?.gpa };
}

const CR4_PAE = 1 << 5;
/** The format in the mode that the processor is in. */
export function guestPaging(context: VcpuContext): GuestPaging {
  const { layout } = context.core;
  const { u32 } = context.shared.memory;
  const word = (offset: number): number => u32[context.word(offset)]!;
  if ((word(layout.CR0) & CR0_PG) === 0) return 'none';
  if ((word(layout.EFER) & EFER_LMA) !== 0) return (word(layout.CR4) & CR4_LA57) !== 0 ? '5-level' : '4-level';
  return (word(layout.CR4) & CR4_PAE) !== 0 ? 'pae' : '32-bit';
}

/** As wide as the mode has it; undefined if long mode would not take it. */
export function canonical(context: VcpuContext, linear: bigint): bigint | undefined {
  const { layout } = context.core;
  const { u32 } = context.shared.memory;
  const word = (offset: number): number => u32[context.word(offset)]!;
  if ((word(layout.CR0) & CR0_PG) === 0 || (word(layout.EFER) & EFER_LMA) === 0) return linear & 0xffff_ffffn;
  const bits = (word(layout.CR4) & CR4_LA57) !== 0 ? 57 : 48;
  return BigInt.asUintN(64, BigInt.asIntN(bits, linear)) === linear ? linear : undefined;
}
