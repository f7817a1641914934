// The accessors: sizes, page crossings, devices (exits, and the emulator's lists), and what else reads guest memory.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { Access, Mmu, Raised, compileCore } from './harness.js';
import { EPT_MARKER, EPT_RAM, Guest, P, U, W } from './guest.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
const L = 0x7000_1234_5000n;
const N = L + 0x1000n;
const rw = P | W | U;
const DEVICE = 0xfe000000n;

beforeAll(async () => {
  wasm = await compileCore();
});
beforeEach(() => {
  guest = new Guest(wasm);
  // Two neighbours in linear memory that are none in guest-physical memory.
  guest.map(L, 0x5000n | rw);
  guest.map(N, 0x3000n | rw);
  guest.ept(DEVICE, EPT_MARKER);
  for (let i = 0; i < 0x1000; i++) {
    guest.view.setUint8(guest.ram + 0x5000 + i, (i * 7) & 255);
    guest.view.setUint8(guest.ram + 0x3000 + i, (i * 13 + 5) & 255);
  }
});
const byte = (offset: number): bigint =>
  BigInt(offset < 0x1000 ? (offset * 7) & 255 : ((offset - 0x1000) * 13 + 5) & 255);
const little = (offset: number, size: number): bigint => {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | byte(offset + i);
  return value;
};

for (const size of [1, 2, 4, 8]) {
  test(`${size} bytes, aligned, unaligned and across the page's end, read and written back`, () => {
    const name = { 1: 8, 2: 16, 4: 32, 8: 64 }[size] as 8 | 16 | 32 | 64;
    for (const offset of [0, 1, 5, 0x7fb, 0xff8, 0xff9, 0xffc, 0xffd, 0xffe, 0xfff, 0x1000]) {
      const at = L + BigInt(offset);
      expect(BigInt.asUintN(64, guest.core[`read${name}`](at)), `offset ${offset}`).toBe(little(offset, size));
      const value = 0x8899aabbccddeeffn & ((1n << BigInt(8 * size)) - 1n);
      guest.core[`write${name}`](at, 0x8899aabbccddeeffn);
      expect(BigInt.asUintN(64, guest.core.readAs(at, size, Mmu.SUPERVISOR))).toBe(value);
      expect(guest.core.readAs(at + BigInt(size), 1, Mmu.SUPERVISOR), 'the byte behind').toBe(byte(offset + size));
      guest.core.writeAs(at, size, little(offset, size), Mmu.SUPERVISOR);
      expect(guest.core.raised.value).toBe(0);
    }
  });
}

test('a write that faults on its second page has written nothing', () => {
  guest.map(N, 0x3000n | P | U);
  guest.core.write64(L + 0xffdn, 0xffff_ffff_ffff_ffffn);
  expect(guest.fault()).toEqual([14, 3, N]);
  expect(guest.core.readAs(L + 0xffdn, 1, 0)).toBe(byte(0xffd));
});

test('outside 64-bit code, linear addresses wrap at 4 GiB', () => {
  guest.set('CR0', 1n);
  guest.set('EFER', 0n);
  guest.setAttributes(1, 0x409b);
  guest.core.init();
  guest.ept(0xfffff000n, BigInt(guest.ram + 0x5000) | EPT_RAM);
  guest.ept(0n, BigInt(guest.ram + 0x3000) | EPT_RAM);
  expect(guest.core.read32(0xfffffffen)).toBe(little(0xffe, 4));
  expect(guest.core.read16(0x1_0000_0010n)).toBe(little(0x1010, 2));
  expect(guest.core.fetchPage(0x1_0000_0010n)).toBe(guest.ram + 0x3010);
  expect(guest.walks()).toBe(0n); // there is nothing to walk
});

test('non-canonical: #GP(0), of the stack #SS(0), of a fetch #GP(0); also at the end of a crossing access', () => {
  for (const [stack, vector] of [
    [false, 13],
    [true, 12],
  ] as const) {
    guest.core.setStackAccess(stack);
    guest.core.read8(0x8000_0000_0000n);
    expect(guest.fault()?.slice(0, 2)).toEqual([vector, 0]);
    guest.core.fetchPage(0x8000_0000_0000n);
    expect(guest.fault()?.slice(0, 2)).toEqual([13, 0]);
  }
  guest.core.setStackAccess(false);
  guest.map(0x7fff_ffff_f000n, 0x5000n | rw);
  guest.core.read64(0x7fff_ffff_fffcn);
  expect(guest.fault()?.slice(0, 2)).toEqual([13, 0]);
});

