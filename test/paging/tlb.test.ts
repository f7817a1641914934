// What the TLBs remember, for how long, and what they must never let through.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { Access, Mmu, Nested, compileCore } from './harness.js';
import { A, D, EPT_MARKER, EPT_RAM, G, Guest, NX, P, U, W } from './guest.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
const L = 0x7000_1234_5000n;
const rw = P | W | U;

beforeAll(async () => {
  wasm = await compileCore();
});
beforeEach(() => {
  guest = new Guest(wasm);
  for (let page = 0; page < 64; page++) guest.poke(guest.ram + page * 0x1000, BigInt(page));
});

test('a changed entry is seen after INVLPG and not before', () => {
  guest.map(L, 0x5000n | rw);
  expect(guest.core.read64(L)).toBe(5n);
  guest.map(L, 0x6000n | rw);
  expect(guest.core.read64(L)).toBe(5n);
  guest.core.flushPage(L + 0x1000n);
  expect(guest.core.read64(L)).toBe(5n);
  guest.core.flushPage(L + 0x123n);
  expect(guest.core.read64(L)).toBe(6n);
});

test('instruction fetches have the same memory', () => {
  guest.map(L, 0x5000n | rw);
  expect(guest.core.fetchPage(L + 7n)).toBe(guest.ram + 0x5007);
  const walks = guest.walks();
  guest.map(L, 0x6000n | rw);
  expect(guest.core.fetchPage(L + 8n)).toBe(guest.ram + 0x5008);
  expect(guest.walks()).toBe(walks);
  guest.core.flushPage(L);
  expect(guest.core.fetchPage(L + 7n)).toBe(guest.ram + 0x6007);
  guest.map(L, 0x6000n | rw | NX);
  guest.core.flushAll();
  expect(guest.core.fetchPage(L)).toBe(0);
  expect(guest.fault()).toEqual([14, 0x11, L]);
});

test.each([
  ['CR4.PGE = 1', 0xa0n, 5n],
  ['CR4.PGE = 0', 0x20n, 7n],
])('global pages and MOV CR3: %s', (_, cr4, expected) => {
  guest.set('CR4', cr4);
  guest.map(L, 0x5000n | rw | G);
  guest.map(L + 0x1000n, 0x6000n | rw);
  expect([guest.core.read64(L), guest.core.read64(L + 0x1000n)]).toEqual([5n, 6n]);
  guest.map(L, 0x7000n | rw | G);
  guest.map(L + 0x1000n, 0x8000n | rw);
  guest.core.flushNonGlobal();
  expect([guest.core.read64(L), guest.core.read64(L + 0x1000n)]).toEqual([expected, 8n]);
  guest.core.flushPage(L); // global or not
  expect(guest.core.read64(L)).toBe(7n);
});

test('INVLPG drops every piece of a large page, and nothing else', () => {
  const large = 0x4000_0000n;
  for (let gpa = 0n; gpa < 0x200000n; gpa += 0x1000n) {
    guest.ept(0x200000n + gpa, (BigInt(guest.ram) + gpa) | EPT_RAM);
  }
  guest.map(large, 0x000000n | rw | 0x80n, 2);
  guest.map(L, 0x5000n | rw);
  expect(guest.core.read64(large + 0x3000n)).toBe(3n);
  expect(guest.core.fetchPage(large + 0x3000n)).toBe(guest.ram + 0x3000);
  expect(guest.core.read64(large + 0x9000n)).toBe(9n);
  expect(guest.core.read64(L)).toBe(5n);
  guest.map(large, 0n, 2);
  guest.map(L, 0n);
  expect(guest.core.read64(large + 0x3000n)).toBe(3n);
  guest.core.flushPage(large + 0x9000n);
  guest.core.read64(large + 0x3000n);
  expect(guest.fault()).toEqual([14, 0, large + 0x3000n]);
  guest.core.fetchPage(large + 0x3000n);
  expect(guest.fault()).toEqual([14, 0x10, large + 0x3000n]);
  expect(guest.core.read64(L)).toBe(5n);
});

