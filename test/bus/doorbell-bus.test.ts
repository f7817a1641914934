// The doorbell bus and the hash table under it: right for every sequence, and as quick with ten thousand entries as with one.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressTable, DoorbellBus, high32, low32 } from '../../src/bus/index.js';
import { EEXIST } from '../../src/eventfd/index.js';
import { newFd } from './fixture.js';

/** Layouts doorbells have: packed, one per notify slot, per page, per BAR, per gigabyte, all in the high half, scattered. */
const LAYOUTS: [string, (index: number) => bigint][] = [
  ['1 byte apart', (i) => 0xfe00_0000n + BigInt(i)],
  ['4 bytes apart', (i) => 0xfe00_0000n + BigInt(i) * 4n],
  ['16 bytes apart', (i) => BigInt(i) * 16n],
  ['a page apart', (i) => 0xc000_0000n + BigInt(i) * 0x1000n],
  ['16 KiB apart', (i) => 0x80_0000_3000n + BigInt(i) * 0x4000n],
  ['1 GiB apart', (i) => 0x3000n + (BigInt(i) << 30n)],
  ['4 GiB apart', (i) => 0xfe00_0050n + (BigInt(i) << 32n)],
  ['100 devices of 100 queues', (i) => 0xf000_3000n + BigInt(Math.floor(i / 100)) * 0x8000n + BigInt(i % 100) * 4n],
  ['scattered', (i) => BigInt.asUintN(52, BigInt(i) * 0x9e37_79b9_7f4a_7c15n)],
];

describe('AddressTable', () => {
  it.each(LAYOUTS)('needs few probes for 10,000 addresses %s', (_, address) => {
    const table = new AddressTable();
    for (let i = 0; i < 10_000; i++) table.set(low32(address(i)), high32(address(i)), i);
    let [sum, worst] = [0, 0];
    for (let i = 0; i < 10_000; i++) {
      expect(table.get(low32(address(i)) >>> 0, high32(address(i)) >>> 0)).toBe(i);
      const probes = table.probes(low32(address(i)), high32(address(i)));
      sum += probes;
      worst = Math.max(worst, probes);
    }
    // Linear probing at load a: (1 + 1/(1-a)) / 2 probes on average (Knuth, vol. 3, 6.4), 1.25 at a third.
    expect(sum / 10_000).toBeLessThan(1.35);
    expect(worst).toBeLessThan(24);
  });
  it.each(LAYOUTS)('keeps every other address findable when two thirds of 5,000 are removed, %s', (_, address) => {
    const table = new AddressTable();
    for (let i = 0; i < 5_000; i++) table.set(low32(address(i)), high32(address(i)), i);
    for (let i = 0; i < 5_000; i++) if (i % 3 !== 0) table.delete(low32(address(i)), high32(address(i)));
    const found = Array.from({ length: 5_000 }, (_entry, i) => table.get(low32(address(i)), high32(address(i))));
    expect(found).toEqual(found.map((_value, i) => (i % 3 === 0 ? i : -1)));
  });
  it('agrees with a Map for every sequence of changes', () => {
    const key = fc.bigInt({ min: 0n, max: 40n }).map((i) => (i << 31n) + i * 4n);
    const change = fc.tuple(key, fc.option(fc.nat(1000), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const table = new AddressTable();
        const map = new Map<bigint, number>();
        for (const [key, value] of changes) {
          if (value === undefined) {
            table.delete(low32(key), high32(key));
            map.delete(key);
          } else {
            table.set(low32(key), high32(key), value);
            map.set(key, value);
          }
          expect(table.size).toBe(map.size);
        }
        for (const [key] of changes) expect(table.get(low32(key), high32(key))).toBe(map.get(key) ?? -1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('DoorbellBus', () => {
  it('signals what stands at the address, and nothing beside it', () => {
    const bus = new DoorbellBus();
    const [a, b] = [newFd(), newFd()];
    expect(bus.empty).toBe(true);
    bus.add(0xfe00_1000n, a.context);
    bus.add(0x1_fe00_1000n, b.context, 2);
    bus.signal(bus.lookup(0xfe00_1000, 0));
    bus.signal(bus.lookup(0xfe00_1000 | 0, 1));
    bus.signal(bus.lookup(0xfe00_1000 | 0, 1));
    expect([a.count, b.count]).toEqual([1n, 2n]);
    expect([bus.lookup(0xfe00_1001, 0), bus.lookup(0xfe00_1000, 2), bus.lookup(0, 0)]).toEqual([-1, -1, -1]);
    expect(() => bus.add(0xfe00_1000n, b.context)).toThrow(EEXIST);
    expect(bus.remove(0xfe00_1000n)).toBe(true);
    expect(bus.remove(0xfe00_1000n)).toBe(false);
    expect([bus.size, bus.lookup(0xfe00_1000, 0)]).toEqual([1, -1]);
    expect([...bus.entries()]).toEqual([{ addr: 0x1_fe00_1000n, len: 2, context: b.context }]);
  });
  it('holds its eventfds', () => {
    const bus = new DoorbellBus();
    const fd = newFd();
    const { context } = fd;
    bus.add(0n, context);
    fd.close();
    bus.signal(bus.lookup(0, 0));
    expect(context.count).toBe(1n);
  });
});
