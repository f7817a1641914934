// irqfd against KVM as observed: spec 5.1 to 5.3 and the irqfd rows of appendix A.1.

import { afterAll, describe, expect, it } from 'vitest';
import type { IrqFdArgs, IrqFdOptions } from '../../src/bus/index.js';
import { EventFdTrigger, IrqFdFlag, IrqFds, LineTrigger } from '../../src/bus/index.js';
import type { EventFd, EventFdHandle } from '../../src/eventfd/index.js';
import type { EventFdModule } from '../eventfd/threads.js';
import { Threads } from '../eventfd/threads.js';
import { Buses, newFd, outcome } from './fixture.js';

const { Deassign, Resample } = IrqFdFlag;
const threads = new Threads();
afterAll(() => threads.close());

function machine(options: Partial<IrqFdOptions> = {}): { irqfds: IrqFds; seen: string[] } {
  const seen: string[] = [];
  const lines = { set: (gsi: number, level: 0 | 1): void => void seen.push(`${gsi}=${level}`) };
  return { irqfds: new IrqFds({ lines, irqchip: 'full', ...options }), seen };
}

describe('registration', () => {
  it('A.1: needs an irqchip; resampling a full one', () => {
    const apply = (irqchip: 'none' | 'split' | 'full', flags: number): string => {
      const { irqfds } = machine({ irqchip });
      return outcome(() => irqfds.apply({ fd: newFd(), gsi: 5, flags, resamplefd: newFd() }));
    };
    expect([apply('none', 0), apply('split', 0), apply('split', Resample), apply('full', Resample)]).toEqual([
      'EINVAL',
      'OK',
      'EINVAL',
      'OK',
    ]);
  });
  it('A.1: binding and unbinding, in the order of the table', () => {
    const { irqfds } = machine();
    const [e1, e2] = [newFd(), newFd()];
    const apply = (args: Partial<IrqFdArgs>): string => outcome(() => irqfds.apply({ fd: e1, gsi: 5, ...args }));
    expect(apply({})).toBe('OK');
    expect(apply({ gsi: 6 })).toBe('EBUSY');
    expect(apply({})).toBe('EBUSY');
    expect(apply({ fd: e1.dup(), gsi: 7 })).toBe('EBUSY');
    expect(apply({ fd: e2 })).toBe('OK');
    expect(apply({ gsi: 6, flags: Deassign })).toBe('OK');
    expect(irqfds.size).toBe(2);
    expect(apply({ flags: Deassign })).toBe('OK');
    expect(irqfds.size).toBe(1);
    expect(apply({ flags: Deassign })).toBe('OK');
    expect(apply({ gsi: 6 })).toBe('OK');
    expect(apply({ flags: 4 })).toBe('EINVAL');
    for (const gsi of [24, 4095, 4096, 0x8000_0000]) expect(apply({ fd: newFd(), gsi })).toBe('OK');
    expect(apply({ fd: undefined as unknown as EventFd })).toBe('EBADF');
    expect(apply({ fd: {} as unknown as EventFd })).toBe('EINVAL');
    const closed = newFd();
    closed.close();
    expect(apply({ fd: newFd(), flags: Resample, resamplefd: closed })).toBe('EBADF');
    const [r1, r2] = [newFd(), newFd()];
    expect(apply({ fd: r1, gsi: 8, flags: Resample, resamplefd: newFd() })).toBe('OK');
    expect(apply({ fd: r2, gsi: 8, flags: Resample, resamplefd: newFd() })).toBe('OK');
    expect(apply({ fd: r1, gsi: 8, flags: Deassign })).toBe('OK');
    expect(apply({ fd: r1, gsi: 8 })).toBe('OK');
  });
  it('an eventfd serves one irqfd on the whole host (6.18)', () => {
    const fd = newFd();
    const [first, second] = [machine().irqfds, machine().irqfds];
    first.assign({ fd, gsi: 5 });
    expect(outcome(() => second.assign({ fd, gsi: 5 }))).toBe('EBUSY');
    first.close();
    expect(outcome(() => second.assign({ fd, gsi: 5 }))).toBe('OK');
  });
});

