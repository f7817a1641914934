// Shadow paging: the page table that the CPU walks, made from the guest's own as the guest touches its memory.
//
// The table behaves as a large TLB would: it is dropped whenever a TLB must be (MOV CR3, CR0, CR4, EFER) and an entry on
// INVLPG, so that the guest's stores to its tables need not be watched; an architecturally correct guest cannot tell. An
// entry grants only what the guest's tables have been seen to grant: a right not yet proven faults once more. So a page
// that the supervisor may write although it is read-only (CR0.WP = 0) is a supervisor's page here until the user comes,
// and dirty bits of the guest are set in time, because writing is proven by a walk for a write.

import type { CoreMemory } from '../core/memory.js';
import { join64 } from '../bus/address.js';
import { EVENT_VALID, type VcpuContext } from './context.js';
import { walkGuest } from './guest-tables.js';
import { Fixed } from './nested-table.js';
import type { RegionAllocator } from './region-allocator.js';
import type { Slots } from './slots.js';
import { TablePool } from './table-pool.js';

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
/** Accessed and dirty, set in advance: nobody reads them here. */
const FLAGS = 0x60;
const NX_HI = 1 << 31;
const MMIO_HI = 1 << (51 - 32);
/** Table entries above a page grant everything. */
const BRANCH = PRESENT | WRITABLE | USER | FLAGS;

/** Page-fault error code (SDM vol. 3, 4.7). */
const ERROR_WRITE = 2;
const ERROR_USER = 4;
const ERROR_FETCH = 16;

/** Interruption information: valid, type 3, vector. */
const HARDWARE_EXCEPTION = 3 << 8;
const VECTORING_MASK = 0x8000_07ff | 0;
const DF = 8;
const PF = 14;
const CR0_WP = 1 << 16;
const CR4_SMAP = 1 << 21;
const CR4_LA57 = 1 << 12;
const EFER_LMA = 1 << 10;

export class ShadowTable {
  readonly #pool: TablePool;

  constructor(
    private readonly memory: CoreMemory,
    regions: RegionAllocator,
    private readonly slots: Slots,
    dropped: () => void,
  ) {
    this.#pool = new TablePool(memory, regions, BRANCH, dropped);
  }

  /** Host address of the top-level table. */
  get root(): number {
    return this.#pool.root;
  }

  get tables(): number {
    return this.#pool.used;
  }

  get drops(): number {
    return this.#pool.drops;
  }

  /** Drops everything, as a flush of the TLB. */
  clear(): void {
    this.#pool.clear();
  }

  /** Drops the entry of one linear address, as INVLPG. */
  invalidate(context: VcpuContext, lo: number, hi: number): void {
    const entry = this.#pool.find(lo, hi, this.#levels(context));
    if (entry === 0) return;
    this.memory.u32[entry >>> 2] = 0;
    this.memory.u32[(entry >>> 2) + 1] = 0;
    context.core.exports.flushLinear(lo, hi);
  }

  /** Answers a #PF of the shadow table: fills the entry in, or gives the guest the #PF that its own tables call for. */
  fix(context: VcpuContext, lo: number, hi: number, error: number): number {
    const { layout } = context.core;
    const write = (error & ERROR_WRITE) !== 0;
    const access = (error & ERROR_FETCH) !== 0 ? layout.ACCESS_EXEC : write ? layout.ACCESS_WRITE : layout.ACCESS_READ;
    const mmu = this.#privilege(context, error);
    const found = walkGuest(context, join64(lo, hi), access, mmu);
    if (found === undefined) return this.#inject(context);
    const gpa = Number(found.gpa);
    const slot = this.slots.find(gpa);
    if (write && slot?.readOnly === true) return Fixed.ReadOnlyWrite;
    if (write) slot?.markDirty(gpa, 1);
    const eager = found.writable && slot?.logsDirty !== true && slot?.readOnly !== true;

    const page = gpa - (gpa % 4096);
    let targetLo = page | PRESENT;
    let targetHi = Math.floor(page / 2 ** 32) | MMIO_HI;
    if (slot !== undefined) {
      targetLo = (slot.host + page - slot.base) | PRESENT | FLAGS;
      targetHi = 0;
    }
    this.#grant(context, lo, hi, targetLo, targetHi, access, mmu, write || eager);
    return Fixed.Again;
  }

