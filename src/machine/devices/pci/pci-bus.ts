// PCI bus 0 and configuration mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2): ports 0xCF8 and 0xCFC.

import { DECLINED, type IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { IoBus } from '../../../bus/io-bus.js';
import { COMMAND_IO, COMMAND_MEMORY, type PciDevice, type PciDeviceState } from './pci-device.js';

const CONFIG_PORT = 0xcf8;
const CONFIG_PORTS = 8;
/** Offsets of CONFIG_ADDRESS and CONFIG_DATA. */
const ADDRESS = 0;
const DATA = 4;

const ENABLE = 0x8000_0000;
/** Bits 30:24 and 1:0 of CONFIG_ADDRESS are reserved and read as zero. */
const ADDRESS_BITS = 0x80ff_fffc;
const SLOTS = 32;

/** Where BARs go that a firmware would have placed. */
const FIRST_MEMORY = 0xfeb0_0000;
const FIRST_PORT = 0xc000;
const BAR0 = 0x10;
const COMMAND = 0x04;

export type PciBusState = {
  address: number;
  /** By slot; null where nothing is plugged in. */
  functions: readonly (PciDeviceState | null)[];
};

export class PciBus implements IoDevice, Stateful {
  readonly name = 'pci-configuration';
  /** Single-function devices, by slot. */
  readonly #slots: (PciDevice | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  #address = 0;

  constructor(pio: IoBus) {
    pio.claim({ addr: BigInt(CONFIG_PORT), len: CONFIG_PORTS, device: this });
  }

  /** Plugs a device in. Throws RangeError if the slot (0…31) is taken or there is no such slot. */
  plug(device: PciDevice, slot: number): void {
    if (slot < 0 || slot >= SLOTS) throw new RangeError(`PCI bus: there is no slot ${slot}; slots are 0…${SLOTS - 1}`);
    const other = this.#slots[slot];
    if (other !== undefined) throw new RangeError(`PCI bus: slot ${slot} has a ${other.name} already`);
    this.#slots[slot] = device;
  }

  /** The lowest free slot; throws RangeError if there is none. */
  freeSlot(): number {
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0) throw new RangeError(`PCI bus: all ${SLOTS} slots are taken`);
    return slot;
  }

  /** Places every BAR and switches decoding on, as a firmware does before it starts a kernel. */
  placeBars(): void {
    const next = { memory: FIRST_MEMORY, io: FIRST_PORT };
    for (const device of this.#slots) {
      let enable = 0;
      for (const { index, kind, size } of device?.bars ?? []) {
        const addr = Math.ceil(next[kind] / size) * size;
        next[kind] = addr + size;
        device!.writeConfig(BAR0 + index * 4, 4, addr);
        enable |= kind === 'io' ? COMMAND_IO : COMMAND_MEMORY;
      }
      if (enable !== 0) device!.writeConfig(COMMAND, 2, enable);
    }
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

  /** The function addressed; nobody on other buses and at functions 1…7. */
  #target(): PciDevice | undefined {
    const busAndFunction = this.#address & 0x00ff_0700;
    return busAndFunction === 0 ? this.#slots[(this.#address >>> 11) & 31] : undefined;
  }

  #register(offset: number): number {
    return (this.#address & 0xfc) + offset - DATA;
  }

  /** The devices plugged in speak through the bus: their own claims come and go. */
  save(): PciBusState {
    return { address: this.#address, functions: this.#slots.map((device) => device?.save() ?? null) };
  }

  restore({ address, functions }: PciBusState): void {
    this.#address = address;
    for (const [slot, device] of this.#slots.entries()) device?.restore(functions[slot]!);
  }

  reset(): void {
    this.#address = 0;
    for (const device of this.#slots) device?.reset();
  }
}
