// The processor as boot protocols hand it over: flat segments, interrupts off, in protected mode or in 64-bit mode.

import type { Segment as SegmentRegister } from '../../vmm/regs.js';
import type { Vcpu } from '../../vmm/vcpu.js';

const CODE_TYPE = 0xb;
const DATA_TYPE = 0x3;
const CODE_32 = 0x00cf_9b00_0000_ffffn;
const CODE_64 = 0x00af_9b00_0000_ffffn;
const DATA = 0x00cf_9300_0000_ffffn;
const CR0_PE = 1n;
const CR0_PG = 1n << 31n;
const CR4_PAE = 1n << 5n;
const EFER_LONG = (1n << 8n) | (1n << 10n);

/** A table of a flat code segment and a flat data segment, both accessed already, and their selectors. */
export interface FlatGdt {
  readonly entries: readonly bigint[];
  readonly code: number;
  readonly data: number;
}

export const FLAT_GDT: FlatGdt = { entries: [0n, CODE_32, DATA], code: 0x08, data: 0x10 };
/** With the selectors that Linux demands: __BOOT_CS and __BOOT_DS. */
export const LINUX_GDT_32: FlatGdt = { entries: [0n, 0n, CODE_32, DATA], code: 0x10, data: 0x18 };
export const LINUX_GDT_64: FlatGdt = { entries: [0n, 0n, CODE_64, DATA], code: 0x10, data: 0x18 };

export interface EntryState {
  readonly rip: number;
  /** The table, and the address where it lies in memory. */
  readonly gdt: FlatGdt;
  readonly gdtAt: number;
  readonly rax?: bigint;
  readonly rbx?: bigint;
  readonly rsi?: bigint;
}

function flat(selector: number, type: number, long: boolean): SegmentRegister {
  const mode = { db: long ? 0 : 1, l: long ? 1 : 0 };
  return { base: 0n, limit: 0xffff_ffff, selector, type, present: 1, dpl: 0, s: 1, g: 1, avl: 0, unusable: 0, ...mode };
}

/** 32-bit protected mode, paging off. */
export function enterProtectedMode(vcpu: Vcpu, entry: EntryState): void {
  enter(vcpu, entry, false);
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cr0: sregs.cr0 | CR0_PE });
}

/** 64-bit mode with the page tables at `cr3`. */
export function enterLongMode(vcpu: Vcpu, entry: EntryState, cr3: number): void {
  const sregs = vcpu.getSregs();
  vcpu.setSregs({
    ...sregs,
    cr3: BigInt(cr3),
    cr4: sregs.cr4 | CR4_PAE,
    efer: sregs.efer | EFER_LONG,
    cr0: sregs.cr0 | CR0_PE | CR0_PG,
  });
  enter(vcpu, entry, true);
}

function enter(vcpu: Vcpu, { rip, gdt, gdtAt, ...registers }: EntryState, long: boolean): void {
  const data = flat(gdt.data, DATA_TYPE, false);
  vcpu.setSregs({
    ...vcpu.getSregs(),
    cs: flat(gdt.code, CODE_TYPE, long),
    ds: data,
    es: data,
    fs: data,
    gs: data,
    ss: data,
    gdt: { base: BigInt(gdtAt), limit: gdt.entries.length * 8 - 1 },
  });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(rip), ...registers });
}
