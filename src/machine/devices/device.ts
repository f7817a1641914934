// What the machine asks of a device beyond its registers (IoDevice), and what a device may use of the machine.

import type { InterruptLine } from '../../bus/device.js';
import type { TimeSource } from '../../bus/time.js';
import type { Vm } from '../../vmm/vm.js';
import type { PciBus } from './pci/pci-bus.js';

/** The parts of a machine that a device attaches itself to. */
export interface Board {
  readonly vm: Vm;
  readonly pci: PciBus;
  /** Interrupt inputs, by GSI. */
  readonly lines: InterruptLine;
  readonly time: TimeSource;
}

/** A device in its place: it has claimed its addresses, and gives them back when it is closed. */
export interface Device {
  readonly name: string;
  /** The state after power-on; what the outside world has sent and the guest has not taken is lost. */
  reset(): void;
  /** Takes the device off the buses. */
  close(): void;
}
