// Configuration mechanism 1 and configuration space, by the PCI Local Bus Specification 3.0 (3.2.2.3.2, chapter 6).

import { beforeEach, describe, expect, it } from 'vitest';
import { HostBridge } from '../../src/machine/devices/pci/host-bridge.js';
import { PciTestdev } from '../../src/machine/devices/pci/pci-testdev.js';
import { TestBoard } from './board.js';

const COMMAND = 0x04;
const BAR0 = 0x10;
const BAR1 = 0x14;
const SLOT = 5;

let board: TestBoard;
let device: PciTestdev;

beforeEach(async () => {
  board = await TestBoard.create();
  board.pci.plug(new HostBridge(board), 0);
  device = new PciTestdev(board, { slot: SLOT });
});

describe('mechanism 1', () => {
  it('keeps CONFIG_ADDRESS, whose reserved bits are zero', () => {
    board.out(0xcf8, 0xffff_ffff);
    expect(board.in(0xcf8)).toBe(0x80ff_fffc);
  });

  it.each([1, 2])('leaves %i-byte accesses to CONFIG_ADDRESS to others', (length) => {
    board.out(0xcf8, 0x8000_0000);
    expect(board.in(0xcf8, length)).toBeUndefined();
    expect(board.out(0xcf8, 0, length)).toBe(false);
    expect(board.in(0xcf8)).toBe(0x8000_0000);
  });

  it('answers at CONFIG_DATA only while enabled', () => {
    board.out(0xcf8, 0);
    expect(board.in(0xcfc)).toBeUndefined();
    expect(board.out(0xcfc, 0)).toBe(false);
  });

  it('finds the host bridge at 00:00.0, by dword, word and byte', () => {
    expect(board.readConfig(0, 0x00)).toBe(0x1237_8086);
    expect(board.readConfig(0, 0x00, 2)).toBe(0x8086);
    expect(board.readConfig(0, 0x02, 2)).toBe(0x1237);
    expect([0, 1, 2, 3].map((byte) => board.readConfig(0, byte, 1))).toEqual([0x86, 0x80, 0x37, 0x12]);
    expect(board.readConfig(0, 0x08)! >>> 8).toBe(0x06_00_00);
    expect(board.readConfig(0, 0x0e, 1)).toBe(0);
  });

  it('reads all ones where there is no device, function or bus', () => {
    for (const address of [0x8000_0800, 0x8000_0100, 0x8001_0000]) {
      board.out(0xcf8, address);
      expect(board.in(0xcfc)).toBe(0xffff_ffff);
      expect(board.in(0xcfc, 1)).toBe(0xff);
      expect(board.out(0xcfc, 0x1234)).toBe(true);
    }
  });
});

describe('base address registers (6.2.5.1)', () => {
  it('tell their size and kind when all ones are written', () => {
    board.writeConfig(SLOT, BAR0, 0xffff_ffff);
    board.writeConfig(SLOT, BAR1, 0xffff_ffff);
    expect(board.readConfig(SLOT, BAR0)).toBe(0xffff_f000);
    expect(board.readConfig(SLOT, BAR1)).toBe(0xffff_ff01);
    for (const unused of [0x18, 0x1c, 0x20, 0x24, 0x30]) {
      board.writeConfig(SLOT, unused, 0xffff_ffff);
      expect(board.readConfig(SLOT, unused)).toBe(0);
    }
  });

  it('are decoded only while the command register says so', () => {
    board.writeConfig(SLOT, BAR0, 0xfe01_0000);
    board.writeConfig(SLOT, BAR1, 0xc000);
    expect([board.load(0xfe01_0000), board.in(0xc000)]).toEqual([undefined, undefined]);
    board.writeConfig(SLOT, COMMAND, 2, 2);
    expect([board.load(0xfe01_0000), board.in(0xc000)]).toEqual([0, undefined]);
    board.writeConfig(SLOT, COMMAND, 1, 2);
    expect([board.load(0xfe01_0000), board.in(0xc000)]).toEqual([undefined, 0]);
    board.writeConfig(SLOT, COMMAND, 0, 2);
    expect([board.load(0xfe01_0000), board.in(0xc000)]).toEqual([undefined, undefined]);
  });

  it('move with what is behind them, also by byte writes', () => {
    board.writeConfig(SLOT, COMMAND, 3, 2);
    board.writeConfig(SLOT, BAR0, 0xfe01_0000);
    board.writeConfig(SLOT, BAR0 + 2, 0x02, 1);
    expect(board.readConfig(SLOT, BAR0)).toBe(0xfe02_0000);
    expect([board.load(0xfe01_0000), board.load(0xfe02_0000)]).toEqual([undefined, 0]);
    expect(device.addressOf(0)).toBe(0xfe02_0000n);
  });

  it('are not decoded at 0, nor beyond the 64 Ki ports', () => {
    board.writeConfig(SLOT, COMMAND, 3, 2);
    expect([board.load(0), board.in(0)]).toEqual([undefined, undefined]);
    board.writeConfig(SLOT, BAR1, 0x1_0000);
    expect(device.addressOf(1)).toBeUndefined();
    board.writeConfig(SLOT, BAR1, 0xff00);
    expect(board.in(0xfffc)).toBe(0);
  });

  it('are cleared by a reset', () => {
    board.writeConfig(SLOT, BAR0, 0xfe01_0000);
    board.writeConfig(SLOT, COMMAND, 2, 2);
    board.pci.reset();
    expect([board.readConfig(SLOT, BAR0), board.readConfig(SLOT, COMMAND, 2)]).toEqual([0, 0]);
    expect(board.load(0xfe01_0000)).toBeUndefined();
  });
});

describe('configuration space', () => {
  it('does not let identification and status be written', () => {
    const before = [0x00, 0x08, 0x2c, 0x34].map((register) => board.readConfig(SLOT, register));
    for (const register of [0x00, 0x08, 0x2c, 0x34]) board.writeConfig(SLOT, register, 0xffff_ffff);
    expect([0x00, 0x08, 0x2c, 0x34].map((register) => board.readConfig(SLOT, register))).toEqual(before);
    board.writeConfig(SLOT, COMMAND, 0xffff_0000);
    expect(board.readConfig(SLOT, 0x06, 2)).toBe(0);
  });

  it('keeps the interrupt line, which only software reads', () => {
    board.writeConfig(SLOT, 0x3c, 0x0b, 1);
    expect(board.readConfig(SLOT, 0x3c)).toBe(0x0b);
  });
});

describe('slots', () => {
  it('take one device each', () => {
    expect(() => new PciTestdev(board, { slot: SLOT })).toThrow('slot 5 has a pci-testdev already');
    expect(() => new PciTestdev(board, { slot: 32 })).toThrow('there is no slot 32');
    const slots = Array.from({ length: 30 }, () => {
      const slot = board.pci.freeSlot();
      board.pci.plug(device, slot);
      return slot;
    });
    expect(slots).toEqual(Array.from({ length: 31 }, (_, index) => index + 1).filter((slot) => slot !== SLOT));
    expect(() => board.pci.freeSlot()).toThrow('all 32 slots are taken');
  });
});

it('BARs are placed side by side and decoded when no firmware does it', () => {
  const second = new PciTestdev(board);
  board.pci.placeBars();
  const places = [device, second].flatMap((one) => [one.addressOf(0)!, one.addressOf(1)!]);
  expect(new Set(places).size).toBe(4);
  for (const one of [device, second]) {
    expect(one.addressOf(0)! % 4096n).toBe(0n);
    expect(one.addressOf(1)! % 256n).toBe(0n);
  }
});
