// Random tables, registers and accesses: the core's walkers against the book's (model.ts), with every accessed and dirty flag.

import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { Access, Machine, Nested, Raised, compileCore } from './harness.js';
import type { Memory, Outcome, Processor, Request } from './model.js';
import { translateByTheBook } from './model.js';
import {
  GUEST_PAGES,
  NESTED_PAGES,
  PAGE,
  REGION,
  SLOTS,
  entry32,
  entry64,
  entrySeed,
  eptEntry,
} from './random-tables.js';

const LARGE = 0x200000;
let machine: Machine;
let region: number;
const expected = new DataView(new ArrayBuffer(REGION));

beforeAll(async () => {
  machine = new Machine(await compileCore());
  region = (machine.free + LARGE - 1) & -LARGE;
});

/** Scattered, so that mistaking a guest-physical for a host address shows. */
const hostPage = (n: number): number => region + ((n * 5 + 3) % GUEST_PAGES) * PAGE;
const nestedPage = (n: number): number => region + (GUEST_PAGES + n) * PAGE;

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
type Case = typeof arbitrary extends fc.Arbitrary<infer T> ? T : never;

/** NPT: the host's tables are trusted, so only their flags are wild and a table's entries never lead out of the region. */
function nptEntry(seed: number, level: number, slot: number, next: bigint, frame: bigint): bigint {
  const random = entry64(seed, () => 0n);
  const keep = random & ~0x000ffffffffff080n;
  const marker = seed % 31 === 30 ? 1n << 51n : seed % 37 === 36 ? 1n << 47n : 0n;
  const user = seed % 5 === 0 ? keep : keep | 4n;
  if (level === 1) return user | marker | frame;
  if ((random & 0x80n) !== 0n && (level === 2 || (level === 3 && slot > 0))) {
    return user | marker | 0x80n | (seed % 29 === 28 ? 1n << 13n : 0n) | (level === 2 ? BigInt(region) : 0x40000000n);
  }
  return user | marker | next | (seed % 53 === 52 && level === 4 ? 0x80n : 0n);
}

function buildNested(c: Case): void {
  // Page 0 is level 4 (or 5), then 3, 2, 1: one table a level, except two page tables.
  const levels = c.nested === 'shadow' && !c.software && c.format === '5-level' ? 5 : 4;
  for (let n = 0; n < levels; n++) {
    const level = levels - n;
    const slots = level === 1 ? Array.from({ length: GUEST_PAGES }, (_, i) => i) : [...SLOTS];
    for (const [i, slot] of slots.entries()) {
      const seed = c.tables[n * GUEST_PAGES + i] ?? 0;
      const next = BigInt(nestedPage(n + 1));
      const frame = BigInt(hostPage(slot));
      const value =
        c.nested === 'EPT' || (c.software && c.nested === 'shadow')
          ? eptEntry(seed, level, slot, next, frame, BigInt(region))
          : nptEntry(seed, level, slot, next, frame);
      machine.poke(nestedPage(n) + slot * 8, value);
    }
    if (level === 1) machine.poke(nestedPage(n) + 511 * 8, machine.peek(nestedPage(n) + 8));
  }
}

function buildGuest(c: Case): void {
  for (let n = 0; n < GUEST_PAGES; n++) {
    for (const [i, slot] of SLOTS.entries()) {
      const seed = c.guest[n * 4 + i] ?? 0;
      if (c.format === '32-bit') {
        machine.view.setUint32(hostPage(n) + slot * 4, Number(entry32(seed)), true);
        machine.view.setUint32(hostPage(n) + (slot + 512) * 4, Number(entry32(seed >> 1)), true);
      } else
        machine.poke(
          hostPage(n) + slot * 8,
          entry64(seed, (frame) => BigInt(frame) << 12n),
        );
    }
  }
}

function linearOf(c: Case): bigint {
  let linear = BigInt(c.offset);
  for (const [i, index] of c.indexes.entries()) linear |= BigInt(index) << BigInt(12 + 9 * i);
  if (c.format === 'none')
    return c.badUpper < 12 ? BigInt(c.offset) | (BigInt(c.badUpper) << 12n) : linear & 0x40201fffn;
  if (c.format === '32-bit' || c.format === 'PAE') return linear & 0xffffffffn;
  const top = c.format === '5-level' ? 57 : 48;
  return c.badUpper === 15 ? linear | (1n << 62n) : BigInt.asUintN(64, BigInt.asIntN(top, linear));
}

function setRegisters(c: Case, cpu: Processor): void {
  const long = c.format === '4-level' || c.format === '5-level';
  const paging = c.format !== 'none';
  machine.set('CR0', 1n | (c.wp ? 1n << 16n : 0n) | (paging ? 1n << 31n : 0n));
  machine.set('CR3', cpu.cr3);
  let cr4 = c.pse ? 1n << 4n : 0n;
  if (long || c.format === 'PAE') cr4 |= 1n << 5n;
  if (c.pge) cr4 |= 1n << 7n;
  if (c.format === '5-level') cr4 |= 1n << 12n;
  if (c.smep) cr4 |= 1n << 20n;
  if (c.smap) cr4 |= 1n << 21n;
  machine.set('CR4', cr4);
  machine.set('EFER', (long ? 0x500n : 0n) | (c.nxe ? 1n << 11n : 0n));
  machine.set('FEATURES', c.gbPages ? 64n : 0n);
  machine.set('PHYSICAL_BITS', BigInt(c.physicalBits));
  machine.set('NESTED', BigInt({ EPT: Nested.EPT, NPT: Nested.NPT, shadow: Nested.SHADOW }[c.nested]));
  machine.set('NESTED_ROOT', cpu.nestedRoot | (c.eptFlags ? 0x40n : 0n) | 0x1en);
  machine.set('SHADOW_ROOT', cpu.shadowRoot);
  for (const [i, value] of cpu.pdptes.entries()) {
    machine.poke(machine.cpu + machine.core.PDPTE.value + 8 * i, value);
  }
}

