// Where a linear address leads and by which table entries, for people: the guest's tables, and for each guest-physical address
// on the way the EPT or NPT; with shadow paging the shadow table instead. It only reads: no accessed or dirty flag is set, no
// table filled in, nothing counted. So it shows what stands in memory, where the processor may still have something else in
// its TLBs, and says of what the hypervisor has not mapped yet that it is absent.

import type { VcpuContext } from './context.js';
import { canonical, guestPaging, type GuestPaging } from './guest-tables.js';
import type { GuestMemory } from './guest-memory.js';
import type { PagingMode } from './options.js';
import { ADDRESS, describeEntry, type RawEntry, type TableEntry } from './table-entry.js';

/** One guest-physical address on the way. */
export interface WalkStep {
  /** The guest's entry that stands there; undefined of the last step, which is the address itself. */
  readonly entry: TableEntry | undefined;
  /** Undefined of a PDPTE with PAE: the processor has these four in registers, and this is what it has. */
  readonly gpa: bigint | undefined;
  /** Entries of EPT or NPT that translate it, from the top; none with shadow paging. */
  readonly nested: readonly TableEntry[];
}

export type WalkEnd =
  | 'mapped'
  /** A guest's entry is not present, or has reserved bits set: a page fault. */
  | 'absent'
  | 'reserved'
  /** Long mode does not take such an address: a general protection fault. */
  | 'not canonical'
  /** A table of the guest's is where no memory slot is. */
  | 'no memory';

export interface LookUp {
  readonly linear: bigint;
  /** The format of the guest's tables, and how guest-physical addresses become host ones. */
  readonly guest: GuestPaging;
  readonly paging: PagingMode;
  readonly steps: readonly WalkStep[];
  /** With shadow paging: the entries that the processor really walks for this linear address. */
  readonly shadow: readonly TableEntry[];
  readonly end: WalkEnd;
  /** Where the guest's tables lead. */
  readonly gpa: bigint | undefined;
  /** What they grant: the rights of all entries taken together. CR0.WP, SMEP, SMAP and the like are not considered. */
  readonly rights: { readonly write: boolean; readonly user: boolean; readonly execute: boolean };
  /** Where that is in linear memory; undefined if it is no memory. */
  readonly host: number | undefined;
}

const W = 2n;
const U = 4n;
const NX = 1n << 63n;
const CR4_PSE = 1n << 4n;
const EFER_NXE = 1n << 11n;
const PAE_RESERVED = 0x7ff0_0000_0000_0000n;

const NO_RIGHTS = { write: false, user: false, execute: false };

export class LookUps {
  constructor(
    private readonly context: VcpuContext,
    private readonly guest: GuestMemory,
    private readonly paging: () => PagingMode,
  ) {}

