// Registration of ioeventfds against KVM as observed: spec 2.3 to 2.7 and appendix A.1, row by row.

import { describe, expect, it } from 'vitest';
import { IoEventFdFlag } from '../../src/bus/index.js';
import type { IoEventFdArgs } from '../../src/bus/index.js';
import type { EventFd } from '../../src/eventfd/index.js';
import { EventFdFlag } from '../../src/eventfd/index.js';
import { Buses, newFd, outcome } from './fixture.js';

const { DataMatch, Pio, Deassign, VirtioCcw, PvMmio } = IoEventFdFlag;
const A = 0xd000_0000n;
type Spec = Partial<IoEventFdArgs>;

/** Registers at A on the MMIO bus, unless said otherwise. */
function apply(buses: Buses, spec: Spec): string {
  return outcome(() => buses.ioeventfds.apply({ fd: newFd(), addr: A, ...spec }));
}
const wild = (len: number, more: Spec = {}): Spec => ({ len, ...more });
const dm = (len: number, datamatch: bigint, more: Spec = {}): Spec => {
  return { len, datamatch, ...more, flags: DataMatch | (more.flags ?? 0) };
};

describe('lengths', () => {
  const good = [0, 1, 2, 4, 8];
  for (const len of [...good, 3, 5, 6, 7, 9, 16, 2 ** 31, 2 ** 32 - 1]) {
    it.each([0, Pio])(`len ${len}, flags %s`, (flags) => {
      expect(apply(new Buses(), { len, flags, addr: 0x500n })).toBe(good.includes(len) ? 'OK' : 'EINVAL');
    });
  }
  it.each([
    ['MMIO len 0 + DATAMATCH', dm(0, 0n), 'EINVAL'],
    ['PIO len 0 + DATAMATCH', dm(0, 0n, { flags: Pio }), 'EINVAL'],
    ['CCW len 0 wildcard', wild(0, { flags: VirtioCcw }), 'OK'],
    ['CCW len 8 datamatch', dm(8, 1n, { flags: VirtioCcw }), 'OK'],
  ])('%s', (_, spec, expected) => {
    expect(apply(new Buses(), spec)).toBe(expected);
  });
  it('PIO wins over CCW', () => {
    const buses = new Buses();
    expect(apply(buses, wild(0, { flags: VirtioCcw | Pio }))).toBe('OK');
    expect(apply(buses, wild(4, { flags: Pio }))).toBe('EEXIST');
  });
});

describe('flags, alone, length 4', () => {
  const accepted = [0, 1, 3, 4, 8];
  for (let bit = 0; bit < 32; bit++) {
    if (bit === 2) continue;
    it(`bit ${bit}`, () => {
      expect(apply(new Buses(), wild(4, { flags: (1 << bit) >>> 0 }))).toBe(accepted.includes(bit) ? 'OK' : 'EINVAL');
    });
  }
});

describe('addresses', () => {
  it.each([
    [2n ** 64n - 4n, 4, 0, 'EINVAL'],
    [2n ** 64n - 5n, 4, 0, 'OK'],
    [2n ** 64n - 1n, 1, 0, 'EINVAL'],
    [2n ** 64n - 1n, 0, 0, 'OK'],
    [2n ** 64n - 8n, 8, 0, 'EINVAL'],
    [0x1_0000n, 4, Pio, 'OK'],
    [0xffffn, 4, Pio, 'OK'],
    [0x1_0000_0500n, 4, Pio, 'OK'],
    [0xd000_0001n, 4, 0, 'OK'],
    [0xd000_0ffen, 4, 0, 'OK'],
  ])('%s len %s flags %s', (addr, len, flags, expected) => {
    expect(apply(new Buses(), { addr, len, flags })).toBe(expected);
  });
});

