// The PC's interrupt controllers in their places: two 8259As, an I/O APIC, and the GSIs that lead to them.

import { ClaimRank } from '../../../bus/index.js';
import type { Deliver } from '../../../vmm/interrupt-message.js';
import { pcRoutes } from '../../../vmm/irq-routing.js';
import { IrqChip } from '../../../vmm/irqchip.js';
import type { Vm } from '../../../vmm/vm.js';
import { IoApic, IOAPIC_ADDRESS, IOAPIC_SIZE } from './ioapic.js';
import { PIC_PORTS } from './pic-8259.js';
import { ELCR_PORT, ELCR_PORTS, MASTER_PORT, PicPair, SLAVE_PORT } from './pic-pair.js';

export interface InterruptControllersOptions {
  /** The local APICs. */
  deliver: Deliver;
  /** The 8259s' INTR: told of every change. */
  intr: (level: 0 | 1) => void;
  ioApicId?: number;
  /** As of IrqFds. */
  listen?: boolean;
}

export interface InterruptControllers {
  readonly pic: PicPair;
  readonly ioapic: IoApic;
  readonly chip: IrqChip;
}

/** Makes them, claims their addresses, and attaches them to the Vm. */
export function plugInterruptControllers(vm: Vm, options: InterruptControllersOptions): InterruptControllers {
  const { deliver, intr, ioApicId = 0, listen = false } = options;
  const pic = new PicPair({ output: intr, acknowledged: (irq) => chip.acknowledgedPic(irq) });
  const ioapic = new IoApic({ deliver, acknowledged: (pin) => chip.acknowledgedIoApic(pin), id: ioApicId });
  const chip = new IrqChip({ pic, ioapic, deliver, routes: pcRoutes(), listen });
  const rank = ClaimRank.InKernel;
  vm.pio.claim({ addr: BigInt(MASTER_PORT), len: PIC_PORTS, device: pic.master, rank });
  vm.pio.claim({ addr: BigInt(SLAVE_PORT), len: PIC_PORTS, device: pic.slave, rank });
  vm.pio.claim({ addr: BigInt(ELCR_PORT), len: ELCR_PORTS, device: pic.elcr, rank });
  vm.mmio.claim({ addr: BigInt(IOAPIC_ADDRESS), len: IOAPIC_SIZE, device: ioapic, rank });
  vm.attachIrqChip(chip);
  return { pic, ioapic, chip };
}
