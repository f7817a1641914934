// A virtual machine without devices: memory, buses, vCPUs. What KVM's VM file descriptor is.

import { Core } from '../core/core.js';
import { CoreError } from '../core/error.js';
import { CoreMemory } from '../core/memory.js';
import { loadCoreModule, type CoreModule } from '../core/module.js';
import { DoorbellBus } from '../bus/doorbell-bus.js';
import { IoBus } from '../bus/io-bus.js';
import { IoEventFds, type IoEventFdArgs } from '../bus/ioeventfd.js';
import { IrqFds, type IrqFdArgs } from '../bus/irqfd.js';
import { EBUSY, EEXIST, EINVAL, ENOENT, ENXIO, EOPNOTSUPP } from '../eventfd/index.js';
import { Clock, LAST_TICK } from './clock.js';
import { checkOpen, VcpuContext, type Shared } from './context.js';
import { Cpuid, defaultCpuid, type CpuidEntry } from './cpuid.js';
import { featureBits } from './features.js';
import { makeExitHandler } from './dispatcher.js';
import { ExitStats, type ExitCounters } from './exit-stats.js';
import type { ExitListener } from './exit-trace.js';
import { GuestMemory } from './guest-memory.js';
import type { IrqRoute } from './irq-routing.js';
import type { IrqChip, MsiArgs } from './irqchip.js';
import { CRYSTAL_KHZ } from './kvm-leaves.js';
import type { MemoryRegion } from './memory-slot.js';
import { giveRegisters } from './msr/model.js';
import { MISC_ENABLE } from './msr/vendors.js';
import { MsrTable, type MsrHandler } from './msrs.js';
import { EPT_FORMAT, NestedTable, NPT_FORMAT, type NestedFormat } from './nested-table.js';
import {
  checkMode,
  checkOptions,
  type CheckedOptions,
  type DoorbellMode,
  type PagingMode,
  type VmOptions,
} from './options.js';
import { PageHistory } from './page-history.js';
import { RegionAllocator } from './region-allocator.js';
import { ScratchPages } from './scratch.js';
import { ShadowTable } from './shadow-table.js';
import { Slots } from './slots.js';
import type { Snapshot } from './snapshot.js';
import { Snapshots } from './snapshots.js';
import { DeliveryMode, type InterruptMessage } from './interrupt-message.js';
import { VcpuThread, type VcpuThreadOptions } from './thread/vcpu-thread.js';
import { Timers } from './timers.js';
import { Vcpu } from './vcpu.js';

/** What Vm.stats() tells. */
export interface VmStats {
  /** performance.now() of the Vm's thread when the counters were read, ms. */
  time: number;
  /** Instructions retired by all vCPUs; what Vm.restore() took back counts, for it was run. */
  instructions: number;
  /** Per exit reason that occurred, by its name in the manuals (EPT_MISCONFIG, IO, …). */
  exits: Record<string, ExitCounters>;
  /** Instructions that were met and are not implemented: operation number → times. */
  unimplemented: Record<number, number>;
}

/** The counts of unimplemented operations in an arena. */
const OPERATIONS = 2048;

export class Vm {
  /** Guest-physical memory. */
  readonly memory: GuestMemory;
  /** The buses. Devices claim addresses on `mmio` and `pio`; `doorbells` is asked before an access is even decoded. */
  readonly mmio: IoBus;
  readonly pio: IoBus;
  readonly doorbells: DoorbellBus;
  readonly clock: Clock;
  /** Timers of devices, by that clock. */
  readonly timers: Timers;
  /** As they are now: setPaging() and setDoorbells() change two of them. */
  readonly options: Readonly<CheckedOptions>;

  readonly #options: CheckedOptions;
  readonly #core: CoreModule;
  readonly #linear: CoreMemory;
  readonly #regions: RegionAllocator;
  readonly #slots: Slots;
  readonly #shared: Shared;
  readonly #ioeventfds: IoEventFds;
  #irqChip: IrqChip | undefined;
  readonly #snapshots: Snapshots;
  readonly #contexts: VcpuContext[] = [];
  readonly #vcpus: Vcpu[] = [];
  readonly #shadows: ShadowTable[] = [];
  /** The first instance on the memory: it has written the decode tables, and becomes the first vCPU's. */
  readonly #first: { context: VcpuContext };

