// Page tables in a core's memory, walked by the core and by the book (model.ts) at once: where the walk ends, what is
// reported, and every accessed and dirty flag.

import type { RawCore } from '../raw-core.js';
import { translateByTheBook, type Memory, type Outcome, type Processor, type Request } from './model.js';
import { entry32, entry64, eptEntry, GUEST_PAGES, nptEntry, PAGE, REGION, SLOTS } from './random-tables.js';

/** Values of state.ts that are the contract with the manuals or the hypervisor, spelled out here on purpose. */
const NESTED = { EPT: 1, NPT: 2, shadow: 0 } as const;
const RAISED = { exception: 1, exit: 2 } as const;
const LARGE = 0x200000;
/** Bytes of an access. */
const SIZE = 2;
/** GPA_UNKNOWN of paging/translation.ts: under shadow paging the CPU knows no guest-physical addresses of memory. */
const UNKNOWN = 0xffff_ffff_ffff_f000n;

/** A processor, tables, and one access. */
export interface WalkCase {
  readonly format: Processor['format'];
  readonly nested: Processor['nested'];
  /** By the guest's own tables, as the emulator walks. */
  readonly software: boolean;
  readonly pse: boolean;
  readonly wp: boolean;
  readonly nxe: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly pge: boolean;
  readonly gbPages: boolean;
  readonly eptFlags: boolean;
  readonly physicalBits: number;
  /** 1 read, 2 write, 4 execute. */
  readonly access: number;
  /** 0 supervisor, 1 user, 2 supervisor with RFLAGS.AC. */
  readonly mmu: number;
  readonly stack: boolean;
  /** Table indexes of the linear address, level 1 first: five members of SLOTS. */
  readonly indexes: readonly number[];
  readonly offset: number;
  readonly badUpper: number;
  /** Seeds of the entries of the guest's tables, and of the nested ones; missing ones are 0, a plain good entry. */
  readonly guest: readonly number[];
  readonly tables: readonly number[];
}

/** What the core reports beyond the outcome; parts of it the manuals leave to us. */
type Report = Outcome & { gla?: bigint; info?: number; hasError?: number };

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `0x${each.toString(16)}` : each));

/** Bytes of linear memory that a lab needs behind RawCore.free. */
export const LAB_ROOM = 2 * LARGE;

export class WalkLab {
  readonly #core: RawCore;
  readonly #region: number;
  readonly #expected = new DataView(new ArrayBuffer(REGION));

  constructor(core: RawCore) {
    this.#core = core;
    this.#region = core.free;
  }