describe('fd and precedence', () => {
  const closed = newFd();
  closed.close();
  const none = undefined as unknown as EventFd;
  const other = {} as unknown as EventFd;
  it.each([
    ['none', { fd: none, len: 4 }, 'EBADF'],
    ['closed', { fd: closed, len: 4 }, 'EBADF'],
    ['not an eventfd', { fd: other, len: 4 }, 'EINVAL'],
    ['bad length beats bad fd', { fd: none, len: 3 }, 'EINVAL'],
    ['bad flag beats bad fd', { fd: none, len: 4, flags: 0x20 }, 'EINVAL'],
    ['overflow beats bad fd', { fd: none, len: 4, addr: 2n ** 64n - 4n }, 'EINVAL'],
    ['len 0 + DATAMATCH beats bad fd', { fd: none, len: 0, flags: DataMatch }, 'EINVAL'],
    ['deassign, none', { fd: none, len: 4, flags: Deassign }, 'EBADF'],
    ['deassign, not an eventfd', { fd: other, len: 4, flags: Deassign }, 'EINVAL'],
    ['semaphore', { fd: newFd(EventFdFlag.Semaphore), len: 4 }, 'OK'],
  ])('%s', (_, spec: Spec, expected) => {
    expect(apply(new Buses(), spec)).toBe(expected);
  });
  it('no arguments at all', () => {
    expect(outcome(() => new Buses().ioeventfds.apply(null as unknown as IoEventFdArgs))).toBe('EFAULT');
  });
});

describe('collisions', () => {
  const shared = newFd();
  it.each<[string, Spec, Spec, string]>([
    ['wild4, wild4 same fd', wild(4, { fd: shared }), wild(4, { fd: shared }), 'EEXIST'],
    ['wild4, wild4 other fd', wild(4), wild(4), 'EEXIST'],
    ['wild4, wild2', wild(4), wild(2), 'OK'],
    ['wild4, wild4 at +2', wild(4), wild(4, { addr: A + 2n }), 'OK'],
    ['wild4, wild2 at +2', wild(4), wild(2, { addr: A + 2n }), 'OK'],
    ['wild4, dm4=7', wild(4), dm(4, 7n), 'EEXIST'],
    ['dm4=7, wild4', dm(4, 7n), wild(4), 'EEXIST'],
    ['dm4=7, dm4=7', dm(4, 7n), dm(4, 7n), 'EEXIST'],
    ['dm4=7, dm4=8', dm(4, 7n), dm(4, 8n), 'OK'],
    ['dm4=7, dm4=8 same fd', dm(4, 7n, { fd: shared }), dm(4, 8n, { fd: shared }), 'OK'],
    ['dm4=7, dm2=7', dm(4, 7n), dm(2, 7n), 'OK'],
    ['dm4=7, dm4=0x100000007', dm(4, 7n), dm(4, 0x1_0000_0007n), 'OK'],
    ['wild0, wild0', wild(0), wild(0), 'EEXIST'],
    ['wild0, wild4', wild(0), wild(4), 'EEXIST'],
    ['wild4, wild0', wild(4), wild(0), 'EEXIST'],
    ['dm4=7, wild0', dm(4, 7n), wild(0), 'EEXIST'],
    ['wild0, dm4=7', wild(0), dm(4, 7n), 'EEXIST'],
    ['wild0, wild4 at +1', wild(0), wild(4, { addr: A + 1n }), 'OK'],
    ['wild0 at +2, wild4', wild(0, { addr: A + 2n }), wild(4), 'OK'],
    ['MMIO wild4, PIO wild4', wild(4), wild(4, { flags: Pio }), 'OK'],
    ['PIO wild0, PIO wild0', wild(0, { flags: Pio }), wild(0, { flags: Pio }), 'EEXIST'],
    ['PIO wild0, PIO wild2', wild(0, { flags: Pio }), wild(2, { flags: Pio }), 'EEXIST'],
    ['PIO dm2=0, PIO dm2=1', dm(2, 0n, { flags: Pio }), dm(2, 1n, { flags: Pio }), 'OK'],
    ['MMIO wild0, CCW wild0', wild(0), wild(0, { flags: VirtioCcw }), 'OK'],
    ['bit 4 len4, MMIO len4', wild(4, { flags: 0x10 }), wild(4), 'EEXIST'],
  ])('%s', (_, first, second, expected) => {
    const buses = new Buses();
    expect(apply(buses, first)).toBe('OK');
    expect(apply(buses, second)).toBe(expected);
  });
});