describe('signals', () => {
  it('are an edge each, and are consumed: readers see nothing', () => {
    const { irqfds, seen } = machine();
    const fd = newFd();
    irqfds.assign({ fd, gsi: 5 });
    fd.signal();
    fd.write(3n);
    expect(seen).toEqual(['5=1', '5=0', '5=1', '5=0']);
    expect(fd.tryRead()).toBeUndefined();
  });
  it('what is pending at bind time fires once and stays for readers', () => {
    const { irqfds, seen } = machine();
    const fd = newFd();
    fd.write(3n);
    irqfds.assign({ fd, gsi: 5 });
    expect(seen).toEqual(['5=1', '5=0']);
    expect(irqfds.poll()).toBe(0);
    expect(fd.read()).toBe(3n);
    fd.write(1n);
    expect(fd.tryRead()).toBeUndefined();
    expect(seen).toHaveLength(4);
  });
  it('end with deassign, and with the last close of the eventfd', () => {
    const { irqfds, seen } = machine();
    const [a, b] = [newFd(), newFd()];
    irqfds.assign({ fd: a, gsi: 5 });
    irqfds.assign({ fd: b, gsi: 6 });
    irqfds.deassign({ fd: a, gsi: 5 });
    a.signal();
    expect(a.read()).toBe(1n);
    const twin = b.dup();
    b.close();
    expect(irqfds.size).toBe(1);
    twin.close();
    expect(irqfds.size).toBe(0);
    expect(seen).toEqual([]);
  });
  it('go from a guest write to an interrupt with nobody between', () => {
    const { irqfds, seen } = machine();
    const buses = new Buses();
    const fd = newFd();
    buses.ioeventfds.assign({ fd, addr: 0xfe00_0000n, len: 4 });
    irqfds.assign({ fd, gsi: 9 });
    buses.store(0xfe00_0000n, 4);
    expect(seen).toEqual(['9=1', '9=0']);
  });
  it('can be pulled by a device', () => {
    const { irqfds, seen } = machine();
    const fd = newFd();
    irqfds.assign({ fd, gsi: 5 });
    const trigger = new EventFdTrigger(fd);
    trigger.trigger();
    new LineTrigger({ set: (gsi, level) => void seen.push(`${gsi}:${level}`) }, 3).trigger();
    trigger.close();
    expect(seen).toEqual(['5=1', '5=0', '3:1', '3:0']);
  });
});

describe('resampling', () => {
  it('holds the line until the guest acknowledges, then signals every resamplefd of the GSI', () => {
    const { irqfds, seen } = machine();
    const [fd, other, r1, r2] = [newFd(), newFd(), newFd(), newFd()];
    irqfds.assign({ fd, gsi: 8, flags: Resample, resamplefd: r1 });
    irqfds.assign({ fd: other, gsi: 8, flags: Resample, resamplefd: r2 });
    fd.signal();
    expect(seen).toEqual(['8=1']);
    irqfds.acknowledge(7);
    expect(r1.count).toBe(0n);
    irqfds.acknowledge(8);
    expect(seen).toEqual(['8=1', '8=0']);
    expect([r1.read(), r2.read()]).toEqual([1n, 1n]);
    r1.close();
    fd.signal();
    irqfds.acknowledge(8);
    expect(r2.read()).toBe(1n);
  });
  it('an edge on the same GSI does not end the held level; the last resampler leaving does', () => {
    const { irqfds, seen } = machine();
    const [level, edge] = [newFd(), newFd()];
    irqfds.assign({ fd: level, gsi: 8, flags: Resample, resamplefd: newFd() });
    irqfds.assign({ fd: edge, gsi: 8 });
    level.signal();
    edge.signal();
    expect(seen).toEqual(['8=1', '8=1']);
    irqfds.deassign({ fd: level, gsi: 8 });
    expect(seen).toEqual(['8=1', '8=1', '8=0']);
  });
});

describe('signals of other threads', () => {
  const kick = (module: EventFdModule, handle: EventFdHandle): boolean => {
    const fd = module.EventFd.from(handle);
    fd.signal();
    fd.close();
    return true;
  };
  it('are found by poll()', async () => {
    const { irqfds, seen } = machine();
    const fd = newFd();
    irqfds.assign({ fd, gsi: 5 });
    expect(irqfds.poll()).toBe(0);
    await threads.run(kick, fd.handle);
    expect(seen).toEqual([]);
    expect(irqfds.poll()).toBe(1);
    expect(irqfds.poll()).toBe(0);
    expect(seen).toEqual(['5=1', '5=0']);
  });
  it('come by themselves when listening, until deassigned', async () => {
    const seen: number[] = [];
    let arrived = (): void => {};
    const lines = {
      set: (gsi: number, level: 0 | 1): void => {
        if (level === 1) seen.push(gsi);
        arrived();
      },
    };
    const irqfds = new IrqFds({ lines, irqchip: 'full', listen: true });
    const fd = newFd();
    fd.write(2n);
    irqfds.assign({ fd, gsi: 5 });
    expect(seen).toEqual([5]);
    const next = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await threads.run(kick, fd.handle);
    await next;
    expect(seen).toEqual([5, 5]);
    irqfds.deassign({ fd, gsi: 5 });
    await threads.run(kick, fd.handle);
    expect(fd.read()).toBe(1n);
    expect(seen).toEqual([5, 5]);
  });
});