/** What the core reports beyond the outcome; parts of it the manuals leave to us. */
type Report = Outcome & { gla?: bigint; info?: number; hasError?: number };

const SIZE = 2;
/** GPA_UNKNOWN of paging/translation.ts: under shadow paging the CPU knows no guest-physical addresses of memory. */
const UNKNOWN = 0xffff_ffff_ffff_f000n;

function reportOfCore(c: Case, request: Request): Report {
  const { core } = machine;
  machine.clearRaised();
  core.setEmulating(c.software);
  core.setStackAccess(c.stack);
  core.flushAll();
  const host = core.translate(request.linear, c.access, c.mmu, SIZE);
  const raised = core.raised.value;
  machine.clearRaised();
  core.setEmulating(false);
  if (raised === Raised.EXCEPTION) {
    const vector = machine.get32('RAISED_VECTOR');
    const cr2 = vector === 14 ? machine.get('RAISED_CR2') : undefined;
    const hasError = machine.get32('RAISED_HAS_ERROR');
    return { kind: 'exception', vector, error: machine.get32('RAISED_ERROR'), cr2, hasError };
  }
  if (raised === Raised.EXIT) {
    const info = machine.get32('EXIT_INFO');
    const reason = machine.get32('EXIT_REASON');
    const qualification = machine.get('EXIT_QUALIFICATION');
    const gpa = machine.get('EXIT_GPA');
    const walk = (info & 0x10) !== 0;
    return { kind: 'exit', reason, qualification, gpa, walk, mmio: false, info, gla: machine.get('EXIT_GLA') };
  }
  const gpa = core.lastGpa.value;
  if (core.lastMmio.value) return { kind: 'exit', reason: 0, qualification: 0n, gpa, walk: false, mmio: true };
  return { kind: 'memory', host: BigInt(host), gpa };
}

/** The book's outcome in the core's terms. */
function reportOfBook(c: Case, request: Request, book: Outcome): Report {
  if (book.kind === 'exception') return { ...book, hasError: 1 };
  if (book.kind === 'memory') {
    const gpa = book.gpa ?? UNKNOWN | (request.linear & 0xfffn);
    return { ...book, gpa: BigInt.asIntN(64, gpa) };
  }
  // The emulator gets a device's address, not an exit.
  if (book.mmio && !book.walk && c.software) return { ...book, reason: 0, qualification: 0n };
  const info = c.access | (book.walk ? 0x10 : 0) | (request.user ? 0x20 : 0) | (SIZE << 16);
  return { ...book, gpa: book.gpa ?? 0n, mmio: false, info, gla: request.linear };
}

const seen = new Map<string, number>();

test('every walk ends as the book says, and sets the flags the book says', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(arbitrary, (c) => {
      new Uint8Array(machine.memory.buffer, region, REGION).fill(0);
      buildNested(c);
      buildGuest(c);
      const pdpte = (n: number): bigint => (BigInt(n + 2) << 12n) | (n === 2 ? 0n : 1n);
      const cpu: Processor = {
        ...c,
        cr3: 0x1000n,
        pdptes: [pdpte(0), pdpte(1), pdpte(2), pdpte(3)],
        nestedRoot: BigInt(nestedPage(0)),
        shadowRoot: BigInt(nestedPage(0)),
      };
      setRegisters(c, cpu);
      const request: Request = {
        linear: linearOf(c),
        read: (c.access & 1) !== 0,
        write: (c.access & 2) !== 0,
        fetch: (c.access & 4) !== 0,
        user: c.mmu === 1,
        ac: c.mmu === 2,
        stack: c.stack,
      };
      const copy = new Uint8Array(expected.buffer);
      copy.set(new Uint8Array(machine.memory.buffer, region, REGION));
      const memory: Memory = {
        read: (address, bytes) => {
          const at = Number(address) - region;
          if (at >= REGION && at < LARGE) return 0n; // the rest of the region's 2 MiB page is empty
          return bytes === 8 ? expected.getBigUint64(at, true) : BigInt(expected.getUint32(at, true));
        },
        write: (address, bytes, value) => {
          const at = Number(address) - region;
          if (bytes === 8) expected.setBigUint64(at, value, true);
          else expected.setUint32(at, Number(value), true);
        },
      };
      const book = translateByTheBook(cpu, memory, request, c.software);
      const core = reportOfCore(c, request);
      const end =
        book.kind === 'exit' ? `exit ${book.reason}` : book.kind === 'exception' ? `#${book.vector}` : 'memory';
      const kind = `${c.format} ${c.nested} ${end}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      expect(core).toEqual(reportOfBook(c, request, book));
      const after = Buffer.from(machine.memory.buffer, region, REGION);
      expect(Buffer.compare(after, Buffer.from(expected.buffer)), 'accessed and dirty flags').toBe(0);
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
