// Base address registers (PCI Local Bus Specification 3.0, 6.2.5.1): they become claims on the buses while the command
// register lets them.

import type { RangeClaim } from '../../../bus/claim.js';
import type { IoDevice } from '../../../bus/device.js';
import type { IoBus } from '../../../bus/io-bus.js';
import type { ConfigSpace } from './config-space.js';

const COMMAND = 0x04;
export const COMMAND_IO = 0x1;
export const COMMAND_MEMORY = 0x2;
export const BAR0 = 0x10;
const BAR_COUNT = 6;
const BARS_END = BAR0 + BAR_COUNT * 4;

const IS_IO = 0x1;
const IS_WIDE = 0x4;
const IS_PREFETCHABLE = 0x8;
const IO_FLAGS = 0x3;
const MEMORY_FLAGS = 0xf;
const GIB4 = 0x1_0000_0000;

/** A base address register and the registers behind it. */
export interface PciBar {
  /** 0…5; a 64-bit one takes the next index too. */
  readonly index: number;
  readonly kind: 'memory' | 'io';
  /** Bytes, a power of two: at least 16 of memory, 4 to 256 of I/O. */
  readonly size: number;
  /** A memory BAR of 64 bits, which may lie above 4 GiB. */
  readonly wide?: boolean;
  readonly prefetchable?: boolean;
  readonly registers: IoDevice;
}

interface Mapping {
  readonly addr: bigint;
  readonly bus: IoBus;
  readonly claim: RangeClaim;
}

export class Bars {
  /** By BAR index, while it is decoded. */
  readonly #mappings = new Map<number, Mapping>();

  constructor(
    private readonly space: ConfigSpace,
    private readonly buses: { readonly pio: IoBus; readonly mmio: IoBus },
    readonly list: readonly PciBar[],
    private readonly moved: (bar: PciBar, addr: bigint | undefined) => void,
  ) {
    for (const { index, kind, size, wide = false, prefetchable = false } of list) {
      // The bits below the size read as zero, which is how software learns the size.
      const mask = -size;
      const memory = (wide ? IS_WIDE : 0) | (prefetchable ? IS_PREFETCHABLE : 0);
      space.define(BAR0 + index * 4, 4, kind === 'io' ? IS_IO : memory, mask);
      if (wide) space.define(BAR0 + index * 4 + 4, 4, 0, Math.floor(mask / GIB4));
    }
  }

  addressOf(index: number): bigint | undefined {
    return this.#mappings.get(index)?.addr;
  }

  /** Looks again at what is decoded, if a write to these registers can have changed it. */
  written(register: number, length: number): void {
    const end = register + length;
    if ((register < COMMAND + 2 && end > COMMAND) || (register < BARS_END && end > BAR0)) this.remap();
  }

  remap(): void {
    for (const bar of this.list) {
      const addr = this.#wanted(bar);
      const mapping = this.#mappings.get(bar.index);
      if (mapping?.addr === addr) continue;
      if (mapping !== undefined) {
        mapping.bus.remove(mapping.claim);
        this.#mappings.delete(bar.index);
      }
      if (addr !== undefined) {
        const bus = bar.kind === 'io' ? this.buses.pio : this.buses.mmio;
        const claim = bus.claim({ addr, len: bar.size, device: bar.registers });
        this.#mappings.set(bar.index, { addr, bus, claim });
      }
      this.moved(bar, addr);
    }
  }

  /** Address 0 is what a BAR has that nobody placed, and ports have 16 bits: neither is decoded. */
  #wanted({ index, kind, size, wide = false }: PciBar): bigint | undefined {
    const { space } = this;
    const enable = kind === 'io' ? COMMAND_IO : COMMAND_MEMORY;
    if ((space.get16(COMMAND) & enable) === 0) return undefined;
    const flags = kind === 'io' ? IO_FLAGS : MEMORY_FLAGS;
    const low = (space.get32(BAR0 + index * 4) & ~flags) >>> 0;
    const high = wide ? space.get32(BAR0 + index * 4 + 4) : 0;
    if ((low | high) === 0 || (kind === 'io' && low + size > 0x1_0000)) return undefined;
    return (BigInt(high) << 32n) | BigInt(low);
  }
}