describe('deassign', () => {
  const [fd, stranger] = [newFd(), newFd()];
  it.each<[string, Spec, Spec, string]>([
    ['exact', wild(4), wild(4), 'OK'],
    ['other fd', wild(4), wild(4, { fd: stranger }), 'ENOENT'],
    ['other len 2', wild(4), wild(2), 'ENOENT'],
    ['len 0', wild(4), wild(0), 'ENOENT'],
    ['+DATAMATCH', wild(4), dm(4, 0n), 'ENOENT'],
    ['garbage datamatch without the flag', wild(4), wild(4, { datamatch: 99n }), 'OK'],
    ['dm, same', dm(4, 7n), dm(4, 7n), 'OK'],
    ['dm, other value', dm(4, 7n), dm(4, 8n), 'ENOENT'],
    ['dm, no flag', dm(4, 7n), wild(4), 'ENOENT'],
    ['with PIO', wild(4), wild(4, { flags: Pio }), 'ENOENT'],
    ['wild0', wild(0), wild(0), 'OK'],
    ['wild0 ; wild4', wild(0), wild(4), 'ENOENT'],
    ['wild0 ; other fd', wild(0), wild(0, { fd: stranger }), 'ENOENT'],
    ['unknown flag bit 31', wild(4), wild(4, { flags: 0x8000_0000 }), 'OK'],
    ['through a dup', wild(4), wild(4, { fd: fd.dup() }), 'OK'],
    ['PvMmio', wild(4, { flags: PvMmio }), wild(4, { flags: PvMmio }), 'OK'],
  ])('%s', (_, first, second, expected) => {
    const buses = new Buses();
    expect(apply(buses, { fd, ...first })).toBe('OK');
    expect(apply(buses, { fd, ...second, flags: ((second.flags ?? 0) | Deassign) >>> 0 })).toBe(expected);
    expect(apply(buses, { fd, ...first })).toBe(expected === 'OK' ? 'OK' : 'EEXIST');
  });
  it.each([
    ['unknown flag', { len: 4, flags: 0x8000_0004 }],
    ['bad length', { len: 3, flags: Deassign }],
    ['len 0 + DATAMATCH', { len: 0, flags: Deassign | DataMatch }],
  ])('validates nothing: %s', (_, spec) => {
    expect(apply(new Buses(), spec)).toBe('ENOENT');
  });
  it('twice', () => {
    const buses = new Buses();
    apply(buses, { fd, len: 4 });
    expect(apply(buses, { fd, len: 4, flags: Deassign })).toBe('OK');
    expect(apply(buses, { fd, len: 4, flags: Deassign })).toBe('ENOENT');
  });
  it('closing the eventfd removes nothing: it counts on, and the address is taken', () => {
    const buses = new Buses();
    const mine = newFd();
    const { context } = mine;
    apply(buses, { fd: mine, len: 4 });
    mine.close();
    expect(apply(buses, { len: 4 })).toBe('EEXIST');
    expect(buses.store(A, 4)).toBe(true);
    expect(context.count).toBe(1n);
    buses.ioeventfds.close();
    expect(apply(buses, { len: 4 })).toBe('OK');
  });
  it('from inside a wake-up silences a registration the access has not reached yet', () => {
    const buses = new Buses();
    const zone = { addr: A, size: 4 };
    const late = newFd();
    apply(buses, { fd: late, len: 4 });
    buses.mmio.claim({
      addr: A - 4n,
      len: 8,
      rank: 0,
      device: {
        name: 'meddler',
        read: () => 0,
        write: () => {
          buses.ioeventfds.deassign({ fd: late, addr: A, len: 4 });
          return -0x1_0000_0000;
        },
      },
    });
    buses.zones.register(zone);
    expect(buses.store(A, 4)).toBe(true);
    expect(late.count).toBe(0n);
  });
});

