// Putting a Vm back to a snapshot, which is what a fuzzer does all day: a guest that writes to so many pages and halts, and
// Vm.restore(), over and over. Beside it, in the same windows, what copying as many pages alone takes.

import type { PagingMode } from '../vmm/options.js';
import { ExitReason } from '../vmm/exit.js';
import type { Snapshot } from '../vmm/snapshot.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { Vm } from '../vmm/vm.js';
import { BenchError } from './bench-error.js';
import type { ResetRow } from './result.js';
import { sampleOf } from './sample.js';

const MIB = 2 ** 20;
const PAGE = 4096;
const CODE = 0x1000;
/** The first page that the guest writes to. */
const DATA = MIB;
/** Runs and restores of a window, or of as many as a coarse clock needs. */
const RESETS = 50;

const dword = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];

/** MOV ECX, pages; MOV EDI, DATA; L: JECXZ E; MOV [EDI], ECX; ADD EDI, 4096; DEC ECX; JMP L; E: HLT, in 32-bit code. */
const guest = (pages: number): number[] => [
  ...[0xb9, ...dword(pages), 0xbf, ...dword(DATA)],
  ...[0xe3, 0x0b, 0x89, 0x0f, 0x81, 0xc7, ...dword(PAGE), 0x49, 0xeb, 0xf3],
  0xf4,
];

export class Reset {
  readonly #vm: Vm;
  readonly #vcpu: Vcpu;
  readonly #snapshot: Snapshot;
  readonly #copies: Uint8Array[];
  readonly #target: Uint8Array;
  readonly #ns: number[] = [];
  readonly #restoreNs: number[] = [];
  readonly #copyNs: number[] = [];
  readonly #leastMs: number;

  private constructor(
    vm: Vm,
    readonly paging: PagingMode,
    readonly pages: number,
    leastMs: number,
  ) {
    this.#vm = vm;
    this.#leastMs = leastMs;
    this.#vcpu = vm.createVcpu();
    vm.memory.write(CODE, Uint8Array.from(guest(pages)));
    const sregs = this.#vcpu.getSregs();
    const flat = { base: 0n, limit: 0xffff_ffff, present: 1, dpl: 0, s: 1, g: 1, avl: 0, l: 0, db: 1, unusable: 0 };
    const data = { ...flat, selector: 0x10, type: 3 };
    const code = { ...flat, selector: 8, type: 11 };
    this.#vcpu.setSregs({ ...sregs, cs: code, ds: data, es: data, ss: data, cr0: sregs.cr0 | 1n });
    this.#vcpu.setRegs({ ...this.#vcpu.getRegs(), rip: BigInt(CODE) });
    this.#snapshot = vm.snapshot();
    this.#copies = Array.from({ length: pages }, () => new Uint8Array(PAGE));
    const bytes = pages * PAGE;
    this.#target = new Uint8Array(
      typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes),
    );
  }

  /** A window lasts at least `leastMs`: for coarse clocks. */
  static async create(paging: PagingMode, pages: number, leastMs = 0): Promise<Reset> {
    const vm = await Vm.create({ memory: DATA + Math.max(pages * PAGE, MIB), paging });
    return new Reset(vm, paging, pages, leastMs);
  }

  /** One window. Throws BenchError if the guest did not write to that many pages, or a page was not put back. */
  measure(record = true): void {
    const vm = this.#vm;
    vm.resetStats();
    let restoring = 0;
    let resets = 0;
    let whole: number;
    const start = performance.now();
    do {
      for (let times = 0; times < RESETS; times++) {
        const exit = this.#vcpu.run();
        if (exit.reason !== ExitReason.Hlt)
          throw new BenchError(`the guest of the resets left with exit ${exit.reason}`);
        const ran = performance.now();
        vm.restore(this.#snapshot);
        restoring += performance.now() - ran;
      }
      resets += RESETS;
      whole = performance.now() - start;
    } while (whole < this.#leastMs);
    this.#check(resets);
    const copyNs = this.#copy();
    if (!record) return;
    this.#ns.push((whole * 1e6) / resets);
    this.#restoreNs.push((restoring * 1e6) / resets);
    this.#copyNs.push(copyNs);
  }

  #check(resets: number): void {
    const { exits } = this.#vm.stats();
    const written = (exits['PML_FULL']?.count ?? 0) / resets;
    if (written !== this.pages) throw new BenchError(`a reset had ${written} pages to put back, not ${this.pages}`);
    for (let page = 0; page < this.pages; page++) {
      if (this.#vm.memory.readU32(DATA + page * PAGE) !== 0) throw new BenchError(`page ${page} was not put back`);
    }
  }

  /** Nanoseconds of the floor: as many pages, from where such copies are kept to memory like the guest's (a view of its own would be put back each time). */
  #copy(): number {
    if (this.pages === 0) return 0;
    const target = this.#target;
    let resets = 0;
    let elapsed: number;
    const start = performance.now();
    do {
      for (let times = 0; times < RESETS; times++) {
        for (let page = 0; page < this.#copies.length; page++) target.set(this.#copies[page]!, page * PAGE);
      }
      resets += RESETS;
      elapsed = performance.now() - start;
    } while (elapsed < this.#leastMs);
    return (elapsed * 1e6) / resets;
  }

  /** Whether there is something for result() to tell. */
  get measured(): boolean {
    return this.#ns.length > 0;
  }

  result(): ResetRow {
    const { min, median } = sampleOf(this.#ns);
    // A coarse clock rounds each restore, up as often as down: the typical sum is right, the least the most flattered one.
    const typical = this.#leastMs > 0 ? 'median' : 'min';
    const restore = sampleOf(this.#restoreNs)[typical];
    const copy = sampleOf(this.#copyNs)[typical];
    return {
      paging: this.paging,
      pages: this.pages,
      perSecond: 1e9 / min,
      ns: min,
      medianNs: median,
      restoreNs: restore,
      copyNs: copy,
      ratioToCopy: this.pages === 0 ? null : restore / copy,
    };
  }

  close(): void {
    this.#vm.close();
  }
}