test('half memory, half device: the exit names the device’s half and memory is untouched', () => {
  guest.map(N, DEVICE | rw);
  guest.core.write64(L + 0xffdn, 0xffff_ffff_ffff_ffffn);
  expect(guest.exit()).toEqual({ reason: 49, info: Access.WRITE | (5 << 16), qualification: 0n, gpa: DEVICE, gla: N });
  expect(guest.core.crossed.value).toBe(1);
  expect(guest.core.readAs(L + 0xffdn, 1, 0)).toBe(byte(0xffd));
  guest.core.write32(N, 1n);
  expect(guest.exit()?.gpa).toBe(DEVICE);
  expect(guest.core.crossed.value).toBe(0);
});

const entryOf = (list: number, index: number): [bigint, bigint, number] => {
  const at = guest.arena + list + index * 24;
  return [guest.peek(at), guest.peek(at + 8), guest.view.getUint32(at + 16, true)];
};

test('emulation: reads wait for answers in order, each transaction in its page; then they are consumed', () => {
  const { core } = guest;
  guest.map(N, DEVICE | rw);
  guest.map(L, (DEVICE + 0x1000n) | rw);
  guest.ept(DEVICE + 0x1000n, EPT_MARKER);
  core.setEmulating(true);
  core.resetMmio();
  const reads = core.ARENA_READS.value;
  const answers = [0x11223344_55n, 0xffff_ffff_ff66_7788n, 0x99n];
  const expected: [bigint, number][] = [
    [DEVICE + 0x1ffbn, 5],
    [DEVICE, 3],
    [DEVICE + 8n, 1],
  ];
  for (const [i, [gpa, length]] of expected.entries()) {
    core.rewindMmio();
    core.read64(L + 0xffbn);
    if (i === 2) core.read8(N + 8n);
    expect(core.raised.value).toBe(Raised.NEED_READ);
    guest.clearRaised();
    expect(core.readCount.value).toBe(i + 1);
    expect(entryOf(reads, i)).toEqual([gpa, 0n, length]);
    guest.poke(guest.arena + reads + i * 24 + 8, answers[i] ?? 0n);
  }
  core.rewindMmio();
  expect(core.read64(L + 0xffbn)).toBe(0x667788_1122334455n);
  expect(core.read8(N + 8n)).toBe(0x99n);
  expect([core.raised.value, core.readNext.value, core.readCount.value]).toEqual([0, 3, 3]);
  // Another address than last time: its answer is no answer to this.
  core.rewindMmio();
  core.read16(N + 4n);
  expect(core.raised.value).toBe(Raised.NEED_READ);
  guest.clearRaised();
  expect(core.readCount.value).toBe(1);
  expect(entryOf(reads, 0)).toEqual([DEVICE + 4n, 0n, 2]);
});

test('emulation: writes are listed, the half that is memory is written', () => {
  const { core } = guest;
  guest.map(N, DEVICE | rw);
  core.setEmulating(true);
  core.resetMmio();
  core.write64(L + 0xffdn, 0x8877665544332211n);
  core.write16(N + 0x20n, 0xffffabcdn);
  expect(core.raised.value).toBe(0);
  expect(core.writeCount.value).toBe(2);
  expect(entryOf(core.ARENA_WRITES.value, 0)).toEqual([DEVICE, 0x8877665544n, 5]);
  expect(entryOf(core.ARENA_WRITES.value, 1)).toEqual([DEVICE + 0x20n, 0xabcdn, 2]);
  core.setEmulating(false);
  expect([core.readAs(L + 0xffdn, 1, 0), core.readAs(L + 0xfffn, 1, 0)]).toEqual([0x11n, 0x33n]);
});

test('emulation: both pages are checked before a device is asked', () => {
  const { core } = guest;
  guest.map(L, DEVICE | rw);
  guest.map(N, 0n);
  core.setEmulating(true);
  core.resetMmio();
  core.read64(L + 0xffcn);
  expect(guest.fault()).toEqual([14, 0, N]);
  core.write64(L + 0xffcn, 0n);
  expect(guest.fault()).toEqual([14, 2, N]);
  expect([core.readCount.value, core.writeCount.value]).toEqual([0, 0]);
});

test('emulation: the lists have an end', () => {
  const { core } = guest;
  guest.map(L, DEVICE | rw);
  core.setEmulating(true);
  core.resetMmio();
  for (let i = 0; i < 128; i++) core.write8(L, 1n);
  expect([core.raised.value, core.writeCount.value]).toEqual([0, 128]);
  core.write8(L, 1n);
  expect(guest.fault()?.[0]).toBe(6);
  core.setReadCount(1000);
  expect(core.readCount.value).toBe(128);
});

