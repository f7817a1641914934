// KVM's GSI routing (spec 5.4): which inputs of the interrupt controllers a GSI is wired to, or which message it sends.

import { EFAULT, EINVAL } from '../eventfd/index.js';
import { decodeMsi, type Msi } from './msi.js';
import type { InterruptMessage } from './interrupt-message.js';

/** KVM_IRQCHIP_*. */
export const IrqChipId = { PicMaster: 0, PicSlave: 1, IoApic: 2 } as const;
export type IrqChipId = (typeof IrqChipId)[keyof typeof IrqChipId];

/** KVM_IRQ_ROUTING_*. */
export const RouteType = { Irqchip: 1, Msi: 2 } as const;

/** KVM_MAX_IRQ_ROUTES: of routes, and one more than the highest GSI that can have one. */
export const IRQ_ROUTES_MAX = 4096;
export const PIC_INPUTS = 16;
export const IOAPIC_INPUTS = 24;

/** kvm_irq_routing_entry. */
export type IrqRoute =
  | { gsi: number; type: typeof RouteType.Irqchip; flags?: number; irqchip: IrqChipId; pin: number }
  | ({ gsi: number; type: typeof RouteType.Msi; flags?: number } & Msi);

/** Where one route leads: an input of the machine (0 to 15 of the 8259s, from 16 on of the I/O APIC), or a message. */
export interface RouteEnd {
  readonly input: number;
  readonly message: InterruptMessage | undefined;
}

const route = (gsi: number, irqchip: IrqChipId, pin: number): IrqRoute => {
  return { gsi, type: RouteType.Irqchip, irqchip, pin };
};

/** What KVM starts with: GSIs 0 to 15 to both 8259s and I/O APIC, 16 to 23 to the I/O APIC, each to the input of its number. */
export function defaultRoutes(): IrqRoute[] {
  return Array.from({ length: IOAPIC_INPUTS }, (_, gsi) => [
    ...picRoute(gsi),
    route(gsi, IrqChipId.IoApic, gsi),
  ]).flat();
}

/** The PC's: as above, but that IRQ 0 is on pin 2 of the I/O APIC, and IRQ 2, on which the second 8259 is, leads nowhere. */
export function pcRoutes(): IrqRoute[] {
  const routes = defaultRoutes().filter(({ gsi }) => gsi !== 0 && gsi !== 2);
  return [...picRoute(0), route(0, IrqChipId.IoApic, 2), ...routes];
}

function picRoute(gsi: number): IrqRoute[] {
  if (gsi >= PIC_INPUTS) return [];
  return [gsi < 8 ? route(gsi, IrqChipId.PicMaster, gsi) : route(gsi, IrqChipId.PicSlave, gsi - 8)];
}

const NO_ENDS: readonly RouteEnd[] = [];
const NO_GSIS: readonly number[] = [];

/** A checked table, both ways. */
export class IrqRouting {
  readonly routes: readonly IrqRoute[];
  readonly #ends: (readonly RouteEnd[])[] = [];
  readonly #gsis: (readonly number[])[] = [];

  /**
   * `wide`: messages have 32-bit destinations. EINVAL for more than IRQ_ROUTES_MAX routes, a GSI from there on, flags, an unknown
   * type, controller or pin, two routes of a GSI to one controller, anything beside a message, or low bits in a wide message's high address.
   */
  constructor(routes: readonly IrqRoute[], wide = false) {
    if (!Array.isArray(routes)) throw new EFAULT('setGsiRouting: no table given');
    if (routes.length > IRQ_ROUTES_MAX) {
      throw new EINVAL(`setGsiRouting: ${routes.length} routes; there can be ${IRQ_ROUTES_MAX}`);
    }
    const copies: IrqRoute[] = [];
    for (const [index, given] of routes.entries()) {
      const what = `setGsiRouting: route ${index}`;
      const one = checkRoute(given, what, wide);
      const { gsi } = one;
      const others = copies.length > 0 ? this.ends(gsi) : NO_ENDS;
      const end = endOf(one, wide);
      if (others.some((other) => !mayShare(other, end))) {
        throw new EINVAL(`${what}: GSI ${gsi} has a route already that this one cannot stand beside`);
      }
      copies.push(one);
      this.#ends[gsi] = [...others, end];
      if (end.input >= 0) this.#gsis[end.input] = [...this.gsis(end.input), gsi];
    }
    this.routes = copies;
  }

