// How functions interrupt, by the PCI Local Bus Specification 3.0: pins (2.2.6, 6.2.2, 6.2.3), MSI (6.8.1), MSI-X (6.8.2).
// The routes of the pins are the 82371SB's (order number 290550, registers 60h–63h), as wired on QEMU's i440FX board.

import { beforeEach, describe, expect, it } from 'vitest';
import { IsaBridge } from '../../src/machine/devices/pci/isa-bridge.js';
import { PciDevice, type PciFeatures } from '../../src/machine/devices/pci/pci-device.js';
import { TestBoard } from './board.js';

class Card extends PciDevice {
  readonly name = 'card';
  constructor(board: TestBoard, features: PciFeatures) {
    super(board, { vendor: 0x1234, device: 0x5678, revision: 0, classCode: 0xff_00_00 }, [], features);
  }
}

const COMMAND = 0x04;
const STATUS = 0x06;
const MASTER = 4;
const INTX_OFF = 0x400;

let board: TestBoard;
beforeEach(async () => {
  board = await TestBoard.create();
});

function plug(slot: number, features: PciFeatures, fn = 0): Card {
  const card = new Card(board, features);
  board.pci.plug(card, slot, fn);
  return card;
}

/** Where a capability is, found as software finds it. */
function capability(slot: number, id: number): number {
  expect(board.readConfig(slot, STATUS, 2)! & 0x10).toBe(0x10);
  for (let at = board.readConfig(slot, 0x34, 1)!; at !== 0; at = board.readConfig(slot, at + 1, 1)!) {
    if (board.readConfig(slot, at, 1) === id) return at;
  }
  throw new Error(`no capability ${id}`);
}

describe('pins', () => {
  it.each([
    [1, 1, 16],
    [1, 4, 19],
    [2, 1, 17],
    [3, 1, 18],
    [3, 2, 19],
    [4, 1, 19],
    [5, 1, 16],
    [31, 3, 16],
  ])('slot %i, pin %i leads to GSI %i', (slot, interruptPin, gsi) => {
    const card = plug(slot, { interruptPin });
    expect(board.readConfig(slot, 0x3d, 1)).toBe(interruptPin);
    card.setInterrupt(true);
    expect(board.changes).toEqual([[gsi, 1]]);
    card.setInterrupt(false);
    expect(board.changes).toEqual([
      [gsi, 1],
      [gsi, 0],
    ]);
  });

  it('share a wire: it falls when the last lets go', () => {
    const [a, b] = [plug(2, { interruptPin: 1 }), plug(6, { interruptPin: 1 })];
    a.setInterrupt(true);
    b.setInterrupt(true);
    a.setInterrupt(false);
    expect(board.levels.get(17)).toBe(1);
    b.setInterrupt(false);
    expect(board.changes).toEqual([
      [17, 1],
      [17, 0],
    ]);
  });

  it('are silent while the command register disables them; the status bit is not', () => {
    const card = plug(2, { interruptPin: 1 });
    board.writeConfig(2, COMMAND, INTX_OFF, 2);
    card.setInterrupt(true);
    expect([board.readConfig(2, STATUS, 2), board.levels.get(17)]).toEqual([8, undefined]);
    board.writeConfig(2, COMMAND, 0, 2);
    expect(board.levels.get(17)).toBe(1);
    board.writeConfig(2, COMMAND, INTX_OFF, 2);
    expect(board.levels.get(17)).toBe(0);
    card.setInterrupt(false);
    expect(board.readConfig(2, STATUS, 2)).toBe(0);
  });

  it('let go at a reset', () => {
    plug(2, { interruptPin: 1 }).setInterrupt(true);
    board.pci.reset();
    expect([board.levels.get(17), board.readConfig(2, STATUS, 2)]).toEqual([0, 0]);
  });

  it('nothing is pulled by a function that has none', () => {
    plug(2, {}).setInterrupt(true);
    expect(board.changes).toEqual([]);
  });
});

