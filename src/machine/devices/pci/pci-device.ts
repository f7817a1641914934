// A PCI function: its configuration space (PCI Local Bus Specification 3.0, chapter 6), its base address registers, and the
// three ways in which it can interrupt: a pin, MSI, MSI-X.

import type { DeviceState, Stateful } from '../../../bus/device-state.js';
import type { Board, Device } from '../device.js';
import { Bars, type PciBar } from './bars.js';
import { ConfigSpace } from './config-space.js';
import { Msi, type MessageSink } from './msi.js';
import { MsiX, type MsiXOptions, type MsiXState } from './msix.js';

export type { PciBar } from './bars.js';

/** Registers of the type 0 header (6.1). */
const VENDOR = 0x00;
const DEVICE = 0x02;
const COMMAND = 0x04;
const STATUS = 0x06;
const REVISION = 0x08;
const CLASS = 0x09;
const HEADER_TYPE = 0x0e;
const MULTIFUNCTION = 0x80;
const SUBSYSTEM = 0x2c;
const INTERRUPT_LINE = 0x3c;
const INTERRUPT_PIN = 0x3d;

const COMMAND_MASTER = 0x4;
const COMMAND_INTX_OFF = 0x400;
/** The command bits that can be set: I/O, memory, bus master, parity response, SERR#, interrupt disable. */
const COMMAND_WRITABLE = 0x547;
const STATUS_INTERRUPT = 0x8;

export interface PciIdentity {
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Base class, subclass, programming interface: 0xCCSSPP. */
  readonly classCode: number;
}

/** What a function has beside its BARs. */
export interface PciFeatures {
  readonly subsystem?: { readonly vendor: number; readonly device: number };
  /** 1…4 for INTA#…INTD#; none by default. */
  readonly interruptPin?: number;
  /** Vectors of an MSI capability: a power of two up to 32. */
  readonly msi?: number;
  readonly msix?: MsiXOptions;
}

export type PciDeviceState = { space: Uint8Array; level: boolean; msix: MsiXState | null; own: DeviceState };

export abstract class PciDevice implements Device, Stateful {
  abstract readonly name: string;
  protected readonly space = new ConfigSpace();
  readonly #board: Board;
  readonly #bars: Bars;
  readonly #msi: Msi | undefined;
  readonly #msix: MsiX | undefined;
  readonly #pin: number;
  #slot = 0;
  /** Whether the device wants attention, and whether its pin says so. */
  #level = false;
  #pulls = false;

  protected constructor(board: Board, identity: PciIdentity, bars: readonly PciBar[], features: PciFeatures = {}) {
    const { space } = this;
    const { vendor, device, revision, classCode } = identity;
    const { subsystem, interruptPin = 0, msi, msix } = features;
    this.#board = board;
    this.#pin = interruptPin;
    space.define(VENDOR, 2, vendor);
    space.define(DEVICE, 2, device);
    space.define(COMMAND, 2, 0, COMMAND_WRITABLE);
    space.define(REVISION, 4, (classCode << 8) | revision);
    space.define(INTERRUPT_LINE, 1, 0, 0xff);
    space.define(INTERRUPT_PIN, 1, interruptPin);
    if (subsystem !== undefined) space.define(SUBSYSTEM, 4, (subsystem.device << 16) | subsystem.vendor);
    const send: MessageSink = (lo, hi, data) => this.#send(lo, hi, data);
    this.#msi = msi === undefined ? undefined : new Msi(space, msi, send);
    this.#msix = msix === undefined ? undefined : new MsiX(msix, send);
    this.#msix?.attach(space);
    const all = this.#msix === undefined ? bars : [...bars, this.#msix.bar];
    this.#bars = new Bars(space, board.vm, all, (bar, addr) => this.barMoved(bar, addr));
  }

  get bars(): readonly PciBar[] {
    return this.#bars.list;
  }

  get classCode(): number {
    return this.space.get32(CLASS - 1) >>> 8;
  }

  /** 1…4 for INTA#…INTD#, 0 if it has no pin. */
  get interruptPin(): number {
    return this.#pin;
  }