  private constructor(core: CoreModule, options: CheckedOptions) {
    this.options = this.#options = options;
    this.#core = core;
    this.#linear = new CoreMemory(core.limits);
    this.clock = new Clock(options.clock, options.tscKhz, options.ticksPerInstruction, options.startTime);
    this.timers = new Timers(this.clock, (instructions) => this.#limitRun(instructions));
    this.mmio = new IoBus('MMIO');
    this.pio = new IoBus('PIO');
    this.doorbells = new DoorbellBus();
    const ccw = new IoBus('CCW');
    this.#ioeventfds = new IoEventFds({ mmio: this.mmio, pio: this.pio, ccw, doorbells: this.doorbells });

    // The layout comes with an instance, an instance needs its exit handler, and that needs everything below; so what the
    // handler shares is filled in while the first instance is being made.
    const shared = {
      memory: this.#linear,
      fastDoorbells: options.doorbells === 'fast',
      exitListener: undefined,
      mmio: this.mmio,
      pio: this.pio,
      doorbells: this.doorbells,
      cpuid: new Cpuid(defaultCpuid(options.cpu, options.tscKhz)),
      msrs: new MsrTable(),
      stats: new ExitStats(),
      eoiListener: undefined,
      closed: false,
    } as { -readonly [Name in keyof Shared]: Shared[Name] };
    this.#shared = shared;
    const context = new VcpuContext(0, shared);
    context.core = this.#instantiate(context, true);
    this.#first = { context };

    this.#regions = new RegionAllocator(this.#linear, context.core.layout.MEMORY_FREE);
    this.#slots = new Slots(this.#regions, options.cpu.physicalBits, {
      slotsChanged: () => this.#slotsChanged(),
      hostReleased: (host, length) => this.#invalidateCode(host, length),
    });
    const format = formatOf(options.paging);
    shared.nested = new NestedTable(this.#linear, this.#regions, this.#slots, format, () => this.#flush());
    shared.scratch = new ScratchPages(this.#linear, this.#regions, this.#slots, shared.nested);
    const written = (host: number, length: number): void => this.#invalidateCode(host, length);
    const pages = new PageHistory(this.#linear, context.core.layout, this.#slots, written);
    shared.pages = pages;
    this.memory = new GuestMemory(this.#linear, this.#slots, {
      willWrite: (host, length) => pages.willWrite(host, length),
      written,
      exposed: (host, length) => pages.exposed(host, length),
    });
    this.#snapshots = new Snapshots({
      shared,
      contexts: this.#contexts,
      slots: this.#slots,
      clock: this.clock,
      ioeventfds: this.#ioeventfds,
      irqChip: () => this.#irqChip,
      options,
      exports: context.core.exports as unknown as WebAssembly.Exports,
    });
    if (options.memory > 0) this.setMemoryRegion({ slot: 0, guestPhysAddr: 0n, memorySize: options.memory });
  }

  /**
   * Makes a Vm. Throws EINVAL naming the option that is wrong, ENOENT if the CPU core has not been built, ENOMEM if there is
   * not enough memory. The core is compiled once per process.
   */
  static async create(options: VmOptions = {}): Promise<Vm> {
    const checked = checkOptions(options);
    const core = await loadCoreModule(checked.core).catch((error: unknown) => {
      throw error instanceof CoreError ? new ENOENT(error.message) : error;
    });
    return new Vm(core, checked);
  }

  #instantiate(context: VcpuContext, first: boolean): Core {
    const { module } = this.#core;
    context.answer = makeExitHandler(context);
    return Core.create(module, this.#linear, context.index, first, context.answer, this.clock.hostTicks);
  }

  /** KVM_SET_USER_MEMORY_REGION: makes, deletes, moves or re-flags a memory slot. For its errors see Slots.set(). */
  setMemoryRegion(region: MemoryRegion): void {
    checkOpen(this.#shared, 'setMemoryRegion');
    this.#held(() => this.#slots.set(region));
  }

  /**
   * KVM_GET_DIRTY_LOG: one bit for each 4 KiB page of the slot written since the last call, page 0 in bit 0 of byte 0, in
   * whole 64-bit words. ENOENT for a slot that does not exist or has no LogDirtyPages.
   */
  getDirtyLog(slot: number): Uint8Array {
    return this.#held(() => this.#slots.takeDirtyLog(slot));
  }

  /** KVM_IOEVENTFD: binds writes to an eventfd, or (IoEventFdFlag.Deassign) unbinds them. For its errors see IoEventFds. */
  ioeventfd(args: IoEventFdArgs): void {
    checkOpen(this.#shared, 'ioeventfd');
    this.#ioeventfds.apply(args);
  }

  /** Gives the Vm its interrupt controllers, as KVM_CREATE_IRQCHIP does. EEXIST if it has some. */
  attachIrqChip(chip: IrqChip): void {
    checkOpen(this.#shared, 'attachIrqChip');
    if (this.#irqChip !== undefined) throw new EEXIST('attachIrqChip: the Vm has interrupt controllers already');
    this.#irqChip = chip;
    this.#shared.eoiListener = { eoi: (vector) => chip.eoi(vector) };
  }

  /** What attachIrqChip() gave it. */
  get irqChip(): IrqChip | undefined {
    return this.#irqChip;
  }

  /** KVM_IRQFD: signals of an eventfd become interrupts of a GSI, or (IrqFdFlag.Deassign) no longer. For its errors see IrqFds. */
  irqfd(args: IrqFdArgs): void {
    checkOpen(this.#shared, 'irqfd');
    if (this.#irqChip === undefined) new IrqFds({ lines: { set: () => {} }, irqchip: 'none' }).apply(args);
    else this.#irqChip.irqfd(args);
  }

  /** KVM_IRQ_LINE: asserts a GSI or lets it go. ENXIO without interrupt controllers. */
  irqLine(gsi: number, level: number): void {
    checkOpen(this.#shared, 'irqLine');
    if (this.#irqChip === undefined) throw new ENXIO('irqLine: the Vm has no interrupt controllers');
    this.#irqChip.irqLine(gsi, level);
  }

  /** KVM_SET_GSI_ROUTING: replaces all routes. For its errors see IrqRouting; EINVAL without interrupt controllers. */
  setGsiRouting(routes: readonly IrqRoute[]): void {
    this.#needIrqChip('setGsiRouting').setGsiRouting(routes);
  }

  /** KVM_SIGNAL_MSI: true if a local APIC took the message. EINVAL for flags, or without interrupt controllers. */
  signalMsi(msi: MsiArgs): boolean {
    return this.#needIrqChip('signalMsi').signalMsi(msi);
  }

  #needIrqChip(what: string): IrqChip {
    checkOpen(this.#shared, what);
    if (this.#irqChip === undefined) throw new EINVAL(`${what}: the Vm has no interrupt controllers`);
    return this.#irqChip;
  }

  /** Answers RDMSR and WRMSR for a register that the core does not keep. EBUSY if it does, or somebody else answers. */
  claimMsr(index: number, handler: MsrHandler): void {
    this.#shared.msrs.claim(index, handler);
  }

  /**
   * An interrupt message, to the local APICs of all vCPUs (`cpu: { apic: true }`): of an I/O APIC, or an MSI. False if nobody
   * took it.
   */
  deliverInterrupt({ destination, logical, mode, vector, level, redirectionHint }: InterruptMessage): boolean {
    const { core, elsewhere } = this.#first.context;
    const wide = destination > 0xff ? 1 : 0;
    const one = redirectionHint && mode === DeliveryMode.Fixed ? DeliveryMode.LowestPriority : mode;
    const taken = core.exports.sendInterrupt(destination, logical ? 1 : 0, wide, one, vector, level ? 1 : 0) !== 0;
    elsewhere?.wake(); // the core wakes the threads of other vCPUs than its own
    return taken;
  }

  /** KVM_GET_CPUID2. */
  getCpuid(): readonly CpuidEntry[] {
    return this.#shared.cpuid.entries;
  }

  /** KVM_SET_CPUID2, for all vCPUs; EINVAL once one exists. What the CPU can do follows the feature bits. */
  setCpuid(entries: readonly CpuidEntry[]): void {
    if (this.#vcpus.length > 0) throw new EINVAL('setCpuid: a vCPU exists already');
    this.#shared.cpuid.entries = entries;
  }

  /** A further vCPU, as after power-on. EINVAL when there are as many as there can be. */
  createVcpu(): Vcpu {
    checkOpen(this.#shared, 'createVcpu');
    if (this.#first.context.elsewhere !== undefined) throw new EBUSY('createVcpu: a vCPU has a thread of its own');
    const index = this.#vcpus.length;
    const { layout: limits } = this.#first.context.core;
    if (index >= limits.MAX_VCPUS) throw new EINVAL(`createVcpu: a Vm has at most ${limits.MAX_VCPUS} vCPUs`);
    let { context } = this.#first;
    if (index > 0) {
      context = new VcpuContext(index, this.#shared);
      context.core = this.#instantiate(context, false);
    }
    this.#giveShadow(context);
    giveRegisters(context, { clock: this.clock, memory: this.memory, cpu: this.options.cpu, contexts: this.#contexts });
    const reset = (): void => this.#resetVcpu(context);
    reset();
    this.#contexts.push(context);
    const vcpu = new Vcpu({
      context,
      clock: this.clock,
      timers: this.timers,
      guestMemory: this.memory,
      physicalBits: this.options.cpu.physicalBits,
      paging: () => this.options.paging,
      apic: this.options.cpu.apic,
      reset,
    });
    if (index === 0) this.clock.follow(() => vcpu.retired);
    this.#vcpus.push(vcpu);
    return vcpu;
  }

  /**
   * Gives a vCPU a thread of its own, a worker: run() of what this resolves with takes the place of Vcpu.run(), and this
   * thread, where the devices are, stays free between exits. Kicks cost there what they cost here; every other exit costs a
   * round trip. EINVAL with the virtual clock, for then runs would not repeat, and with several vCPUs; EOPNOTSUPP without
   * shared memory; EBUSY if it runs or has a thread; what the thread failed with if it cannot be started.
   */
  async startThread(vcpu: Vcpu, options: VcpuThreadOptions = {}): Promise<VcpuThread> {
    checkOpen(this.#shared, 'startThread');
    const context = this.#contexts[vcpu.index];
    if (context === undefined || this.#vcpus[vcpu.index] !== vcpu) {
      throw new EINVAL('startThread: that is no vCPU of this Vm');
    }
    if (this.#vcpus.length > 1) throw new EINVAL('startThread: several vCPUs share one thread, in turn');
    if (this.clock.mode === 'virtual') {
      throw new EINVAL(
        "startThread: with clock 'virtual' a vCPU runs in the calling thread, so that runs repeat; use 'real'",
      );
    }
    if (!this.#linear.shared) {
      throw new EOPNOTSUPP('startThread: there is no shared memory here (the page is not cross-origin isolated)');
    }
    if (context.running) throw new EBUSY(`startThread: vCPU ${vcpu.index} is running`);
    if (context.elsewhere !== undefined) throw new EBUSY(`startThread: vCPU ${vcpu.index} has a thread already`);
    const {
      clock,
      timers,
      options: { cpu },
    } = this;
    return VcpuThread.start({ core: this.#core, context, vcpu, clock, timers, apic: cpu.apic }, options);
  }

  /** Power-on state, and what the hypervisor tells the processor; instructions retired and counters go on. */
  #resetVcpu(context: VcpuContext): void {
    const { core, index, shadow } = context;
    const { exports, layout, state } = core;
    const { u32, u64 } = this.#linear;
    const at = (offset: number): number => (state + offset) / 8;
    const { RETIRED, COUNT_WALKS, COUNT_DECODES, COUNT_BLOCKS, RANDOM_COUNT } = layout;
    const kept = [RETIRED, COUNT_WALKS, COUNT_DECODES, COUNT_BLOCKS, RANDOM_COUNT] as const;
    const values = kept.map((offset) => u64[at(offset)]!);
    exports.resetVcpu();
    for (const [index, offset] of kept.entries()) u64[at(offset)] = values[index]!;
    const { options } = this;
    const settings: [number, number | bigint][] = [
      [layout.PHYSICAL_BITS, options.cpu.physicalBits],
      [layout.FEATURES, featureBits(this.#shared.cpuid, options.cpu.vendor, layout)],
      [layout.TSC_PER_INSN, options.clock === 'virtual' ? Math.round(options.ticksPerInstruction * 65536) : 0],
      // the two are one word
      [layout.TSC_KHZ, options.tscKhz + CRYSTAL_KHZ * 2 ** 32],
      [layout.CLOCK_SKIPPED, this.clock.skipped],
      [layout.MSR_MISC_ENABLE, options.cpu.vendor === 'intel' ? MISC_ENABLE : 0],
      [layout.RANDOM_STREAM, index],
    ];
    for (const [offset, value] of settings) u64[at(offset)] = BigInt(value);
    if (options.cpu.apic && index > 0) u32[(state + layout.ACTIVITY) / 4] = layout.ACTIVITY_WAIT_FOR_SIPI;
    // The key stays zero with a virtual clock: runs repeat, random numbers included.
    const key = u64.subarray(at(layout.RANDOM_KEY), at(layout.RANDOM_KEY) + 4);
    if (options.clock === 'real') key.set(crypto.getRandomValues(new BigUint64Array(4)));
    context.registers.reset();
    context.kvmclock.reset();
    this.#tellPaging(context);
    shadow?.clear();
    exports.stateChanged();
  }

  /** Tells the processor whose tables it walks, and which of its doings leave the guest for it. */
  #tellPaging({ core: { layout, state }, shadow }: VcpuContext): void {
    const { u64 } = this.#linear;
    const nested = { ept: layout.NESTED_EPT, npt: layout.NESTED_NPT, shadow: layout.NESTED_SHADOW };
    u64[(state + layout.NESTED) / 8] = BigInt(nested[this.options.paging]);
    u64[(state + layout.NESTED_ROOT) / 8] = BigInt(this.#shared.nested.root);
    u64[(state + layout.SHADOW_ROOT) / 8] = BigInt(shadow?.root ?? 0);
    u64[(state + layout.INTERCEPTS) / 8] = BigInt(shadow === undefined ? 0 : layout.INTERCEPT_CR3);
  }

  /** A shadow table in mode 'shadow', else none. One that was made is kept, for the Vm may come back to it. */
  #giveShadow(context: VcpuContext): void {
    const { core, index } = context;
    context.shadow = undefined;
    if (this.options.paging !== 'shadow') return;
    this.#shadows[index] ??= new ShadowTable(this.#linear, this.#regions, this.#slots, () => core.exports.flushTlb());
    context.shadow = this.#shadows[index];
  }

  /**
   * Changes how guest-physical addresses become host addresses, between two runs: policy of the hypervisor, of which a guest
   * sees nothing. TLBs and the hypervisor's tables begin anew; snapshots stay good. EINVAL for an unknown mode, EBUSY while a
   * vCPU runs.
   */
  setPaging(paging: PagingMode): void {
    this.#checkPolicy('setPaging', 'paging', paging);
    for (const { core } of this.#contexts) core.exports.syncExit();
    this.#options.paging = paging;
    this.#shared.nested.become(formatOf(paging));
    for (const context of this.#contexts) {
      this.#giveShadow(context);
      this.#tellPaging(context);
      context.shadow?.clear();
      context.core.exports.stateChanged();
    }
  }

  /** Changes whether a plain store to a doorbell is answered at the exit. Errors as of setPaging(). */
  setDoorbells(doorbells: DoorbellMode): void {
    this.#checkPolicy('setDoorbells', 'doorbells', doorbells);
    this.#options.doorbells = doorbells;
    this.#shared.fastDoorbells = doorbells === 'fast';
    for (const context of [this.#first.context, ...this.#contexts]) context.doorbellsChanged();
  }

  /**
   * Has every exit told to `listener` after it has been answered, or, without one, no longer. It may read registers and
   * memory, but must not run the guest. What it throws, run() throws as a DeviceError. Exits are slower meanwhile; without a
   * listener they cost what they always do.
   */
  onExit(listener?: ExitListener): void {
    this.#shared.exitListener = listener;
    for (const context of [this.#first.context, ...this.#contexts]) context.doorbellsChanged();
  }

  #checkPolicy(what: string, name: 'paging' | 'doorbells', value: string): void {
    checkOpen(this.#shared, what);
    checkMode(what, name, value);
    const running = this.#contexts.find((context) => context.running);
    if (running === undefined) return;
    throw new EBUSY(`${what}: vCPU ${running.index} is running; call requestStop() and wait for run() to return`);
  }

  /** @internal The memory that the CPU's state and the guest's RAM are in: for the fuzzer, which counts in it. */
  get linear(): CoreMemory {
    return this.#linear;
  }

  /** The vCPUs made so far. */
  get vcpus(): readonly Vcpu[] {
    return this.#vcpus;
  }

  /**
   * Puts the virtual clock and every TSC forward by so many nanoseconds: what a machine does whose vCPUs all halt until a
   * timer. EINVAL with the real clock, which nobody can hurry, and beyond 2^53 ticks, 37 days at 2.8 GHz.
   */
  skipTime(nanoseconds: number): void {
    if (this.clock.mode !== 'virtual') throw new EINVAL('skipTime: only the virtual clock can be put forward');
    if (!(nanoseconds >= 0)) throw new EINVAL(`skipTime: nanoseconds must be 0 or more, not ${String(nanoseconds)}`);
    if (this.#isBeyond(this.clock.nanoseconds() + nanoseconds)) {
      throw new EINVAL(`skipTime: the virtual clock has 2^53 ticks, and cannot go ${nanoseconds} ns further`);
    }
    this.#skip(Math.round((nanoseconds * this.options.tscKhz) / 1e6));
  }

  #skip(ticks: number): void {
    this.clock.skip(ticks);
    for (const { core } of this.#contexts) {
      this.#linear.u64[(core.state + core.layout.CLOCK_SKIPPED) / 8] = BigInt(this.clock.skipped);
    }
  }

  /** Whether the virtual clock ends before this time. */
  #isBeyond(nanoseconds: number): boolean {
    return (nanoseconds * this.options.tscKhz) / 1e6 >= LAST_TICK;
  }

  /**
   * When the next timer of a device or of a local APIC is due, in nanoseconds since power-on; Infinity = none is set, or none
   * that the virtual clock reaches: it ends with 2^53 ticks, 37 days at 2.8 GHz.
   */
  get nextTimer(): number {
    const next = Math.min(this.timers.next, (this.#apicTimer() * 1e6) / this.options.tscKhz);
    return this.clock.mode === 'virtual' && this.#isBeyond(next) ? Infinity : next;
  }

  /** When the next timer of a local APIC is due, in ticks of the clock. */
  #apicTimer(): number {
    return this.#vcpus.reduce((least, { timerTicks }) => Math.min(least, timerTicks), Infinity);
  }

  /** With the virtual clock and all vCPUs halted: puts it forward to the next timer. False: none is set, see nextTimer. */
  skipToTimer(): boolean {
    if (this.clock.mode !== 'virtual') throw new EINVAL('skipToTimer: only the virtual clock can be put forward');
    if (this.nextTimer === Infinity) return false;
    const ticks = Math.min(this.#apicTimer() - this.clock.ticks(), this.clock.ticksUntil(this.timers.next));
    this.#skip(Math.max(1, ticks));
    return true;
  }

  /**
   * The state of the whole Vm at this moment: guest memory, vCPUs, clock, counts of registered eventfds, devices on the
   * buses. Costs little; pages are kept when they are first written. EBUSY while a vCPU runs (called from a device).
   */
  snapshot(): Snapshot {
    checkOpen(this.#shared, 'snapshot');
    return this.#snapshots.take();
  }

  /**
   * Puts the Vm back, any number of times, in any order, at a cost that goes with the pages written since: with the virtual
   * clock it then runs exactly as it did. EINVAL for a snapshot of another Vm, or when slots or vCPUs have come or gone.
   */
  restore(snapshot: Snapshot): void {
    checkOpen(this.#shared, 'restore');
    this.#snapshots.restore(snapshot);
  }

  /** Counters since the Vm was made or resetStats() was called. */
  stats(): VmStats {
    const unimplemented: Record<number, number> = {};
    for (const { core } of this.#contexts) {
      const first = (core.arena + core.layout.ARENA_UNIMPLEMENTED) >>> 2;
      for (let operation = 0; operation < OPERATIONS; operation++) {
        const times = this.#linear.u32[first + operation]!;
        if (times > 0) unimplemented[operation] = (unimplemented[operation] ?? 0) + times;
      }
    }
    const instructions = this.#vcpus.reduce((sum, vcpu) => sum + vcpu.retired, this.#snapshots.rewound);
    return { time: performance.now(), instructions, exits: this.#shared.stats.read(), unimplemented };
  }

  /** Zeroes the exit counters; instructions retired and unimplemented operations count on. */
  resetStats(): void {
    this.#shared.stats.reset();
  }

  /**
   * What is cached: how many page tables stand in the largest pool (at most 1024), how often pools were used up and began
   * anew, and how many blocks of code the vCPUs have decoded.
   */
  mapped(): { tables: number; drops: number; blocks: number } {
    const pools = [this.#shared.nested, ...this.#contexts.flatMap(({ shadow }) => shadow ?? [])];
    return {
      tables: Math.max(...pools.map((pool) => pool.tables)),
      drops: pools.reduce((sum, pool) => sum + pool.drops, 0),
      blocks: this.#contexts.reduce((sum, { core }) => {
        return sum + this.#linear.u32[(core.state + core.layout.COUNT_BLOCKS) >>> 2]!;
      }, 0),
    };
  }

  /** Ends the Vm: releases the eventfds that ioeventfds and irqfds hold. Registering, adding vCPUs or running them is EBADF from now on. */
  close(): void {
    this.#shared.closed = true;
    this.#ioeventfds.close();
    this.#irqChip?.close();
    for (const { elsewhere } of this.#contexts) void elsewhere?.close();
  }

  #slotsChanged(): void {
    this.#shared.nested.clear();
    for (const { shadow } of this.#contexts) shadow?.clear();
  }

  /** A timer has been set: with the virtual clock the run that is under way ends when it is due. */
  #limitRun(instructions: number): void {
    for (const { core, running, elsewhere } of this.#contexts) {
      if (elsewhere !== undefined) elsewhere.timersChanged();
      else if (running) core.exports.limitRun(instructions);
    }
  }

  /** Does something that changes what running vCPUs rely on. */
  #held<T>(work: () => T): T {
    return this.#contexts.reduce((inner, context) => () => context.held(inner), work)();
  }

  #flush(): void {
    for (const { core } of this.#contexts) core.exports.flushTlb();
  }

  #invalidateCode(host: number, length: number): void {
    for (const context of this.#contexts) {
      const { exports } = context.core;
      if (context.elsewhere?.away !== true) exports.invalidateCode(host, length);
      else if (this.#holdsCode(host, length)) context.held(() => exports.invalidateCode(host, length));
    }
  }

  /** Whether anything there was decoded, to the page. */
  #holdsCode(host: number, length: number): boolean {
    const { u32 } = this.#linear;
    const { CODE_MAP } = this.#first.context.core.layout;
    for (let page = host >>> 12; page < (host + length + 0xfff) >>> 12; page++) {
      const word = (CODE_MAP >>> 2) + page * 2;
      if ((Atomics.load(u32, word) | Atomics.load(u32, word + 1)) !== 0) return true;
    }
    return false;
  }
}

/** Of the table that is walked for guest-physical addresses; in mode 'shadow' only by software. */
function formatOf(paging: PagingMode): NestedFormat {
  return paging === 'npt' ? NPT_FORMAT : EPT_FORMAT;
}
