// Which claim takes an access: spec 2.8 (order, and KVM's missed ranges, which we find) and 2.9 (what an ioeventfd matches).

import { describe, expect, it } from 'vitest';
import { ClaimRank, IoEventFdFlag } from '../../src/bus/index.js';
import { EventFdFlag } from '../../src/eventfd/index.js';
import { Buses, newFd, outcome, Recorder } from './fixture.js';
import type { KvmEntry } from './kvm-search-oracle.js';
import { KvmBus } from './kvm-search-oracle.js';

const A = 0x1000;
const len = (length: number, addr: number): KvmEntry => {
  return { name: `len${length}@${addr}`, kind: 'eventfd', addr, len: length };
};
const zone = (addr: number, length: number): KvmEntry => ({ name: `zone@${addr}`, kind: 'range', addr, len: length });

/** Spec 2.8: registrations in order, the access, what KVM did (observed), what a bus that misses nothing does. */
const ROWS: [string, KvmEntry[], [number, number], string | undefined, string][] = [
  ['len0 @A+4 then len4 @A', [len(0, A + 4), len(4, A)], [A + 4, 4], undefined, `len0@${A + 4}`],
  ['len4 @A then len0 @A+4', [len(4, A), len(0, A + 4)], [A + 4, 4], `len0@${A + 4}`, `len0@${A + 4}`],
  ['four, unlucky, store4', [len(4, 0), len(4, 8), len(2, 0x12), len(4, 0x10)], [0x10, 4], undefined, 'len4@16'],
  ['four, unlucky, store2', [len(4, 0), len(4, 8), len(2, 0x12), len(4, 0x10)], [0x12, 2], 'len2@18', 'len2@18'],
  ['in address order, store4', [len(4, 0), len(4, 8), len(4, 0x10), len(2, 0x12)], [0x10, 4], 'len4@16', 'len4@16'],
  ['in address order, store2', [len(4, 0), len(4, 8), len(4, 0x10), len(2, 0x12)], [0x12, 2], 'len2@18', 'len2@18'],
  ['with a len0', [len(4, 0), len(4, 8), len(0, 0x12), len(4, 0x10)], [0x10, 4], undefined, 'len4@16'],
  ['zone, len4 inside; zone only', [zone(A, 0x100), len(4, A + 0x10)], [A + 0x20, 4], undefined, `zone@${A}`],
  [
    'zone, two inside; the second',
    [zone(A, 0x100), len(4, A + 0x10), len(4, A + 0x20)],
    [A + 0x20, 4],
    `len4@${A + 0x20}`,
    `zone@${A}`,
  ],
  [
    'zone, two inside; the first',
    [zone(A, 0x100), len(4, A + 0x10), len(4, A + 0x20)],
    [A + 0x10, 4],
    `zone@${A}`,
    `zone@${A}`,
  ],
];

describe("KVM's search", () => {
  it.each(ROWS)('%s: the oracle does what KVM did', (_, entries, [addr, length], kvm) => {
    const bus = new KvmBus();
    for (const entry of entries) bus.insert(entry);
    expect(bus.write(addr, length)?.name).toBe(kvm);
  });
  it.each(ROWS)('%s: ours misses nothing', (_, entries, [addr, length], _kvm, ours) => {
    const buses = new Buses();
    const fds = entries.map((entry) => {
      const fd = newFd();
      if (entry.kind === 'eventfd') buses.ioeventfds.assign({ fd, addr: BigInt(entry.addr), len: entry.len });
      else buses.zones.register({ addr: BigInt(entry.addr), size: entry.len });
      return { name: entry.name, taken: () => (entry.kind === 'eventfd' ? fd.drain() : !!buses.zones.ring.shift()) };
    });
    expect(buses.store(BigInt(addr), length)).toBe(true);
    expect(fds.filter(({ taken }) => taken()).map(({ name }) => name)).toEqual([ours]);
  });
});