  /**
   * Whether a marker (low half of its entry) grants a store to an MMIO page: then the doorbell may be rung without a walk.
   * Otherwise fix() knows, and gives the guest its #PF.
   */
  grantsStore(context: VcpuContext, markerLo: number, asUser: boolean): boolean {
    if ((markerLo & WRITABLE) === 0) return false;
    if (asUser) return (markerLo & USER) !== 0;
    const { layout } = context.core;
    const { u32 } = this.memory;
    const smap = (u32[context.word(layout.CR4)]! & CR4_SMAP) !== 0;
    return (markerLo & USER) === 0 || !smap || u32[context.word(layout.MMU)] === layout.TLB_SUPERVISOR_AC;
  }

  /**
   * Writes the entry: what this access proves, and what was proven before if it is still sound. Sound means: whatever the
   * entry lets the CPU do, the guest's tables allow. (Not covered: CR0.WP = 0 together with CR4.SMAP = 1, where a page
   * written by grace of WP is a supervisor's to SMAP as well.)
   */
  #grant(
    context: VcpuContext,
    lo: number,
    hi: number,
    targetLo: number,
    targetHi: number,
    access: number,
    mmu: number,
    mayWrite: boolean,
  ): void {
    const { layout } = context.core;
    const { u32 } = this.memory;
    let user = mmu === layout.TLB_USER;
    let writable = mayWrite;
    let executable = access === layout.ACCESS_EXEC;
    if (mmu === layout.TLB_SUPERVISOR_AC && (u32[context.word(layout.CR4)]! & CR4_SMAP) !== 0) {
      // AC let the supervisor in; a walk without it tells whether to a user's page. Once AC is clear SMAP holds again.
      user = walkGuest(context, join64(lo, hi), layout.ACCESS_READ, layout.TLB_SUPERVISOR) === undefined;
    }
    const wp = (u32[context.word(layout.CR0)]! & CR0_WP) !== 0;
    const levels = this.#levels(context);
    const old = this.#pool.find(lo, hi, levels) >>> 2;
    const oldLo = old === 0 ? 0 : u32[old]!;
    const oldHi = old === 0 ? 0 : u32[old + 1]!;
    if ((oldLo & PRESENT) !== 0 && ((oldLo ^ targetLo) & ~0xfff) === 0 && ((oldHi ^ targetHi) & ~NX_HI) === 0) {
      user ||= (oldLo & USER) !== 0;
      executable ||= (oldHi & NX_HI) === 0;
      writable ||= (oldLo & WRITABLE) !== 0 && (wp || !user || (oldLo & USER) !== 0);
    }
    if (writable && user && !wp && mmu !== layout.TLB_USER) {
      // Writable by grace of CR0.WP = 0, perhaps: for the supervisor alone, until a user's walk says more (SDM 4.6.1).
      if (access === layout.ACCESS_WRITE) user = executable = false;
      else writable = (oldLo & USER) !== 0 && (oldLo & WRITABLE) !== 0;
    }
    const rights = (writable ? WRITABLE : 0) | (user ? USER : 0);
    this.#pool.set(lo, hi, levels, 1, targetLo | rights, targetHi | (executable ? 0 : NX_HI));
    if (oldLo !== 0) context.core.exports.flushLinear(lo, hi);
  }

  /** As the CPU has it: five levels in long mode with CR4.LA57, else four. */
  #levels(context: VcpuContext): number {
    const { layout } = context.core;
    const { u32 } = this.memory;
    const la57 = (u32[context.word(layout.CR4)]! & CR4_LA57) !== 0;
    return la57 && (u32[context.word(layout.EFER)]! & EFER_LMA) !== 0 ? 5 : 4;
  }

  /** Implicit supervisor accesses of user code (descriptor tables, TSS) are never by grace of AC. */
  #privilege(context: VcpuContext, error: number): number {
    const { layout } = context.core;
    if ((error & ERROR_USER) !== 0) return layout.TLB_USER;
    const ac = this.memory.u32[context.word(layout.MMU)] === layout.TLB_SUPERVISOR_AC;
    return ac ? layout.TLB_SUPERVISOR_AC : layout.TLB_SUPERVISOR;
  }

  /** The guest's #PF, as the walk has raised it; worse, if it hit the delivery of another (SDM vol. 3, table 7-5). */
  #inject(context: VcpuContext): number {
    const { exports, layout } = context.core;
    const { u32 } = this.memory;
    const vectoring = context.delivering() & VECTORING_MASK;
    if (vectoring === (EVENT_VALID | HARDWARE_EXCEPTION | DF)) return Fixed.TripleFault;
    if (vectoring === (EVENT_VALID | HARDWARE_EXCEPTION | PF)) exports.raiseException(DF, 0, 1);
    else exports.raiseException(PF, u32[context.word(layout.RAISED_ERROR)]!, 1);
    return Fixed.Again;
  }
}
