// The raw core with a hypervisor of a few dozen lines around it: guest RAM between guard zones, nested tables built on
// demand in any of the three formats, MMIO by the emulator. For tests that need to see every exit and all of memory.
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

type Exports = Record<string, WebAssembly.Global> & Record<string, (...args: (number | bigint)[]) => number>;

export type Paging = 'ept' | 'npt' | 'shadow';
/** What the handler of a test may say to an exit; undefined = the machine's own answer. */
export type ExitHook = (exit: Exit) => number | undefined;
export interface Exit {
  reason: number;
  lo: number;
  hi: number;
  info: number;
}

export const RESUME = 0;
export const SKIP = 1;
export const LEAVE = 2;
export const REASON = {
  tripleFault: 2,
  interruptWindow: 7,
  cpuid: 10,
  hlt: 12,
  io: 30,
  rdmsr: 31,
  wrmsr: 32,
  eptViolation: 48,
  eptMisconfig: 49,
  pageFault: 0x4e,
  npf: 0x400,
} as const;
export const BUDGET_USED = 0;
export const LEFT = 1;
export const STOPPED = 2;
export const HALTED = 3;

export const RAM_SIZE = 0x8_0000;
const GUARD = 0x1_0000;
const TABLES = 256;
const PAGE = 4096;
const NO_MAPPING = 0n;

let compiled: WebAssembly.Module | undefined;
function wasm(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('../../build/core.wasm', import.meta.url)));
  return compiled;
}

