// A PCI function: its configuration space (PCI Local Bus Specification 3.0, chapter 6) and its base address registers, which
// become claims on the buses while the command register lets them.

import type { IoDevice } from '../../../bus/device.js';
import type { DeviceState, Stateful } from '../../../bus/device-state.js';
import type { RangeClaim } from '../../../bus/claim.js';
import type { IoBus } from '../../../bus/io-bus.js';
import type { Board, Device } from '../device.js';

/** Registers of the type 0 header (6.1). */
const VENDOR = 0x00;
const DEVICE = 0x02;
const COMMAND = 0x04;
const STATUS = 0x06;
const REVISION = 0x08;
const CLASS = 0x09;
const HEADER_TYPE = 0x0e;
const BAR0 = 0x10;
const BAR_COUNT = 6;
const INTERRUPT_LINE = 0x3c;

export const COMMAND_IO = 0x1;
export const COMMAND_MEMORY = 0x2;
/** The command bits that can be set: I/O, memory, bus master, parity response, SERR#, interrupt disable. */
const COMMAND_WRITABLE = 0x547;
const BAR_IO = 0x1;
const BAR_IO_FLAGS = 0x3;
const BAR_MEMORY_FLAGS = 0xf;

/** A 32-bit base address register and the registers behind it. */
export interface PciBar {
  /** 0…5. */
  readonly index: number;
  readonly kind: 'memory' | 'io';
  /** Bytes, a power of two: at least 16 of memory, 4 to 256 of I/O. */
  readonly size: number;
  readonly registers: IoDevice;
}

export interface PciIdentity {
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Base class, subclass, programming interface: 0xCCSSPP. */
  readonly classCode: number;
}

export type PciDeviceState = { space: Uint8Array; own: DeviceState };

interface Mapping {
  readonly addr: bigint;
  readonly bus: IoBus;
  readonly claim: RangeClaim;
}

export abstract class PciDevice implements Device, Stateful {
  abstract readonly name: string;
  readonly #board: Board;
  readonly #bars: readonly PciBar[];
  readonly #space = new Uint8Array(256);
  /** Bits that the guest can set and clear. */
  readonly #writable = new Uint8Array(256);
  /** By BAR index, while it is decoded. */
  readonly #mappings = new Map<number, Mapping>();
  readonly #view = new DataView(this.#space.buffer);

  protected constructor(board: Board, { vendor, device, revision, classCode }: PciIdentity, bars: readonly PciBar[]) {
    this.#board = board;
    this.#bars = bars;
    this.#view.setUint16(VENDOR, vendor, true);
    this.#view.setUint16(DEVICE, device, true);
    this.#view.setUint32(REVISION, (classCode << 8) | revision, true);
    this.#space[HEADER_TYPE] = 0;
    const masks = new DataView(this.#writable.buffer);
    masks.setUint16(COMMAND, COMMAND_WRITABLE, true);
    masks.setUint8(INTERRUPT_LINE, 0xff);
    for (const { index, kind, size } of bars) {
      // The bits below the size read as zero, which is how software learns the size (6.2.5.1).
      masks.setUint32(BAR0 + index * 4, ~(size - 1), true);
      this.#view.setUint32(BAR0 + index * 4, kind === 'io' ? BAR_IO : 0, true);
    }
  }

  get bars(): readonly PciBar[] {
    return this.#bars;
  }

  get classCode(): number {
    return this.#view.getUint32(CLASS - 1, true) >>> 8;
  }

  /** Where a BAR is decoded now; undefined while it is not. */
  addressOf(bar: number): bigint | undefined {
    return this.#mappings.get(bar)?.addr;
  }

  /** 1, 2 or 4 bytes of configuration space, within one dword. */
  readConfig(register: number, length: number): number {
    let value = 0;
    for (let byte = length - 1; byte >= 0; byte--) value = (value << 8) | this.#space[register + byte]!;
    return value >>> 0;
  }

  /** Status bits are cleared by ones; this device never sets any, so the register is simply constant. */
  writeConfig(register: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) {
      const at = register + byte;
      const mask = this.#writable[at]!;
      this.#space[at] = (this.#space[at]! & ~mask) | ((value >>> (byte * 8)) & mask);
    }
    const end = register + length;
    if ((register < STATUS && end > COMMAND) || (register < BAR0 + BAR_COUNT * 4 && end > BAR0)) this.#remap();
  }

  /** Called with a BAR's new address whenever it moves, with undefined while it is not decoded. */
  protected barMoved(_bar: PciBar, _addr: bigint | undefined): void {}

  #remap(): void {
    for (const bar of this.#bars) {
      const addr = this.#wanted(bar);
      const mapping = this.#mappings.get(bar.index);
      if (mapping?.addr === addr) continue;
      if (mapping !== undefined) {
        mapping.bus.remove(mapping.claim);
        this.#mappings.delete(bar.index);
      }
      if (addr !== undefined) {
        const bus = bar.kind === 'io' ? this.#board.vm.pio : this.#board.vm.mmio;
        const claim = bus.claim({ addr, len: bar.size, device: bar.registers });
        this.#mappings.set(bar.index, { addr, bus, claim });
      }
      this.barMoved(bar, addr);
    }
  }

  /** Address 0 is what a BAR has that nobody placed, and ports have 16 bits: neither is decoded. */
  #wanted({ index, kind, size }: PciBar): bigint | undefined {
    const enable = kind === 'io' ? COMMAND_IO : COMMAND_MEMORY;
    if ((this.#view.getUint16(COMMAND, true) & enable) === 0) return undefined;
    const flags = kind === 'io' ? BAR_IO_FLAGS : BAR_MEMORY_FLAGS;
    const addr = (this.#view.getUint32(BAR0 + index * 4, true) & ~flags) >>> 0;
    if (addr === 0 || (kind === 'io' && addr + size > 0x1_0000)) return undefined;
    return BigInt(addr);
  }

  /** State beyond configuration space; what saveOwn() returned comes back when the BARs are where they were. */
  protected saveOwn(): DeviceState {
    return null;
  }
  protected restoreOwn(_state: DeviceState): void {}

  save(): PciDeviceState {
    return { space: this.#space.slice(), own: this.saveOwn() };
  }

  restore({ space, own }: PciDeviceState): void {
    this.#space.set(space);
    this.#remap();
    this.restoreOwn(own);
  }

  /** RST#: nothing is decoded, BARs are unplaced. */
  reset(): void {
    for (let at = COMMAND; at < this.#space.length; at++) this.#space[at]! &= ~this.#writable[at]!;
    this.#remap();
  }

  close(): void {
    this.reset();
  }
}
