// The fast path and the slow path are interchangeable (DESIGN, promise 2): whatever a guest does to a doorbell, the eventfd
// counts, the exits to the user and the guest's state afterwards are the same with the short cut and without, in all three
// paging modes, and as a brute-force model of KVM's matching rules says.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { INSTRUCTIONS, type Registration } from '../../src/fuzz/dispatch/accesses.js';
import { DispatchLab, FDS, MMIO, PAGES, ROM } from '../../src/fuzz/dispatch/lab.js';

let lab: DispatchLab;
beforeAll(async () => {
  lab = await DispatchLab.create();
});
afterAll(() => lab.close());

/** Offsets in a page near which everything happens, so that accesses and registrations meet. */
const offset = fc.oneof(
  fc.constantFrom(0, 4, 8),
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 4086, max: 4095 }),
);
const value = fc.oneof(
  fc.constantFrom(5n, 0n, 0xffn, 0x1_0005n, 0xffff_ffff_ffff_ffffn),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const registration = fc
  .record({
    page: fc.constantFrom(MMIO, MMIO, MMIO + 0x1000n, ROM),
    offset,
    len: fc.constantFrom(0, 1, 2, 4, 8),
    kind: fc.constantFrom('wildcard', 'wildcard', 'datamatch', 'pv'),
    datamatch: value,
  })
  .map(({ page, offset: at, len, kind, datamatch }): Registration => ({
    addr: page + BigInt(at),
    len,
    datamatch: kind === 'datamatch' && len > 0 ? BigInt.asUintN(len * 8, datamatch) : undefined,
    pv: kind === 'pv',
  }));
const access = fc.record({
  instruction: fc.constantFrom(...INSTRUCTIONS),
  direct: fc.boolean(),
  page: fc.integer({ min: 0, max: PAGES.length - 2 }),
  offset,
  rax: value,
});

it('for random registrations and accesses', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(
      fc.array(registration, { minLength: 1, maxLength: FDS }),
      fc.array(access, { minLength: 1, maxLength: 10 }),
      (wanted, accesses) => {
        expect(lab.check(wanted, accesses)).toBeUndefined();
      },
    ),
    { numRuns: 200 },
  );
});
