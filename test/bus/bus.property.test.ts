// The buses against a brute-force model of spec section 2 for random registrations, removals and accesses.

import fc from 'fast-check';
import assert from 'node:assert/strict';
import { expect, it } from 'vitest';
import { ClaimRank, IoEventFdFlag } from '../../src/bus/index.js';
import type { RangeClaim } from '../../src/bus/index.js';
import { EventFd, EventFdFlag } from '../../src/eventfd/index.js';
import type { KvmEntry } from './kvm-search-oracle.js';
import { KvmBus } from './kvm-search-oracle.js';
import { Buses, outcome, Recorder } from './fixture.js';

const byValue = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

const { DataMatch, Pio, Deassign } = IoEventFdFlag;

interface ModelEntry {
  addr: bigint;
  len: number;
  pio: boolean;
  user: boolean;
  fd?: number;
  datamatch?: bigint | undefined;
  device?: number;
}

/** Every entry in the order it is asked: a flat list, searched from end to end. */
class Model {
  entries: ModelEntry[] = [];

  insert(entry: ModelEntry): void {
    const behind = (other: ModelEntry): boolean =>
      (other.user && !entry.user) ||
      (other.user === entry.user &&
        (other.addr > entry.addr || (other.addr === entry.addr && entry.len > 0 && other.len > entry.len)));
    const at = this.entries.findIndex(behind);
    this.entries.splice(at < 0 ? this.entries.length : at, 0, entry);
  }

  collides(entry: ModelEntry): boolean {
    return this.entries.some(
      (other) =>
        other.fd !== undefined &&
        other.pio === entry.pio &&
        other.addr === entry.addr &&
        (entry.len === 0 ||
          other.len === 0 ||
          (entry.len === other.len &&
            (entry.datamatch === undefined || other.datamatch === undefined || entry.datamatch === other.datamatch))),
    );
  }

  taker(addr: bigint, length: number, pio: boolean, value: bigint | undefined): ModelEntry | undefined {
    return this.entries.find((entry) => {
      if (entry.pio !== pio) return false;
      if (entry.fd === undefined) {
        return addr >= entry.addr && addr + BigInt(length) <= entry.addr + BigInt(entry.len);
      }
      if (value === undefined || addr !== entry.addr) return false;
      if (entry.len === 0) return true;
      const seen = BigInt.asUintN(length * 8, value);
      return entry.len === length && (entry.datamatch === undefined || entry.datamatch === seen);
    });
  }
}

// A few addresses close together, below and above 2^32, so that ranges nest, touch and straddle.
const address = fc
  .tuple(fc.constantFrom(0x10n, 0xffff_fff8n, 2n ** 63n - 8n, 2n ** 64n - 32n), fc.bigInt({ min: 0n, max: 15n }))
  .map(([base, offset]) => base + offset);
const length = fc.constantFrom(1, 2, 4, 8);
const value = fc.constantFrom(0n, 1n, 7n, 0x107n, 0x1_0000_0007n, 2n ** 64n - 1n);
const target = fc.record({ addr: address, pio: fc.boolean() });
const eventfd = fc.record({
  fd: fc.nat(2),
  len: fc.constantFrom(0, 1, 2, 4, 8),
  datamatch: fc.option(value, { nil: undefined }),
});
const command = fc.oneof(
  fc.record({ op: fc.constantFrom<'assign' | 'deassign'>('assign', 'deassign'), target, eventfd }),
  fc.record({ op: fc.constant('claim' as const), target, size: fc.integer({ min: 1, max: 12 }), user: fc.boolean() }),
  fc.record({ op: fc.constant('remove' as const), which: fc.nat() }),
  fc.record({ op: fc.constant('write' as const), target, length: fc.integer({ min: 1, max: 8 }), value }),
  fc.record({ op: fc.constant('read' as const), target, length }),
);

