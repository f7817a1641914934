// Slots of several functions, ECAM (PCI Express Base Specification 3.0, 7.2.2), 64-bit BARs (PCI Local Bus Specification
// 3.0, 6.2.5.1) and where they are put; the registers of the chipset that firmware uses.

import { beforeEach, describe, expect, it } from 'vitest';
import { HostBridge } from '../../src/machine/devices/pci/host-bridge.js';
import { IsaBridge } from '../../src/machine/devices/pci/isa-bridge.js';
import { PciDevice, type PciBar } from '../../src/machine/devices/pci/pci-device.js';
import { memoryWindow } from '../../src/machine/devices/pci/place-bars.js';
import { TestBoard } from './board.js';

const ECAM = 0xb000_0000;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

class Card extends PciDevice {
  readonly name = 'card';
  constructor(board: TestBoard, bars: readonly Omit<PciBar, 'registers'>[]) {
    const registers = { name: 'card', read: () => 0x5a, write: () => {} };
    const all = bars.map((bar) => ({ ...bar, registers }));
    super(board, { vendor: 0x1234, device: 0x5678, revision: 3, classCode: 0xff_00_00 }, all, {
      subsystem: { vendor: 0x1af4, device: 0x1100 },
    });
  }
}

let board: TestBoard;
beforeEach(async () => {
  board = await TestBoard.create();
});

describe('functions', () => {
  const header = (slot: number, fn: number): number | undefined =>
    board.load(ECAM + (slot << 15) + (fn << 12) + 0xe, 1);

  it('of one slot are told by bit 7 of function 0, whichever came first', () => {
    board.pci.plug(new Card(board, []), 3, 2);
    board.pci.plug(new Card(board, []), 3);
    board.pci.plug(new Card(board, []), 4);
    board.pci.plug(new Card(board, []), 5);
    board.pci.plug(new Card(board, []), 5, 7);
    expect([header(3, 0), header(3, 2), header(4, 0), header(5, 0)]).toEqual([0x80, 0, 0, 0x80]);
    board.pci.reset();
    expect(header(3, 0)).toBe(0x80);
  });

  it('are there once, and make a slot taken', () => {
    board.pci.plug(new Card(board, []), 0, 1);
    expect(() => board.pci.plug(new Card(board, []), 0, 1)).toThrow('slot 0, function 1 has a card already');
    expect(() => board.pci.plug(new Card(board, []), 0, 8)).toThrow('there is no function 8');
    expect(board.pci.freeSlot()).toBe(1);
  });

  it('answer mechanism 1', () => {
    board.pci.plug(new Card(board, []), 3, 2);
    board.out(0xcf8, 0x8000_1a00);
    expect(board.in(0xcfc)).toBe(0x5678_1234);
    board.out(0xcf8, 0x8000_1a2c);
    expect(board.in(0xcfc)).toBe(0x1100_1af4);
  });
});

describe('ECAM', () => {
  it('is the same configuration space', () => {
    board.pci.plug(new Card(board, [{ index: 0, kind: 'memory', size: 4096 }]), 3);
    const at = ECAM + (3 << 15);
    expect([board.load(at), board.load(at + 2, 2), board.load(at + 8, 1)]).toEqual([0x5678_1234, 0x5678, 3]);
    board.store(at + 0x10, 0xfe00_1000);
    board.store(at + 4, 2, 2);
    expect(board.readConfig(3, 0x10)).toBe(0xfe00_1000);
    expect(board.load(0xfe00_1000)).toBe(0x5a);
  });

  it('reads as ones behind the 256 bytes, at other functions and on other buses', () => {
    board.pci.plug(new Card(board, []), 3);
    for (const offset of [(3 << 15) + 0x100, (3 << 15) + 0xfe, (3 << 15) + 0x1000, 3 << 16, (1 << 20) + (3 << 15)]) {
      expect(board.store(ECAM + offset, 0)).toBe(true);
      expect(board.load(ECAM + offset)).toBe(0xffff_ffff);
    }
    expect(board.load(ECAM + 256 * MIB - 4)).toBe(0xffff_ffff);
    expect(board.load(ECAM + 256 * MIB)).toBeUndefined();
  });

  it('takes what crosses a dword, and 8 bytes, for the bytes it is', () => {
    board.pci.plug(new Card(board, []), 3);
    const at = ECAM + (3 << 15);
    expect(board.load(at + 1, 4)).toBe(0x0056_7812);
    expect(board.vm.mmio.read(at, 0, 8)).toBe(true);
    expect([board.vm.mmio.dataLo, board.vm.mmio.dataHi]).toEqual([0x5678_1234, 0]);
    board.store(at + 0x3b, 0x0b00, 2);
    expect(board.readConfig(3, 0x3c, 1)).toBe(0x0b);
  });
});