  /** Of any linear address; bits that the mode does not have are dropped. */
  of(address: bigint): LookUp {
    const linear = BigInt.asUintN(64, address);
    const inMode = canonical(this.context, linear);
    const guest = guestPaging(this.context);
    const paging = this.paging();
    if (inMode === undefined) {
      const nothing = { steps: [], shadow: [], gpa: undefined, rights: NO_RIGHTS, host: undefined };
      return { linear, guest, paging, ...nothing, end: 'not canonical' };
    }
    const steps: WalkStep[] = [];
    const { end, gpa, rights } = this.#guestWalk(inMode, guest, steps);
    if (gpa !== undefined) steps.push({ entry: undefined, gpa, nested: this.#nested(gpa) });
    return {
      linear: inMode,
      guest,
      paging,
      steps,
      shadow: paging === 'shadow' ? this.#shadow(inMode) : [],
      end,
      gpa,
      rights,
      host: gpa === undefined ? undefined : this.guest.hostOf(gpa),
    };
  }

  #register(offset: number): bigint {
    const { core, shared } = this.context;
    return shared.memory.u64[(core.state + offset) / 8]!;
  }

  #guestWalk(linear: bigint, format: GuestPaging, steps: WalkStep[]): Pick<LookUp, 'end' | 'gpa' | 'rights'> {
    const nowhere = { gpa: undefined, rights: NO_RIGHTS };
    let rights = { write: true, user: true, execute: true };
    if (format === 'none') return { end: 'mapped', gpa: linear, rights };
    const { layout } = this.context.core;
    const cr3 = this.#register(layout.CR3);
    const size = format === '32-bit' ? 4 : 8;
    const gigabytes = (this.#register(layout.FEATURES) & BigInt(layout.FEATURE_GB_PAGES)) !== 0n;
    const mayBePage = (level: number): boolean => {
      if (size === 4) return (this.#register(layout.CR4) & CR4_PSE) !== 0n;
      return level === 2 || (level === 3 && gigabytes && format !== 'pae');
    };
    const reserved = this.#reserved(format);
    let level = { '32-bit': 2, pae: 2, '4-level': 4, '5-level': 5 }[format];
    let table = size === 4 ? cr3 & 0xffff_f000n : cr3 & ADDRESS;
    if (format === 'pae') {
      const entry = this.#paePointer(linear, cr3 & 0xffff_ffe0n);
      steps.push({ entry, gpa: undefined, nested: [] });
      if (entry.target === undefined) return { end: 'absent', ...nowhere };
      table = entry.target;
    }
    for (; ; level--) {
      const bits = size === 4 ? 10n : 9n;
      const index = Number((linear >> (12n + bits * BigInt(level - 1))) & ((1n << bits) - 1n));
      const gpa = table + BigInt(index * size);
      if (!this.guest.covers(gpa, size)) {
        steps.push({ entry: undefined, gpa, nested: this.#nested(gpa) });
        return { end: 'no memory', ...nowhere };
      }
      const value = size === 4 ? BigInt(this.guest.readU32(gpa)) : this.guest.readU64(gpa);
      const raw: RawEntry = {
        ...{ table: 'guest', level, index, address: gpa, size, value, reserved },
        // Without CR4.PSE bit 7 of a 32-bit entry means nothing.
        mayBePage: mayBePage(level),
      };
      const entry = describeEntry(raw);
      steps.push({ entry, gpa, nested: this.#nested(gpa) });
      rights = {
        write: rights.write && (value & W) !== 0n,
        user: rights.user && (value & U) !== 0n,
        execute: rights.execute && (size === 4 || (value & NX) === 0n),
      };
      if (entry.meaning === 'page') {
        const offset = linear & BigInt(entry.pageSize! - 1);
        return { end: 'mapped', gpa: entry.target! | offset, rights };
      }
      if (entry.meaning !== 'table') return { end: entry.meaning === 'absent' ? 'absent' : 'reserved', ...nowhere };
      table = entry.target!;
    }
  }

  #reserved(format: GuestPaging): bigint {
    const { layout } = this.context.core;
    const width = this.#register(layout.PHYSICAL_BITS);
    let bits = ADDRESS & ~((1n << width) - 1n);
    if (format === '32-bit') return bits;
    if ((this.#register(layout.EFER) & EFER_NXE) === 0n) bits |= NX;
    return format === 'pae' ? bits | PAE_RESERVED : bits;
  }

  #paePointer(linear: bigint, table: bigint): TableEntry {
    const { layout } = this.context.core;
    const index = Number(linear >> 30n);
    const value = this.#register(layout.PDPTE + index * 8);
    const address = table + BigInt(index * 8);
    // What was reserved was refused when they were loaded.
    const rest = { size: 8, value, reserved: 0n, mayBePage: false, pae: true } as const;
    return describeEntry({ table: 'guest', level: 3, index, address, ...rest });
  }

  #nested(gpa: bigint): TableEntry[] {
    const paging = this.paging();
    if (paging === 'shadow') return [];
    return this.#hostWalk(paging, this.context.shared.nested.root, 4, gpa);
  }

  #shadow(linear: bigint): TableEntry[] {
    const { shadow } = this.context;
    const levels = guestPaging(this.context) === '5-level' ? 5 : 4;
    return shadow === undefined ? [] : this.#hostWalk('shadow', shadow.root, levels, linear);
  }

  /** Down a table of the hypervisor's, as far as it goes. */
  #hostWalk(table: PagingMode, root: number, top: number, address: bigint): TableEntry[] {
    const { view } = this.context.shared.memory;
    const entries: TableEntry[] = [];
    let at = root;
    for (let level = top; level > 0; level--) {
      const index = Number((address >> BigInt(3 + 9 * level)) & 511n);
      const place = at + index * 8;
      const entry = describeEntry({
        ...{ table, level, index, address: BigInt(place), size: 8, value: view.getBigUint64(place, true) },
        ...{ reserved: 0n, mayBePage: true },
      });
      entries.push(entry);
      if (entry.meaning !== 'table') break;
      at = Number(entry.target);
    }
    return entries;
  }
}