  /** Where a BAR is decoded now; undefined while it is not. */
  addressOf(bar: number): bigint | undefined {
    return this.#bars.addressOf(bar);
  }

  /** Called by the bus when the device is plugged in. */
  plugged(slot: number): void {
    this.#slot = slot;
  }

  /** Called by the bus: function 0 tells whether there are others. */
  setMultifunction(): void {
    this.space.define(HEADER_TYPE, 1, MULTIFUNCTION);
  }

  /** 1, 2 or 4 bytes of configuration space, within one dword. */
  readConfig(register: number, length: number): number {
    return this.space.read(register, length);
  }

  /** Status bits are cleared by ones; this device never sets any of those, so the register is not writable. */
  writeConfig(register: number, length: number, value: number): void {
    this.space.write(register, length, value);
    this.#bars.written(register, length);
    this.#msi?.written(register, length);
    this.#msix?.written(register, length);
    this.#updatePin();
    this.configWritten(register, length);
  }

  /** Called after software has written configuration space. */
  protected configWritten(_register: number, _length: number): void {}

  /** Called with a BAR's new address whenever it moves, with undefined while it is not decoded. */
  protected barMoved(_bar: PciBar, _addr: bigint | undefined): void {}

  get msiEnabled(): boolean {
    return this.#msi?.enabled ?? false;
  }

  get msixEnabled(): boolean {
    return this.#msix?.enabled ?? false;
  }

  /** Whether software lets the device write to memory. */
  get busMaster(): boolean {
    return (this.space.get16(COMMAND) & COMMAND_MASTER) !== 0;
  }

  /** Whether the device wants attention, by its pin. The pin keeps still while software prefers messages, or switched it off. */
  setInterrupt(level: boolean): void {
    if (this.#level === level) return;
    this.#level = level;
    this.space.setBits(STATUS, STATUS_INTERRUPT, level);
    this.#updatePin();
  }

  /** Sends a vector's message by whichever of MSI-X and MSI is on; false if neither is. */
  signal(vector: number): boolean {
    if (this.msixEnabled) this.#msix!.signal(vector);
    else if (this.msiEnabled) this.#msi!.signal(vector);
    else return false;
    return true;
  }

  #updatePin(): void {
    const off = (this.space.get16(COMMAND) & COMMAND_INTX_OFF) !== 0;
    const pulls = this.#level && this.#pin !== 0 && !off && !this.msiEnabled && !this.msixEnabled;
    if (pulls === this.#pulls) return;
    this.#pulls = pulls;
    this.#board.pci.setPin(this.#slot, this.#pin, pulls);
  }

  /** A message is a write to memory, which takes a bus master. */
  #send(lo: number, hi: number, data: number): void {
    if (this.busMaster) this.#board.pci.sendMessage(lo, hi, data);
  }

  /** State beyond configuration space; what saveOwn() returned comes back when the BARs are where they were. */
  protected saveOwn(): DeviceState {
    return null;
  }
  protected restoreOwn(_state: DeviceState): void {}

  save(): PciDeviceState {
    const own = this.saveOwn();
    return { space: this.space.save(), level: this.#level, msix: this.#msix?.save() ?? null, own };
  }

  /** The pin's level comes back without being told: interrupt controllers have a state of their own. */
  restore({ space, level, msix, own }: PciDeviceState): void {
    this.space.restore(space);
    if (msix !== null) this.#msix?.restore(msix);
    this.#level = level;
    const off = (this.space.get16(COMMAND) & COMMAND_INTX_OFF) !== 0;
    this.#pulls = level && this.#pin !== 0 && !off && !this.msiEnabled && !this.msixEnabled;
    this.#bars.remap();
    this.restoreOwn(own);
  }

  /** RST#: nothing is decoded, BARs are unplaced, nothing interrupts. */
  reset(): void {
    this.setInterrupt(false);
    this.space.reset();
    this.#msix?.reset();
    this.#bars.remap();
    this.#updatePin();
  }

  close(): void {
    this.reset();
  }
}
