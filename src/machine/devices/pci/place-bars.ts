// Places BARs as a firmware does before it starts a kernel: ports from C000h, memory between RAM and the I/O APIC, and what
// is too large for that above 4 GiB.

import { BAR0, COMMAND_IO, COMMAND_MEMORY, type PciBar } from './bars.js';
import type { PciDevice } from './pci-device.js';

const COMMAND = 0x04;
const GIB4 = 0x1_0000_0000;

/** A range of addresses that bus 0 answers: the end is behind its last byte. */
export interface PciWindow {
  readonly start: number;
  readonly end: number;
}

export const PORT_WINDOW: PciWindow = { start: 0xc000, end: 0x1_0000 };
/** Above all RAM, and reachable with 36 address bits. */
export const HIGH_WINDOW: PciWindow = { start: 8 * GIB4, end: 15 * GIB4 };
const WINDOW_STARTS = [0xc000_0000, 0xe000_0000];
/** The I/O APIC, the HPET, the local APIC and the firmware follow. */
const MEMORY_END = 0xfec0_0000;

/** Where memory BARs below 4 GiB go in a PC with `ram` bytes of RAM: behind ECAM, which ends at C000_0000h. */
export function memoryWindow(ram: number): PciWindow {
  const start = WINDOW_STARTS.find((at) => at >= ram);
  if (start === undefined)
    throw new RangeError(`PCI: RAM of ${ram} bytes leaves no room for device memory below 4 GiB`);
  return { start, end: MEMORY_END };
}

class Room {
  #next: number;
  constructor(private readonly window: PciWindow) {
    this.#next = window.start;
  }
  /** An aligned place, or undefined if the window is full. */
  take(size: number): number | undefined {
    const addr = Math.ceil(this.#next / size) * size;
    if (addr + size > this.window.end) return undefined;
    this.#next = addr + size;
    return addr;
  }
}

/** Places every BAR and switches decoding on. Throws RangeError if there is no room. */
export function placeBars(devices: readonly PciDevice[], ram: number): void {
  const ports = new Room(PORT_WINDOW);
  const memory = new Room(memoryWindow(ram));
  const high = new Room(HIGH_WINDOW);
  const bars = devices.flatMap((device) => device.bars.map((bar) => ({ device, bar })));
  // The largest first, so that alignment wastes nothing.
  bars.sort((a, b) => b.bar.size - a.bar.size);
  for (const { device, bar } of bars) {
    const addr = bar.kind === 'io' ? ports.take(bar.size) : (memory.take(bar.size) ?? takeHigh(high, bar));
    if (addr === undefined) {
      throw new RangeError(`PCI: no room for ${bar.size} bytes of ${device.name}'s BAR ${bar.index} (${bar.kind})`);
    }
    device.writeConfig(BAR0 + bar.index * 4, 4, addr % GIB4);
    if (bar.wide) device.writeConfig(BAR0 + bar.index * 4 + 4, 4, Math.floor(addr / GIB4));
  }
  for (const device of devices) {
    let enable = 0;
    for (const { kind } of device.bars) enable |= kind === 'io' ? COMMAND_IO : COMMAND_MEMORY;
    if (enable !== 0) device.writeConfig(COMMAND, 2, device.readConfig(COMMAND, 2) | enable);
  }
}

function takeHigh(high: Room, { wide = false, size }: PciBar): number | undefined {
  return wide ? high.take(size) : undefined;
}
