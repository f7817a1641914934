// fw_cfg against QEMU's description of it (docs/specs/fw_cfg.rst) and the e820 and table-loader formats that SeaBIOS reads.

import { beforeEach, describe, expect, it } from 'vitest';
import { FW_CFG_PORT, FW_CFG_PORTS, FwCfg } from '../../src/machine/devices/fw-cfg.js';
import { describePc } from '../../src/machine/firmware-config.js';
import { Random } from '../../src/fuzz/random.js';
import { TestBoard } from './board.js';

let board: TestBoard;
let device: FwCfg;
beforeEach(async () => {
  board = await TestBoard.create();
  board.vm.setMemoryRegion({ slot: 0, guestPhysAddr: 0n, memorySize: 0x10_0000 });
  device = new FwCfg({ memory: board.vm.memory });
  board.vm.pio.claim({ addr: BigInt(FW_CFG_PORT), len: FW_CFG_PORTS, device });
});

const text = (bytes: Iterable<number>): string => String.fromCharCode(...bytes);
const select = (item: number): boolean => board.out(0x510, item, 2);
const take = (count: number): number[] => Array.from({ length: count }, () => board.in(0x511, 1)!);

const REQUEST = 0x1000;
const TARGET = 0x2000;
/** A DMA request, and the control word that is left of it. */
function dma(control: number, length: number, address = TARGET, at = REQUEST): number {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, control);
  view.setUint32(4, length);
  view.setBigUint64(8, BigInt(address));
  board.vm.memory.write(at, bytes);
  kick(at);
  return new DataView(board.vm.memory.read(at, 4).buffer).getUint32(0);
}
const swapped = (value: number): number => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return view.getUint32(0, true);
};
const kick = (at: number, high = 0): void => {
  board.out(0x514, swapped(high));
  board.out(0x518, swapped(at));
};
/** What the directory says of a file: its number and size. */
function find(name: string): { item: number; size: number } {
  select(0x19);
  const big = (bytes: number[]): number => bytes.reduce((value, byte) => value * 256 + byte, 0);
  for (let left = big(take(4)); left > 0; left--) {
    const [size, item] = [big(take(4)), big(take(2))];
    take(2);
    if (text(take(56)).split('\0')[0] === name) return { item, size };
  }
  throw new Error(`no file ${name}`);
}
function file(name: string): Uint8Array {
  const { item, size } = find(name);
  select(item);
  return Uint8Array.from(take(size));
}

describe('by ports', () => {
  it('says QEMU, and has ports and DMA', () => {
    select(0);
    expect(text(take(4))).toBe('QEMU');
    select(1);
    expect(take(4)).toEqual([3, 0, 0, 0]);
  });

  it('gives zeros behind an item, and for items that there are not', () => {
    select(0);
    expect(take(6)).toEqual([0x51, 0x45, 0x4d, 0x55, 0, 0]);
    for (const item of [0x1234, 0xffff, 0x19 | 0x8000]) {
      select(item);
      expect(take(2)).toEqual([0, 0]);
    }
  });

  it('begins anew with each selection, and keeps what is written out', () => {
    select(0);
    take(2);
    board.out(0x511, 0x41, 1);
    select(0);
    expect(text(take(2))).toBe('QE');
  });

  it('lists files by name', () => {
    device.setFile('opt/b', Uint8Array.of(1, 2, 3));
    device.setFile('opt/a', Uint8Array.of(9));
    device.setFile('opt/b', Uint8Array.of(4, 5));
    expect(find('opt/a')).toEqual({ item: 0x20, size: 1 });
    expect(find('opt/b')).toEqual({ item: 0x21, size: 2 });
    expect([...file('opt/b')]).toEqual([4, 5]);
    for (const name of ['', 'x'.repeat(56), 'a b', 'ä']) {
      expect(() => device.setFile(name, new Uint8Array(1))).toThrow('a file');
    }
  });

  it('comes back with a snapshot in the middle of an item', () => {
    select(0);
    take(1);
    const snapshot = board.vm.snapshot();
    take(3);
    select(1);
    board.vm.restore(snapshot);
    expect(text(take(3))).toBe('EMU');
  });
});

