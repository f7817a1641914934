// Devices by name, and the page of doorbells (guests/README.md says where each kick goes).

import { describe, expect, it } from 'vitest';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { parseDevice } from '../../src/machine/devices/option.js';
import { DEVICE_TYPES } from '../../src/machine/devices/registry.js';
import { TestBoard } from './board.js';

describe('NAME,KEY=VALUE', () => {
  it('fills in defaults, and takes decimal and hexadecimal numbers', () => {
    expect(parseDevice('doorbells', DEVICE_TYPES).values).toEqual({ addr: 0xfe00_1000, port: 0x7d0 });
    expect(parseDevice('doorbells,port=1536,addr=0xFD000000', DEVICE_TYPES).values).toEqual({
      addr: 0xfd00_0000,
      port: 0x600,
    });
    expect(parseDevice('pci-testdev,addr=7', DEVICE_TYPES).type.name).toBe('pci-testdev');
  });

  it.each([
    ['floppy', 'no device is called "floppy"; there are doorbells, pci-testdev, test-device'],
    ['', 'no device is called ""; there are doorbells, pci-testdev, test-device'],
    ['doorbells,', 'device doorbells: no option is called ""; there are addr, port'],
    ['doorbells,colour=red', 'device doorbells: no option is called "colour"; there are addr, port'],
    ['doorbells,toString=1', 'device doorbells: no option is called "toString"; there are addr, port'],
    ['doorbells,addr', 'device doorbells: option addr needs a value: addr=NUMBER'],
    ['doorbells,addr=', 'device doorbells: option addr: "" is not a number (decimal, or 0x…)'],
    ['doorbells,addr=12monkeys', 'device doorbells: option addr: "12monkeys" is not a number (decimal, or 0x…)'],
    ['doorbells,addr=-4096', 'device doorbells: option addr: "-4096" is not a number (decimal, or 0x…)'],
    ['doorbells,addr=1e9', 'device doorbells: option addr: "1e9" is not a number (decimal, or 0x…)'],
    ['doorbells,addr=0x100000000', 'device doorbells: option addr: 0x100000000 is not in 0x0…0xfffff000'],
    ['doorbells,addr=0xfe001001', 'device doorbells: option addr: 0xfe001001 is not a multiple of 4096'],
    ['doorbells,port=2,port=4', 'device doorbells: option port is given twice'],
    ['pci-testdev,addr=0', 'device pci-testdev: option addr: 0 is not in 0x1…0x1f'],
  ])('%s: %s', (text, message) => {
    expect(() => parseDevice(text, DEVICE_TYPES)).toThrow(
      expect.objectContaining({ name: 'DeviceOptionError', message }),
    );
  });
});

describe('the page of doorbells', () => {
  const PAGE = 0xfe00_1000;
  const KICK = 0xfa;

  async function page(): Promise<{ board: TestBoard; page: DoorbellPage }> {
    const board = await TestBoard.create();
    return { board, page: new DoorbellPage(board, { addr: PAGE, port: 0x7d0 }) };
  }

  /** Every counter there is, by the kick's name. */
  const counts = (doorbells: DoorbellPage): Record<string, number> => ({
    'mmio-none': doorbells.mmioNone.count,
    'mmio-wildcard': Number(doorbells.mmioWildcard.count),
    'mmio-datamatch': Number(doorbells.mmioDatamatch.count),
    pv: Number(doorbells.pv.count),
    hypercall: Number(doorbells.hypercall.count),
    'pio-none': doorbells.pioNone.count,
    'pio-wildcard': Number(doorbells.pioWildcard.count),
    'pio-datamatch': Number(doorbells.pioDatamatch.count),
  });
  const zeros = Object.fromEntries(
    [
      'mmio-none',
      'mmio-wildcard',
      'mmio-datamatch',
      'pv',
      'hypercall',
      'pio-none',
      'pio-wildcard',
      'pio-datamatch',
    ].map((name) => [name, 0]),
  );

  it.each([
    ['mmio-none', 'store', PAGE],
    ['mmio-wildcard', 'store', PAGE + 0x10],
    ['mmio-datamatch', 'store', PAGE + 0x20],
    ['pv', 'store', PAGE + 0x30],
    ['hypercall', 'store', PAGE + 0x40],
    ['pio-none', 'out', 0x7d0],
    ['pio-wildcard', 'out', 0x7d2],
    ['pio-datamatch', 'out', 0x7d4],
  ] as const)('%s counts a 16-bit %s at 0x%s, and nothing else does', async (name, how, where) => {
    const { board, page: doorbells } = await page();
    expect(board[how](where, KICK, 2)).toBe(true);
    expect(counts(doorbells)).toEqual({ ...zeros, [name]: 1 });
  });

  it('asks for the length and the value of each kick', async () => {
    const { board, page: doorbells } = await page();
    for (const offset of [0x10, 0x20, 0x30, 0x40]) expect(board.store(PAGE + offset, KICK, 4)).toBe(false);
    expect(board.store(PAGE + 0x20, 0xfb, 2)).toBe(false);
    expect(board.out(0x7d4, 0xfb, 2)).toBe(false);
    expect(board.out(0x7d2, KICK, 1)).toBe(false);
    expect(counts(doorbells)).toEqual(zeros);
  });

  it('has two doorbells that are asked before anything is decoded: pv and hypercall', async () => {
    const { board } = await page();
    expect([...board.vm.doorbells.entries()].map(({ addr, len }) => ({ addr, len }))).toEqual([
      { addr: 0xfe00_1030n, len: 2 },
      { addr: 0xfe00_1040n, len: 2 },
    ]);
  });

  it('forgets the kicks at reset, and leaves the buses as they were when closed', async () => {
    const { board, page: doorbells } = await page();
    board.store(PAGE, KICK, 2);
    board.store(PAGE + 0x30, KICK, 2);
    doorbells.reset();
    expect(counts(doorbells)).toEqual(zeros);
    doorbells.close();
    for (const offset of [0, 0x10, 0x20, 0x30, 0x40]) expect(board.store(PAGE + offset, KICK, 2)).toBe(false);
    for (const port of [0x7d0, 0x7d2, 0x7d4]) expect(board.out(port, KICK, 2)).toBe(false);
    expect(board.vm.doorbells.empty).toBe(true);
  });

  it('cannot stand where one stands already, and leaves nothing behind when it fails', async () => {
    const { board, page: doorbells } = await page();
    expect(() => new DoorbellPage(board, { addr: PAGE, port: 0x600 })).toThrow('EEXIST');
    board.store(PAGE, KICK, 2);
    expect(counts(doorbells)).toEqual({ ...zeros, 'mmio-none': 1 });
    expect(board.out(0x600, KICK, 2)).toBe(false);
  });
});
