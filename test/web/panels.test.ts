// What the looking panels say, against the manuals.

import { describe, expect, it } from 'vitest';
import type { LookUp, Regs, Segment, Sregs, TableEntry } from '../../src/index.js';
import { LastStop } from '../../src/web/lab/machine/changes.js';
import { modeWords, pagingWords, privilege, segmentWords } from '../../src/web/lab/machine/cpu-mode.js';
import { numberOf, readFpu } from '../../src/web/lab/machine/fpu-image.js';
import { groups, hex, parseAddress, sizeWords } from '../../src/machine/hex.js';
import { CR0_BITS, CR4_BITS, EFER_BITS, FLAGS, iopl, isSet, setBits } from '../../src/web/lab/machine/register-bits.js';
import type { CpuState } from '../../src/web/lab/machine/session.js';
import { endWords, entryWords, splitAddress } from '../../src/machine/walk-words.js';
import { describeEntry } from '../../src/vmm/table-entry.js';
import { Pc } from '../../src/machine/pc.js';

const names = (bits: readonly { name: string }[]): string[] => bits.map(({ name }) => name);

describe('hexadecimal', () => {
  it('groups digits from the right', () => {
    expect(groups(hex(0x12345n, 5))).toEqual(['1', '2345']);
    expect(groups(hex(0xffff_8000_0000_0001n, 16))).toEqual(['ffff', '8000', '0000', '0001']);
  });

  it.each([
    ['7c00', 0x7c00n],
    ['0xFFFF_8000 0000`0001', 0xffff_8000_0000_0001n],
    ['', undefined],
    ['0x', undefined],
    ['12345678123456781', undefined],
    ['rip', undefined],
  ])('reads the address %j', (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  it('says sizes of pages', () => {
    expect([4096, 2 ** 21, 2 ** 22, 2 ** 30].map(sizeWords)).toEqual(['4 KiB', '2 MiB', '4 MiB', '1 GiB']);
  });
});

describe('bits by name', () => {
  it('RFLAGS as after CMP of equal numbers with interrupts on: ZF, PF, IF (SDM vol. 1, figure 3-8)', () => {
    expect(names(FLAGS.filter((flag) => isSet(0x246n, flag)))).toEqual(['PF', 'ZF', 'IF']);
    expect(iopl(0x3202n)).toBe(3);
  });

  it('CR0 after power-on: ET, NW, CD (SDM vol. 3, table 10-1)', () => {
    expect(names(setBits(0x6000_0010n, CR0_BITS))).toEqual(['ET', 'NW', 'CD']);
  });

  it('CR4 and EFER (SDM vol. 3, figure 2-7, table 2-2); what has no name by its number', () => {
    expect(names(setBits(0x1020n, CR4_BITS))).toEqual(['PAE', 'LA57']);
    expect(names(setBits(0xd01n, EFER_BITS))).toEqual(['SCE', 'LME', 'LMA', 'NXE']);
    expect(names(setBits(1n << 40n, EFER_BITS))).toEqual(['bit 40']);
  });
});

const CODE64: Segment = {
  base: 0n,
  limit: 0xffff_ffff,
  selector: 8,
  type: 11,
  present: 1,
  dpl: 0,
  db: 0,
  s: 1,
  l: 1,
  g: 1,
  avl: 0,
  unusable: 0,
};

describe('modes', () => {
  const regs = (rflags: bigint): Regs => ({ rflags }) as Regs;
  const sregs = (cr0: bigint, cr4: bigint, efer: bigint, cs: Partial<Segment>, dpl = 0): Sregs =>
    ({ cr0, cr4, efer, cs: { ...CODE64, ...cs }, ss: { ...CODE64, dpl } }) as Sregs;
  const PE = 1n;
  const PG = 1n << 31n;
  const PAE = 1n << 5n;
  const LMA = 1n << 10n;

  it.each([
    ['16-bit real mode', 0, 'no paging', 2n, sregs(0x10n, 0n, 0n, { l: 0 })],
    ['32-bit protected mode', 3, 'no paging', 2n, sregs(PE, 0n, 0n, { l: 0, db: 1 }, 3)],
    ['16-bit protected mode', 0, '32-bit paging', 2n, sregs(PE | PG, 0n, 0n, { l: 0 })],
    ['virtual-8086 mode, 16-bit', 3, 'PAE paging', 1n << 17n, sregs(PE | PG, PAE, 0n, { l: 0 })],
    ['64-bit long mode', 0, '4-level paging', 2n, sregs(PE | PG, PAE, LMA, {})],
    [
      '32-bit compatibility mode (long mode)',
      3,
      '5-level paging',
      2n,
      sregs(PE | PG, PAE | (1n << 12n), LMA, { l: 0, db: 1 }, 3),
    ],
  ])('%s, CPL %i, %s', (mode, level, paging, rflags, state) => {
    expect([modeWords(regs(rflags), state), privilege(regs(rflags), state), pagingWords(state)]).toEqual([
      mode,
      level,
      paging,
    ]);
  });

  it('segments (SDM vol. 3, tables 3-1 and 3-2)', () => {
    expect(segmentWords(CODE64, true)).toBe('64-bit code, execute/read, ring 0, 4 KiB granularity');
    const data = { ...CODE64, type: 6, l: 0, db: 1, g: 0, dpl: 3, present: 0 };
    expect(segmentWords(data, false)).toBe('32-bit data, read/write, expand-down, not accessed, ring 3, not present');
    expect(segmentWords({ ...CODE64, type: 12, l: 0 }, false)).toMatch(
      /^16-bit code, execute only, conforming, not accessed/,
    );
    expect(segmentWords({ ...CODE64, type: 11, s: 0, g: 0 }, true)).toBe('64-bit TSS, busy, ring 0');
    expect(segmentWords({ ...CODE64, type: 3, s: 0, g: 0 }, false)).toBe('16-bit TSS, busy, ring 0');
    expect(segmentWords({ ...CODE64, unusable: 1 }, true)).toBe('unusable');
  });
});

describe('80-bit numbers (SDM vol. 1, tables 4-3 and 8-3)', () => {
  it.each([
    [0, 0n, '0'],
    [0x8000, 0n, '-0'],
    [0x3fff, 1n << 63n, '1'],
    [0xc000, 0xc000_0000_0000_0000n, '-3'],
    [0x4000, 0xc90f_daa2_2168_c235n, '3.141592653589793'],
    [0x3c01, 1n << 63n, String(2 ** -1022)],
    [0x43fe, 1n << 63n, String(2 ** 1023)],
    [0x7fff, 1n << 63n, 'infinity'],
    [0xffff, 0xc000_0000_0000_0000n, 'quiet NaN'],
    [0x7fff, 0xa000_0000_0000_0000n, 'signalling NaN'],
    [0x7fff, 0n, 'unsupported'],
    [0x3fff, 1n, 'unsupported'],
    [0x7ffe, 1n << 63n, 'beyond a double'],
    [0, 1n, 'beyond a double'],
  ])('%i %i', (head, significand, words) => {
    expect(numberOf(head, significand)).toBe(words);
  });
});

it('the XSAVE image of a guest that has run FLDPI; MOVD XMM1 (SDM vol. 1, table 10-2)', async () => {
  const code = [0xd9, 0xeb, 0x66, 0xb8, 0x78, 0x56, 0x34, 0x12, 0x0f, 0x20, 0xe1]; // fldpi; mov eax, 12345678h; mov ecx, cr4
  code.push(0x66, 0x81, 0xc9, 0, 2, 0, 0, 0x0f, 0x22, 0xe1, 0x66, 0x0f, 0x6e, 0xc8, 0xf4); // or ecx, 200h; mov cr4, ecx; movd xmm1, eax; hlt
  const pc = await Pc.create({ kernel: Uint8Array.from(code), memory: 1 << 20 });
  expect((await pc.run()).reason).toBe('halted');
  const { x87, vectors, tags, status, mxcsr } = readFpu(pc.vcpu.getXsave());
  pc.close();
  expect(x87[0]).toEqual({ name: 'ST0', hex: '4000c90fdaa22168c235', value: '3.141592653589793' });
  expect(x87[1]!.value).toBe('empty');
  expect([tags, (status >> 11) & 7, mxcsr]).toEqual([0x80, 7, 0x1f80]);
  expect(vectors[1]).toEqual({ name: 'XMM1', low: '12345678'.padStart(32, '0'), high: '0'.repeat(32) });
});

it('changes are told against the last stop', () => {
  const [a, b, c, d, e] = Array.from({ length: 5 }, (): CpuState => ({}) as CpuState);
  const last = new LastStop();
  expect(last.take(a!, 'ready').base).toBeUndefined();
  expect(last.take(b!, 'running').base).toBe(a);
  expect(last.take(c!, 'running').base).toBe(a);
  expect(last.take(d!, 'paused').base).toBe(a);
  expect(last.take(d!, 'paused').base, 'asked again').toBe(a);
  expect(last.take(e!, 'paused').base).toBe(d);
  expect(last.take(a!, 'ready').base, 'a new machine').toBeUndefined();
});

describe('page walks', () => {
  const page = (level: number, value: bigint): TableEntry =>
    describeEntry({ table: 'guest', level, index: 0, address: 0x1000n, size: 8, value, reserved: 0n, mayBePage: true });
  const walk = (linear: bigint, guest: LookUp['guest'], entries: TableEntry[], rest: Partial<LookUp> = {}): LookUp => ({
    ...{ linear, guest, paging: 'ept', shadow: [], end: 'mapped', gpa: undefined, host: undefined },
    rights: { write: false, user: false, execute: false },
    steps: entries.map((entry) => ({ entry, gpa: entry.address, nested: [] })),
    ...rest,
  });
  const told = (look: LookUp): string[] =>
    splitAddress(look).map(({ name, high, low, value }) => `${name} ${high}:${low} ${value}`);

  it('a 4-level address splits at 39, 30, 21, 12 (SDM vol. 3, figure 4-8)', () => {
    // PML4E 511, PDPTE 510, PDE 1, PTE 2, offset 3
    const linear = 0xffff_0000_0000_0000n | (511n << 39n) | (510n << 30n) | (1n << 21n) | (2n << 12n) | 3n;
    const expected = ['sign 63:48 65535', 'PML4E 47:39 511', 'PDPTE 38:30 510', 'PDE 29:21 1'];
    expect(told(walk(linear, '4-level', []))).toEqual([...expected, 'PTE 20:12 2', 'offset 11:0 3']);
    expect(told(walk(linear, '4-level', [page(2, 0x83n)]))).toEqual([...expected, `offset 20:0 ${0x2003}`]);
  });

  it('5 levels, PAE, 32 bits (SDM vol. 3, figures 4-2 to 4-11)', () => {
    expect(told(walk(1n << 48n, '5-level', [])).slice(0, 2)).toEqual(['sign 63:57 0', 'PML5E 56:48 1']);
    expect(told(walk(0xc020_1001n, 'pae', []))).toEqual([
      'PDPTE 31:30 3',
      'PDE 29:21 1',
      'PTE 20:12 1',
      'offset 11:0 1',
    ]);
    expect(told(walk(0xffc0_1001n, '32-bit', []))).toEqual(['PDE 31:22 1023', 'PTE 21:12 1', 'offset 11:0 1']);
    expect(told(walk(5n, 'none', []))).toEqual(['physical address 31:0 5']);
  });

  it('entries in words', () => {
    expect(entryWords(page(3, 0x5007n))).toBe('table at 0x5000');
    expect(entryWords(page(2, 0x60_0083n))).toBe('2 MiB page at 0x600000');
    expect(entryWords(page(1, 0n))).toBe('not present');
    const ept = { table: 'ept', level: 1, index: 0, address: 0n, size: 8, reserved: 0n, mayBePage: true } as const;
    expect(entryWords(describeEntry({ ...ept, value: 0n }))).toMatch(/^not mapped yet/);
    expect(entryWords(describeEntry({ ...ept, value: 6n }))).toBe('no memory: marked as a device');
    expect(entryWords(describeEntry({ ...ept, value: 0x9037n }))).toBe('4 KiB page at host 0x9000');
  });

  it('says where and why a walk stops', () => {
    expect(endWords(walk(0n, '4-level', [page(4, 0x2007n), page(3, 0n)], { end: 'absent' }))).toBe(
      'Stops at PDPTE 0: it is not present. An access raises a page fault.',
    );
    expect(endWords(walk(0n, '4-level', [page(2, 0x6_2083n)], { end: 'reserved' }))).toMatch(
      /^Stops at PDE 0: reserved bits/,
    );
    expect(endWords(walk(1n << 47n, '4-level', [], { end: 'not canonical' }))).toMatch(
      /0x0000800000000000 is not canonical/,
    );
    const away = { steps: [{ entry: undefined, gpa: 0x9_0000_0000n, nested: [] }], end: 'no memory' } as const;
    expect(endWords(walk(0n, '4-level', [], away))).toMatch(/guest-physical 0x900000000, is where no memory is/);
    const rights = { write: true, user: false, execute: true };
    expect(endWords(walk(0n, '4-level', [page(1, 0x7003n)], { gpa: 0x7123n, host: 0x4_7123, rights }))).toBe(
      "Leads to guest-physical 0x7123 (may be written, executed, by the supervisor only); offset 0x47123 of the host's memory.",
    );
  });
});
