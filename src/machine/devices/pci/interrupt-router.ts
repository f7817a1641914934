// Where the INTx# pins of bus 0 lead. Slots take the four wires PIRQA#…PIRQD# in turn; each wire goes to an input of the
// I/O APIC of its own (GSI 16…19), and through the PIIX3's router to an input of the 8259s that the registers 60h–63h name
// (82371SB datasheet, order number 290550, registers PIRQRC). Whoever pulls a wire, it is pulled: wires and inputs are ORed.

import type { InterruptLine } from '../../../bus/device.js';

export const PIRQS = 4;
export const FIRST_PCI_GSI = 16;
/** Bit 7 of a route: the wire leads to no 8259 input. */
export const NOT_ROUTED = 0x80;
/** Inputs that can be named: 0, 1, 2, 8 and 13 are reserved. */
const ROUTABLE = 0b1101_1110_1111_1000;
const INPUTS = 16;

export class InterruptRouter {
  /** How many pins pull each wire. */
  readonly #pulls = new Uint16Array(PIRQS);
  readonly #routes = new Uint8Array(PIRQS).fill(NOT_ROUTED);
  /** Levels as they were last given to the lines. */
  readonly #inputs = new Uint8Array(INPUTS);

  constructor(private readonly lines: InterruptLine) {}

  /** The wire of a slot's pin (1 = INTA#): as on QEMU's i440FX board, where slot 1 has INTA# at PIRQA#. */
  static wireOf(slot: number, pin: number): number {
    return (slot + pin - 2 + PIRQS) & (PIRQS - 1);
  }

  /** One more or one less pin pulls a wire. */
  pull(wire: number, level: boolean): void {
    const before = this.#pulls[wire]! !== 0;
    this.#pulls[wire]! += level ? 1 : -1;
    if ((this.#pulls[wire]! !== 0) === before) return;
    this.lines.set(FIRST_PCI_GSI + wire, level ? 1 : 0);
    this.#update();
  }

  /** Software has written a router register. */
  route(wire: number, value: number): void {
    this.#routes[wire] = value;
    this.#update();
  }

  /** The 8259 input of a wire; undefined if it has none. */
  inputOf(wire: number): number | undefined {
    const route = this.#routes[wire]!;
    return route < INPUTS && ((ROUTABLE >>> route) & 1) !== 0 ? route : undefined;
  }

  #levelOf(input: number): 0 | 1 {
    for (let wire = 0; wire < PIRQS; wire++) {
      if (this.#pulls[wire] !== 0 && this.inputOf(wire) === input) return 1;
    }
    return 0;
  }

  #update(): void {
    for (let input = 0; input < INPUTS; input++) {
      const level = this.#levelOf(input);
      if (this.#inputs[input] === level) continue;
      this.#inputs[input] = level;
      this.lines.set(input, level);
    }
  }

  /** After a snapshot is restored: what pulls now. The interrupt controllers restore what they have seen of it. */
  restore(pulls: readonly number[], routes: readonly number[]): void {
    this.#pulls.set(pulls);
    this.#routes.set(routes);
    for (let input = 0; input < INPUTS; input++) this.#inputs[input] = this.#levelOf(input);
  }

  save(): { pulls: number[]; routes: number[] } {
    return { pulls: [...this.#pulls], routes: [...this.#routes] };
  }
}
