// GSI routing and MSI against KVM (spec 5.4) and SDM vol. 3, 11.11.

import { describe, expect, it } from 'vitest';
import {
  defaultRoutes,
  IRQ_ROUTES_MAX,
  IrqRouting,
  pcRoutes,
  RouteType,
  type IrqRoute,
} from '../../src/vmm/irq-routing.js';
import { decodeMsi } from '../../src/vmm/msi.js';
import { outcome } from '../bus/fixture.js';

const pin = (gsi: number, irqchip: number, pin: number): IrqRoute =>
  ({ gsi, type: RouteType.Irqchip, irqchip, pin }) as IrqRoute;
const msi = (gsi: number, addressHi = 0): IrqRoute => {
  return { gsi, type: RouteType.Msi, addressLo: 0xfee0_0000, addressHi, data: 0x41 };
};
const inputs = (routing: IrqRouting, gsi: number): number[] => routing.ends(gsi).map(({ input }) => input);

describe('the tables', () => {
  it("KVM's: 0 to 15 to PIC and I/O APIC, 16 to 23 to the I/O APIC", () => {
    const routing = new IrqRouting(defaultRoutes());
    expect([0, 2, 7, 8, 15, 16, 23, 24].map((gsi) => inputs(routing, gsi))).toEqual([
      [0, 16],
      [2, 18],
      [7, 23],
      [8, 24],
      [15, 31],
      [32],
      [39],
      [],
    ]);
    expect(routing.routes.length).toBe(40);
  });
  it("the PC's, as QEMU's: IRQ 0 on pin 2", () => {
    const routing = new IrqRouting(pcRoutes());
    expect([0, 1, 2, 3, 9, 16].map((gsi) => inputs(routing, gsi))).toEqual([
      [0, 18],
      [1, 17],
      [],
      [3, 19],
      [9, 25],
      [32],
    ]);
    expect([0, 18].map((input) => routing.gsis(input))).toEqual([[0], [0]]);
  });
});

describe('what is refused', () => {
  const tries = (...routes: IrqRoute[]): string => outcome(() => new IrqRouting(routes));
  it('more than 4,096 routes', () => {
    const many = (count: number): IrqRoute[] => Array.from({ length: count }, (_, gsi) => msi(gsi));
    expect(tries(...many(IRQ_ROUTES_MAX))).toBe('OK');
    expect(tries(...many(IRQ_ROUTES_MAX), msi(0))).toBe('EINVAL');
  });
  it('GSIs, types, controllers, pins and flags that are not', () => {
    expect([msi(4095), pin(5, 0, 7), pin(5, 1, 7), pin(5, 2, 23)].map((one) => tries(one))).toEqual(
      Array(4).fill('OK'),
    );
    const bad: unknown[] = [
      msi(4096),
      msi(-1),
      msi(1.5),
      pin(5, 0, 8),
      pin(5, 1, 8),
      pin(5, 2, 24),
      pin(5, 3, 0),
      pin(5, 2, -1),
      { ...msi(1), type: 3 },
      { ...msi(1), flags: 1 },
      { ...msi(1), data: -1 },
      { ...msi(1), addressLo: 0x1_0000_0000 },
      null,
    ];
    for (const one of bad) expect(tries(one as IrqRoute)).toBe('EINVAL');
    expect(outcome(() => new IrqRouting(undefined as unknown as IrqRoute[]))).toBe('EFAULT');
  });
  it('two routes of a GSI to one controller, or any beside a message', () => {
    expect(tries(pin(5, 0, 5), pin(5, 1, 5), pin(5, 2, 5))).toBe('OK');
    expect(tries(pin(5, 2, 5), pin(6, 2, 5))).toBe('OK');
    expect(tries(pin(5, 2, 5), pin(5, 2, 6))).toBe('EINVAL');
    expect(tries(pin(5, 2, 5), msi(5))).toBe('EINVAL');
    expect(tries(msi(5), pin(5, 2, 5))).toBe('EINVAL');
    expect(tries(msi(5), msi(5))).toBe('EINVAL');
  });
  it('low bits of the high address, when that is part of the destination', () => {
    expect(outcome(() => new IrqRouting([msi(5, 0x101)], true))).toBe('EINVAL');
    expect(outcome(() => new IrqRouting([msi(5, 0x100)], true))).toBe('OK');
    expect(outcome(() => new IrqRouting([msi(5, 0x101)]))).toBe('OK');
  });
});

describe('decodeMsi', () => {
  it('takes the fields of address and data apart', () => {
    expect(decodeMsi({ addressLo: 0xfeea_b00c, addressHi: 0, data: 0xc123 })).toEqual({
      destination: 0xab,
      logical: true,
      mode: 1,
      vector: 0x23,
      level: true,
      redirectionHint: true,
    });
    expect(decodeMsi({ addressLo: 0xfee0_1000, addressHi: 0, data: 0x0431 })).toEqual({
      destination: 1,
      logical: false,
      mode: 4,
      vector: 0x31,
      level: false,
      redirectionHint: false,
    });
  });
  it('the high address is bits 31:8 of a 32-bit destination, and else ignored', () => {
    const message = { addressLo: 0xfee7_8000, addressHi: 0x9234_5600, data: 0 };
    expect(decodeMsi(message, true).destination).toBe(0x9234_5678);
    expect(decodeMsi(message).destination).toBe(0x78);
  });
});