describe('64-bit BARs', () => {
  it.each([
    [4096, 0xffff_f00c, 0xffff_ffff],
    [2 * GIB, 0x8000_000c, 0xffff_ffff],
    [4 * GIB, 0x0000_000c, 0xffff_ffff],
    [64 * GIB, 0x0000_000c, 0xffff_fff0],
  ])('tell a size of %i', (size, low, high) => {
    board.pci.plug(new Card(board, [{ index: 2, kind: 'memory', size, wide: true, prefetchable: true }]), 3);
    for (const register of [0x18, 0x1c]) board.writeConfig(3, register, 0xffff_ffff);
    expect([board.readConfig(3, 0x18), board.readConfig(3, 0x1c)]).toEqual([low, high]);
  });

  it('are decoded above 4 GiB, and survive every address', () => {
    const card = new Card(board, [{ index: 0, kind: 'memory', size: 4096, wide: true }]);
    board.pci.plug(card, 3);
    board.writeConfig(3, 4, 2, 2);
    board.writeConfig(3, 0x10, 0x2000);
    board.writeConfig(3, 0x14, 0x8);
    expect(card.addressOf(0)).toBe(0x8_0000_2000n);
    expect([board.vm.mmio.read(0x2000, 8, 4), board.vm.mmio.read(0x2000, 0, 4)]).toEqual([true, false]);
    for (const register of [0x10, 0x14]) board.writeConfig(3, register, 0xffff_ffff);
    expect(card.addressOf(0)).toBe(0xffff_ffff_ffff_f000n);
  });

  it('expansion ROM and unused BARs read as none', () => {
    board.pci.plug(new Card(board, [{ index: 0, kind: 'memory', size: 4096, wide: true }]), 3);
    for (const register of [0x18, 0x30]) {
      board.writeConfig(3, register, 0xffff_ffff);
      expect(board.readConfig(3, register)).toBe(0);
    }
  });
});

describe('placing', () => {
  it('keeps away from RAM, ECAM, I/O APIC and others', () => {
    const cards = [256 * MIB, 4096, 128 * MIB, 16].map((size) => new Card(board, [{ index: 0, kind: 'memory', size }]));
    for (const card of cards) board.pci.plug(card, board.pci.freeSlot());
    for (const ram of [64 * MIB, 3 * GIB, 3 * GIB + 1, 3.5 * GIB]) {
      board.pci.reset();
      board.pci.placeBars(ram);
      const ranges = cards.map((card) => ({
        start: Number(card.addressOf(0)),
        end: Number(card.addressOf(0)) + card.bars[0]!.size,
      }));
      ranges.sort((a, b) => a.start - b.start);
      expect(ranges[0]!.start).toBeGreaterThanOrEqual(Math.max(ram, 0xc000_0000));
      expect(ranges.at(-1)!.end).toBeLessThanOrEqual(0xfec0_0000);
      for (let index = 1; index < ranges.length; index++)
        expect(ranges[index]!.start).toBeGreaterThanOrEqual(ranges[index - 1]!.end);
      for (const [index, card] of cards.entries())
        expect(Number(card.addressOf(0)) % cards[index]!.bars[0]!.size).toBe(0);
    }
    expect(() => memoryWindow(4 * GIB)).toThrow('no room for device memory');
  });

  it('puts what is too large above 4 GiB if it can lie there', () => {
    const wide = new Card(board, [{ index: 0, kind: 'memory', size: 8 * GIB, wide: true }]);
    board.pci.plug(wide, 1);
    board.pci.placeBars();
    expect(Number(wide.addressOf(0))).toBeGreaterThanOrEqual(4 * GIB);
    board.pci.plug(new Card(board, [{ index: 3, kind: 'memory', size: 2 * GIB }]), 2);
    expect(() => board.pci.placeBars()).toThrow("no room for 2147483648 bytes of card's BAR 3 (memory)");
  });
});

describe('chipset', () => {
  it('has the attribute registers of the 440FX (290549), which keep what is written', () => {
    board.pci.plug(new HostBridge(board), 0);
    expect([0, 1, 2, 3, 4, 5, 6].map((index) => board.readConfig(0, 0x59 + index, 1))).toEqual([0, 0, 0, 0, 0, 0, 0]);
    for (let index = 0; index < 7; index++) board.writeConfig(0, 0x59 + index, 0xff, 1);
    expect([0, 1, 6].map((index) => board.readConfig(0, 0x59 + index, 1))).toEqual([0x30, 0x33, 0x33]);
    expect(board.readConfig(0, 0x72, 1)).toBe(0x02);
    board.pci.reset();
    expect(board.readConfig(0, 0x59, 1)).toBe(0);
  });

  it('has the PIIX3 (82371SB) as ISA bridge', () => {
    board.pci.plug(new IsaBridge(board), 1);
    expect([board.readConfig(1, 0), board.readConfig(1, 8)! >>> 8]).toEqual([0x7000_8086, 0x06_01_00]);
  });
});
