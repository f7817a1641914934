// pci-testdev against the table and the rules of kvm-ioeventfd-spec 6.4 (QEMU docs/specs/pci-testdev).

import { beforeEach, describe, expect, it } from 'vitest';
import { PciTestdev } from '../../src/machine/devices/pci/pci-testdev.js';
import { TestBoard } from './board.js';

const MEM = 0xfe01_0000;
const IO = 0xc000;
const SLOT = 3;

let board: TestBoard;
let device: PciTestdev;

beforeEach(async () => {
  board = await TestBoard.create();
  device = new PciTestdev(board, { slot: SLOT });
  board.writeConfig(SLOT, 0x10, MEM);
  board.writeConfig(SLOT, 0x14, IO);
  board.writeConfig(SLOT, 0x04, 3, 2);
});

/** What a guest does with one of the BARs. */
const bars = {
  mem: {
    read: (offset: number, length = 1) => board.load(MEM + offset, length),
    write: (offset: number, value: number, length = 1) => board.store(MEM + offset, value, length),
  },
  io: {
    read: (offset: number, length = 1) => board.in(IO + offset, length),
    write: (offset: number, value: number, length = 1) => board.out(IO + offset, value, length),
  },
};

const TABLE = [
  ['mem', 0, 0, 'mmio-no-eventfd', 2048, 0xfa],
  ['mem', 1, 1, 'mmio-wildcard-eventfd', 2049, 0xce],
  ['mem', 2, 2, 'mmio-datamatch-eventfd', 2050, 0xfa],
  ['io', 0, 3, 'portio-no-eventfd', 131, 0xfa],
  ['io', 1, 4, 'portio-wildcard-eventfd', 132, 0xce],
  ['io', 2, 5, 'portio-datamatch-eventfd', 133, 0xfa],
] as const;

it('is 1b36:0005, class 0x00ff, revision 0, without an interrupt pin', () => {
  expect(board.readConfig(SLOT, 0x00)).toBe(0x0005_1b36);
  expect(board.readConfig(SLOT, 0x08)).toBe(0x00ff_0000);
  expect(board.readConfig(SLOT, 0x3d, 1)).toBe(0);
});

describe.each(TABLE)('%s test %i', (kind, number, index, name, offset, data) => {
  const bar = bars[kind];
  const hasEventfd = !name.includes('-no-');
  const wildcard = name.includes('wildcard');

  it('has the header of the table', () => {
    bar.write(0, number);
    expect(bar.read(0)).toBe(index);
    expect(bar.read(1)).toBe(1);
    expect(bar.read(2, 2)).toBe(0);
    expect(bar.read(4, 4)).toBe(offset);
    expect(bar.read(8, 4)).toBe(data);
    expect(bar.read(12, 4)).toBe(0);
    let text = '';
    for (let at = 16; bar.read(at) !== 0; at++) text += String.fromCharCode(bar.read(at)!);
    expect(text).toBe(name);
    expect(bar.read(16 + name.length + 1)).toBe(0);
    expect(device.runningTest).toBe(index);
  });

  it('counts the right write, in the device or in the eventfd, never in both', () => {
    bar.write(0, number);
    for (let kick = 0; kick < 16; kick++) bar.write(offset, data);
    expect(device.fd.count).toBe(hasEventfd ? 16n : 0n);
    expect(bar.read(12, 4)).toBe(hasEventfd ? 0 : 16);
  });

  it('another value counts only for a wildcard', () => {
    bar.write(0, number);
    bar.write(offset, 0x11);
    expect(device.fd.count).toBe(wildcard ? 1n : 0n);
    expect(bar.read(12, 4)).toBe(0);
  });

  it('a wider write is taken byte by byte, unless the eventfd takes any length', () => {
    bar.write(0, number);
    bar.write(offset, data, 2);
    expect(device.fd.count).toBe(name === 'mmio-wildcard-eventfd' ? 1n : 0n);
    expect(bar.read(12, 4)).toBe(name === 'mmio-wildcard-eventfd' ? 0 : 1);
  });

  it('other places do not count', () => {
    bar.write(0, number);
    for (const other of [1, 12, offset - 1, offset + 1]) bar.write(other, data);
    bars[kind === 'mem' ? 'io' : 'mem'].write(kind === 'mem' ? 131 + number : 2048 + number, data);
    expect(device.fd.count).toBe(0n);
    expect(bar.read(12, 4)).toBe(0);
  });

  it('reading drains the eventfd', () => {
    bar.write(0, number);
    bar.write(offset, data);
    bar.read(200);
    expect(device.fd.count).toBe(hasEventfd ? 1n : 0n);
    bar.read(1);
    expect(device.fd.count).toBe(0n);
  });

  it('starting again begins at zero', () => {
    bar.write(0, number);
    bar.write(offset, data);
    bar.write(0, number);
    expect(device.fd.count).toBe(0n);
    expect(bar.read(12, 4)).toBe(0);
  });

  it('follows its BAR when that moves, and stops while it is not decoded', () => {
    bar.write(0, number);
    board.writeConfig(SLOT, 0x04, 0, 2);
    expect(bar.write(offset, data)).toBe(false);
    board.writeConfig(SLOT, kind === 'mem' ? 0x10 : 0x14, kind === 'mem' ? MEM + 0x1000 : IO + 0x100);
    board.writeConfig(SLOT, 0x04, 3, 2);
    expect(bar.write(offset, data)).toBe(false);
    bar.write(offset + (kind === 'mem' ? 0x1000 : 0x100), data);
    expect(device.fd.count).toBe(hasEventfd ? 1n : 0n);
  });
});

