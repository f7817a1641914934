// A minimal PC: RAM, one processor, COM1, a text screen, a debug console, the debug-exit port, PCI, and whatever devices are asked for.

import { EBUSY, EINVAL } from '../eventfd/index.js';
import { loadInspector } from '../core/inspect.js';
import { ExitReason, type Exit } from '../vmm/exit.js';
import { MemoryFlag } from '../vmm/memory-slot.js';
import type { VcpuThread } from '../vmm/thread/vcpu-thread.js';
import type { Vcpu } from '../vmm/vcpu.js';
import type { Snapshot } from '../vmm/snapshot.js';
import { Vm } from '../vmm/vm.js';
import { placeTables, type PlacedTables } from './acpi/place-tables.js';
import { readCrash } from './crash.js';
import { disassemble, type DisassembleOptions, type Disassembly } from './disassembly.js';
import { DEBUG_CONSOLE_PORT, DebugConsole, FIRMWARE_LOG_PORT } from './devices/debug-console.js';
import { DEBUG_EXIT_PORT, DEBUG_EXIT_PORTS, DebugExit, statusOf } from './devices/debug-exit.js';
import type { Board, Device } from './devices/device.js';
import { DeviceOptionError, parseDevice, type DeviceRequest } from './devices/option.js';
import type { I8042 } from './devices/i8042/i8042.js';
import type { PciBus } from './devices/pci/pci-bus.js';
import { DEVICE_TYPES } from './devices/registry.js';
import { COM1_PORT, Uart16550, UART_PORTS } from './devices/uart-16550.js';
import { VGA_REGISTERS_PORT, VGA_REGISTERS_PORTS, VgaRegisters } from './devices/vga-registers.js';
import { BLANK_CELL, TEXT_COLUMNS, TEXT_MEMORY, TEXT_ROWS, VGA_PORT, VGA_PORTS, VgaText } from './devices/vga-text.js';
import { hostTurn } from '../vmm/host-turn.js';
import { Idle } from './idle.js';
import { LineBuffer } from './line-buffer.js';
import { biosLoader, loaderOf } from './loaders/index.js';
import { acpiArea } from './memory-map.js';
import { Platform } from './platform.js';
import { bootFiles, vmOptions, type PcOptions, type PcRunOptions } from './pc-options.js';
import type { RunResult, StopReason } from './run-result.js';

const COM1_GSI = 4;
const CLEARED_AT_ONCE = 1 << 20;
/** Milliseconds between two turns of the host. */
const SLICE_MS = 15;
/** RAM is in slot 0. */
const ROM_SLOT = 1;
/** Instructions that disassemble() lists at most, in each direction. */
const MOST_LINES = 1000;

export class Pc {
  readonly vm: Vm;
  readonly vcpu: Vcpu;
  readonly uart: Uart16550;
  readonly vga: VgaText;
  readonly #vgaRegisters: VgaRegisters;
  readonly #devices: Device[] = [];
  readonly #outputs: LineBuffer[];
  readonly #platform: Platform;
  readonly #given: PcOptions;
  #hasRom = false;
  #format = '';
  #notes: readonly string[] = [];
  #exitValue: number | undefined;
  /** What a device has said is the end of this run. */
  #ending: 'debug-exit' | 'power-off' | 'reset' | undefined;
  readonly #idle = new Idle();
  /** The guest is halted and goes on with a timer, or with something from outside. */
  #waits = false;
  #errorMessage = '';
  #running = false;
  /** The processor's own, with the option `thread`. */
  #thread: VcpuThread | undefined;
  /** Output is printed shortly after the exit that it came with. */
  #flushing: ReturnType<typeof setTimeout> | undefined;