  /** Scattered, so that mistaking a guest-physical for a host address shows. */
  #hostPage(n: number): number {
    return this.#region + ((n * 5 + 3) % GUEST_PAGES) * PAGE;
  }
  #nestedPage(n: number): number {
    return this.#region + (GUEST_PAGES + n) * PAGE;
  }
  #poke(address: number, value: bigint): void {
    this.#core.view.setBigUint64(address, value, true);
  }

  /** Makes the walk twice. What differs, or undefined; and how it ends. */
  check(c: WalkCase): { wrong: string | undefined; end: string } {
    const { bytes } = this.#core;
    const region = this.#region;
    bytes.fill(0, region, region + REGION);
    this.#buildNested(c);
    this.#buildGuest(c);
    const root = BigInt(this.#nestedPage(0));
    const pdpte = (n: number): bigint => (BigInt(n + 2) << 12n) | (n === 2 ? 0n : 1n);
    const pdptes = [pdpte(0), pdpte(1), pdpte(2), pdpte(3)];
    const cpu: Processor = { ...c, cr3: 0x1000n, pdptes, nestedRoot: root, shadowRoot: root };
    this.#setRegisters(c, cpu);
    const request: Request = {
      linear: linearOf(c),
      read: (c.access & 1) !== 0,
      write: (c.access & 2) !== 0,
      fetch: (c.access & 4) !== 0,
      user: c.mmu === 1,
      ac: c.mmu === 2,
      stack: c.stack,
    };
    const expected = new Uint8Array(this.#expected.buffer);
    expected.set(bytes.subarray(region, region + REGION));
    const book = translateByTheBook(cpu, this.#bookMemory(), request, c.software);
    const ours = text(this.#reportOfCore(c, request));
    const theirs = text(reportOfBook(c, request, book));
    const end = book.kind === 'exit' ? `exit ${book.reason}` : book.kind === 'exception' ? `#${book.vector}` : 'memory';
    if (ours !== theirs) return { end, wrong: `${ours}, by the book ${theirs}` };
    const after = bytes.subarray(region, region + REGION);
    if (Buffer.compare(after, expected) === 0) return { end, wrong: undefined };
    const at = after.findIndex((byte, index) => byte !== expected[index]) & ~7;
    const entry = this.#core.view.getBigUint64(region + at, true).toString(16);
    const wanted = this.#expected.getBigUint64(at, true).toString(16);
    return { end, wrong: `accessed and dirty flags: entry at 0x${at.toString(16)} is ${entry}, by the book ${wanted}` };
  }

  #bookMemory(): Memory {
    const expected = this.#expected;
    return {
      read: (address, bytes) => {
        const at = Number(address) - this.#region;
        if (at >= REGION && at < LARGE) return 0n; // the rest of the region's 2 MiB page is empty
        return bytes === 8 ? expected.getBigUint64(at, true) : BigInt(expected.getUint32(at, true));
      },
      write: (address, bytes, value) => {
        const at = Number(address) - this.#region;
        if (bytes === 8) expected.setBigUint64(at, value, true);
        else expected.setUint32(at, Number(value), true);
      },
    };
  }

  #buildNested(c: WalkCase): void {
    // Page 0 is level 4 (or 5), then 3, 2, 1: one table a level, except two page tables.
    const levels = c.nested === 'shadow' && !c.software && c.format === '5-level' ? 5 : 4;
    const region = BigInt(this.#region);
    for (let n = 0; n < levels; n++) {
      const level = levels - n;
      const slots = level === 1 ? Array.from({ length: GUEST_PAGES }, (_, i) => i) : SLOTS;
      for (const [i, slot] of slots.entries()) {
        const seed = c.tables[n * GUEST_PAGES + i] ?? 0;
        const next = BigInt(this.#nestedPage(n + 1));
        const frame = BigInt(this.#hostPage(slot));
        const make = c.nested === 'EPT' || (c.software && c.nested === 'shadow') ? eptEntry : nptEntry;
        this.#poke(this.#nestedPage(n) + slot * 8, make(seed, level, slot, next, frame, region));
      }
      if (level === 1) {
        const second = this.#core.view.getBigUint64(this.#nestedPage(n) + 8, true);
        this.#poke(this.#nestedPage(n) + 511 * 8, second);
      }
    }
  }

  #buildGuest(c: WalkCase): void {
    for (let n = 0; n < GUEST_PAGES; n++) {
      for (const [i, slot] of SLOTS.entries()) {
        const seed = c.guest[n * SLOTS.length + i] ?? 0;
        const page = this.#hostPage(n);
        if (c.format === '32-bit') {
          this.#core.view.setUint32(page + slot * 4, Number(entry32(seed)), true);
          this.#core.view.setUint32(page + (slot + 512) * 4, Number(entry32(seed >> 1)), true);
        } else
          this.#poke(
            page + slot * 8,
            entry64(seed, (frame) => BigInt(frame) << 12n),
          );
      }
    }
  }

  #setRegisters(c: WalkCase, cpu: Processor): void {
    const core = this.#core;
    const long = c.format === '4-level' || c.format === '5-level';
    const paging = c.format !== 'none';
    core.set64('CR0', 1n | (c.wp ? 1n << 16n : 0n) | (paging ? 1n << 31n : 0n));
    core.set64('CR3', cpu.cr3);
    let cr4 = c.pse ? 1n << 4n : 0n;
    if (long || c.format === 'PAE') cr4 |= 1n << 5n;
    if (c.pge) cr4 |= 1n << 7n;
    if (c.format === '5-level') cr4 |= 1n << 12n;
    if (c.smep) cr4 |= 1n << 20n;
    if (c.smap) cr4 |= 1n << 21n;
    core.set64('CR4', cr4);
    core.set64('EFER', (long ? 0x500n : 0n) | (c.nxe ? 1n << 11n : 0n));
    core.set64('FEATURES', c.gbPages ? 64n : 0n);
    core.set64('PHYSICAL_BITS', BigInt(c.physicalBits));
    core.set64('NESTED', BigInt(NESTED[c.nested]));
    core.set64('NESTED_ROOT', cpu.nestedRoot | (c.eptFlags ? 0x40n : 0n) | 0x1en);
    core.set64('SHADOW_ROOT', cpu.shadowRoot);
    for (const [index, value] of cpu.pdptes.entries()) core.set64('PDPTE', value, index);
  }

  #reportOfCore(c: WalkCase, { linear }: Request): Report {
    const core = this.#core;
    const low = Number(linear & 0xffff_ffffn);
    const high = Number(linear >> 32n);
    const host = core.exports.walkFor!(low, high, c.access, c.mmu, SIZE, Number(c.software), Number(c.stack)) >>> 0;
    const raised = Number(core.exports.raised!.value);
    core.exports.setRaised!(0);
    if (raised === RAISED.exception) {
      const vector = core.get32('RAISED_VECTOR');
      const cr2 = vector === 14 ? core.get64('RAISED_CR2') : undefined;
      const hasError = core.get32('RAISED_HAS_ERROR');
      return { kind: 'exception', vector, error: core.get32('RAISED_ERROR'), cr2, hasError };
    }
    const gpa = core.get64('EXIT_GPA');
    if (raised === RAISED.exit) {
      const info = core.get32('EXIT_INFO');
      const reason = core.get32('EXIT_REASON');
      const qualification = core.get64('EXIT_QUALIFICATION');
      const walk = (info & 0x10) !== 0;
      return { kind: 'exit', reason, qualification, gpa, walk, mmio: false, info, gla: core.get64('EXIT_GLA') };
    }
    if (host === 1) return { kind: 'exit', reason: 0, qualification: 0n, gpa, walk: false, mmio: true };
    return { kind: 'memory', host: BigInt(host), gpa };
  }
}