test('the first write after a read sets the dirty flag', () => {
  const entry = guest.map(L, 0x5000n | rw);
  guest.core.read64(L);
  expect(guest.peek(entry)).toBe(0x5000n | rw | A);
  guest.core.write64(L, 99n);
  expect(guest.peek(entry)).toBe(0x5000n | rw | A | D);
  const walks = guest.walks();
  guest.core.write64(L + 8n, 100n);
  expect(guest.walks()).toBe(walks);
  expect([guest.peek(guest.ram + 0x5000), guest.peek(guest.ram + 0x5008)]).toEqual([99n, 100n]);
});

test('EPT accessed and dirty flags follow (EPTP bit 6)', () => {
  guest.set('NESTED_ROOT', BigInt(guest.eptRoot) | 0x40n);
  const leaf = guest.ept(0x5000n, BigInt(guest.ram + 0x5000) | EPT_RAM);
  guest.map(L, 0x5000n | rw | A | D);
  guest.core.read64(L);
  expect(guest.peek(leaf) & 0x300n).toBe(0x100n);
  guest.core.write64(L, 1n);
  expect(guest.peek(leaf) & 0x300n).toBe(0x300n);
});

test('a write-protected EPT page exits on the first write though reads have cached it', () => {
  guest.ept(0x5000n, BigInt(guest.ram + 0x5000) | 0x35n);
  guest.map(L, 0x5000n | rw | A | D);
  expect(guest.core.read64(L)).toBe(5n);
  guest.core.write16(L + 0x10n, 1n);
  // data write (bit 1) to a page that allows reads and fetches (3, 5), linear address valid (7), final (8)
  const info = Access.WRITE | (2 << 16);
  expect(guest.exit()).toEqual({ reason: 48, info, qualification: 0x1aan, gpa: 0x5010n, gla: L + 0x10n });
  guest.ept(0x5000n, BigInt(guest.ram + 0x5000) | EPT_RAM);
  guest.core.write16(L + 0x10n, 1n);
  expect(guest.core.raised.value).toBe(0);
});

test.each([
  ['EPT', Nested.EPT, 49, 0n],
  ['NPT', Nested.NPT, 0x400, 0x1_0000_000fn],
])('%s: a device page exits again without a walk, with the same record', (kind, nested, reason, qualification) => {
  guest.ept(0xfe000000n, EPT_MARKER);
  guest.map(L, 0xfe000000n | rw | A | D);
  if (kind === 'NPT') {
    // The EPT's shape in NPT's bits: present, writable, user; accessed and dirty already.
    guest.set('NESTED', BigInt(nested));
    const convert = (table: number, level: number): void => {
      for (let at = table; at < table + 0x1000; at += 8) {
        const entry = guest.peek(at);
        if (entry === 0n) continue;
        if (level > 1) convert(Number(entry & ~0xfffn), level - 1);
        guest.poke(at, entry === EPT_MARKER ? 1n | (1n << 51n) : (entry & ~0xfffn) | 0x67n);
      }
    };
    convert(guest.eptRoot, 4);
  }
  guest.setCpl(3);
  guest.core.write32(L + 0x50n, 1n);
  const first = guest.exit();
  const info = Access.WRITE | 0x20 | (4 << 16);
  expect(first).toEqual({ reason, info, qualification, gpa: 0xfe000050n, gla: L + 0x50n });
  const walks = guest.walks();
  guest.core.write32(L + 0x50n, 1n);
  expect(guest.exit()).toEqual(first);
  guest.core.read32(L + 0x54n);
  expect(guest.exit()?.gpa).toBe(0xfe000054n);
  expect(guest.walks()).toBe(walks);
});

test('the guest’s own protection of a device page comes before the exit, also when the page is cached', () => {
  guest.ept(0xfe000000n, EPT_MARKER);
  guest.map(L, 0xfe000000n | P | U);
  guest.setCpl(3);
  guest.core.read32(L);
  expect(guest.exit()?.reason).toBe(49);
  guest.core.write32(L, 1n);
  expect(guest.fault()).toEqual([14, 7, L]);
});

