// What the exit handlers of one vCPU work on. The dispatcher, the handlers and Vcpu share it; users see Vcpu.

import type { Core, ExitHandler } from '../core/core.js';
import type { CoreMemory } from '../core/memory.js';
import type { DoorbellBus } from '../bus/doorbell-bus.js';
import type { IoBus } from '../bus/io-bus.js';
import { EBADF, EBUSY } from '../eventfd/index.js';
import type { Cpuid } from './cpuid.js';
import { ExitReason, InternalErrorExit, type Exit, type IoExit, type MmioExit } from './exit.js';
import type { ExitStats } from './exit-stats.js';
import type { KvmClock } from './msr/kvmclock.js';
import type { RegisterFile } from './msr/register-file.js';
import type { ExitListener } from './exit-trace.js';
import type { MsrTable } from './msrs.js';
import type { NestedTable } from './nested-table.js';
import type { PageHistory } from './page-history.js';
import type { ScratchPages } from './scratch.js';
import type { ShadowTable } from './shadow-table.js';

/** What the vCPUs of a Vm have in common. */
export interface Shared {
  readonly memory: CoreMemory;
  /** Doorbells are answered at the exit. Vm.setDoorbells() changes it, and tells each context. */
  fastDoorbells: boolean;
  /** Who looks on (Vm.onExit). While somebody does, no exit takes the short way. */
  exitListener: ExitListener | undefined;
  readonly nested: NestedTable;
  readonly pages: PageHistory;
  readonly scratch: ScratchPages;
  readonly mmio: IoBus;
  readonly pio: IoBus;
  readonly doorbells: DoorbellBus;
  readonly cpuid: Cpuid;
  readonly msrs: MsrTable;
  readonly stats: ExitStats;
  eoiListener: EoiListener | undefined;
  /** Vm.close() was called. */
  closed: boolean;
}

/** Throws EBADF when the Vm has been closed; `what` is the call that is refused. */
export function checkOpen(shared: Shared, what: string): void {
  if (shared.closed) throw new EBADF(`${what}: the Vm is closed`);
}

/** Gives the vector of the interrupt a vCPU takes (an 8259's INTA cycle); -1 if there is none after all. */
export interface InterruptSource {
  acknowledge(): number;
}

/** Who hears of the EOI of a level-triggered vector: the I/O APIC. */
export interface EoiListener {
  eoi(vector: number): void;
}

/** What an exit to the user left undone; the next run() begins with it (spec 4.2). */
export type Unfinished =
  | { kind: 'read'; exit: MmioExit; row: number }
  /** Pieces of a write that nobody claimed, still to be delivered. */
  | { kind: 'writes'; exits: MmioExit[] }
  | { kind: 'io'; exit: IoExit }
  /** INS to MMIO: the emulator runs it and needs the port's value, then to be run again. */
  | { kind: 'emulated-in'; exit: IoExit; rip: bigint; row: number };

/** The thread that a vCPU has to itself (thread/vcpu-thread.ts). */
export interface Elsewhere {
  /** The guest's code runs there at this moment, or may. */
  readonly away: boolean;
  /** Something was requested of the vCPU. */
  wake(): void;
  /** run() is to end. */
  stop(): void;
  /** Does something while the vCPU stands still between two instructions. */
  held<T>(work: () => T): T;
  /** Another timer is the next. */
  timersChanged(): void;
  /** The Vm is closed. */
  close(): Promise<void>;
}

/** Interruption information (SDM vol. 3, table 25-17): valid. */
export const EVENT_VALID = 0x8000_0000;

export class VcpuContext {
  core!: Core;
  /** What `core` calls at an exit. */
  answer!: ExitHandler;
  /** The vCPU runs in another thread; `core` then only answers its exits. */
  elsewhere: Elsewhere | undefined;
  /** Model-specific registers that the core does not know, and the clock behind some of them. */
  registers!: RegisterFile;
  kvmclock!: KvmClock;
  /** The shadow page table of this vCPU, in mode 'shadow'. */
  shadow: ShadowTable | undefined;
  /** The exit handler looks at `shared.fastDoorbells` and `shared.exitListener` again. */
  doorbellsChanged: () => void = () => {};
  /** run() is under way. */
  running = false;
  /** kvm_run.exit_reason. */
  lastReason: ExitReason = ExitReason.Unknown;
  /** Set by a handler that returns LEAVE. */
  exit: Exit | undefined;
  /** What a device threw; run() throws it on. */
  failure: Error | undefined;
  unfinished: Unfinished | undefined;
  /** The INTR pin, and who answers it. */
  interruptLine = false;
  interruptSource: InterruptSource | undefined;
  /** The user wants an exit when an interrupt could be taken. */
  wantsWindow = false;
  /** The emulator is running: a port access is an element of INS or OUTS with an operand in MMIO. */
  emulating = false;
  /** What the user answered to such an IN. */
  portAnswer: number | undefined;
  /** Row of the statistics that emulation now counts for. */
  row = 0;
  #faults = 0;
  #faultLo = 0;
  #faultHi = 0;
  #faultRetired = -1;

  constructor(
    readonly index: number,
    readonly shared: Shared,
  ) {}

  /** Word indexes, for Uint32Array and Int32Array, of a state field. */
  word(offset: number): number {
    return (this.core.state + offset) >>> 2;
  }

  request(bits: number): void {
    Atomics.or(this.shared.memory.i32, this.word(this.core.layout.REQUEST), bits);
    this.elsewhere?.wake();
  }

  /** Throws EBUSY while the vCPU runs in another thread; `what` is the call that is refused. */
  checkHere(what: string): void {
    if (this.elsewhere?.away !== true) return;
    throw new EBUSY(
      `${what}: vCPU ${this.index} is running in its thread; call requestStop() and wait for run() to return`,
    );
  }

  /** Does something that changes what a running vCPU relies on: its caches, the tables that it walks. */
  held<T>(work: () => T): T {
    return this.elsewhere === undefined ? work() : this.elsewhere.held(work);
  }

  /** Takes request bits back; true if one of them was set. */
  withdraw(bits: number): boolean {
    return (Atomics.and(this.shared.memory.i32, this.word(this.core.layout.REQUEST), ~bits) & bits) !== 0;
  }

  /**
   * Interruption information of the event whose delivery this exit interrupted (VT-x's IDT-vectoring information), else 0.
   * Such an event waits in INJECT_INFO to be delivered again; at no other exit is anything there.
   */
  delivering(): number {
    const info = this.shared.memory.u32[this.word(this.core.layout.INJECT_INFO)]!;
    return (info & EVENT_VALID) !== 0 ? info : 0;
  }

  /** Leaves run() with this exit. */
  leave(exit: Exit): number {
    this.exit = exit;
    return this.core.layout.LEAVE;
  }

  internalError(suberror: number, data: readonly bigint[], message: string): number {
    return this.leave(new InternalErrorExit(suberror, data, message));
  }

  /** Forgets which fault was met last. */
  resetProgress(): void {
    this.#faultRetired = -1;
  }

  /**
   * False if a fault at this address was answered again and again without an instruction retiring: no answer of ours
   * satisfies the CPU, and run() would never return.
   */
  makesProgress(lo: number, hi: number): boolean {
    const retired = this.core.exports.retired();
    if (lo !== this.#faultLo || hi !== this.#faultHi || retired !== this.#faultRetired) {
      this.#faultLo = lo;
      this.#faultHi = hi;
      this.#faultRetired = retired;
      this.#faults = 0;
    }
    return ++this.#faults < 1000;
  }
}
