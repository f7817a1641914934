// A board without a processor: buses and a PCI bus, driven by the tests in the guest's place.

import type { InterruptLine } from '../../src/bus/index.js';
import { PciBus } from '../../src/machine/devices/pci/pci-bus.js';
import { Vm } from '../../src/vmm/vm.js';
import { FakeTime } from './fake-time.js';

export class TestBoard {
  readonly pci: PciBus;
  readonly time = new FakeTime();
  /** Levels by GSI, and every change in order. */
  readonly levels = new Map<number, 0 | 1>();
  readonly changes: [gsi: number, level: 0 | 1][] = [];
  /** MSI and MSI-X messages, in order. */
  readonly messages: [lo: number, hi: number, data: number][] = [];
  readonly lines: InterruptLine = {
    set: (gsi, level) => {
      if ((this.levels.get(gsi) ?? 0) !== level) this.changes.push([gsi, level]);
      this.levels.set(gsi, level);
    },
  };

  private constructor(readonly vm: Vm) {
    const messages = (lo: number, hi: number, data: number): void => void this.messages.push([lo, hi, data]);
    this.pci = new PciBus(vm.pio, { mmio: vm.mmio, lines: this.lines, messages });
  }

  static async create(): Promise<TestBoard> {
    return new TestBoard(await Vm.create());
  }

  /** IN; undefined if nobody answers. */
  in(port: number, length = 4): number | undefined {
    return this.vm.pio.read(port, 0, length) ? this.vm.pio.dataLo : undefined;
  }

  /** OUT; false if nobody takes it. */
  out(port: number, value: number, length = 4): boolean {
    return this.vm.pio.write(port, 0, length, value, 0);
  }

  load(addr: number, length = 4): number | undefined {
    return this.vm.mmio.read(addr, 0, length) ? this.vm.mmio.dataLo : undefined;
  }

  store(addr: number, value: number, length = 4): boolean {
    return this.vm.mmio.write(addr, 0, length, value, 0);
  }

  /** A configuration register by mechanism 1. */
  readConfig(slot: number, register: number, length = 4): number | undefined {
    this.out(0xcf8, (0x8000_0000 | (slot << 11) | (register & 0xfc)) >>> 0);
    return this.in(0xcfc + (register & 3), length);
  }

  writeConfig(slot: number, register: number, value: number, length = 4): void {
    this.out(0xcf8, (0x8000_0000 | (slot << 11) | (register & 0xfc)) >>> 0);
    this.out(0xcfc + (register & 3), value, length);
  }
}