test('a device’s large page is dropped by INVLPG', () => {
  guest.ept(0xfe000000n, EPT_MARKER);
  guest.map(0x4000_0000n, 0xfe000000n | rw | 0x80n, 2);
  guest.core.read32(0x4000_0000n);
  expect(guest.exit()?.reason).toBe(49);
  guest.map(0x4000_0000n, 0n, 2);
  guest.core.flushPage(0x4010_0000n);
  guest.core.read32(0x4000_0000n);
  expect(guest.fault()).toEqual([14, 0, 0x4000_0000n]);
});

test('pages with code are never writable inline, and writes report the bytes', () => {
  const host = guest.ram + 0x5000;
  guest.map(L, 0x5000n | rw);
  guest.core.write64(L, 1n);
  expect(guest.writeTag(L, Mmu.SUPERVISOR)).toBe(L);
  guest.setCode(host, 0b100n); // bytes 128-191
  guest.core.dropWritable(host);
  expect(guest.writeTag(L, Mmu.SUPERVISOR) & 0xfffn).not.toBe(0n);
  const walks = guest.walks();
  guest.core.write64(L + 120n, 2n);
  expect(guest.core.codeCalls.value).toBe(0);
  guest.core.write64(L + 121n, 3n);
  expect([guest.core.codeCalls.value, guest.core.codeAddress.value, guest.core.codeSize.value]).toEqual([
    1,
    host + 121,
    8,
  ]);
  guest.core.write8(L + 191n, 3n);
  guest.core.write8(L + 192n, 3n);
  expect(guest.core.codeCalls.value).toBe(2);
  expect(guest.walks()).toBe(walks);
  guest.core.flushAll();
  guest.core.write8(L, 1n);
  expect(guest.writeTag(L, Mmu.SUPERVISOR) & 0xfffn).not.toBe(0n);
  guest.setCode(host, 0n);
  guest.core.write8(L, 1n);
  expect(guest.writeTag(L, Mmu.SUPERVISOR)).toBe(L);
});

test('a walk that sets flags in a page with code reports it', () => {
  const entry = guest.map(L, 0x5000n | rw);
  guest.setCode(entry & ~0xfff, 1n << BigInt((entry & 0xfff) >> 6));
  guest.core.read8(L);
  expect([guest.core.codeCalls.value, guest.core.codeAddress.value, guest.core.codeSize.value]).toEqual([1, entry, 8]);
});

test('supervisor, user and supervisor with AC have translations of their own', () => {
  guest.set('CR4', 0x2000a0n); // SMAP
  guest.map(L, 0x5000n | rw);
  guest.setCpl(3);
  expect(guest.core.read64(L)).toBe(5n);
  guest.setCpl(0);
  guest.core.read64(L);
  expect(guest.fault()).toEqual([14, 1, L]);
  guest.set('RFLAGS', 1n << 18n);
  guest.core.modeChanged();
  expect(guest.get32('MMU')).toBe(Mmu.SUPERVISOR_AC);
  expect(guest.core.read64(L)).toBe(5n);
  guest.core.systemRead32(L); // implicit accesses do not profit from AC
  expect(guest.fault()).toEqual([14, 1, L]);
  guest.map(L + 0x1000n, 0x6000n | P | W);
  guest.setCpl(3);
  expect(guest.core.systemRead32(L + 0x1000n)).toBe(6n);
  guest.core.read32(L + 0x1000n);
  expect(guest.fault()).toEqual([14, 5, L + 0x1000n]);
});