export class Machine {
  readonly core: Exports;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Linear-memory addresses of the state page, the arena, guest RAM. */
  readonly state: number;
  readonly arena: number;
  readonly ram: number;
  readonly #tables: number;
  readonly #offsets = new Map<string, number>();
  #nextTable = 0;
  paging: Paging = 'ept';
  /** GPAs at and above RAM_SIZE are devices; reads there answer with this. */
  mmioRead: (gpa: number, length: number) => bigint = () => 0n;
  mmioWrite: (gpa: number, length: number, data: bigint) => void = () => {};
  portRead: (port: number) => number = () => 0xff;
  hook: ExitHook = () => undefined;
  /** New RAM pages are mapped read-only first, so that their first write exits once more. */
  readOnlyFirst = false;
  exits = 0;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: 2048, maximum: 65536, shared: true });
    const exit = (reason: number, lo: number, hi: number, info: number): number => this.#exit({ reason, lo, hi, info });
    const env = { memory, now: () => 0, exit };
    this.core = new WebAssembly.Instance(wasm(), { env }).exports as Exports;
    const free = this.constant('MEMORY_FREE');
    const bytesNeeded = free + 4 * GUARD + TABLES * PAGE + RAM_SIZE;
    if (bytesNeeded > memory.buffer.byteLength) {
      memory.grow(Math.ceil((bytesNeeded - memory.buffer.byteLength) / 65536));
    }
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.core.initialize!();
    this.core.attach!(0);
    this.core.resetVcpu!();
    this.state = this.core.stateAddress!(0);
    this.arena = this.core.arenaAddress!(0);
    this.#tables = ((free + PAGE - 1) & ~(PAGE - 1)) + GUARD;
    this.ram = this.#tables + TABLES * PAGE + GUARD;
    for (const [from, to] of this.guards()) this.bytes.fill(0xa5, from, to);
  }

  /** Ranges that nobody may ever write: around the tables and around RAM. */
  guards(): [number, number][] {
    const end = this.ram + RAM_SIZE;
    return [
      [this.#tables - GUARD, this.#tables],
      [this.ram - GUARD, this.ram],
      [end, end + GUARD],
    ];
  }
  guardsIntact(): boolean {
    return this.guards().every(([from, to]) => this.bytes.subarray(from, to).every((byte) => byte === 0xa5));
  }

  constant(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const value = Number(this.core[name]!.value);
    this.#offsets.set(name, value);
    return value;
  }
  get(name: string, index = 0): bigint {
    return this.view.getBigUint64(this.state + this.constant(name) + index * 8, true);
  }
  set(name: string, value: bigint | number, index = 0): void {
    this.view.setBigUint64(this.state + this.constant(name) + index * 8, BigInt.asUintN(64, BigInt(value)), true);
  }
  get32(name: string): number {
    return this.view.getUint32(this.state + this.constant(name), true);
  }
  set32(name: string, value: number): void {
    this.view.setUint32(this.state + this.constant(name), value, true);
  }
  reg(index: number): bigint {
    return this.get('GPR', index);
  }
  setReg(index: number, value: bigint | number): void {
    this.set('GPR', value, index);
  }
  segment(index: number, selector: number, base: bigint | number, limit: number, attributes: number): void {
    const at = this.state + this.constant('SEGMENTS') + index * this.constant('SEGMENT_SIZE');
    this.view.setBigUint64(at, BigInt(base), true);
    this.view.setUint32(at + 8, limit, true);
    this.view.setUint32(at + 12, attributes, true);
    this.view.setUint16(at + 16, selector, true);
  }
  write(gpa: number, bytes: ArrayLike<number>): void {
    this.bytes.set(bytes, this.ram + gpa);
  }
  write64(gpa: number, value: bigint): void {
    this.view.setBigUint64(this.ram + gpa, value, true);
  }
  read64(gpa: number): bigint {
    return this.view.getBigUint64(this.ram + gpa, true);
  }

  /** Power-on state, empty RAM, nothing mapped. */
  reset(paging: Paging): void {
    this.paging = paging;
    this.exits = 0;
    this.hook = () => undefined;
    this.bytes.fill(0, this.ram, this.ram + RAM_SIZE);
    this.core.resetVcpu!();
    this.core.invalidateCode!(this.ram, RAM_SIZE);
    this.#clearTables();
    this.set('NESTED', { shadow: 0, ept: 1, npt: 2 }[paging]);
    this.set('PHYSICAL_BITS', 40);
    this.set('FEATURES', 2 ** 40 - 1 - this.constant('FEATURE_LA57'));
    this.set('INTERCEPTS', paging === 'shadow' ? this.constant('INTERCEPT_CR3') : 0);
    // one tick an instruction: RDTSC tells how many have retired
    this.set('TSC_PER_INSN', 0x10000);
  }
  /** Decide on 64-bit (or what the caller has set up) after registers were written. */
  changed(): void {
    this.core.stateChanged!();
  }

  /**
   * Run `budget` instructions in slices, as far as the exits let it. A slice in which nothing retired (a loop of faults)
   * counts as one. Returns the last result.
   */
  run(budget: number, slice = budget): number {
    let result = BUDGET_USED;
    let left = budget;
    while (left > 0) {
      const before = this.core.retired!();
      result = this.core.run!(Math.min(slice, left));
      left -= Math.max(this.core.retired!() - before, 1);
      if (result !== BUDGET_USED) return result;
    }
    return result;
  }

  // ---------------------------------------------------------------- nested tables
  #newTable(): number {
    // full: as any hypervisor short of memory, start over
    if (this.#nextTable === TABLES) this.#clearTables();
    const table = this.#tables + this.#nextTable++ * PAGE;
    this.bytes.fill(0, table, table + PAGE);
    return table;
  }
  #clearTables(): void {
    this.#nextTable = 0;
    const nested = this.#newTable();
    const shadow = this.#newTable();
    this.set('NESTED_ROOT', nested);
    this.set('SHADOW_ROOT', shadow);
    this.core.flushTlb!();
  }
  #map(root: number, address: bigint, entry: bigint): void {
    if (this.#nextTable + 3 > TABLES) this.#clearTables();
    let table = root;
    for (let level = 3; level > 0; level--) {
      const at = table + Number((address >> BigInt(12 + 9 * level)) & 511n) * 8;
      let next = this.view.getBigUint64(at, true);
      if (next === NO_MAPPING) {
        next = BigInt(this.#newTable()) | 7n;
        this.view.setBigUint64(at, next, true);
      }
      table = Number(next & 0xffff_f000n);
    }
    this.view.setBigUint64(table + Number((address >> 12n) & 511n) * 8, entry, true);
  }
  #find(root: number, address: bigint): bigint {
    let table = root;
    for (let level = 3; level > 0; level--) {
      const next = this.view.getBigUint64(table + Number((address >> BigInt(12 + 9 * level)) & 511n) * 8, true);
      if (next === NO_MAPPING) return NO_MAPPING;
      table = Number(next & 0xffff_f000n);
    }
    return this.view.getBigUint64(table + Number((address >> 12n) & 511n) * 8, true);
  }
  /** Map the page of a guest-physical address in the EPT (shadow: for software walks) or NPT. False = it cannot be. */
  #mapNested(gpa: bigint, write: boolean): boolean {
    if (gpa >> 48n) return false;
    const page = gpa & ~0xfffn;
    const root = Number(this.get('NESTED_ROOT'));
    const ept = this.paging !== 'npt';
    const old = this.#find(root, page);
    let entry: bigint;
    if (page >= BigInt(RAM_SIZE)) entry = ept ? 6n : (1n << 51n) | 7n;
    else {
      const rights = this.readOnlyFirst && !write && old === NO_MAPPING ? 5n : 7n;
      // EPT: read 1, write 2, execute 4, write-back 6 << 3; NPT: present 1, writable 2, user 4
      entry = BigInt(this.ram) + page + rights + (ept ? 0x30n : 0n);
    }
    if (old === entry) return false;
    this.#map(root, page, entry);
    if (old !== NO_MAPPING) this.core.flushTlb!();
    return true;
  }
  /** Shadow paging: fill in what the guest's own tables say, or queue the guest's #PF. */
  #mapShadow(linear: bigint, error: number): void {
    const access = error & 16 ? 4 : error & 2 ? 2 : 1;
    const ac = this.get32('MMU') === 2;
    const mmu = error & 4 ? 1 : ac ? 2 : 0;
    for (let attempt = 0; attempt < 32; attempt++) {
      const found = this.core.guestWalk!(linear, access, mmu) as unknown as bigint;
      if (found !== 0n) {
        const gpa = BigInt.asUintN(64, found) & 0x000f_ffff_ffff_f000n;
        const user = mmu === 1 ? 4n : 0n;
        const writable = access === 2 ? 2n : 0n;
        const target = gpa < BigInt(RAM_SIZE) ? BigInt(this.ram) + gpa : gpa | (1n << 51n);
        this.#map(Number(this.get('SHADOW_ROOT')), linear, target | 1n | user | writable);
        this.core.flushTlb!();
        return;
      }
      const raised = Number((this.core.raised as unknown as WebAssembly.Global).value);
      this.core.setRaised!(0);
      if (raised !== 2 || !this.#mapNested(this.get('EXIT_GPA'), true)) break;
    }
    this.core.raiseException!(14, this.get32('RAISED_ERROR'), 1);
  }

  // ---------------------------------------------------------------- exits
  #exit(exit: Exit): number {
    this.exits++;
    this.core.syncExit!(); // the record of a kick is made on demand
    const own = this.hook(exit);
    if (own !== undefined) return own;
    switch (exit.reason) {
      case REASON.eptViolation:
        return this.#violation((this.get32('EXIT_QUALIFICATION') & 2) !== 0);
      case REASON.npf:
        if (this.get32('EXIT_QUALIFICATION') & 8) return this.emulate();
        return this.#violation((this.get32('EXIT_QUALIFICATION') & 2) !== 0);
      case REASON.eptMisconfig:
        return this.emulate();
      case REASON.pageFault: {
        const error = this.get32('EXIT_QUALIFICATION');
        if (error & 8) return this.emulate();
        this.#mapShadow(this.get('EXIT_GLA'), error);
        return RESUME;
      }
      case REASON.io:
        if (exit.info & 1) this.set('EXIT_DATA', this.portRead(exit.lo));
        return SKIP;
      case REASON.hlt:
      case REASON.tripleFault:
        return LEAVE;
      case REASON.rdmsr:
      case REASON.wrmsr:
        this.core.raiseException!(13, 0, 1);
        return RESUME;
      default:
        return exit.reason === 28 || exit.reason === 14 || exit.reason === 7 ? this.#translationsChanged() : SKIP;
    }
  }
  #translationsChanged(): number {
    if (this.paging === 'shadow') {
      this.#clearTables();
    }
    return RESUME;
  }
  #violation(write: boolean): number {
    if (this.#mapNested(this.get('EXIT_GPA'), write)) return RESUME;
    this.core.raiseException!(13, 0, 1);
    return RESUME;
  }
  /** Finish the instruction at RIP with the MMIO it needs. An exit in the middle of an event's delivery is a dead end. */
  emulate(): number {
    if (this.get32('INJECT_INFO') >>> 31) {
      this.set32('INJECT_INFO', 0);
      this.core.raiseException!(8, 0, 1);
      return RESUME;
    }
    let result = this.core.emulate!();
    for (let round = 0; round < 64; round++) {
      if (result === 1) {
        const count = this.core.countReads!();
        const at = this.arena + this.constant('ARENA_READS') + (count - 1) * this.constant('MMIO_ENTRY');
        const gpa = Number(this.view.getBigUint64(at, true));
        this.view.setBigUint64(at + 8, this.mmioRead(gpa, this.view.getUint32(at + 16, true)), true);
        result = this.core.emulateAgain!();
      } else if (result === 4) {
        if (!this.#mapNested(this.get('EXIT_GPA'), (this.get32('EXIT_QUALIFICATION') & 2) !== 0)) break;
        result = this.core.emulate!();
      } else break;
    }
    if (result === 0) {
      const count = this.core.countWrites!();
      for (let index = 0; index < count; index++) {
        const at = this.arena + this.constant('ARENA_WRITES') + index * this.constant('MMIO_ENTRY');
        const gpa = Number(this.view.getBigUint64(at, true));
        this.mmioWrite(gpa, this.view.getUint32(at + 16, true), this.view.getBigUint64(at + 8, true));
      }
    } else if (result !== 2) this.core.raiseException!(6, 0, 0);
    return RESUME;
  }

  // ---------------------------------------------------------------- what a guest can see
  /** The architectural state: registers, segments, control and debug registers, events. */
  architecture(): Record<string, bigint | number> {
    const state: Record<string, bigint | number> = { RFLAGS: this.core.getRflags!() >>> 0 };
    for (let index = 0; index < 16; index++) state[`r${index}`] = this.reg(index);
    for (const name of ['RIP', 'CR0', 'CR2', 'CR3', 'CR4', 'CR8', 'EFER', 'GDTR_BASE', 'GDTR_LIMIT', 'IDTR_BASE']) {
      state[name] = this.get(name);
    }
    for (const name of ['IDTR_LIMIT', 'INTERRUPTIBILITY', 'ACTIVITY', 'PENDING_DEBUG', 'INJECT_INFO', 'CPL', 'MODE']) {
      state[name] = this.get32(name);
    }
    for (const name of ['MSR_STAR', 'MSR_LSTAR', 'MSR_KERNEL_GS_BASE', 'MSR_SYSENTER_CS', 'TSC_OFFSET']) {
      state[name] = this.get(name);
    }
    for (let index = 0; index < 8; index++) {
      state[`DR${index}`] = this.get('DR', index);
      const at = this.state + this.constant('SEGMENTS') + index * this.constant('SEGMENT_SIZE');
      state[`s${index}.base`] = this.view.getBigUint64(at, true);
      state[`s${index}.limit`] = this.view.getUint32(at + 8, true);
      state[`s${index}.attributes`] = this.view.getUint32(at + 12, true);
      state[`s${index}.selector`] = this.view.getUint16(at + 16, true);
    }
    this.core.saveFpu!();
    const image = this.state + this.constant('FXSAVE');
    for (let at = 0; at < this.constant('XSAVE_SIZE'); at += 8) {
      state[`xsave.${at}`] = this.view.getBigUint64(image + at, true);
    }
    state['retired'] = this.core.retired!();
    return state;
  }
  ramHash(): string {
    // hash() does not take views of shared memory in Node 20
    const copy = Buffer.from(this.bytes.slice(this.ram, this.ram + RAM_SIZE).buffer);
    return createHash('sha1').update(copy).digest('hex');
  }
}
