// A virtual CPU: its registers, and running it. What KVM's vCPU file descriptor is, with KVM's rules (KVM_RUN and kvm_run).

import { BUDGET_MAX, RunResult, type Core } from '../core/core.js';
import { EBUSY, EEXIST, EINVAL } from '../eventfd/index.js';
import type { Clock } from './clock.js';
import { checkOpen, EVENT_VALID, type InterruptSource, type VcpuContext } from './context.js';
import { resumeEmulation, resumeInput } from './emulation.js';
import { DeviceError } from './device-error.js';
import { LookUps, type LookUp } from './look-up.js';
import type { PagingMode } from './options.js';
import {
  DebugExit,
  ExitReason,
  InternalError,
  InternalErrorExit,
  PlainExit,
  type Exit,
  type IoExit,
  type MmioExit,
} from './exit.js';
import { finishIo } from './exits/io.js';
import type { GuestMemory } from './guest-memory.js';
import { readMsr, STATE_MSRS, writeMsr, type Msr } from './msrs.js';
import {
  readDebugRegs,
  readRegs,
  readSregs,
  writeDebugRegs,
  writeRegs,
  writeSregs,
  type DebugRegs,
  type Regs,
  type Sregs,
} from './regs.js';
import type { Timers } from './timers.js';
import { traceWalk, walkGuest, type PageWalk } from './guest-tables.js';

/** How far run() may go. */
export interface RunOptions {
  /** Instructions to retire at most, one that this call completes included; the exit is then Budget. Exact. Default: no limit. */
  maxInstructions?: number;
  /** Milliseconds of the host's time at most, looked at every few ten thousand instructions; the exit is then Budget. */
  timeoutMs?: number;
}

/** An exception that the processor raised. */
export interface LastException {
  readonly vector: number;
  readonly error: number | undefined;
  /** Of a page fault: the linear address. */
  readonly address: bigint;
}

/** Multiprocessing state, KVM's names: it runs, it halted, it waits for a SIPI. */
export type MpState = 'runnable' | 'halted' | 'init-received';

function checkBudget(maxInstructions: number): void {
  if (maxInstructions === Infinity || (Number.isSafeInteger(maxInstructions) && maxInstructions >= 0)) return;
  throw new EINVAL(`run: maxInstructions must be a whole number, not ${String(maxInstructions)}`);
}

/** What the Vm gives its vCPUs. */
export interface VcpuParts {
  context: VcpuContext;
  clock: Clock;
  timers: Timers;
  guestMemory: GuestMemory;
  physicalBits: number;
  paging: () => PagingMode;
  /** The processor has its local APIC. */
  apic: boolean;
  /** Power-on state. */
  reset: () => void;
}

/** Bytes of an FXSAVE image. */
const FPU_SIZE = 512;
const MXCSR_AT = 24;
/** Of an XSAVE image: the header, and x87, SSE and AVX as its components. */
const XSTATE_BV_AT = 512;
const ALL_COMPONENTS = 7n;
const SINGLE_STEP_DR6 = 0xffff_4ff0n;
/** V8 replaces a running function by its optimised form only when it is called anew, so the core is called often. */
const SLICE = 32768;

export class Vcpu {
  readonly #context: VcpuContext;
  readonly #core: Core;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #guest: GuestMemory;
  readonly #physicalBits: number;
  readonly #lookUps: LookUps;
  readonly #hasApic: boolean;
  readonly #reset: () => void;

  /** kvm_run.immediate_exit: run() completes what the last exit left undone, and returns Intr without entering the guest. */
  immediateExit = false;

  /** Made by Vm.createVcpu(). */
  constructor({ context, clock, timers, guestMemory, physicalBits, paging, apic, reset }: VcpuParts) {
    this.#context = context;
    this.#core = context.core;
    this.#clock = clock;
    this.#timers = timers;
    this.#guest = guestMemory;
    this.#physicalBits = physicalBits;
    this.#lookUps = new LookUps(context, guestMemory, paging);
    this.#hasApic = apic;
    this.#reset = reset;
  }

