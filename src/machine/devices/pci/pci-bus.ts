// PCI bus 0 and configuration mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2): ports 0xCF8 and 0xCFC. Beside it
// ECAM, where a memory bus is given; and the interrupt wires.

import { DECLINED, type InterruptLine, type IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { IoBus } from '../../../bus/io-bus.js';
import { ECAM_SIZE, ECAM_START } from '../../memory-map.js';
import { Ecam } from './ecam.js';
import { InterruptRouter } from './interrupt-router.js';
import type { MessageSink } from './msi.js';
import type { PciDevice, PciDeviceState } from './pci-device.js';
import { placeBars } from './place-bars.js';

const CONFIG_PORT = 0xcf8;
const CONFIG_PORTS = 8;
/** Offsets of CONFIG_ADDRESS and CONFIG_DATA. */
const ADDRESS = 0;
const DATA = 4;

const ENABLE = 0x8000_0000;
/** Bits 30:24 and 1:0 of CONFIG_ADDRESS are reserved and read as zero. */
const ADDRESS_BITS = 0x80ff_fffc;
const SLOTS = 32;
const FUNCTIONS = 8;
const INTERRUPT_LINE = 0x3c;
/** "Unknown, or no connection" (6.2.4). */
const NO_LINE = 0xff;

export type PciBusState = {
  address: number;
  /** By slot and function; null where nothing is plugged in. */
  functions: readonly (PciDeviceState | null)[];
  wires: { pulls: number[]; routes: number[] };
};

export interface PciBusOptions {
  /** Where ECAM is put: the MMIO bus; without it there is none. */
  readonly mmio?: IoBus;
  /** Where interrupt pins lead; nowhere by default. */
  readonly lines?: InterruptLine;
  /** Who takes MSI and MSI-X messages; nobody by default. */
  readonly messages?: MessageSink;
}

export class PciBus implements IoDevice, Stateful {
  readonly name = 'pci-configuration';
  /** The PIRQ wires, which the ISA bridge routes. */
  readonly router: InterruptRouter;
  /** Eight for each slot. */
  readonly #functions: (PciDevice | undefined)[] = Array.from({ length: SLOTS * FUNCTIONS }, () => undefined);
  readonly #messages: MessageSink;
  #address = 0;

  constructor(pio: IoBus, { mmio, lines = { set: () => {} }, messages = () => {} }: PciBusOptions = {}) {
    pio.claim({ addr: BigInt(CONFIG_PORT), len: CONFIG_PORTS, device: this });
    mmio?.claim({ addr: BigInt(ECAM_START), len: ECAM_SIZE, device: new Ecam(this.#functions) });
    this.router = new InterruptRouter(lines);
    this.#messages = messages;
  }

  /** Plugs a function in. Throws RangeError if it is taken or there is no such slot (0…31) or function (0…7). */
  plug(device: PciDevice, slot: number, fn = 0): void {
    if (slot < 0 || slot >= SLOTS) throw new RangeError(`PCI bus: there is no slot ${slot}; slots are 0…${SLOTS - 1}`);
    if (fn < 0 || fn >= FUNCTIONS) throw new RangeError(`PCI bus: there is no function ${fn}; functions are 0…7`);
    const at = slot * FUNCTIONS + fn;
    const other = this.#functions[at];
    if (other !== undefined) {
      throw new RangeError(`PCI bus: slot ${slot}${fn === 0 ? '' : `, function ${fn}`} has a ${other.name} already`);
    }
    this.#functions[at] = device;
    device.plugged(slot);
    const others = this.#functions.slice(slot * FUNCTIONS + 1, (slot + 1) * FUNCTIONS);
    if (others.some((one) => one !== undefined)) this.#functions[slot * FUNCTIONS]?.setMultifunction();
  }

  /** The lowest slot without any function; throws RangeError if there is none. */
  freeSlot(): number {
    for (let slot = 0; slot < SLOTS; slot++) {
      const functions = this.#functions.slice(slot * FUNCTIONS, (slot + 1) * FUNCTIONS);
      if (functions.every((one) => one === undefined)) return slot;
    }
    throw new RangeError(`PCI bus: all ${SLOTS} slots are taken`);
  }

  /** What is plugged in, by slot and function. */
  get devices(): PciDevice[] {
    return this.#functions.filter((device) => device !== undefined);
  }

  /**
   * What a firmware does before it starts a kernel: places every BAR, switches decoding on, and notes in each function with
   * an interrupt pin which input of the 8259s it leads to. `ram` is where RAM ends, below 4 GiB.
   */
  placeBars(ram = 0): void {
    placeBars(this.devices, ram);
    for (const [at, device] of this.#functions.entries()) {
      if (device === undefined || device.interruptPin === 0) continue;
      const wire = InterruptRouter.wireOf(Math.floor(at / FUNCTIONS), device.interruptPin);
      device.writeConfig(INTERRUPT_LINE, 1, this.router.inputOf(wire) ?? NO_LINE);
    }
  }

  /** A function's interrupt pin (1 = INTA#) is pulled, or let go. */
  setPin(slot: number, pin: number, level: boolean): void {
    this.router.pull(InterruptRouter.wireOf(slot, pin), level);
  }

  /** A function's message. */
  sendMessage(addressLo: number, addressHi: number, data: number): void {
    this.#messages(addressLo, addressHi, data);
  }

  /** Smaller accesses to CONFIG_ADDRESS are ordinary port accesses, and not ours; so is CONFIG_DATA while it is disabled. */
  read(offset: number, length: number): number {
    if (offset === ADDRESS && length === 4) return this.#address;
    if (!this.#selects(offset, length)) return DECLINED;
    const device = this.#target();
    return device === undefined ? -1 : device.readConfig(this.#register(offset), length);
  }

  write(offset: number, length: number, value: number): void | typeof DECLINED {
    if (offset === ADDRESS && length === 4) {
      this.#address = (value & ADDRESS_BITS) >>> 0;
      return;
    }
    if (!this.#selects(offset, length)) return DECLINED;
    this.#target()?.writeConfig(this.#register(offset), length, value);
  }

  #selects(offset: number, length: number): boolean {
    return offset >= DATA && offset + length <= CONFIG_PORTS && (this.#address & ENABLE) !== 0;
  }

  /** The function addressed; nobody on other buses. */
  #target(): PciDevice | undefined {
    return (this.#address & 0x00ff_0000) === 0 ? this.#functions[(this.#address >>> 8) & 0xff] : undefined;
  }

  #register(offset: number): number {
    return (this.#address & 0xfc) + offset - DATA;
  }

  /** The devices plugged in speak through the bus: their own claims come and go. */
  save(): PciBusState {
    const functions = this.#functions.map((device) => device?.save() ?? null);
    return { address: this.#address, functions, wires: this.router.save() };
  }

  restore({ address, functions, wires }: PciBusState): void {
    this.#address = address;
    this.router.restore(wires.pulls, wires.routes);
    for (const [at, device] of this.#functions.entries()) device?.restore(functions[at]!);
  }

  reset(): void {
    this.#address = 0;
    for (const device of this.#functions) device?.reset();
  }
}