describe('an ioeventfd', () => {
  const at = 0x1_d000_0000n;
  const lengths = [1, 2, 4, 8];
  for (const registered of [0, ...lengths]) {
    it.each(lengths)(`len ${registered}, store of %s bytes, at the address and beside it`, (length) => {
      const buses = new Buses();
      const fd = newFd();
      buses.ioeventfds.assign({ fd, addr: at, len: registered });
      expect(buses.store(at, length, 0x55n)).toBe(registered === 0 || registered === length);
      expect(fd.drain()).toBe(registered === 0 || registered === length);
      expect(buses.store(at - 1n, length)).toBe(false);
      expect(buses.store(at + 1n, length)).toBe(false);
      expect(buses.store(at & 0xffff_ffffn, length)).toBe(false);
      expect(buses.load(at, length)).toBeUndefined();
      expect(fd.count).toBe(0n);
    });
  }
  it.each([
    [1, 0x85n, 0xffff_ff85n, true],
    [2, 0xbeefn, 0x1234_beefn, true],
    [2, 0xbeefn, 0xbeedn, false],
    [4, 0x8000_0001n, 0xffff_ffff_8000_0001n, true],
    [8, 0xffff_ffff_8000_0001n, 0xffff_ffff_8000_0001n, true],
    [8, 0xffff_ffff_8000_0001n, 0x8000_0001n, false],
    [2, 0x1_0005n, 0x1_0005n, false],
    [4, 0x1_0000_0007n, 0x1_0000_0007n, false],
    [1, 0n, 0x100n, true],
  ])('datamatch, len %s: %s against %s', (length, datamatch, value, hit) => {
    const buses = new Buses();
    const fd = newFd();
    buses.ioeventfds.assign({ fd, addr: at, len: length, datamatch, flags: IoEventFdFlag.DataMatch });
    expect(buses.store(at, length, value)).toBe(hit);
    expect(fd.drain()).toBe(hit);
  });
  it('one eventfd at two addresses adds up; a semaphore gives one per kick', () => {
    const buses = new Buses();
    const [fd, semaphore] = [newFd(), newFd(EventFdFlag.Semaphore)];
    for (const addr of [at, at + 4n]) buses.ioeventfds.assign({ fd, addr, len: 4 });
    buses.ioeventfds.assign({ fd: semaphore, addr: at + 8n, len: 4 });
    for (const addr of [at, at + 4n, at + 8n, at + 8n, at + 8n]) buses.store(addr, 4);
    expect(fd.read()).toBe(2n);
    expect([semaphore.read(), semaphore.read(), semaphore.read(), semaphore.tryRead()]).toEqual([
      1n,
      1n,
      1n,
      undefined,
    ]);
  });
});

describe('priority against in-kernel devices (observed)', () => {
  it.each([
    ['IOAPIC, len4 at its base', 0xfec0_0000n, 0x100, 4, 0n, 'eventfd'],
    ['IOAPIC, len4 at +0x10', 0xfec0_0000n, 0x100, 4, 0x10n, 'device'],
    ['IOAPIC, len0 at its base', 0xfec0_0000n, 0x100, 0, 0n, 'device'],
    ['PIC, len1 at 0x20', 0x20n, 2, 1, 0n, 'eventfd'],
    ['PIC, len1 at 0x21', 0x20n, 2, 1, 1n, 'device'],
    ['PIC, len0 at 0x20', 0x20n, 2, 0, 0n, 'device'],
  ])('%s: the %s', (_, addr, size, length, offset, winner) => {
    const buses = new Buses();
    const [device, fd] = [new Recorder(), newFd()];
    buses.mmio.claim({ addr, len: size, device, rank: ClaimRank.InKernel });
    buses.ioeventfds.assign({ fd, addr: addr + offset, len: length });
    expect(buses.store(addr + offset, length === 1 || size === 2 ? 1 : 4)).toBe(true);
    expect([fd.drain(), device.seen.length]).toEqual(winner === 'eventfd' ? [true, 0] : [false, 1]);
  });
  it('a user device comes after every ioeventfd inside it, and gets what they decline', () => {
    const buses = new Buses();
    const [device, fd] = [new Recorder(), newFd()];
    buses.mmio.claim({ addr: 0x1000n, len: 0x1000, device });
    buses.ioeventfds.assign({ fd, addr: 0x1010n, len: 4 });
    for (const length of [4, 2]) expect(buses.store(0x1010n, length, 0x1_2345n)).toBe(true);
    expect(fd.read()).toBe(1n);
    expect(device.seen).toEqual(['w2@16=9029']);
  });
  it('400 writes to a zone over an ioeventfd: 169 queued, the rest are kicks', () => {
    const buses = new Buses();
    const fd = newFd();
    buses.zones.register({ addr: 0x1000n, size: 0x100 });
    buses.ioeventfds.assign({ fd, addr: 0x1010n, len: 4 });
    for (let i = 0; i < 400; i++) expect(buses.store(0x1010n, 4, BigInt(i))).toBe(true);
    expect(fd.read()).toBe(231n);
    for (let i = 0; i < 169; i++) {
      expect(buses.zones.ring.shift()).toEqual({ addr: 0x1010n, len: 4, pio: false, data: BigInt(i) });
    }
    expect(buses.zones.ring.shift()).toBeUndefined();
  });
});