test('emulation really walks, once an instruction for each kind of access to a page, and does not fill the TLB', () => {
  const { core } = guest;
  for (let i = 0; i < 3; i++) {
    core.setEmulating(true);
    core.read32(L);
    core.read32(L + 4n);
  }
  expect(guest.walks()).toBe(3n);
  core.fetchPage(L);
  expect(guest.walks()).toBe(4n);
  core.setEmulating(false);
  core.read32(L);
  expect(guest.walks()).toBe(5n);
  core.read32(L);
  expect(guest.walks()).toBe(5n);
});

test('probe looks at every page of a range', () => {
  guest.map(N + 0x1000n, 0x6000n | P | U);
  expect(guest.core.probe(L + 0x800n, 0x1800, Access.WRITE, Mmu.SUPERVISOR)).toBe(1);
  expect(guest.core.probe(L + 0x800n, 0x1801, Access.READ, Mmu.SUPERVISOR)).toBe(1);
  expect(guest.core.probe(L + 0x800n, 0x1801, Access.WRITE, Mmu.SUPERVISOR)).toBe(0);
  expect(guest.fault()).toEqual([14, 3, N + 0x1000n]);
});

test('a fetch from a device exits, also in emulation', () => {
  guest.map(L, DEVICE | rw);
  for (const emulating of [false, true]) {
    guest.core.setEmulating(emulating);
    expect(guest.core.fetchPage(L + 3n)).toBe(0);
    expect(guest.exit()).toMatchObject({ reason: 49, info: Access.EXEC | (1 << 16), gpa: DEVICE + 3n, gla: L + 3n });
  }
});

test('PDPTEs: loaded together or not at all; #GP(0) for reserved bits of present ones', () => {
  const table = guest.ram + 0x8020;
  const load = (entries: readonly bigint[]): number => {
    for (const [i, entry] of entries.entries()) guest.poke(table + 8 * i, entry);
    return guest.core.loadPdptesFrom(0x8020n);
  };
  const registers = (): bigint[] => [0, 1, 2, 3].map((i) => guest.peek(guest.cpu + guest.core.PDPTE.value + 8 * i));
  const good = [0x9001n, 0xa019n, 0xffff_ffff_ffff_fffen, 0xe01n + 0xff_ffff_0000n];
  expect(load(good)).toBe(1);
  expect(registers()).toEqual(good);
  // SDM vol. 3, table 4-8: 2:1, 8:5 and 63:MAXPHYADDR (here 40) are reserved
  for (const bit of [1, 2, 5, 6, 7, 8, 40, 51, 52, 62, 63]) {
    expect(load([0x9001n, 0x1001n | (1n << BigInt(bit)), 0n, 0n]), `bit ${bit}`).toBe(0);
    expect(guest.fault()?.slice(0, 2)).toEqual([13, 0]);
    expect(registers()).toEqual(good);
  }
  guest.set('CR3', 0x8020n);
  expect(load([0x1n, 0n, 0n, 0n])).toBe(1);
  expect(guest.core.loadPdptes()).toBe(1);
  expect(registers()).toEqual([1n, 0n, 0n, 0n]);
  // Not mapped: an EPT violation without a linear address
  expect(guest.core.loadPdptesFrom(0xc000_0000n)).toBe(0);
  expect(guest.exit()).toMatchObject({ reason: 48, qualification: 1n, gpa: 0xc000_0000n });
});

test('the trace lists each entry of the guest’s walk with its address and value', () => {
  const buffer = guest.ram + 0x10000;
  guest.core.setWalkTrace(buffer, 64);
  guest.core.read8(L);
  const records: [number, bigint, bigint][] = [];
  for (let at = buffer; at < guest.core.walkTrace.value; at += 24) {
    if (guest.view.getUint32(at, true) !== 0) continue;
    records.push([guest.view.getUint32(at + 4, true), guest.peek(at + 8), guest.peek(at + 16)]);
  }
  guest.core.setWalkTrace(0, 0);
  const index = (level: number): bigint => ((L >> BigInt(12 + 9 * (level - 1))) & 511n) * 8n;
  expect(records).toEqual([
    [4, 0x100000n + index(4), 0x101007n],
    [3, 0x101000n + index(3), 0x102007n],
    [2, 0x102000n + index(2), 0x103007n],
    [1, 0x103000n + index(1), 0x5007n],
  ]);
  guest.core.setWalkTrace(buffer, 3);
  guest.core.flushAll();
  guest.core.read8(L);
  expect(guest.core.walkTrace.value).toBe(buffer + 3 * 24);
});