it('agrees with the model', () => {
  const property = () =>
    fc.assert(
      fc.property(fc.array(command, { minLength: 5, maxLength: 60 }), (commands) => {
        const buses = new Buses();
        const model = new Model();
        const fds = [0, 1, 2].map(() => new EventFd(0, EventFdFlag.Nonblock));
        const devices: { device: Recorder; claim: RangeClaim; entry: ModelEntry }[] = [];
        for (const command of commands) {
          if (command.op === 'remove') {
            const gone = devices[command.which % Math.max(devices.length, 1)];
            if (gone === undefined) continue;
            (gone.entry.pio ? buses.pio : buses.mmio).remove(gone.claim);
            model.entries = model.entries.filter((entry) => entry !== gone.entry);
            continue;
          }
          const { addr, pio } = command.target;
          const bus = pio ? buses.pio : buses.mmio;
          if (command.op === 'assign' || command.op === 'deassign') {
            const { fd, len, datamatch } = command.eventfd;
            const entry = { addr, len, pio, user: false, fd, datamatch };
            const flags = (pio ? Pio : 0) | (datamatch === undefined ? 0 : DataMatch);
            const args = { fd: fds[fd]!, addr, len, datamatch: datamatch ?? 5n, flags };
            if (command.op === 'assign') {
              const invalid = addr + BigInt(len) >= 2n ** 64n || (len === 0 && datamatch !== undefined);
              const expected = invalid ? 'EINVAL' : model.collides(entry) ? 'EEXIST' : 'OK';
              assert.equal(
                outcome(() => buses.ioeventfds.apply(args)),
                expected,
              );
              if (expected === 'OK') model.insert(entry);
            } else {
              const found = model.entries.findIndex(
                (e) => e.fd === fd && e.pio === pio && e.addr === addr && e.len === len && e.datamatch === datamatch,
              );
              const result = outcome(() => buses.ioeventfds.apply({ ...args, flags: flags | Deassign }));
              assert.equal(result, found < 0 ? 'ENOENT' : 'OK');
              if (found >= 0) model.entries.splice(found, 1);
            }
            const doorbells = model.entries.filter((e) => e.fd !== undefined && !e.pio && e.len === 0);
            assert.deepEqual(
              [...buses.doorbells.entries()].map((bell) => bell.addr).sort(byValue),
              doorbells.map((e) => e.addr).sort(byValue),
            );
          } else if (command.op === 'claim') {
            if (addr + BigInt(command.size) > 2n ** 64n) continue;
            const entry: ModelEntry = { addr, len: command.size, pio, user: command.user, device: devices.length };
            const device = new Recorder();
            const rank = command.user ? ClaimRank.User : ClaimRank.InKernel;
            devices.push({ device, entry, claim: bus.claim({ addr, len: command.size, device, rank }) });
            model.insert(entry);
          } else if (command.op === 'write' || command.op === 'read') {
            const written = command.op === 'write' ? command.value : undefined;
            const taker = model.taker(addr, command.length, pio, written);
            const handled =
              written === undefined
                ? buses.load(addr, command.length, bus) !== undefined
                : buses.store(addr, command.length, written, bus);
            assert.equal(handled, taker !== undefined);
            const took = [
              ...fds.flatMap((fd, index) => (fd.drain() ? [`fd ${index}`] : [])),
              ...devices.flatMap(({ device }, index) => (device.seen.splice(0).length > 0 ? [`device ${index}`] : [])),
            ];
            const expected = taker?.fd === undefined ? `device ${taker?.device}` : `fd ${taker.fd}`;
            assert.deepEqual(took, taker === undefined ? [] : [expected]);
          }
        }
        buses.ioeventfds.close();
        for (const fd of fds) fd.close();
      }),
      { numRuns: 500 },
    );
  expect(property).not.toThrow();
});

it('finds whatever KVM finds among ioeventfds, and never fewer, in any order of registration', () => {
  const entry = fc.record({ addr: fc.integer({ min: 8, max: 24 }), len: fc.constantFrom(0, 1, 2, 4, 8) });
  const access = fc.record({ addr: fc.integer({ min: 8, max: 24 }), len: fc.constantFrom(1, 2, 4, 8) });
  const property = () =>
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 12 }),
        fc.array(access, { minLength: 1, maxLength: 8 }),
        (all, accesses) => {
          const buses = new Buses();
          const kvm = new KvmBus();
          const fds = new Map<KvmEntry, EventFd>();
          for (const { addr, len } of all) {
            const fd = new EventFd(0, EventFdFlag.Nonblock);
            if (outcome(() => buses.ioeventfds.assign({ fd, addr: BigInt(addr), len })) !== 'OK') continue;
            const added: KvmEntry = { name: 'eventfd', kind: 'eventfd', addr, len };
            kvm.insert(added);
            fds.set(added, fd);
          }
          for (const { addr, len } of accesses) {
            const found = kvm.write(addr, len);
            const handled = buses.store(BigInt(addr), len);
            if (found !== undefined) assert.equal(fds.get(found)?.drain(), true);
            else if (handled) assert.equal([...fds.values()].filter((fd) => fd.drain()).length, 1);
          }
        },
      ),
      { numRuns: 300 },
    );
  expect(property).not.toThrow();
});