describe("the PIIX3's router", () => {
  let bridge: IsaBridge;
  beforeEach(() => {
    bridge = new IsaBridge(board);
    board.pci.plug(bridge, 1);
  });
  const route = (wire: number, value: number): void => board.writeConfig(1, 0x60 + wire, value, 1);
  const pulled = (): number[] => [...board.levels].filter(([, level]) => level === 1).map(([gsi]) => gsi);

  it('leads nowhere after a reset', () => {
    expect(board.readConfig(1, 0x60)).toBe(0x8080_8080);
    plug(2, { interruptPin: 1 }).setInterrupt(true);
    expect(pulled()).toEqual([17]);
  });

  it('leads to the input that the register names, while bit 7 is clear', () => {
    plug(2, { interruptPin: 1 }).setInterrupt(true);
    route(1, 10);
    expect(pulled()).toEqual([17, 10]);
    route(1, 11);
    expect(pulled()).toEqual([17, 11]);
    route(1, 0x8b);
    expect(pulled()).toEqual([17]);
    expect(board.readConfig(1, 0x61, 1)).toBe(0x8b);
  });

  it.each([0, 1, 2, 8, 13])('does not lead to input %i, which is reserved', (input) => {
    plug(2, { interruptPin: 1 }).setInterrupt(true);
    route(1, input);
    expect(pulled()).toEqual([17]);
  });

  it('ORs the wires that lead to one input', () => {
    const [a, b] = [plug(4, { interruptPin: 1 }), plug(5, { interruptPin: 1 })];
    bridge.routeInterrupts();
    route(3, 10);
    a.setInterrupt(true);
    b.setInterrupt(true);
    a.setInterrupt(false);
    expect(pulled()).toEqual([10, 16]);
    b.setInterrupt(false);
    expect(pulled()).toEqual([]);
  });

  it('is noted in the interrupt line registers when no firmware does it', () => {
    for (const slot of [2, 3, 4, 5]) plug(slot, { interruptPin: 1 });
    plug(6, {});
    bridge.routeInterrupts();
    board.pci.placeBars();
    expect([2, 3, 4, 5, 6].map((slot) => board.readConfig(slot, 0x3c, 1))).toEqual([10, 11, 11, 10, 0]);
  });

  it('comes back with a snapshot, and no line is touched by that', () => {
    const card = plug(2, { interruptPin: 1 });
    bridge.routeInterrupts();
    card.setInterrupt(true);
    const snapshot = board.vm.snapshot();
    card.setInterrupt(false);
    route(1, 0x80);
    const before = board.changes.length;
    board.vm.restore(snapshot);
    expect(board.changes.length).toBe(before);
    expect(board.readConfig(1, 0x61, 1)).toBe(10);
    card.setInterrupt(false);
    expect(board.changes.slice(before)).toEqual([]);
    card.setInterrupt(true);
    expect(board.changes.slice(before)).toEqual([
      [17, 1],
      [10, 1],
    ]);
  });
});

describe('MSI', () => {
  const SLOT = 2;
  function enabled(vectors: number, control: number): { card: Card; at: number } {
    const card = plug(SLOT, { interruptPin: 1, msi: vectors });
    const at = capability(SLOT, 0x05);
    board.writeConfig(SLOT, at + 4, 0xfee0_1000);
    board.writeConfig(SLOT, at + 8, 0x1);
    board.writeConfig(SLOT, at + 12, 0x4047, 2);
    board.writeConfig(SLOT, COMMAND, MASTER, 2);
    board.writeConfig(SLOT, at + 2, control, 2);
    return { card, at };
  }

  it('tells its vectors, 64 bits and masks in the control register', () => {
    plug(SLOT, { msi: 8 });
    const at = capability(SLOT, 0x05);
    expect(board.readConfig(SLOT, at + 2, 2)).toBe(0x0186);
    board.writeConfig(SLOT, at + 2, 0xffff, 2);
    expect(board.readConfig(SLOT, at + 2, 2)).toBe(0x01f7);
    board.writeConfig(SLOT, at + 4, 0xffff_ffff);
    board.writeConfig(SLOT, at + 16, 0xffff_ffff);
    expect([board.readConfig(SLOT, at + 4), board.readConfig(SLOT, at + 16)]).toEqual([0xffff_fffc, 0xff]);
  });

  it('sends address and data, the vector in the low bits that are allotted', () => {
    const { card, at } = enabled(8, 0x21);
    expect(card.signal(2)).toBe(true);
    card.signal(7);
    expect(board.messages).toEqual([
      [0xfee0_1000, 1, 0x4046],
      [0xfee0_1000, 1, 0x4047],
    ]);
    board.writeConfig(SLOT, at + 2, 0x01, 2);
    card.signal(3);
    expect(board.messages.at(-1)).toEqual([0xfee0_1000, 1, 0x4047]);
  });

  it('remembers what is masked, and sends it once when it is not any more', () => {
    const { card, at } = enabled(4, 0x21);
    board.writeConfig(SLOT, at + 16, 0b0110);
    for (const vector of [1, 1, 2]) card.signal(vector);
    expect([board.messages, board.readConfig(SLOT, at + 20)]).toEqual([[], 0b0110]);
    board.writeConfig(SLOT, at + 20, 0);
    board.writeConfig(SLOT, at + 16, 0b0100);
    expect([board.messages, board.readConfig(SLOT, at + 20)]).toEqual([[[0xfee0_1000, 1, 0x4045]], 0b0100]);
  });

  it('takes the place of the pin, and needs a bus master', () => {
    const { card, at } = enabled(1, 1);
    card.setInterrupt(true);
    expect(board.changes).toEqual([]);
    board.writeConfig(SLOT, COMMAND, 0, 2);
    expect(card.signal(0)).toBe(true);
    board.writeConfig(SLOT, at + 2, 0, 2);
    expect(card.signal(0)).toBe(false);
    expect([board.messages, board.changes]).toEqual([[], [[17, 1]]]);
  });
});

