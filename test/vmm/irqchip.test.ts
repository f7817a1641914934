// The interrupt calls of a Vm against KVM (spec 5), with lines, controllers and local APICs that write down what they are told.

import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { IrqFdFlag } from '../../src/bus/index.js';
import type { InterruptMessage } from '../../src/vmm/interrupt-message.js';
import { pcRoutes, RouteType, type IrqRoute } from '../../src/vmm/irq-routing.js';
import { IrqChip, type IrqChipOptions } from '../../src/vmm/irqchip.js';
import { Vm } from '../../src/vmm/vm.js';
import type { EventFdHandle } from '../../src/eventfd/index.js';
import { newFd, outcome } from '../bus/fixture.js';
import { Threads, type EventFdModule } from '../eventfd/threads.js';

const threads = new Threads();
afterAll(() => threads.close());

function machine(options: Partial<IrqChipOptions> = {}): { chip: IrqChip; seen: string[]; sent: InterruptMessage[] } {
  const seen: string[] = [];
  const sent: InterruptMessage[] = [];
  const inputs = (name: string): { set(input: number, level: 0 | 1): void } => {
    return { set: (input, level) => void seen.push(`${name}${input}=${level}`) };
  };
  const deliver = (message: InterruptMessage): boolean => sent.push(message) > 0 && message.destination !== 0x99;
  return { chip: new IrqChip({ pic: inputs('pic'), ioapic: inputs('io'), deliver, ...options }), seen, sent };
}
const take = (seen: string[]): string => seen.splice(0).join(' ');
const msi = (gsi: number, data = 0x41): IrqRoute => {
  return { gsi, type: RouteType.Msi, addressLo: 0xfee0_3000, addressHi: 0, data };
};

describe('lines', () => {
  it('a GSI moves every input it is routed to; one without a route none', () => {
    const { chip, seen } = machine();
    chip.set(5, 1);
    chip.set(20, 1);
    for (const gsi of [24, 4095, 4096, 0x8000_0000]) chip.set(gsi, 1);
    expect(take(seen)).toBe('pic5=1 io5=1 io20=1');
  });
  it('is asserted while any source asserts it', () => {
    const { chip, seen } = machine();
    const other = chip.source();
    chip.set(20, 1);
    other.set(20, 1);
    chip.irqLine(20, 1);
    chip.set(20, 0);
    other.set(20, 0);
    expect(take(seen)).toBe('io20=1 io20=1 io20=1 io20=1 io20=1');
    chip.irqLine(20, 0);
    expect(take(seen)).toBe('io20=0');
  });
  it('two GSIs on one input are ORed', () => {
    const routes = [20, 21].map((gsi): IrqRoute => ({ gsi, type: RouteType.Irqchip, irqchip: 2, pin: 7 }));
    const { chip, seen } = machine({ routes });
    chip.set(20, 1);
    chip.set(21, 1);
    chip.set(20, 0);
    expect(take(seen)).toBe('io7=1 io7=1 io7=1');
    chip.set(21, 0);
    expect(take(seen)).toBe('io7=0');
  });
  it('has room for 32 sources', () => {
    const { chip, seen } = machine();
    const sources = Array.from({ length: 29 }, () => chip.source());
    expect(outcome(() => chip.source())).toBe('ENOSPC');
    sources.at(-1)!.set(20, 1);
    sources[0]!.set(20, 0);
    sources.at(-1)!.set(20, 0);
    expect(take(seen)).toBe('io20=1 io20=1 io20=0');
  });
});

