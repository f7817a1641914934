// A small guest for tests by hand: 2 MiB of RAM, page tables made on demand by map(), EPT below it.

import { Machine, Nested, Raised } from './harness.js';

export const P = 1n;
export const W = 2n;
export const U = 4n;
export const A = 0x20n;
export const D = 0x40n;
export const G = 0x100n;
export const NX = 1n << 63n;
/** EPT: read, write, execute, write-back. */
export const EPT_RAM = 0x37n;
export const EPT_MARKER = 6n;
const LARGE = 0x200000;

export class Guest extends Machine {
  /** Host address of guest-physical 0. */
  readonly ram = (this.free + LARGE - 1) & -LARGE;
  private nextTable = 0x100000;
  /** EPT tables stand behind the RAM. */
  private nextEpt = this.ram + LARGE;
  readonly eptRoot = this.nextEpt;
  readonly cr3 = 0x100000n;

  constructor(wasm: Uint8Array<ArrayBuffer>) {
    super(wasm);
    this.nextTable += 0x1000;
    this.nextEpt += 0x1000;
    this.set('CR0', 0x80010001n); // PG WP PE
    this.set('CR3', this.cr3);
    this.set('CR4', 0xa0n); // PAE PGE
    this.set('EFER', 0xd00n); // LME LMA NXE
    this.set('NESTED', BigInt(Nested.EPT));
    this.set('NESTED_ROOT', BigInt(this.eptRoot));
    for (let gpa = 0; gpa < LARGE; gpa += 0x1000) this.ept(BigInt(gpa), BigInt(this.ram + gpa) | EPT_RAM);
    this.setAttributes(1, 0xa09b);
    this.setAttributes(2, 0xc093);
    this.core.init();
  }
  /** Set the EPT's leaf for a page; the host address of the leaf. */
  ept(gpa: bigint, leaf: bigint): number {
    let table = this.eptRoot;
    for (const shift of [39n, 30n, 21n]) {
      const at = table + Number((gpa >> shift) & 511n) * 8;
      if (this.peek(at) === 0n) {
        this.poke(at, BigInt(this.nextEpt) | 7n);
        this.nextEpt += 0x1000;
      }
      table = Number(this.peek(at) & ~0xfffn);
    }
    const at = table + Number((gpa >> 12n) & 511n) * 8;
    this.poke(at, leaf);
    return at;
  }
  /** Set the guest's entry for a linear page (level 1, or 2 for a 2 MiB page); the host address of the entry. */
  map(linear: bigint, entry: bigint, level = 1): number {
    let table = this.ram + Number(this.cr3);
    for (let at = 4; at > level; at--) {
      const place = table + Number((linear >> BigInt(12 + 9 * (at - 1))) & 511n) * 8;
      if (this.peek(place) === 0n) {
        this.poke(place, BigInt(this.nextTable) | P | W | U);
        this.nextTable += 0x1000;
      }
      table = this.ram + Number(this.peek(place) & 0x000ffffffffff000n);
    }
    const place = table + Number((linear >> BigInt(12 + 9 * (level - 1))) & 511n) * 8;
    this.poke(place, entry);
    return place;
  }
  setCpl(cpl: number): void {
    this.setAttributes(2, 0xc093 | (cpl << 5));
    this.core.modeChanged();
  }
  /** The fault raised, as [vector, error, CR2]; undefined = none. Clears it. */
  fault(): [number, number, bigint] | undefined {
    const raised = this.core.raised.value;
    this.clearRaised();
    if (raised !== Raised.EXCEPTION) return undefined;
    return [this.get32('RAISED_VECTOR'), this.get32('RAISED_ERROR'), this.get('RAISED_CR2')];
  }
  /** The exit raised; undefined = none. Clears it. */
  exit(): { reason: number; info: number; qualification: bigint; gpa: bigint; gla: bigint } | undefined {
    const raised = this.core.raised.value;
    this.clearRaised();
    if (raised !== Raised.EXIT) return undefined;
    return {
      reason: this.get32('EXIT_REASON'),
      info: this.get32('EXIT_INFO'),
      qualification: this.get('EXIT_QUALIFICATION'),
      gpa: this.get('EXIT_GPA'),
      gla: this.get('EXIT_GLA'),
    };
  }
  walks(): bigint {
    return this.get('COUNT_WALKS');
  }
  /** Writable tag of the data TLB entry for a linear page. */
  writeTag(linear: bigint, mmu: number): bigint {
    const { ARENA_TLB, TLB_SIZE, TLB_WRITE } = this.core;
    const index = Number((linear >> 12n) & 1023n) * 32;
    return this.peek(this.arena + ARENA_TLB.value + mmu * TLB_SIZE.value + index + TLB_WRITE.value);
  }
  setCode(hostPage: number, granules: bigint): void {
    this.poke(this.core.CODE_MAP.value + (hostPage >>> 12) * 8, granules);
  }
}