  private constructor(vm: Vm, options: PcOptions) {
    const { serial = () => {}, debugConsole, disks = [], diskError, vgaRom, firmwareLog, thread = false } = options;
    this.vm = vm;
    this.#given = options;
    this.vcpu = vm.createVcpu();
    this.#platform = new Platform({
      vm,
      vcpu: this.vcpu,
      cpus: 1,
      disks,
      diskError,
      vgaRom,
      listen: thread !== false,
      powerOff: () => this.#end('power-off'),
      resetMachine: () => this.#end('reset'),
    });
    const serialLines = new LineBuffer(serial);
    const debugLines = debugConsole === undefined ? serialLines : new LineBuffer(debugConsole);
    this.#outputs = [serialLines, debugLines];

    this.uart = new Uart16550({
      output: serialLines.push,
      interrupt: (level) => this.#platform.board.lines.set(COM1_GSI, level),
    });
    vm.pio.claim({ addr: BigInt(COM1_PORT), len: UART_PORTS, device: this.uart });
    this.#vgaRegisters = new VgaRegisters();
    vm.pio.claim({ addr: BigInt(VGA_REGISTERS_PORT), len: VGA_REGISTERS_PORTS, device: this.#vgaRegisters });
    this.vga = new VgaText({ memory: vm.memory, statusRead: this.#vgaRegisters.statusRead });
    vm.pio.claim({ addr: BigInt(VGA_PORT), len: VGA_PORTS, device: this.vga });
    const console = new DebugConsole({ output: debugLines.push });
    vm.pio.claim({ addr: BigInt(DEBUG_CONSOLE_PORT), len: 1, device: console });
    if (firmwareLog !== undefined) {
      const log = new LineBuffer(firmwareLog);
      this.#outputs.push(log);
      vm.pio.claim({ addr: BigInt(FIRMWARE_LOG_PORT), len: 1, device: new DebugConsole({ output: log.push }) });
    }
    const exit = new DebugExit({ exit: (value) => this.#debugExit(value) });
    vm.pio.claim({ addr: BigInt(DEBUG_EXIT_PORT), len: DEBUG_EXIT_PORTS, device: exit });
  }

  /**
   * Builds a PC and loads its image. Throws ImageError (the image), DeviceOptionError (devices), EINVAL (any other option)
   * and what Vm.create() throws; each is one line that says what was wrong and where.
   */
  static async create(options: PcOptions): Promise<Pc> {
    bootFiles(options);
    const requests = (options.devices ?? []).map((text) => parseDevice(text, DEVICE_TYPES));
    const vm = await Vm.create(vmOptions(options));
    const pc = new Pc(vm, options);
    try {
      pc.#assemble(requests);
      pc.#boot(options);
      const { thread = false } = options;
      if (thread !== false) pc.#thread = await vm.startThread(pc.vcpu, thread === true ? {} : thread);
    } catch (error) {
      pc.close();
      throw error;
    }
    return pc;
  }

  /** Plugs in what was asked for. */
  #assemble(requests: readonly DeviceRequest[]): void {
    for (const request of requests) this.#devices.push(place(this.#platform.board, request));
    this.#blankScreen();
  }

  #blankScreen(): void {
    const blank = new Uint16Array(TEXT_COLUMNS * TEXT_ROWS).fill(BLANK_CELL);
    this.vm.memory.write(TEXT_MEMORY, new Uint8Array(blank.buffer));
  }

  #boot(options: PcOptions): void {
    const { image, firmware, modules } = bootFiles(options);
    const { vm, vcpu } = this;
    const loader = firmware ? biosLoader : loaderOf(image);
    const tables = firmware ? undefined : this.#initialise();
    this.#format = loader.name;
    this.#notes = loader.load(image, {
      memory: vm.memory,
      vcpu,
      ram: vm.options.memory,
      cmdline: options.cmdline ?? '',
      modules,
      acpiRsdp: tables?.rsdp,
      mapRom: (address, bytes) => this.#mapRom(address, bytes),
    }).notes;
    if (options.serialInput !== undefined) this.uart.receive(options.serialInput);
  }

  /** What a firmware does before it starts a kernel; without room for ACPI tables there are none. */
  #initialise(): PlacedTables | undefined {
    const { vm } = this;
    this.#platform.initialise();
    const { memory } = vm.options;
    const area = acpiArea(memory);
    return area && placeTables(vm.memory, { cpus: 1, memory }, area);
  }

  #mapRom(address: number, bytes: Uint8Array): void {
    const { vm } = this;
    if (this.#hasRom) return; // a reset machine has it already
    this.#hasRom = true;
    const region = { slot: ROM_SLOT, flags: MemoryFlag.ReadOnly, guestPhysAddr: BigInt(address) };
    vm.setMemoryRegion({ ...region, memorySize: bytes.length });
    vm.memory.write(address, bytes);
  }

  get pci(): PciBus {
    return this.#platform.pci;
  }

  get keyboard(): I8042 {
    return this.#platform.keyboard;
  }

  /** Name of the image's format. */
  get format(): string {
    return this.#format;
  }

  /** What there was to say about the image when it was loaded. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** The first of the devices asked for that is of a class. */
  device<T extends Device>(type: abstract new (...args: never[]) => T): T | undefined {
    return this.#devices.find((device): device is T => device instanceof type);
  }

  /** The devices asked for, in that order. */
  get devices(): readonly Device[] {
    return this.#devices;
  }

  /** Sends bytes to the guest on COM1. */
  sendSerial(bytes: Uint8Array): void {
    this.uart.receive(bytes);
    this.#idle.wake();
  }

  /** A key of the PS/2 keyboard goes down or up, by its KeyboardEvent.code. False: there is no such key. */
  key(name: string, down: boolean): boolean {
    const known = this.keyboard.key(name, down);
    this.#idle.wake();
    return known;
  }

  /** The guest is halted, and the host has nothing to do until its next timer, or until something comes from outside. */
  get waiting(): boolean {
    return this.#idle.waiting;
  }

  /**
   * Runs the guest until it ends or a limit is reached, giving the event loop a turn every few milliseconds. What nothing
   * in the machine answers reads as all ones, and is dropped when written. Throws EINVAL for senseless limits, EBUSY if it
   * runs already, DeviceError if a device throws.
   */
  async run({ timeoutMs = Infinity, maxInstructions = Infinity, signal }: PcRunOptions = {}): Promise<RunResult> {
    if (!(timeoutMs >= 0)) throw new EINVAL(`Pc.run: timeoutMs must be 0 or more, not ${String(timeoutMs)}`);
    if (maxInstructions !== Infinity && (!Number.isSafeInteger(maxInstructions) || maxInstructions < 0)) {
      throw new EINVAL(`Pc.run: maxInstructions must be a whole number, not ${String(maxInstructions)}`);
    }
    if (this.#running) throw new EBUSY('Pc.run: the machine is running already');
    this.#running = true;
    this.#exitValue = undefined;
    this.#ending = undefined;
    const start = performance.now();
    const first = this.vcpu.retired;
    const deadline = start + timeoutMs;
    signal?.addEventListener('abort', this.#idle.wake);
    try {
      for (;;) {
        this.#idle.begin();
        const last = first + maxInstructions;
        let reason: StopReason | undefined;
        if (signal?.aborted) reason = 'aborted';
        else if (this.#thread === undefined) reason = this.#slice(last, deadline);
        else reason = await this.#stretch(this.#thread, last, deadline, signal);
        this.#flush();
        if (reason === undefined && performance.now() >= deadline) reason = 'timeout';
        if (reason !== undefined) return await this.#result(reason, first, start);
        if (this.#thread !== undefined) continue;
        const wait = this.#waits ? this.#millisecondsToTimer() : 0;
        if (wait >= 1) await this.#idle.wait(Math.min(wait, deadline - performance.now()));
        else await hostTurn();
      }
    } finally {
      signal?.removeEventListener('abort', this.#idle.wake);
      this.#flush();
      this.#running = false;
    }
  }

  /** One slice of guest time; undefined if there is nothing to say but that it is over. */
  #slice(lastInstruction: number, deadline: number): StopReason | undefined {
    const { vcpu } = this;
    const end = Math.min(performance.now() + SLICE_MS, deadline);
    for (;;) {
      const maxInstructions = lastInstruction - vcpu.retired;
      if (maxInstructions <= 0) return 'budget';
      this.#waits = false;
      this.vm.irqChip?.poll();
      const exit = vcpu.run({ maxInstructions, timeoutMs: Math.max(0, end - performance.now()) });
      if (this.#ending !== undefined) return this.#ending;
      const reason = this.#answer(exit);
      if (reason !== undefined || this.#waits || performance.now() >= end) return reason;
    }
  }

  /** A stretch of guest time in the processor's own thread, to its next exit that is for us. */
  async #stretch(
    thread: VcpuThread,
    lastInstruction: number,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<StopReason | undefined> {
    const maxInstructions = lastInstruction - this.vcpu.retired;
    if (maxInstructions <= 0) return 'budget';
    this.vm.irqChip?.poll();
    const exit = await thread.run({
      maxInstructions,
      timeoutMs: Math.max(0, deadline - performance.now()),
      ...(signal === undefined ? {} : { signal }),
      stayHalted: () => this.#wakes(),
      served: () => void (this.#flushing ??= setTimeout(this.#flush, SLICE_MS)),
    });
    return this.#ending ?? this.#answer(exit);
  }

  /** Something in the machine, or from outside, may end the halt of the vCPU. */
  #wakes(): boolean {
    return this.vcpu.interruptsEnabled && (this.vm.nextTimer !== Infinity || this.uart.listens);
  }

  /** The vCPU is halted. With the virtual clock the time until the next timer passes at once. */
  #halted(): StopReason | undefined {
    const { vm } = this;
    if (!this.#wakes()) return 'halted';
    if (vm.clock.mode === 'virtual' && vm.skipToTimer()) return undefined;
    this.#waits = true;
    return undefined;
  }

  /** Of the host's time, until the guest's next timer is due. */
  #millisecondsToTimer(): number {
    return (this.vm.nextTimer - this.vm.clock.nanoseconds()) / 1e6;
  }

  /** Why the run is over, if this exit ends it. */
  #answer(exit: Exit): StopReason | undefined {
    switch (exit.reason) {
      case ExitReason.Io:
        if (exit.direction === 'in') exit.data.fill(0xff);
        return undefined;
      case ExitReason.Mmio:
        if (!exit.isWrite) exit.data.fill(0xff);
        return undefined;
      case ExitReason.Hlt:
        return this.#halted();
      case ExitReason.Shutdown:
        if (this.#given.tripleFault === 'reset') return 'reset';
        this.#errorMessage = 'triple fault';
        return 'shutdown';
      case ExitReason.InternalError:
        this.#errorMessage = exit.message;
        return 'internal-error';
      default:
        return undefined;
    }
  }

  async #result(reason: StopReason, first: number, start: number): Promise<RunResult> {
    const instructions = this.vcpu.retired - first;
    const seconds = (performance.now() - start) / 1000;
    const value = reason === 'debug-exit' ? this.#exitValue : undefined;
    const status = value === undefined ? undefined : statusOf(value);
    const crashed = reason === 'shutdown' || reason === 'internal-error';
    const crash = crashed ? await readCrash(this.vm, this.vcpu, this.#errorMessage) : undefined;
    return { reason, value, status, instructions, seconds, crash };
  }

  /** The first write counts; the vCPU stops behind it as soon as it can. */
  #debugExit(value: number): void {
    this.#exitValue ??= value;
    this.#end('debug-exit');
  }

  /** The first word counts. */
  #end(reason: 'debug-exit' | 'power-off' | 'reset'): void {
    this.#ending ??= reason;
    this.vcpu.requestStop();
  }

  /**
   * The guest's code around an address, by default where it goes on, disassembled. Only looks. The disassembler is loaded
   * with the first call; throws InspectorError if it is not there, EINVAL for senseless counts.
   */
  async disassemble(options: DisassembleOptions = {}): Promise<Disassembly> {
    for (const [name, value] of Object.entries({ count: options.count ?? 0, before: options.before ?? 0 })) {
      if (Number.isSafeInteger(value) && value >= 0 && value <= MOST_LINES) continue;
      throw new EINVAL(`Pc.disassemble: ${name} must be a whole number up to ${MOST_LINES}, not ${String(value)}`);
    }
    return disassemble(await loadInspector(), this.vm, this.vcpu, options);
  }

  readonly #flush = (): void => {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    for (const output of this.#outputs) output.flush();
  };

  /** Vm.snapshot(), between two runs: all of the machine's devices are in it. What they have printed is printed. */
  snapshot(): Snapshot {
    this.#flush();
    return this.vm.snapshot();
  }

  /** Vm.restore(). */
  restore(snapshot: Snapshot): void {
    this.#flush();
    this.vm.restore(snapshot);
  }

  /**
   * Switches the machine off and on: its memory is empty, and the image is loaded anew. What was sent to the guest and not
   * read is lost; disks keep what was written. EBUSY while it runs.
   */
  reset(): void {
    if (this.#running) throw new EBUSY('Pc.reset: the machine is running');
    this.#flush();
    const { vm } = this;
    const empty = new Uint8Array(CLEARED_AT_ONCE);
    for (let at = 0; at < vm.options.memory; at += empty.length) {
      vm.memory.write(at, empty.subarray(0, Math.min(empty.length, vm.options.memory - at)));
    }
    this.#platform.reset();
    for (const device of [this.uart, this.vga, this.#vgaRegisters, ...this.#devices]) device.reset();
    for (const vcpu of vm.vcpus) vcpu.reset();
    this.#blankScreen();
    this.#boot(this.#given);
  }

  /** Presses the power button: an operating system that knows ACPI shuts down. */
  pressPowerButton(): void {
    this.#platform.power.pressPowerButton();
    this.#idle.wake();
  }

  /** Takes the devices off, and releases the eventfds. */
  close(): void {
    for (const device of this.#devices.splice(0)) device.close();
    clearTimeout(this.#flushing);
    this.vm.close();
  }
}

/** Puts a device in its place; what the buses object to is an error of its options. */
function place(board: Board, { type, values }: DeviceRequest): Device {
  try {
    return type.create(board, values);
  } catch (error) {
    throw new DeviceOptionError(`device ${type.name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