describe('MSI-X', () => {
  const SLOT = 2;
  const BAR = 0xfe02_0000;
  function enabled(vectors: number, control = 0x8000): { card: Card; at: number; pba: number } {
    const card = plug(SLOT, { interruptPin: 1, msix: { bar: 1, vectors } });
    const at = capability(SLOT, 0x11);
    board.writeConfig(SLOT, 0x14, BAR);
    board.writeConfig(SLOT, COMMAND, MASTER | 2, 2);
    board.writeConfig(SLOT, at + 2, control, 2);
    const pending = board.readConfig(SLOT, at + 8)!;
    expect([board.readConfig(SLOT, at + 4)! & 7, pending & 7]).toEqual([1, 1]);
    return { card, at, pba: BAR + pending - 1 };
  }
  function program(vector: number, masked = 0): void {
    const entry = BAR + vector * 16;
    board.store(entry, 0xfee0_2000);
    board.store(entry + 4, 0);
    board.store(entry + 8, 0x30 + vector);
    board.store(entry + 12, masked);
  }

  it('tells the size of its table, less one, and has it masked', () => {
    const { at } = enabled(33);
    expect(board.readConfig(SLOT, at + 2, 2)).toBe(0x8020);
    expect([0, 4, 8, 12].map((offset) => board.load(BAR + 32 * 16 + offset))).toEqual([0, 0, 0, 1]);
    board.store(BAR, 0xffff_ffff);
    board.store(BAR + 12, 0xffff_ffff);
    expect([board.load(BAR), board.load(BAR + 12)]).toEqual([0xffff_fffc, 1]);
  });

  it.each([1, 128, 129, 2048])('%i vectors: table and pending bits are apart, within the BAR', (vectors) => {
    const { pba } = enabled(vectors);
    board.writeConfig(SLOT, 0x14, 0xffff_ffff);
    const size = -(board.readConfig(SLOT, 0x14)! | 0);
    expect(pba - BAR).toBeGreaterThanOrEqual(vectors * 16);
    expect(pba - BAR + Math.ceil(vectors / 64) * 8).toBeLessThanOrEqual(size);
  });

  it('sends what the table says', () => {
    const { card } = enabled(4);
    program(3);
    expect(card.signal(3)).toBe(true);
    expect(board.messages).toEqual([[0xfee0_2000, 0, 0x33]]);
    for (const senseless of [-1, 4, 5000]) card.signal(senseless);
    expect(board.messages.length).toBe(1);
  });

  it('remembers what a vector masks, and what the function masks', () => {
    const { card, at, pba } = enabled(70, 0xc000);
    program(0);
    program(65, 1);
    for (const vector of [0, 65, 65]) card.signal(vector);
    expect([board.load(pba), board.load(pba + 8)]).toEqual([1, 2]);
    board.store(pba, 0);
    board.writeConfig(SLOT, at + 2, 0x8000, 2);
    expect([board.messages, board.load(pba), board.load(pba + 8)]).toEqual([[[0xfee0_2000, 0, 0x30]], 0, 2]);
    board.store(BAR + 65 * 16 + 12, 0);
    expect([board.messages.length, board.messages[1], board.load(pba + 8)]).toEqual([2, [0xfee0_2000, 0, 0x71], 0]);
  });

  it('comes back with a snapshot', () => {
    const { card } = enabled(4);
    program(1);
    const snapshot = board.vm.snapshot();
    board.pci.reset();
    expect(card.signal(1)).toBe(false);
    board.vm.restore(snapshot);
    card.signal(1);
    expect(board.messages).toEqual([[0xfee0_2000, 0, 0x31]]);
  });

  it('takes no number of vectors that there cannot be', () => {
    expect(() => new Card(board, { msix: { bar: 0, vectors: 2049 } })).toThrow('there can be 1…2048');
    expect(() => new Card(board, { msi: 3 })).toThrow('there can be 1, 2, 4, 8, 16 or 32');
  });
});