describe('doorbells', () => {
  const bell = (buses: Buses, addr = A): number => buses.doorbells.lookup(Number(addr & 0xffff_ffffn), 0);
  it('MMIO len 0 has a twin there, others do not', () => {
    const buses = new Buses();
    const fd = newFd();
    expect(bell(buses)).toBe(-1);
    for (const flags of [Pio, VirtioCcw]) apply(buses, { fd, len: 0, flags });
    apply(buses, { fd, len: 4, addr: A + 8n });
    expect(buses.doorbells.empty).toBe(true);
    apply(buses, { fd, len: 0 });
    buses.doorbells.signal(bell(buses));
    expect(fd.read()).toBe(1n);
    apply(buses, { fd, len: 0, flags: Deassign });
    expect(buses.doorbells.empty).toBe(true);
  });
  it.each([Pio, DataMatch, VirtioCcw])('PvMmio with flag %s is EINVAL', (flags) => {
    expect(apply(new Buses(), { len: 4, flags: PvMmio | flags, datamatch: 1n })).toBe('EINVAL');
  });
  it.each([0, 1, 2, 4, 8])('PvMmio len %s is on both buses', (len) => {
    const buses = new Buses();
    const fd = newFd();
    expect(apply(buses, { fd, len, flags: PvMmio })).toBe('OK');
    expect(buses.store(A, len === 0 ? 4 : len)).toBe(true);
    buses.doorbells.signal(bell(buses));
    expect(buses.doorbells.length(bell(buses))).toBe(len);
    expect(fd.read()).toBe(2n);
  });
  it('one doorbell per address; the refused one leaves nothing on MMIO', () => {
    const buses = new Buses();
    const fd = newFd();
    expect(apply(buses, { len: 4, flags: PvMmio })).toBe('OK');
    expect(apply(buses, { fd, len: 4, flags: PvMmio })).toBe('EEXIST');
    expect(apply(buses, { fd, len: 4 })).toBe('EEXIST');
    expect(apply(buses, { fd, len: 2, flags: PvMmio })).toBe('EEXIST');
    expect(buses.store(A, 2)).toBe(false);
    expect(apply(buses, { fd, len: 2 })).toBe('OK');
    expect(buses.store(A, 2)).toBe(true);
    expect(fd.count).toBe(1n);
  });
});

describe('capacity', () => {
  it('3000 ioeventfds on one eventfd, and a zone after them', () => {
    const buses = new Buses();
    const fd = newFd();
    for (let i = 0; i < 3000; i++) expect(apply(buses, { fd, len: 4, addr: A + BigInt(i) * 4n })).toBe('OK');
    expect(outcome(() => buses.zones.register({ addr: 0n, size: 4 }))).toBe('OK');
    expect(buses.store(A + 2999n * 4n, 4)).toBe(true);
    expect(fd.read()).toBe(1n);
  });
  it('a bus with 1000 zones takes no more, of anything; the other bus does', () => {
    const buses = new Buses();
    for (let i = 0; i < 1000; i++) buses.zones.register({ addr: BigInt(i) * 16n, size: 16 });
    expect(outcome(() => buses.zones.register({ addr: A, size: 4 }))).toBe('ENOSPC');
    expect(apply(buses, { len: 4 })).toBe('ENOSPC');
    expect(apply(buses, { len: 0 })).toBe('ENOSPC');
    expect(buses.doorbells.empty).toBe(true);
    expect(apply(buses, { len: 4, flags: Pio })).toBe('OK');
    buses.zones.unregister({ addr: 0n, size: 16 });
    expect(apply(buses, { len: 4 })).toBe('OK');
  });
});
