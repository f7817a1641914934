// Random tables, registers and accesses: the core's walkers against the book's (model.ts), with every accessed and dirty flag.

import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { LAB_ROOM, WalkLab } from '../../src/fuzz/paging/lab.js';
import type { Processor } from '../../src/fuzz/paging/model.js';
import { GUEST_PAGES, NESTED_PAGES, SEEDS, SLOTS } from '../../src/fuzz/paging/random-tables.js';
import { RawCore } from '../../src/fuzz/raw-core.js';
import { Access } from './harness.js';

let lab: WalkLab;

beforeAll(async () => {
  lab = new WalkLab(await RawCore.load(LAB_ROOM, undefined, false));
});

const entrySeed = fc.integer({ min: 0, max: SEEDS });

const arbitrary = fc.record({
  format: fc.constantFrom<Processor['format']>('none', '32-bit', 'PAE', '4-level', '5-level'),
  nested: fc.constantFrom<Processor['nested']>('EPT', 'NPT', 'shadow'),
  software: fc.boolean(),
  pse: fc.boolean(),
  wp: fc.boolean(),
  nxe: fc.boolean(),
  smep: fc.boolean(),
  smap: fc.boolean(),
  pge: fc.boolean(),
  gbPages: fc.boolean(),
  eptFlags: fc.boolean(),
  physicalBits: fc.constantFrom(34, 36, 40, 46),
  access: fc.constantFrom(Access.READ, Access.WRITE, Access.EXEC, Access.READ | Access.WRITE),
  mmu: fc.constantFrom(0, 1, 2),
  stack: fc.boolean(),
  indexes: fc.tuple(...Array.from({ length: 5 }, () => fc.constantFrom(...SLOTS))),
  offset: fc.integer({ min: 0, max: 4095 }),
  badUpper: fc.integer({ min: 0, max: 15 }),
  guest: fc.array(entrySeed, { minLength: GUEST_PAGES * 4, maxLength: GUEST_PAGES * 4 }),
  tables: fc.array(entrySeed, { minLength: NESTED_PAGES * GUEST_PAGES, maxLength: NESTED_PAGES * GUEST_PAGES }),
});
const seen = new Map<string, number>();

test('every walk ends as the book says, and sets the flags the book says', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(arbitrary, (c) => {
      const { wrong, end } = lab.check(c);
      const kind = `${c.format} ${c.nested} ${end}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      expect(wrong).toBeUndefined();
    }),
    { numRuns: 12_000 },
  );
  // The generator is only worth its name if every format meets every kind of end.
  for (const format of ['32-bit', 'PAE', '4-level', '5-level']) {
    for (const end of [
      'EPT memory',
      'EPT #14',
      'EPT exit 48',
      'EPT exit 49',
      'NPT memory',
      'NPT #14',
      'NPT exit 1024',
    ]) {
      expect(seen.get(`${format} ${end}`) ?? 0, `${format} ${end}`).toBeGreaterThan(5);
    }
    expect(seen.get(`${format} shadow exit 78`) ?? 0).toBeGreaterThan(5);
    expect(seen.get(`${format} shadow memory`) ?? 0).toBeGreaterThan(5);
  }
});