test.each([
  // CS attributes, SS attributes, CR0, EFER, RFLAGS -> MODE, CPL
  ['real mode', 0x93, 0x93, 0n, 0n, 2n, 0, 0],
  ['16-bit protected, 32-bit stack', 0x9b, 0x40f3, 1n, 0n, 2n, 4, 3],
  ['32-bit protected', 0x409b, 0x4093, 1n, 0n, 2n, 5, 0],
  ['virtual-8086', 0xf3, 0xf3, 1n, 0n, 0x20002n, 0, 3],
  ['compatibility', 0x40fb, 0x40f3, 0x80000001n, 0x500n, 2n, 5, 3],
  ['64-bit', 0x20fb, 0x40f3, 0x80000001n, 0x500n, 2n, 2, 3],
  ['L outside long mode means nothing', 0x209b, 0x93, 1n, 0n, 2n, 0, 0],
])('modeChanged: %s', (_, cs, ss, cr0, efer, rflags, mode, cpl) => {
  guest.set('CR0', cr0);
  guest.set('EFER', efer);
  guest.set('RFLAGS', rflags);
  guest.setAttributes(1, cs);
  guest.setAttributes(2, ss);
  guest.core.modeChanged();
  expect([guest.get32('MODE') & 7, guest.get32('CPL'), guest.get32('MMU')]).toEqual([mode, cpl, cpl === 3 ? 1 : 0]);
  const { ARENA_TLB, TLB_SIZE } = guest.core;
  expect(guest.get32('TLB_NOW')).toBe(guest.arena + ARENA_TLB.value + (cpl === 3 ? TLB_SIZE.value : 0));
  expect(guest.get32('JUMP_KEY')).toBe(guest.get32('EPOCH') * 256 + (cpl === 3 ? 128 : 0) + guest.get32('MODE'));
  // VEX prefixes are defined in protected mode, but not in virtual-8086 mode (SDM vol. 2, 2.3.9).
  expect((guest.get32('MODE') & 64) !== 0).toBe((cr0 & 1n) === 1n && (rflags & 0x20000n) === 0n);
});

test('every flush makes a new epoch; when epochs run out the jump cache is emptied', () => {
  for (const flush of ['flushAll', 'flushNonGlobal', 'newEpoch'] as const) {
    const before = guest.get32('JUMP_KEY');
    guest.core[flush]();
    expect(guest.get32('JUMP_KEY')).not.toBe(before);
  }
  const before = guest.get32('JUMP_KEY');
  guest.core.flushPage(0n);
  expect(guest.get32('JUMP_KEY')).not.toBe(before);
  const jump = guest.arena + guest.core.ARENA_JUMPS.value;
  guest.set32('EPOCH', 2 ** 24 - 2);
  guest.poke(jump, 1n);
  guest.core.newEpoch();
  expect([guest.get32('EPOCH'), guest.peek(jump)]).toEqual([2 ** 24 - 1, 1n]);
  guest.core.newEpoch();
  expect([guest.get32('EPOCH'), guest.peek(jump)]).toEqual([1, 0n]);
  expect(guest.get32('JUMP_KEY')).toBe(256 + guest.get32('MODE'));
});

test('shadow: the hypervisor’s table alone counts; its MMIO marker gives the guest-physical address and itself', () => {
  guest.set('NESTED', BigInt(Nested.SHADOW));
  const root = guest.ram + 0x180000;
  guest.set('SHADOW_ROOT', BigInt(root));
  const shadow = (linear: bigint, entry: bigint): void => {
    let table = root;
    for (const level of [3, 2, 1]) {
      const next = guest.ram + 0x180000 + (4 - level) * 0x1000;
      guest.poke(table + Number((linear >> BigInt(12 + 9 * level)) & 511n) * 8, BigInt(next) | rw);
      table = next;
    }
    guest.poke(table + Number((linear >> 12n) & 511n) * 8, entry);
  };
  guest.map(L, 0x5000n | rw);
  shadow(L, BigInt(guest.ram + 0x6000) | P | U);
  expect(guest.core.read64(L)).toBe(6n);
  guest.core.write64(L, 1n); // write-protected for the supervisor too, whatever CR0.WP
  expect(guest.exit()).toEqual({ reason: 0x4e, info: 2 | (8 << 16), qualification: 3n, gpa: 0n, gla: L });
  guest.core.flushAll();
  const marker = (1n << 51n) | 0xfe000000n | P | W;
  shadow(L, marker);
  for (const times of [1, 2]) {
    const walks = guest.walks();
    guest.core.write16(L + 2n, 1n);
    expect(guest.exit()).toEqual({
      reason: 0x4e,
      info: 2 | (2 << 16),
      qualification: 0xbn,
      gpa: 0xfe000002n,
      gla: L + 2n,
    });
    expect(guest.get('EXIT_DATA')).toBe(marker);
    expect(guest.walks() - walks).toBe(times === 1 ? 1n : 0n);
  }
  guest.core.setEmulating(true); // the emulator goes by the guest's own tables
  expect(guest.core.read64(L)).toBe(5n);
  guest.core.setEmulating(false);
});