describe('by DMA', () => {
  beforeEach(() =>
    device.setFile(
      'opt/f',
      Uint8Array.from({ length: 200 }, (_, index) => index),
    ),
  );

  it('is there: the address registers read QEMU CFG', () => {
    const bytes = [0x514, 0x518].flatMap((port) => {
      const value = board.in(port, 4)!;
      return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
    });
    expect(text(bytes)).toBe('QEMU CFG');
    expect(text(Array.from({ length: 8 }, (_, index) => board.in(0x514 + index, 1)!))).toBe('QEMU CFG');
  });

  it('selects and reads in one request', () => {
    const { item } = find('opt/f');
    expect(dma((item << 16) | 0x0a, 50)).toBe(0);
    expect([...board.vm.memory.read(TARGET, 51)]).toEqual([...Array.from({ length: 50 }, (_, index) => index), 0]);
  });

  it('reads on, skips, and gives zeros behind the end', () => {
    const { item } = find('opt/f');
    dma((item << 16) | 0x0a, 10);
    expect(dma(0x04, 185)).toBe(0);
    board.vm.memory.fill(TARGET, 0xee, 10);
    expect(dma(0x02, 8)).toBe(0);
    expect([...board.vm.memory.read(TARGET, 9)]).toEqual([195, 196, 197, 198, 199, 0, 0, 0, 0xee]);
    expect(take(1)).toEqual([0]);
  });

  it('refuses to write items, and memory that is not there', () => {
    const { item } = find('opt/f');
    expect(dma((item << 16) | 0x18, 4)).toBe(1);
    expect(dma((item << 16) | 0x0a, 4, 0x10_0000)).toBe(1);
    expect(dma((item << 16) | 0x0a, 200, 0xf_ffc0)).toBe(1);
    expect(dma((item << 16) | 0x0a, 4, 2 ** 62)).toBe(1);
    expect([...file('opt/f').subarray(0, 3)]).toEqual([0, 1, 2]);
  });

  it('does nothing for a request that is nowhere', () => {
    for (const [at, high] of [
      [0xf_fff8, 0],
      [0x1000, 1],
      [0xffff_fff8, 0xffff_ffff],
    ] as const) {
      kick(at, high);
    }
    expect(text((select(0), take(4)))).toBe('QEMU');
  });

  it('survives anything, at once', () => {
    const random = new Random(7);
    for (let round = 0; round < 2000; round++) {
      const control = random.below(2 ** 32);
      const length = random.below(4) === 0 ? random.below(2 ** 32) : random.below(0x1000);
      dma(control, length, random.below(0x20_0000), random.below(0xf_fff0));
    }
    select(0);
    expect(text(take(4))).toBe('QEMU');
  });
});

describe('of a PC', () => {
  const MIB = 2 ** 20;

  it('tells processors and memory', () => {
    describePc(device, { cpus: 3, memory: 64 * MIB });
    select(5);
    expect(take(2)).toEqual([3, 0]);
    select(0xf);
    expect(take(2)).toEqual([3, 0]);
    select(3);
    expect(take(8)).toEqual([0, 0, 0, 4, 0, 0, 0, 0]);
    const e820 = new DataView(file('etc/e820').buffer);
    const ranges = Array.from({ length: e820.byteLength / 20 }, (_, index) => [
      Number(e820.getBigUint64(index * 20, true)),
      Number(e820.getBigUint64(index * 20 + 8, true)),
      e820.getUint32(index * 20 + 16, true),
    ]);
    expect(ranges).toEqual([
      [0, 64 * MIB, 1],
      [0xb000_0000, 256 * MIB, 2],
    ]);
  });

  it('has the boot order and the files of the user', () => {
    const path = '/pci@i0cf8/ide@1,1/drive@0/disk@0';
    describePc(device, { cpus: 1, memory: 64 * MIB, bootOrder: [path], files: { 'opt/x/y': Uint8Array.of(7) } });
    expect(text(file('bootorder'))).toBe(`${path}\n\0`);
    expect([...file('opt/x/y')]).toEqual([7]);
    expect(() => describePc(device, { cpus: 1, memory: MIB, files: { 'etc/x': new Uint8Array(1) } })).toThrow('opt/');
  });

  it('makes items when one is asked for, and not for a guest that only looks whether there is a fw_cfg', async () => {
    let calls = 0;
    const other = await TestBoard.create();
    const lazy = new FwCfg({
      memory: other.vm.memory,
      describe: (fwCfg) => {
        calls++;
        describePc(fwCfg, { cpus: 2, memory: 64 * MIB });
      },
    });
    other.vm.pio.claim({ addr: BigInt(FW_CFG_PORT), len: FW_CFG_PORTS, device: lazy });
    const takeThere = (count: number): number[] => Array.from({ length: count }, () => other.in(0x511, 1)!);
    other.out(0x510, 0, 2);
    expect(text(takeThere(4))).toBe('QEMU');
    lazy.reset();
    expect(calls).toBe(0);
    other.out(0x510, 5, 2);
    expect(takeThere(2)).toEqual([2, 0]);
    other.out(0x510, 0xf, 2);
    expect(takeThere(2)).toEqual([2, 0]);
    expect(calls).toBe(1);
  });
});
