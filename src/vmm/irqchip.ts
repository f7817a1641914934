// The interrupt side of a Vm: GSIs, their routes to the interrupt controllers or to messages, irqfds. What KVM's full irqchip is to its
// users. The controllers themselves are devices of the machine, and so are local APICs here: somebody to give a message to.

import { IrqFds, type IrqFdArgs } from '../bus/irqfd.js';
import type { InterruptLine } from '../bus/device.js';
import type { DeviceState, Stateful } from '../bus/device-state.js';
import { EINVAL, ENOSPC } from '../eventfd/index.js';
import type { Deliver } from './interrupt-message.js';
import { decodeMsi, type Msi } from './msi.js';
import {
  checkMsi,
  defaultRoutes,
  IOAPIC_INPUTS,
  IRQ_ROUTES_MAX,
  IrqRouting,
  PIC_INPUTS,
  type IrqRoute,
} from './irq-routing.js';

/** An interrupt controller as its inputs: 1 is asserted. */
export interface InterruptInputs {
  set(input: number, level: 0 | 1): void;
}

/** The I/O APIC also hears of the EOI of a level-triggered vector. */
export interface IoApicInputs extends InterruptInputs {
  eoi?(vector: number): void;
}

export interface IrqChipOptions {
  /** The 8259s: inputs 0 to 15. */
  pic: InterruptInputs;
  /** Inputs 0 to 23. */
  ioapic: IoApicInputs;
  /** The local APICs. */
  deliver: Deliver;
  /** Default: defaultRoutes(). */
  routes?: readonly IrqRoute[];
  /** Messages have 32-bit destinations (KVM_CAP_X2APIC_API). */
  wide?: boolean;
  /** As of IrqFds. */
  listen?: boolean;
}

/** kvm_msi. */
export interface MsiArgs extends Msi {
  flags?: number;
}

/** Address bits 31:20 of an interrupt message (SDM vol. 3, 11.11.1). */
const MSI_ADDRESS = 0xfee;

/** A bit of a word for each. */
const SOURCES_MAX = 32;

type IrqChipState = {
  levels: readonly (readonly [gsi: number, sources: number])[];
  held: readonly number[];
  routes: IrqRoute[];
};

export class IrqChip implements InterruptLine, Stateful {
  readonly name = 'irqchip';
  readonly #pic: InterruptInputs;
  readonly #ioapic: IoApicInputs;
  readonly #deliver: Deliver;
  readonly #wide: boolean;
  readonly #irqfds: IrqFds;
  readonly #user: InterruptLine;
  #routing: IrqRouting;
  #sources = 0;
  /** By GSI, the sources that assert it, a bit each. */
  readonly #levels = new Uint32Array(IRQ_ROUTES_MAX);
  readonly #devices: InterruptLine;

  constructor({ pic, ioapic, deliver, routes = defaultRoutes(), wide = false, listen = false }: IrqChipOptions) {
    this.#pic = pic;
    this.#ioapic = ioapic;
    this.#deliver = deliver;
    this.#wide = wide;
    this.#routing = new IrqRouting(routes, wide);
    this.#devices = this.source();
    this.#user = this.source();
    this.#irqfds = new IrqFds({ lines: this.source(), irqchip: 'full', listen });
  }

