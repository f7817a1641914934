// The buses against a brute-force model of spec section 2 for random registrations, removals and accesses.

import fc from 'fast-check';
import assert from 'node:assert/strict';
import { expect, it } from 'vitest';
import { EventFd, EventFdFlag } from '../../src/eventfd/index.js';
import { checkCommands } from '../../src/fuzz/bus/commands.js';
import type { KvmEntry } from './kvm-search-oracle.js';
import { KvmBus } from './kvm-search-oracle.js';
import { Buses, outcome } from './fixture.js';

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
  fc.assert(
    fc.property(fc.array(command, { minLength: 5, maxLength: 60 }), (commands) => {
      expect(checkCommands(commands)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
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