/** The linear address that a case accesses. */
export function linearOf(c: WalkCase): bigint {
  let linear = BigInt(c.offset);
  for (const [i, index] of c.indexes.entries()) linear |= BigInt(index) << BigInt(12 + 9 * i);
  if (c.format === 'none')
    return c.badUpper < 12 ? BigInt(c.offset) | (BigInt(c.badUpper) << 12n) : linear & 0x40201fffn;
  if (c.format === '32-bit' || c.format === 'PAE') return linear & 0xffffffffn;
  const top = c.format === '5-level' ? 57 : 48;
  return c.badUpper === 15 ? linear | (1n << 62n) : BigInt.asUintN(64, BigInt.asIntN(top, linear));
}

/** The book's outcome in the core's terms. */
function reportOfBook(c: WalkCase, request: Request, book: Outcome): Report {
  if (book.kind === 'exception') {
    return { kind: book.kind, vector: book.vector, error: book.error, cr2: book.cr2, hasError: 1 };
  }
  if (book.kind === 'memory') {
    return { ...book, gpa: book.gpa ?? UNKNOWN | (request.linear & 0xfffn) };
  }
  // The emulator gets a device's address, not an exit.
  if (book.mmio && !book.walk && c.software) return { ...book, reason: 0, qualification: 0n };
  const info = c.access | (book.walk ? 0x10 : 0) | (request.user ? 0x20 : 0) | (SIZE << 16);
  return { ...book, gpa: book.gpa ?? 0n, mmio: false, info, gla: request.linear };
}