describe('routing', () => {
  it('a GSI with a message sends it with every assertion', () => {
    const { chip, seen, sent } = machine({ routes: [msi(30)] });
    chip.set(30, 1);
    chip.set(30, 0);
    chip.irqLine(30, 1);
    expect([take(seen), sent.map(({ vector, destination }) => [vector, destination])]).toEqual([
      '',
      [
        [0x41, 3],
        [0x41, 3],
      ],
    ]);
  });
  it('a new table replaces the old; what is asserted moves', () => {
    const { chip, seen } = machine();
    chip.set(5, 1);
    take(seen);
    chip.setGsiRouting([{ gsi: 5, type: RouteType.Irqchip, irqchip: 2, pin: 6 }]);
    expect(take(seen)).toBe('pic5=0 io5=0 io6=1');
    chip.set(7, 1);
    expect(take(seen)).toBe('');
  });
  it('a table that is refused changes nothing', () => {
    const { chip, seen } = machine();
    expect(outcome(() => chip.setGsiRouting([msi(1), msi(1)]))).toBe('EINVAL');
    chip.set(20, 1);
    expect(take(seen)).toBe('io20=1');
  });
  it('takes copies', () => {
    const route = { gsi: 30, type: RouteType.Msi, addressLo: 0xfee0_0000, addressHi: 0, data: 0x41 };
    const { chip } = machine({ routes: [route] });
    route.data = 0x99;
    expect(chip.routes).toEqual([msi(30)].map((one) => ({ ...one, addressLo: 0xfee0_0000 })));
  });
});

describe('signalMsi', () => {
  it('says whether it was taken', () => {
    const { chip } = machine();
    const send = (addressLo: number): boolean => chip.signalMsi({ addressLo, addressHi: 0, data: 0x41 });
    expect([send(0xfee0_0000), send(0xfee9_9000)]).toEqual([true, false]);
  });
  it('EINVAL for flags and for what is no u32', () => {
    const { chip } = machine({ wide: true });
    const send = (args: object): string =>
      outcome(() => chip.signalMsi({ addressLo: 0xfee0_0000, addressHi: 0, data: 0, ...args }));
    expect([{}, { flags: 1 }, { data: -1 }, { addressHi: 1 }, { addressHi: 0x100 }].map(send)).toEqual([
      'OK',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'OK',
    ]);
  });
});

describe('sendMsi', () => {
  it('is what a device sends, as the guest has programmed it: nothing of it is an error', () => {
    const { chip, sent } = machine({ wide: true });
    const answers = [
      chip.sendMsi(0xfee0_3000, 0, 0x41),
      chip.sendMsi(0xfee9_9000, 0, 0x42),
      chip.sendMsi(0x0010_0000, 0, 0x43),
      chip.sendMsi(0xfef0_0000, 0, 0x44),
      chip.sendMsi(0xfee0_3000 | 0, 0xffff_ffff, -1),
    ];
    expect(answers).toEqual([true, false, false, false, true]);
    expect(sent.map(({ destination, mode, vector }) => [destination, mode, vector])).toEqual([
      [3, 0, 0x41],
      [0x99, 0, 0x42],
      [0xffff_ff03, 7, 0xff],
    ]);
  });
});

describe('irqfd', () => {
  it('a signal is an edge, and its count is gone (5.2)', () => {
    const { chip, seen } = machine();
    const fd = newFd();
    chip.irqfd({ fd, gsi: 5 });
    fd.write(3n);
    expect([take(seen), outcome(() => fd.read())]).toEqual(['pic5=1 io5=1 pic5=0 io5=0', 'EAGAIN']);
  });
  it('does not end what a device holds', () => {
    const { chip, seen } = machine();
    const fd = newFd();
    chip.irqfd({ fd, gsi: 20 });
    chip.set(20, 1);
    fd.signal();
    expect(take(seen)).toBe('io20=1 io20=1 io20=1');
  });
  it('resampling: asserted until the guest has acknowledged, then each resamplefd is signalled (5.3)', () => {
    const { chip, seen } = machine();
    const [fd, again] = [newFd(), newFd()];
    chip.irqfd({ fd, gsi: 20, flags: IrqFdFlag.Resample, resamplefd: again });
    fd.signal();
    expect(take(seen)).toBe('io20=1');
    chip.acknowledgedIoApic(19);
    expect([take(seen), outcome(() => again.read())]).toEqual(['', 'EAGAIN']);
    chip.acknowledgedIoApic(20);
    expect([take(seen), again.read()]).toEqual(['io20=0', 1n]);
  });
  it('an 8259 acknowledges too, by the routes', () => {
    const { chip, seen } = machine({ routes: pcRoutes() });
    const [fd, again] = [newFd(), newFd()];
    chip.irqfd({ fd, gsi: 10, flags: IrqFdFlag.Resample, resamplefd: again });
    fd.signal();
    take(seen);
    chip.acknowledgedPic(10);
    expect([take(seen), again.read()]).toEqual(['pic10=0 io10=0', 1n]);
  });
});

