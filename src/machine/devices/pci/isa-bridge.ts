// The bridge to ISA, at 00:01.0: Intel's PIIX3 (82371SB, order number 290550). It has the router of the PCI interrupt wires
// (60h–63h). Its other registers (X-bus chip select, DMA, USB, timers of the ISA bus) are not there.

import type { Board } from '../device.js';
import { NOT_ROUTED, PIRQS } from './interrupt-router.js';
import { PciDevice } from './pci-device.js';
import type { PciBus } from './pci-bus.js';

const IDENTITY = { vendor: 0x8086, device: 0x7000, revision: 0, classCode: 0x06_01_00 };
const ROUTES = 0x60;
const ROUTE_WRITABLE = 0x8f;
/** What firmware for this board routes the four wires to. */
const USUAL_ROUTES = [10, 10, 11, 11];

export const ISA_BRIDGE_SLOT = 1;

export class IsaBridge extends PciDevice {
  readonly name = 'isa-bridge';
  readonly #pci: PciBus;

  constructor(board: Board) {
    super(board, IDENTITY, []);
    this.#pci = board.pci;
    for (let wire = 0; wire < PIRQS; wire++) this.space.define(ROUTES + wire, 1, NOT_ROUTED, ROUTE_WRITABLE);
  }

  /** Routes the wires as a firmware does. */
  routeInterrupts(): void {
    for (const [wire, input] of USUAL_ROUTES.entries()) this.writeConfig(ROUTES + wire, 1, input);
  }

  protected override configWritten(register: number, length: number): void {
    if (register + length <= ROUTES || register >= ROUTES + PIRQS) return;
    for (let wire = 0; wire < PIRQS; wire++) this.#pci.router.route(wire, this.space.read(ROUTES + wire, 1));
  }

  override reset(): void {
    super.reset();
    for (let wire = 0; wire < PIRQS; wire++) this.#pci.router.route(wire, NOT_ROUTED);
  }
}