it('without a test reads give zero and writes do nothing', () => {
  expect([0, 4, 8, 12, 16].map((at) => bars.mem.read(at, 4))).toEqual([0, 0, 0, 0, 0]);
  bars.mem.write(2048, 0xfa);
  bars.mem.write(0, 0);
  expect(bars.mem.read(12, 4)).toBe(0);
});

it('a test number of 3 or more ends the test, and selects none', () => {
  bars.mem.write(0, 1);
  bars.mem.write(0, 3);
  expect(bars.mem.read(0, 4)).toBe(0);
  bars.mem.write(2049, 0xce);
  expect([device.fd.count, device.runningTest]).toEqual([0n, undefined]);
});

it('one test runs for both BARs', () => {
  bars.mem.write(0, 2);
  bars.io.write(0, 0);
  expect([bars.mem.read(0), bars.io.read(0)]).toEqual([3, 3]);
  bars.mem.write(2050, 0xfa);
  expect(device.fd.count).toBe(0n);
});

it('the wildcard in memory is a doorbell, and no other is', () => {
  bars.mem.write(0, 1);
  expect(board.vm.doorbells.lookup(MEM + 2049, 0)).toBeGreaterThanOrEqual(0);
  bars.mem.write(0, 2);
  expect(board.vm.doorbells.empty).toBe(true);
  bars.io.write(0, 1);
  expect(board.vm.doorbells.empty).toBe(true);
});

it('two devices at one address do no harm: the second one counts itself', () => {
  const second = new PciTestdev(board, { slot: 4 });
  bars.mem.write(0, 1);
  board.writeConfig(4, 0x10, MEM + 0x1000);
  board.writeConfig(4, 0x04, 2, 2);
  board.store(MEM + 0x1000, 1, 1);
  board.writeConfig(4, 0x10, MEM);
  bars.mem.write(2049, 0xce);
  expect([device.fd.count, second.fd.count]).toEqual([1n, 0n]);
  second.close();
  bars.mem.write(2049, 0xce);
  expect(device.fd.count).toBe(2n);
});

it('reset and close stop the test', () => {
  bars.mem.write(0, 1);
  device.reset();
  expect([board.vm.doorbells.empty, device.runningTest]).toEqual([true, undefined]);
  device.close();
  expect(device.fd.closed).toBe(true);
});