describe('devices', () => {
  it('get accesses wholly inside, as offset and unsigned value; 8 bytes come in two', () => {
    const buses = new Buses();
    const device = new Recorder();
    device.value = -2;
    const claim = buses.mmio.claim({ addr: 0xffff_fff8n, len: 16, device });
    buses.store(0xffff_fffcn, 8, 0xffff_fffe_8000_0001n);
    buses.store(0x1_0000_0000n, 1, 0xfffn);
    expect(buses.store(0x1_0000_0004n, 8)).toBe(false);
    expect(buses.store(0xffff_fff7n, 2)).toBe(false);
    expect(device.seen).toEqual(['w4@4=2147483649', 'w4@8=4294967294', 'w1@8=255']);
    expect([1, 2, 4, 8].map((length) => buses.load(0x1_0000_0000n, length))).toEqual([
      0xfen,
      0xfffen,
      0xffff_fffen,
      0xffff_fffe_ffff_fffen,
    ]);
    buses.mmio.remove(claim);
    expect(buses.load(0x1_0000_0000n, 1)).toBeUndefined();
  });
  it('may take 8 bytes in one piece', () => {
    const buses = new Buses();
    const seen: number[][] = [];
    buses.mmio.claim({
      addr: 0n,
      len: 8,
      device: {
        name: 'wide',
        read: () => 0,
        write: () => {},
        readWide: (_offset, _length, value) => {
          value.lo = -1;
          value.hi = 0x1_02;
        },
        writeWide: (...access) => void seen.push(access),
      },
    });
    buses.store(0n, 8, 0xffff_ffff_0000_0001n);
    expect(seen).toEqual([[0, 8, 1, 0xffff_ffff]]);
    expect(buses.load(0n, 8)).toBe(0x102_ffff_ffffn);
    expect(buses.load(0n, 5)).toBe(0x2_ffff_ffffn);
  });
  it('that decline leave the access to the next, the lower start first', () => {
    const buses = new Buses();
    const [low, high] = [new Recorder(), new Recorder()];
    low.declines = true;
    high.value = 7;
    buses.mmio.claim({ addr: 0x1008n, len: 8, device: high });
    buses.mmio.claim({ addr: 0x1000n, len: 0x100, device: low });
    expect(buses.load(0x1008n, 4)).toBe(7n);
    buses.store(0x1008n, 4, 1n);
    expect(low.seen).toEqual(['r4@8', 'w4@8=1']);
    expect(high.seen).toEqual(['r4@0', 'w4@0=1']);
  });
  it('cannot claim nothing, or past 2^64', () => {
    const buses = new Buses();
    const device = new Recorder();
    for (const [addr, size] of [
      [0n, 0],
      [0n, -1],
      [-1n, 4],
      [2n ** 64n - 4n, 5],
    ] as const) {
      expect(outcome(() => void buses.mmio.claim({ addr, len: size, device }))).toBe('EINVAL');
    }
    buses.mmio.claim({ addr: 2n ** 64n - 4n, len: 4, device });
    expect(buses.load(2n ** 64n - 4n, 4)).toBe(0n);
    expect(buses.load(2n ** 64n - 2n, 4)).toBeUndefined();
  });
});

describe('coalesced zones', () => {
  it('take any size, even twice; pio is 0 or 1; unknown ones unregister', () => {
    const { zones } = new Buses();
    const register = (args: Parameters<typeof zones.register>[0]): string => outcome(() => zones.register(args));
    expect(register({ addr: 0n, size: 4, pio: 2 })).toBe('EINVAL');
    expect(outcome(() => zones.unregister({ addr: 0n, size: 4, pio: 2 }))).toBe('EINVAL');
    expect(register({ addr: 0n, size: 4 })).toBe('OK');
    expect(register({ addr: 0n, size: 4 })).toBe('OK');
    expect(register({ addr: 0n, size: 0 })).toBe('OK');
    expect(outcome(() => zones.unregister({ addr: 0x999n, size: 4 }))).toBe('OK');
  });
  it('unregistering removes every zone of that bus that contains the range', () => {
    const buses = new Buses();
    for (const addr of [0x1000n, 0x1000n, 0x1004n]) buses.zones.register({ addr, size: 0x10 });
    buses.zones.register({ addr: 0x1000n, size: 0x10, pio: 1 });
    buses.zones.unregister({ addr: 0x1000n, size: 8 });
    expect(buses.store(0x1000n, 4)).toBe(false);
    expect(buses.store(0x1004n, 4)).toBe(true);
    expect(buses.store(0x1000n, 4, 5n, buses.pio)).toBe(true);
    buses.zones.ring.shift();
    expect(buses.zones.ring.shift()).toEqual({ addr: 0x1000n, len: 4, pio: true, data: 5n });
  });
  it('take writes wholly inside, 8 bytes in one entry, and no reads', () => {
    const buses = new Buses();
    buses.zones.register({ addr: 0x1000n, size: 8 });
    expect(buses.load(0x1000n, 4)).toBeUndefined();
    expect(buses.store(0x1006n, 4)).toBe(false);
    expect(buses.store(0x1000n, 8, 0x1122_3344_5566_7788n)).toBe(true);
    expect(buses.zones.ring.shift()?.data).toBe(0x1122_3344_5566_7788n);
  });
});