  /** 0 for the first vCPU, also its initial APIC id. */
  get index(): number {
    return this.#context.index;
  }

  /** kvm_run.exit_reason: of the last exit. Unchanged by an Intr that immediateExit caused (spec 4.3). */
  get exitReason(): ExitReason {
    return this.#context.lastReason;
  }

  /** The exit that the next run() completes: the one it returned last, or after Vm.restore() the one it had returned then. */
  get pending(): IoExit | MmioExit | undefined {
    const { unfinished } = this.#context;
    return unfinished === undefined || unfinished.kind === 'writes' ? undefined : unfinished.exit;
  }

  /** Instructions retired since the vCPU was made. */
  get retired(): number {
    this.#core.exports.syncExit();
    return this.#core.exports.retired();
  }

  /**
   * Runs the guest until something is for the caller: KVM_RUN. Begins by completing the last exit (see Exit.complete());
   * after an Hlt it goes on behind the HLT, so wait before, or inject what ends the halt.
   *
   * Throws only: EINVAL for options that make no sense, EBUSY if called while running, and DeviceError when a device on a
   * bus throws. The vCPU can go on after that: an IN, OUT or MMIO read begins anew, an MMIO write is past.
   */
  run({ maxInstructions = Infinity, timeoutMs = Infinity }: RunOptions = {}): Exit {
    checkBudget(maxInstructions);
    if (!(timeoutMs >= 0)) throw new EINVAL(`run: timeoutMs must be 0 or more, not ${String(timeoutMs)}`);
    if (this.#context.elsewhere !== undefined) throw new EBUSY(`run: vCPU ${this.index} has a thread, which runs it`);
    this.#claim();
    try {
      const before = this.retired;
      const finished = this.#finish();
      // An instruction that is completed now was not counted when it left.
      const left = maxInstructions - (this.retired - before);
      const exit = finished ?? (this.immediateExit ? undefined : this.#enter(left, timeoutMs));
      if (exit === undefined) return new PlainExit(ExitReason.Intr);
      this.#context.lastReason = exit.reason;
      return exit;
    } finally {
      this.#context.running = false;
    }
  }

  /**
   * @internal run() by the vCPU's own thread (thread/vcpu-thread.ts): `enter` has at most so many instructions run there.
   * Undefined: an exit is left in the context.
   */
  async runElsewhere(
    { maxInstructions = Infinity }: RunOptions,
    enter: (maxInstructions: number) => Promise<Exit | undefined>,
  ): Promise<Exit> {
    checkBudget(maxInstructions);
    this.#claim();
    try {
      const before = this.retired;
      const finished = this.#finish();
      const left = maxInstructions - (this.retired - before);
      if (finished === undefined && this.immediateExit) return new PlainExit(ExitReason.Intr);
      this.#endKnownHalt();
      const exit = finished ?? (await enter(left)) ?? this.#take();
      this.#context.lastReason = exit.reason;
      return exit;
    } finally {
      this.#context.running = false;
    }
  }

  /** run() is under way from now on. Throws EBADF, or EBUSY if it was. */
  #claim(): void {
    checkOpen(this.#context.shared, 'run');
    if (this.#context.running)
      throw new EBUSY(`run: vCPU ${this.index} is running already (called from a device of its own?)`);
    this.#context.running = true;
  }

  /** Runs exactly one instruction. The exit is Debug (as under KVM_GUESTDBG_SINGLESTEP) unless the instruction made another. */
  step(): Exit {
    const exit = this.run({ maxInstructions: 1 });
    if (exit.reason !== ExitReason.Budget) return exit;
    const { rip } = this.getRegs();
    const { cs } = this.getSregs();
    this.#context.lastReason = ExitReason.Debug;
    return new DebugExit(BigInt.asUintN(64, cs.base + rip), SINGLE_STEP_DR6, this.getDebugRegs().dr7);
  }

  /** What the last exit left to be done. An exit if that makes another one. */
  #finish(): Exit | undefined {
    const context = this.#context;
    const { unfinished } = context;
    context.unfinished = undefined;
    if (unfinished === undefined) return undefined;
    switch (unfinished.kind) {
      case 'io':
        finishIo(context, unfinished.exit);
        return undefined;
      case 'writes': {
        const [first, ...rest] = unfinished.exits;
        if (rest.length > 0) context.unfinished = { kind: 'writes', exits: rest };
        return first;
      }
      case 'read': {
        const { exit, row } = unfinished;
        return this.#resume(exit.physAddr, () => resumeEmulation(context, exit, row));
      }
      case 'emulated-in': {
        const { exit, rip, row } = unfinished;
        if (this.getRegs().rip !== rip) return undefined;
        return this.#resume(BigInt(exit.port), () => resumeInput(context, exit.value, row));
      }
    }
  }

  /** Goes on with an emulation. An exit if it makes another one. */
  #resume(address: bigint, work: () => number): Exit | undefined {
    try {
      return work() === this.#core.layout.LEAVE ? this.#take() : undefined;
    } catch (error) {
      if (error instanceof DeviceError) throw error;
      throw new DeviceError(`address 0x${address.toString(16)}`, error);
    }
  }

  #enter(maxInstructions: number, timeoutMs: number): Exit {
    const context = this.#context;
    const { exports } = this.#core;
    this.#endKnownHalt();
    const deadline = timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs;
    let left = maxInstructions;
    while (left > 0) {
      this.#timers.fire();
      context.kvmclock.refresh();
      const before = exports.retired();
      const result = exports.run(Math.min(left, SLICE, BUDGET_MAX, this.#timers.untilNext()));
      left -= exports.retired() - before;
      if (result === RunResult.Left) return this.#take();
      if (result === RunResult.Stopped) return new PlainExit(ExitReason.Intr);
      if (result === RunResult.Halted) return new PlainExit(ExitReason.Hlt);
      if (performance.now() >= deadline) break;
    }
    return new PlainExit(ExitReason.Budget);
  }

  /**
   * A halt that the caller knows of is over; one that came with the last instruction of a budget is yet to be reported.
   * With a local APIC of its own the vCPU stays halted until something wakes it (as with KVM's irqchip).
   */
  #endKnownHalt(): void {
    const { i32 } = this.#context.shared.memory;
    const activity = this.#context.word(this.#core.layout.ACTIVITY);
    if (!this.#hasApic && i32[activity] === 1 && this.#context.lastReason === ExitReason.Hlt) i32[activity] = 0;
  }

  /** The exit that a handler has left; or what a device has thrown. */
  #take(): Exit {
    const context = this.#context;
    const { failure, exit } = context;
    context.failure = undefined;
    context.exit = undefined;
    if (failure !== undefined) {
      context.unfinished = undefined;
      throw failure;
    }
    return exit ?? new InternalErrorExit(InternalError.UnexpectedExitReason, [], 'the guest was left without an exit');
  }

  /** Makes run() return Intr soon, from any place in this thread (a device, a signal handler); also the next run() if none is under way. Works the same while the vCPU runs in a thread of its own. */
  requestStop(): void {
    const { elsewhere } = this.#context;
    if (elsewhere === undefined) this.#context.request(this.#core.layout.REQUEST_STOP);
    else elsewhere.stop();
  }

  getRegs(): Regs {
    this.#context.checkHere('getRegs');
    this.#core.exports.syncExit();
    return readRegs(this.#core, this.#context.shared.memory);
  }

  setRegs(regs: Regs): void {
    this.#context.checkHere('setRegs');
    this.#core.exports.syncExit();
    writeRegs(this.#core, this.#context.shared.memory, regs);
  }

  getSregs(): Sregs {
    this.#context.checkHere('getSregs');
    return readSregs(this.#core, this.#context.shared.memory);
  }

  /** Throws EINVAL for a combination that VM entry would refuse, EFAULT if PAE's four entries are not in memory. */
  setSregs(sregs: Sregs): void {
    this.#context.checkHere('setSregs');
    const read = (gpa: bigint): Uint8Array => this.#guest.read(gpa, 32);
    writeSregs(this.#core, this.#context.shared.memory, sregs, this.#physicalBits, read);
    this.#context.shadow?.clear();
  }

  /** The FXSAVE image (SDM vol. 1, table 10-2), 512 bytes, with 64-bit pointers. */
  getFpu(): Uint8Array {
    return this.getXsave().slice(0, FPU_SIZE);
  }

  /** The upper halves of the YMM registers stay. Throws EINVAL unless it is 512 bytes whose MXCSR has no reserved bits (SDM vol. 1, 10.2.3). */
  setFpu(image: Uint8Array): void {
    if (image.length !== FPU_SIZE)
      throw new EINVAL(`setFpu: an FXSAVE image has ${FPU_SIZE} bytes, not ${image.length}`);
    const whole = this.getXsave();
    whole.set(image);
    new DataView(whole.buffer).setBigUint64(XSTATE_BV_AT, ALL_COMPONENTS, true);
    this.#loadXsave('setFpu', whole);
  }

  /** KVM_GET_XSAVE: the XSAVE image in standard form (SDM vol. 1, 13.4), 832 bytes: x87, SSE, AVX. */
  getXsave(): Uint8Array {
    this.#context.checkHere('getXsave');
    const { exports, state, layout } = this.#core;
    exports.saveFpu();
    return this.#context.shared.memory.u8.slice(state + layout.FXSAVE, state + layout.FXSAVE + layout.XSAVE_SIZE);
  }

  /**
   * KVM_SET_XSAVE: components that the header does not have become as after reset. Throws EINVAL for another size, the
   * compacted form, components that are not there, or reserved bits in MXCSR.
   */
  setXsave(image: Uint8Array): void {
    const size = this.#core.layout.XSAVE_SIZE;
    if (image.length !== size) throw new EINVAL(`setXsave: an image has ${size} bytes, not ${image.length}`);
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    const present = view.getBigUint64(XSTATE_BV_AT, true);
    if ((present & ~ALL_COMPONENTS) !== 0n)
      throw new EINVAL(`setXsave: XSTATE_BV 0x${present.toString(16)}, 7 at most`);
    if (view.getBigUint64(XSTATE_BV_AT + 8, true) !== 0n) throw new EINVAL('setXsave: XCOMP_BV must be 0');
    this.#loadXsave('setXsave', image);
  }

  #loadXsave(caller: string, image: Uint8Array): void {
    this.#context.checkHere(caller);
    const mxcsr = new DataView(image.buffer, image.byteOffset, image.byteLength).getUint32(MXCSR_AT, true);
    if (mxcsr >>> 16 !== 0) throw new EINVAL(`${caller}: MXCSR 0x${mxcsr.toString(16)} has reserved bits`);
    this.#context.shared.memory.u8.set(image, this.#core.state + this.#core.layout.FXSAVE);
    this.#core.exports.loadFpu();
  }

  /** KVM_GET_XCRS: XCR0. */
  getXcr0(): bigint {
    this.#context.checkHere('getXcr0');
    return this.#context.shared.memory.u64[(this.#core.state + this.#core.layout.XCR0) / 8]!;
  }

  /** KVM_SET_XCRS. Throws EINVAL for what XSETBV would refuse (SDM vol. 1, 13.3). */
  setXcr0(value: bigint): void {
    this.#context.checkHere('setXcr0');
    if (!this.#core.exports.validXcr0(value)) throw new EINVAL(`setXcr0: 0x${value.toString(16)}`);
    this.#context.shared.memory.u64[(this.#core.state + this.#core.layout.XCR0) / 8] = value;
    this.#core.exports.stateChanged();
  }

  /** The registers asked for; without an argument all that the CPU itself keeps. Throws EINVAL for one that does not exist. */
  getMsrs(indexes: readonly number[] = [...STATE_MSRS, ...this.#context.registers.indexes]): Msr[] {
    this.#context.checkHere('getMsrs');
    return indexes.map((index) => ({ index, data: readMsr(this.#context, this.#ticks(), index) }));
  }

  /** In order; throws EINVAL at the first that does not exist or refuses its value, after setting those before. */
  setMsrs(msrs: readonly Msr[]): void {
    this.#context.checkHere('setMsrs');
    for (const msr of msrs) writeMsr(this.#context, this.#ticks(), msr);
    this.#context.kvmclock.refresh();
    this.#core.exports.stateChanged();
    this.#context.shadow?.clear();
  }

  getDebugRegs(): DebugRegs {
    this.#context.checkHere('getDebugRegs');
    return readDebugRegs(this.#core, this.#context.shared.memory);
  }

  /** Throws EINVAL for bits above 31 in DR6 or DR7. */
  setDebugRegs(regs: DebugRegs): void {
    this.#context.checkHere('setDebugRegs');
    writeDebugRegs(this.#core, this.#context.shared.memory, regs);
  }

  /** The clock that this vCPU's TSC counts, without the offset that WRMSR or TSC_ADJUST put on it. */
  #ticks(): bigint {
    return BigInt(Math.floor(this.#clock.ticksOf(() => this.retired)));
  }

  /**
   * KVM_INTERRUPT: an external interrupt of this vector, taken as soon as the guest can. EINVAL for a vector beyond 255,
   * EEXIST while another waits. A machine with an interrupt controller uses setInterruptLine() instead.
   */
  injectInterrupt(vector: number): void {
    if (!Number.isInteger(vector) || vector < 0 || vector > 255)
      throw new EINVAL(`injectInterrupt: vectors are 0…255, not ${vector}`);
    const { layout } = this.#core;
    const { i32 } = this.#context.shared.memory;
    const word = this.#context.word(layout.IRQ_VECTOR);
    if (i32[word]! >= 0) throw new EEXIST(`injectInterrupt: interrupt ${i32[word]} still waits on vCPU ${this.index}`);
    i32[word] = vector;
    this.#context.request(layout.REQUEST_EVENT);
  }

  /** KVM_NMI. */
  injectNmi(): void {
    const { layout } = this.#core;
    this.#context.shared.memory.i32[this.#context.word(layout.NMI_PENDING)] = 1;
    this.#context.request(layout.REQUEST_EVENT);
  }

  /** Who gives the vector when an interrupt is taken while the line is up. */
  setInterruptSource(source: InterruptSource | undefined): void {
    this.#context.interruptSource = source;
  }

  /** The INTR pin. While it is up, the source is asked for a vector whenever the guest can take an interrupt. */
  setInterruptLine(up: boolean): void {
    this.#context.interruptLine = up;
    if (up) this.#context.request(this.#core.layout.REQUEST_WINDOW);
  }

  /** kvm_run.request_interrupt_window: run() returns IrqWindowOpen once, as soon as an interrupt could be taken. */
  requestInterruptWindow(): void {
    this.#context.wantsWindow = true;
    this.#context.request(this.#core.layout.REQUEST_WINDOW);
  }

  /** kvm_run.ready_for_interrupt_injection: an interrupt injected now would be taken at once. */
  get readyForInterrupt(): boolean {
    this.#context.checkHere('readyForInterrupt');
    const { layout, exports } = this.#core;
    const { i32 } = this.#context.shared.memory;
    const free = i32[this.#context.word(layout.IRQ_VECTOR)]! < 0;
    const shadowed = (i32[this.#context.word(layout.INTERRUPTIBILITY)]! & 3) !== 0;
    const injecting = (i32[this.#context.word(layout.INJECT_INFO)]! & EVENT_VALID) !== 0;
    return free && !shadowed && !injecting && (exports.getRflags() & 0x200) !== 0;
  }

  /** RFLAGS.IF: what waits for an interrupt gets one. */
  get interruptsEnabled(): boolean {
    this.#context.checkHere('interruptsEnabled');
    return (this.#core.exports.getRflags() & 0x200) !== 0;
  }

  /** Ticks of the clock at which the local APIC's timer is due; Infinity = never. */
  get timerTicks(): number {
    return this.#core.exports.timerDeadline() || Infinity;
  }

  /** After an Hlt exit, until the next run(); with a local APIC, until something wakes the vCPU. */
  get halted(): boolean {
    return this.#context.shared.memory.i32[this.#context.word(this.#core.layout.ACTIVITY)] === 1;
  }

  /**
   * What was raised last, however long ago, and whether or not it could be delivered; undefined if nothing was since
   * power-on. A divide error is not told from nothing.
   */
  get lastException(): LastException | undefined {
    const { layout, state } = this.#core;
    const { u32, u64 } = this.#context.shared.memory;
    const vector = u32[(state + layout.RAISED_VECTOR) >>> 2]!;
    if (vector === 0) return undefined;
    const hasError = u32[(state + layout.RAISED_HAS_ERROR) >>> 2] !== 0;
    const error = hasError ? u32[(state + layout.RAISED_ERROR) >>> 2]! : undefined;
    return { vector, error, address: u64[(state + layout.RAISED_CR2) / 8]! };
  }

  /** KVM_GET_MP_STATE: with a local APIC a halted vCPU stays halted until an interrupt wakes it, or this is set. */
  get mpState(): MpState {
    const { layout } = this.#core;
    const activity = this.#context.shared.memory.i32[this.#context.word(layout.ACTIVITY)]!;
    if (activity === layout.ACTIVITY_WAIT_FOR_SIPI) return 'init-received';
    return activity === layout.ACTIVITY_HALTED ? 'halted' : 'runnable';
  }

  /** KVM_SET_MP_STATE. */
  set mpState(state: MpState) {
    this.#context.checkHere('mpState');
    const { layout } = this.#core;
    const activity = { runnable: 0, halted: layout.ACTIVITY_HALTED, 'init-received': layout.ACTIVITY_WAIT_FOR_SIPI };
    if (!Object.hasOwn(activity, state)) {
      throw new EINVAL(`mpState: one of ${Object.keys(activity).join(', ')}, not ${String(state)}`);
    }
    this.#context.shared.memory.i32[this.#context.word(layout.ACTIVITY)] = activity[state];
  }

  /** Back to the state after power-on (SDM vol. 3, table 10-1): real mode, CS:RIP F000:FFF0. What an exit left undone is forgotten. */
  reset(): void {
    this.#context.checkHere('reset');
    this.#context.unfinished = undefined;
    this.#reset();
  }

  /** KVM_TRANSLATE: the guest-physical address of a linear one, by the guest's tables at supervisor privilege; undefined if it has none. */
  translate(linear: bigint): bigint | undefined {
    this.#context.checkHere('translate');
    const { layout, exports } = this.#core;
    exports.syncExit();
    return walkGuest(this.#context, BigInt.asUintN(64, linear), layout.ACCESS_READ, layout.TLB_SUPERVISOR)?.gpa;
  }

  /**
   * The guest's page walk of a linear address, entry by entry; `loadInspector()` turns its records into text. A read at
   * supervisor privilege: accessed flags are set as by the processor.
   */
  pageWalk(linear: bigint): PageWalk {
    this.#context.checkHere('pageWalk');
    this.#core.exports.syncExit();
    return traceWalk(this.#context, BigInt.asUintN(64, linear));
  }

  /**
   * Where a linear address leads, with all table entries on the way taken apart, as plain data. Unlike pageWalk() it only
   * looks: nothing of the guest or of the hypervisor's tables changes, not even an accessed flag.
   */
  lookUp(linear: bigint): LookUp {
    this.#context.checkHere('lookUp');
    return this.#lookUps.of(linear);
  }
}
