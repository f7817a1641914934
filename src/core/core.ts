// One instance of the CPU's module: the core of one vCPU. Instances of a Vm share linear memory and compiled code; what an
// instance has of its own is which vCPU it runs and whom it calls at an exit.

import type { CoreMemory } from './memory.js';
import { readLayout, type Layout } from './layout.js';

/** Called whenever hardware would leave guest mode; returns RESUME, SKIP or LEAVE. The parameters repeat the exit record. */
export type ExitHandler = (reason: number, gpaLo: number, gpaHi: number, info: number) => number;

/** The functions of build/core.wasm (assembly/index.ts documents each). */
export interface CoreExports {
  initialize(): void;
  attach(index: number): void;
  resetVcpu(): void;
  run(budget: number): number;
  retired(): number;
  saveVcpu(): void;
  loadVcpu(): void;
  stateChanged(): void;
  sendInterrupt(
    destination: number,
    logical: number,
    wide: number,
    mode: number,
    vector: number,
    level: number,
  ): number;
  /** 0: no such value. */
  setApicBase(value: bigint): number;
  acceptsExtInt(): number;
  timerDeadline(): number;
  limitRun(count: number): void;
  getRflags(): number;
  setRflags(value: number): void;
  flushTlb(): void;
  flushLinear(lo: number, hi: number): void;
  invalidateCode(host: number, length: number): void;
  raiseException(vector: number, error: number, hasError: number): void;
  syncExit(): void;
  /** Floating-point and vector registers to the XSAVE image at FXSAVE, and back. */
  /** XSETBV would take this value. */
  validXcr0(value: bigint): number;
  saveFpu(): void;
  loadFpu(): void;
  emulate(): number;
  emulateAgain(): number;
  /** How many entries the emulator's lists have. */
  countReads(): number;
  countWrites(): number;
  completeIo(): void;
  guestWalk(linear: bigint, access: number, mmu: number): bigint;
  traceStart(): number;
  traceStop(): number;
  setRaised(value: number): void;
  /** What the last walk raised: 0, RAISED_EXCEPTION or RAISED_EXIT. */
  readonly raised: WebAssembly.Global;
  arenaAddress(index: number): number;
  stateAddress(index: number): number;
}

/** What CoreExports.run() returns. */
export const RunResult = { BudgetUsed: 0, Left: 1, Stopped: 2, Halted: 3 } as const;

/** What CoreExports.emulate() and emulateAgain() return. */
export const EmulateResult = { Done: 0, NeedsRead: 1, Exception: 2, Failed: 3, NestedFault: 4 } as const;

/** The largest budget of one CoreExports.run(). */
export const BUDGET_MAX = 2 ** 30;

export class Core {
  readonly exports: CoreExports;
  readonly layout: Layout;
  /** Linear-memory addresses of this vCPU's state page and arena. */
  readonly state: number;
  readonly arena: number;

  private constructor(instance: WebAssembly.Instance, layout: Layout, index: number) {
    this.exports = instance.exports as unknown as CoreExports;
    this.layout = layout;
    this.state = this.exports.stateAddress(index) >>> 0;
    this.arena = this.exports.arenaAddress(index) >>> 0;
  }

  /**
   * Instantiates the module for vCPU `index`. `first` is true for the first instance on a memory, which writes the decode
   * tables. `onExit` answers exits, `now` gives the host's clock in TSC ticks.
   */
  static create(
    module: WebAssembly.Module,
    memory: CoreMemory,
    index: number,
    first: boolean,
    onExit: ExitHandler,
    now: () => number,
  ): Core {
    const instance = new WebAssembly.Instance(module, { env: { memory: memory.memory, exit: onExit, now } });
    const layout = readLayout(instance.exports);
    memory.ensure(layout.MEMORY_FREE);
    const core = new Core(instance, layout, index);
    if (first) core.exports.initialize();
    core.exports.attach(index);
    return core;
  }
}