describe('signals of other threads', () => {
  const kick = ({ EventFd }: EventFdModule, handle: EventFdHandle): boolean => {
    EventFd.from(handle).signal();
    return true;
  };
  it('are found by poll()', async () => {
    const { chip, seen } = machine();
    const fd = newFd();
    chip.irqfd({ fd, gsi: 20 });
    await threads.run(kick, fd.handle);
    expect([take(seen), chip.poll(), take(seen), chip.poll()]).toEqual(['', 1, 'io20=1 io20=0', 0]);
  });
});

describe('a Vm', () => {
  const vms: Vm[] = [];
  afterEach(() => vms.splice(0).forEach((vm) => vm.close()));
  async function create(): Promise<Vm> {
    const vm = await Vm.create({ memory: 0x1_0000 });
    vms.push(vm);
    return vm;
  }

  it('without interrupt controllers: the errors of KVM', async () => {
    const vm = await create();
    const fd = newFd();
    expect([
      outcome(() => vm.irqfd({ fd, gsi: 5 })),
      outcome(() => vm.irqfd({ fd, gsi: 5, flags: IrqFdFlag.Deassign })),
      outcome(() => vm.irqLine(5, 1)),
      outcome(() => vm.setGsiRouting([])),
      outcome(() => vm.signalMsi({ addressLo: 0, addressHi: 0, data: 0 })),
    ]).toEqual(['EINVAL', 'OK', 'ENXIO', 'EINVAL', 'EINVAL']);
  });
  it('gets them once, and lets go of the irqfds when it ends', async () => {
    const vm = await create();
    const { chip, seen, sent } = machine();
    vm.attachIrqChip(chip);
    expect(outcome(() => vm.attachIrqChip(chip))).toBe('EEXIST');
    const fd = newFd();
    vm.irqfd({ fd, gsi: 20 });
    fd.signal();
    vm.irqLine(21, 1);
    expect(take(seen)).toBe('io20=1 io20=0 io21=1');
    vm.setGsiRouting([msi(20)]);
    expect(take(seen)).toBe('io21=0');
    fd.signal();
    expect(vm.signalMsi({ addressLo: 0xfee0_0000, addressHi: 0, data: 0x42 })).toBe(true);
    expect(sent.map(({ vector }) => vector)).toEqual([0x41, 0x42]);
    vm.close();
    fd.signal();
    expect([sent.length, fd.read(), outcome(() => vm.irqLine(5, 1))]).toEqual([2, 1n, 'EBADF']);
  });
  it('has lines, holds and routes in its snapshots, and moves no input when it goes back', async () => {
    const vm = await create();
    const { chip, seen } = machine();
    vm.attachIrqChip(chip);
    const [fd, again] = [newFd(), newFd()];
    vm.irqfd({ fd, gsi: 20, flags: IrqFdFlag.Resample, resamplefd: again });
    fd.signal();
    chip.set(21, 1);
    const snapshot = vm.snapshot();
    chip.acknowledgedIoApic(20);
    chip.set(21, 0);
    chip.set(22, 1);
    chip.setGsiRouting([msi(20)]);
    take(seen);
    vm.restore(snapshot);
    expect([take(seen), chip.routes.length]).toEqual(['', 40]);
    again.read();
    chip.irqLine(21, 0);
    chip.irqLine(22, 0);
    chip.acknowledgedIoApic(20);
    expect([take(seen), again.read()]).toEqual(['io21=1 io22=0 io20=0', 1n]);
  });
  it('what a snapshot holds asserted without its irqfd falls at the next EOI', async () => {
    const vm = await create();
    const { chip, seen } = machine();
    vm.attachIrqChip(chip);
    const [fd, resamplefd] = [newFd(), newFd()];
    vm.irqfd({ fd, gsi: 20, flags: IrqFdFlag.Resample, resamplefd });
    fd.signal();
    const snapshot = vm.snapshot();
    vm.irqfd({ fd, gsi: 20, flags: IrqFdFlag.Deassign });
    vm.restore(snapshot);
    take(seen);
    chip.acknowledgedIoApic(20);
    expect(take(seen)).toBe('io20=0');
  });
});
