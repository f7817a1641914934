// EventFd against a model of spec section 1 in plain bigints, for random sequences of operations.

import fc from 'fast-check';
import assert from 'node:assert/strict';
import { expect, it } from 'vitest';
import { EAGAIN, EventFd, EventFdFlag } from '../../src/eventfd/index.js';

const M = 2n ** 64n - 1n;

/** Values near every place where the representation changes, besides ordinary ones. */
const interesting = fc.oneof(
  fc.bigInt({ min: 0n, max: M - 1n }),
  fc.bigInt({ min: 0n, max: 9n }),
  fc
    .tuple(fc.constantFrom(2n ** 30n, 2n ** 31n, 2n ** 32n, 2n ** 63n, M - 4n), fc.bigInt({ min: -4n, max: 3n }))
    .map(([base, delta]) => base + delta),
);
const operation = fc.oneof(
  fc.record({ op: fc.constant('write' as const), value: interesting }),
  fc.record({ op: fc.constantFrom('signal' as const, 'read' as const, 'drain' as const), value: fc.constant(0n) }),
);

it('behaves as the model for every sequence', () => {
  const property = () =>
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.oneof(fc.constantFrom(0, 1, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32 - 1), fc.nat()),
        fc.array(operation, { maxLength: 40 }),
        (semaphore, initval, operations) => {
          const fd = new EventFd(initval, EventFdFlag.Nonblock | (semaphore ? EventFdFlag.Semaphore : 0));
          let model = BigInt(initval);
          for (const { op, value } of operations) {
            if (op === 'signal') {
              fd.signal();
              if (model < M) model++;
            } else if (op === 'write') {
              if (M - model > value) {
                fd.write(value);
                model += value;
              } else {
                assert.throws(() => fd.write(value), EAGAIN);
              }
            } else {
              const taken = semaphore ? (model > 0n ? 1n : 0n) : model;
              if (op === 'drain') assert.equal(fd.drain(), taken !== 0n);
              else assert.equal(fd.tryRead() ?? 0n, taken);
              model -= taken;
            }
            assert.equal(fd.count, model);
            const bits = (model > 0n ? 1 : 0) | (model < M - 1n ? 4 : 0) | (model === M ? 8 : 0);
            assert.equal(fd.poll(), bits);
          }
          fd.close();
        },
      ),
      { numRuns: 300 },
    );
  expect(property).not.toThrow();
});
