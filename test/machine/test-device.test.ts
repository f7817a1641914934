// The test guests' device. Ports, sizes and values are what QEMU's pc-testdev answers to the same accesses by its monitor
// (`i`, `o`, `xp`, `info mtree`), and the uses that kvm-unit-tests makes of it.

import { beforeEach, expect, it } from 'vitest';
import { DeviceOptionError, parseDevice } from '../../src/machine/devices/option.js';
import { DEVICE_TYPES } from '../../src/machine/devices/registry.js';
import type { TestDevice } from '../../src/machine/devices/test-device.js';
import { TestBoard } from './board.js';

let board: TestBoard;
let device: TestDevice;

beforeEach(async () => {
  board = await TestBoard.create();
  const { type, values } = parseDevice('test-device', DEVICE_TYPES);
  device = type.create(board, values) as TestDevice;
});

it('port E0h remembers, by 1, 2 and 4 bytes', () => {
  board.out(0xe0, 0x1234_5678);
  expect([board.in(0xe0, 1), board.in(0xe1, 1), board.in(0xe2, 2), board.in(0xe0)]).toEqual([
    0x78, 0x56, 0x1234, 0x1234_5678,
  ]);
  board.out(0xe0, 0xaa, 1);
  board.out(0xe2, 0xbbcc, 2);
  expect(board.in(0xe0)! >>> 0).toBe(0xbbcc_56aa);
});

it('port E4h takes a page’s address, and reads as zero', () => {
  expect(board.out(0xe4, 0x1000)).toBe(true);
  expect(board.in(0xe4)).toBe(0);
});

it('ports 2000h…2017h are interrupt lines 0…23', () => {
  for (let gsi = 0; gsi < 24; gsi++) board.out(0x2000 + gsi, 1, 1);
  board.out(0x2005, 0, 1);
  board.out(0x2006, 0x80, 1);
  expect([...board.levels.entries()].filter(([, level]) => level === 1).length).toBe(23);
  expect([board.levels.get(5), board.levels.get(6)]).toEqual([0, 1]);
  expect(board.out(0x2018, 1, 1)).toBe(false);
  device.reset();
  expect([...board.levels.values()].some((level) => level === 1)).toBe(false);
});

it('64 KiB of memory at FF000000h', () => {
  expect(board.load(0xff00_0000)).toBe(0);
  board.store(0xff00_0000, 0x5a, 1);
  board.store(0xff00_fffc, 0x1122_3344);
  expect([board.load(0xff00_0000), board.load(0xff00_fffe, 2)]).toEqual([0x5a, 0x1122]);
  expect(board.load(0xff01_0000)).toBeUndefined();
});

it('is in snapshots', () => {
  board.out(0xe0, 1);
  board.store(0xff00_0010, 2);
  board.out(0x2003, 1, 1);
  const snapshot = board.vm.snapshot();
  board.out(0xe0, 3);
  board.store(0xff00_0010, 4);
  board.vm.restore(snapshot);
  expect([board.in(0xe0), board.load(0xff00_0010)]).toEqual([1, 2]);
});

it('close takes it off, and lets lines go; it has no options', () => {
  expect(() => parseDevice('test-device,port=1', DEVICE_TYPES)).toThrow(DeviceOptionError);
  board.out(0x2003, 1, 1);
  device.close();
  expect([board.in(0xe0), board.in(0x2003, 1), board.load(0xff00_0000), board.levels.get(3)]).toEqual([
    undefined,
    undefined,
    undefined,
    0,
  ]);
});