  /**
   * The lines as one more party sees them that pulls at them: a GSI is asserted while any of these asserts it. ENOSPC after 32, three
   * of which are this object itself (for devices that share no line), irqLine() and the irqfds.
   */
  source(): InterruptLine {
    if (this.#sources === SOURCES_MAX) throw new ENOSPC(`irqchip: there are ${SOURCES_MAX} sources already`);
    const bit = (1 << this.#sources++) >>> 0;
    return { set: (gsi, level) => this.#set(gsi, bit, level) };
  }

  /** For devices. A GSI without a route leads nowhere. */
  set(gsi: number, level: 0 | 1): void {
    this.#devices.set(gsi, level);
  }

  /** KVM_IRQ_LINE. */
  irqLine(gsi: number, level: number): void {
    this.#user.set(gsi, level === 0 ? 0 : 1);
  }

  /** KVM_IRQFD. For its errors see IrqFds. */
  irqfd(args: IrqFdArgs): void {
    this.#irqfds.apply(args);
  }

  /** Delivers what other threads have signalled to irqfds since the last time; returns how many fired. */
  poll(): number {
    return this.#irqfds.size === 0 ? 0 : this.#irqfds.poll();
  }

  get routes(): readonly IrqRoute[] {
    return this.#routing.routes;
  }

  /** KVM_SET_GSI_ROUTING: replaces the whole table, or throws what IrqRouting throws. Asserted GSIs move to their new inputs. */
  setGsiRouting(routes: readonly IrqRoute[]): void {
    const before = this.#routing;
    const after = new IrqRouting(routes, this.#wide);
    this.#routing = after;
    for (let input = 0; input < PIC_INPUTS + IOAPIC_INPUTS; input++) {
      const level = this.#levelOf(after, input);
      if (level !== this.#levelOf(before, input)) this.#drive(input, level);
    }
  }

  /** KVM_SIGNAL_MSI: true if a local APIC took it. EINVAL for flags (x86 has none), values that are no u32, or by checkMsi(). */
  signalMsi(msi: MsiArgs): boolean {
    const { flags = 0 } = msi;
    if (flags !== 0) throw new EINVAL(`signalMsi: unknown flag bits in 0x${(flags >>> 0).toString(16)}`);
    checkMsi(msi, 'signalMsi', this.#wide);
    return this.#deliver(decodeMsi(msi, this.#wide));
  }

  /**
   * A device's MSI, with whatever the guest has told it to send: never throws. True if a local APIC took it; a write to anywhere but
   * FEEx_xxxxh is no interrupt, and is lost.
   */
  sendMsi(addressLo: number, addressHi: number, data: number): boolean {
    if (addressLo >>> 20 !== MSI_ADDRESS) return false;
    return this.#deliver(decodeMsi({ addressLo, addressHi, data }, this.#wide));
  }

  /** The guest has ended the service of a level-triggered vector at a local APIC. */
  eoi(vector: number): void {
    this.#ioapic.eoi?.(vector);
  }

  /** The guest has ended the interrupt of an 8259 input. */
  acknowledgedPic(irq: number): void {
    this.#acknowledged(irq);
  }

  /** The guest has ended the interrupt of an I/O APIC pin. */
  acknowledgedIoApic(pin: number): void {
    this.#acknowledged(PIC_INPUTS + pin);
  }

  #acknowledged(input: number): void {
    if (this.#irqfds.size === 0 && this.#irqfds.holding === 0) return;
    for (const gsi of this.#routing.gsis(input)) this.#irqfds.acknowledge(gsi);
  }

  /** Unbinds the irqfds. */
  close(): void {
    this.#irqfds.close();
  }

  #set(gsi: number, source: number, level: 0 | 1): void {
    if (gsi >= IRQ_ROUTES_MAX) return;
    const levels = this.#levels;
    if (level === 0) levels[gsi]! &= ~source;
    else levels[gsi]! |= source;
    const ends = this.#routing.ends(gsi);
    for (let index = 0; index < ends.length; index++) {
      const { input, message } = ends[index]!;
      // A message is sent every time, as in KVM: it has no level that could be up already.
      if (message === undefined) this.#drive(input, this.#levelOf(this.#routing, input));
      else if (level === 1) this.#deliver(message);
    }
  }

  #levelOf(routing: IrqRouting, input: number): 0 | 1 {
    const gsis = routing.gsis(input);
    for (let index = 0; index < gsis.length; index++) if (this.#levels[gsis[index]!] !== 0) return 1;
    return 0;
  }

  #drive(input: number, level: 0 | 1): void {
    if (input < PIC_INPUTS) this.#pic.set(input, level);
    else this.#ioapic.set(input - PIC_INPUTS, level);
  }

  save(): DeviceState {
    const levels: [number, number][] = [];
    for (const [gsi, sources] of this.#levels.entries()) if (sources !== 0) levels.push([gsi, sources]);
    return { levels, held: this.#irqfds.save(), routes: this.routes.map((route) => ({ ...route })) };
  }

  /** The controllers restore what comes in on their inputs. */
  restore(state: DeviceState): void {
    const { levels, held, routes } = state as IrqChipState;
    this.#routing = new IrqRouting(routes, this.#wide);
    this.#levels.fill(0);
    for (const [gsi, sources] of levels) this.#levels[gsi] = sources;
    this.#irqfds.restore(held);
  }
}