  /** Where a GSI leads; nowhere if it has no route. */
  ends(gsi: number): readonly RouteEnd[] {
    return this.#ends[gsi] ?? NO_ENDS;
  }

  /** The GSIs that lead to an input. */
  gsis(input: number): readonly number[] {
    return this.#gsis[input] ?? NO_GSIS;
  }
}

function isU32(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

/** A copy of the route, if it is one. */
function checkRoute(given: IrqRoute, what: string, wide: boolean): IrqRoute {
  if (typeof given !== 'object' || given === null) throw new EINVAL(`${what}: that is no route`);
  const { gsi, type, flags = 0 } = given;
  if (flags !== 0) throw new EINVAL(`${what}: unknown flag bits in 0x${(flags >>> 0).toString(16)}`);
  if (!Number.isInteger(gsi) || gsi < 0 || gsi >= IRQ_ROUTES_MAX) {
    throw new EINVAL(`${what}: GSIs with routes are 0…${IRQ_ROUTES_MAX - 1}, not ${String(gsi)}`);
  }
  if (type === RouteType.Irqchip) {
    const { irqchip, pin } = given;
    const pins = { [IrqChipId.PicMaster]: 8, [IrqChipId.PicSlave]: 8, [IrqChipId.IoApic]: IOAPIC_INPUTS }[irqchip];
    if (pins === undefined) throw new EINVAL(`${what}: there is no irqchip ${String(irqchip)}`);
    if (!Number.isInteger(pin) || pin < 0 || pin >= pins) {
      throw new EINVAL(`${what}: irqchip ${irqchip} has pins 0…${pins - 1}, not ${String(pin)}`);
    }
    return { gsi, type, irqchip, pin };
  }
  if (type !== RouteType.Msi) throw new EINVAL(`${what}: unknown type ${String(type)}`);
  const { addressLo, addressHi, data } = given;
  checkMsi(given, what, wide);
  return { gsi, type, addressLo, addressHi, data };
}

/** EINVAL unless the three are u32s and, with 32-bit destinations, the low 8 bits of the high address are 0 (spec 5.4). */
export function checkMsi({ addressLo, addressHi, data }: Msi, what: string, wide: boolean): void {
  for (const [name, value] of Object.entries({ addressLo, addressHi, data })) {
    if (!isU32(value)) throw new EINVAL(`${what}: ${name} ${String(value)} is not a u32`);
  }
  if (wide && (addressHi & 0xff) !== 0) {
    throw new EINVAL(`${what}: bits 7:0 of addressHi 0x${addressHi.toString(16)} must be 0`);
  }
}

function endOf(one: IrqRoute, wide: boolean): RouteEnd {
  if (one.type === RouteType.Msi) return { input: -1, message: decodeMsi(one, wide) };
  const first = { [IrqChipId.PicMaster]: 0, [IrqChipId.PicSlave]: 8, [IrqChipId.IoApic]: PIC_INPUTS }[one.irqchip];
  return { input: first + one.pin, message: undefined };
}

/** One GSI may lead to several controllers, but to each only once, and to a message only alone. */
function mayShare(a: RouteEnd, b: RouteEnd): boolean {
  const controller = ({ input }: RouteEnd): number => (input < 8 ? 0 : input < PIC_INPUTS ? 1 : 2);
  return a.input >= 0 && b.input >= 0 && controller(a) !== controller(b);
}
