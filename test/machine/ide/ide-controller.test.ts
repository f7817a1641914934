// The PIIX3's IDE function: PCI identity and decoding (82371SB datasheet, order number 290550, 2.3), bus-master DMA ("Programming
// Interface for Bus Master IDE Controller", revision 1.0), and snapshots.

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { BlockError, MemoryDisk, OverlayDisk } from '../../../src/machine/block/index.js';
import type { IdeController } from '../../../src/machine/devices/ide/ide-controller.js';
import type { TestBoard } from '../board.js';
import { BUS_MASTER, DRQ, ERR, IDLE, plugIn, RAM, RAM_SIZE, SLOT, type AtaHost } from './ata-host.js';

const SECTORS = 1000;
const TABLE = RAM + 0x8_0000;
/** BMIC: start, and the direction that a read of the disk has. BMIS: active, error, interrupt. */
const START = 0x01;
const TO_MEMORY = 0x08;
const ACTIVE = 0x01;
const ERROR = 0x02;
const INTERRUPT = 0x04;

function pattern(sectors = SECTORS): Uint8Array {
  const made = new Uint8Array(sectors * 512);
  for (let at = 0; at < made.length; at++) made[at] = at * 3 + (at >> 9) * 5 + 1;
  return made;
}

let bytes: Uint8Array;
let board: TestBoard;
let host: AtaHost;
let ide: IdeController;

beforeEach(async () => {
  bytes = pattern();
  ({ board, host, ide } = await plugIn({ disks: [{ backend: new OverlayDisk(new MemoryDisk(bytes)) }] }));
});

const start = (direction: number): boolean => board.out(BUS_MASTER, direction | START, 1);
const stop = (): boolean => board.out(BUS_MASTER, 0, 1);
const masterStatus = (): number => board.in(BUS_MASTER + 2, 1)! & 7;
const memory = (at: number, length: number): Uint8Array => board.vm.memory.read(at, length);

describe('PCI', () => {
  it('is 8086:7010, an IDE controller with bus master at fixed ports, its only BAR 16 ports at BAR 4', () => {
    expect(board.readConfig(SLOT, 0)).toBe(0x7010_8086);
    expect(board.readConfig(SLOT, 8)! >>> 8).toBe(0x01_01_80);
    board.writeConfig(SLOT, 0x20, 0xffff_ffff);
    expect(board.readConfig(SLOT, 0x20)).toBe(0xffff_fff1);
    for (const bar of [0x10, 0x14, 0x18, 0x1c, 0x24]) {
      board.writeConfig(SLOT, bar, 0xffff_ffff);
      expect(board.readConfig(SLOT, bar)).toBe(0);
    }
  });

  it('IDETIM bit 15 decodes the ports of each channel', () => {
    expect([board.readConfig(SLOT, 0x41, 1)! & 0x80, board.readConfig(SLOT, 0x43, 1)! & 0x80]).toEqual([0x80, 0x80]);
    board.writeConfig(SLOT, 0x40, 0x8000_2300);
    expect([board.in(0x1f7, 1), board.in(0x3f6, 1), board.out(0x1f0, 0, 2)]).toEqual([undefined, undefined, false]);
    expect(board.in(0x177, 1)).toBeDefined();
    board.writeConfig(SLOT, 0x41, 0xa3, 1);
    expect(host.status).toBe(IDLE);
    expect(board.readConfig(SLOT, 0x40)).toBe(0x8000_a300);
    board.writeConfig(SLOT, 0x44, 0xffff_ffff);
    expect(board.readConfig(SLOT, 0x44)).toBe(0xff);
  });

  it('reset and close', () => {
    host.issue({ command: 0x20 });
    expect(host.line).toBe(1);
    ide.reset();
    expect([host.line, host.status, board.in(BUS_MASTER, 1)]).toEqual([0, IDLE, undefined]);
    ide.close();
    expect(board.in(0x1f7, 1)).toBeUndefined();
  });
});

describe('bus master', () => {
  it('reads into scattered memory: INTRQ, interrupt set, active clear', () => {
    host.prds(TABLE, [
      [RAM + 0x100, 512],
      [RAM + 0x2000, 1022],
      [RAM + 0x1002, 2],
    ]);
    host.issue({ command: 0xc8, lba: 3, count: 3 });
    expect([host.line, masterStatus()]).toEqual([0, 0]);
    start(TO_MEMORY);
    expect([host.line, masterStatus()]).toEqual([1, INTERRUPT]);
    expect(host.status).toBe(IDLE);
    const read = Buffer.concat([memory(RAM + 0x100, 512), memory(RAM + 0x2000, 1022), memory(RAM + 0x1002, 2)]);
    expect(Buffer.compare(read, bytes.subarray(3 * 512, 6 * 512))).toBe(0);
    board.out(BUS_MASTER + 2, INTERRUPT, 1);
    stop();
    expect(masterStatus()).toBe(0);
  });

  it.each([
    [0xca, false],
    [0x35, true],
  ])('command %i writes from scattered memory', (command, ext) => {
    const data = pattern(2).reverse();
    board.vm.memory.write(RAM + 0x1ffe, data.subarray(0, 700));
    board.vm.memory.write(RAM, data.subarray(700));
    host.prds(TABLE, [
      [RAM + 0x1ffe, 700],
      [RAM, 324],
    ]);
    host.issue({ command, lba: 10, count: 2, ext });
    start(0);
    expect([masterStatus(), host.status]).toEqual([INTERRUPT, IDLE]);
    host.issue({ command: 0x20, lba: 10, count: 2 });
    expect(Buffer.compare(host.readWords(1024), data)).toBe(0);
  });

  it('a count of 0 in a PRD is 64 KiB, and bit 0 of its address is none', () => {
    host.prds(TABLE, [[RAM + 1, 0]]);
    host.issue({ command: 0x25, lba: 0, count: 128, ext: true });
    start(TO_MEMORY);
    expect([masterStatus(), host.status]).toEqual([INTERRUPT, IDLE]);
    expect(Buffer.compare(memory(RAM, 0x1_0000), bytes.subarray(0, 0x1_0000))).toBe(0);
  });

  it('may be started before the command comes', () => {
    host.prds(TABLE, [[RAM, 512]]);
    start(TO_MEMORY);
    expect(masterStatus()).toBe(ACTIVE);
    host.issue({ command: 0xc8, lba: 1 });
    expect([host.line, masterStatus()]).toEqual([1, INTERRUPT]);
    expect(Buffer.compare(memory(RAM, 512), bytes.subarray(512, 1024))).toBe(0);
  });

  it('a table longer than the transfer leaves it active, with the interrupt', () => {
    host.prds(TABLE, [[RAM, 1024]]);
    host.issue({ command: 0xc8 });
    start(TO_MEMORY);
    expect(masterStatus()).toBe(ACTIVE | INTERRUPT);
    stop();
    expect(masterStatus()).toBe(INTERRUPT);
  });

  it('a table shorter than the transfer ends it without an interrupt, and SRST helps the drive', () => {
    host.prds(TABLE, [[RAM, 512]]);
    host.issue({ command: 0xc8, count: 2 });
    start(TO_MEMORY);
    expect([host.line, masterStatus(), host.status & (DRQ | ERR)]).toEqual([0, 0, DRQ]);
    host.setControl(4);
    host.setControl(0);
    stop();
    host.prds(TABLE, [[RAM, 512]]);
    host.issue({ command: 0xc8, lba: 8 });
    start(TO_MEMORY);
    expect([masterStatus(), host.status]).toEqual([INTERRUPT, IDLE]);
    expect(Buffer.compare(memory(RAM, 512), bytes.subarray(8 * 512, 9 * 512))).toBe(0);
  });

  it('a table that goes on in the middle of a sector writes whole sectors only', () => {
    board.vm.memory.fill(RAM, 0xee, 1024);
    host.prds(TABLE, [[RAM, 700]]);
    host.issue({ command: 0xca, lba: 0, count: 2 });
    start(0);
    expect(masterStatus()).toBe(0);
    host.setControl(4);
    host.setControl(0);
    host.issue({ command: 0x20, count: 2 });
    const data = host.readWords(1024);
    expect(data.subarray(0, 512).every((byte) => byte === 0xee)).toBe(true);
    expect(Buffer.compare(data.subarray(512), bytes.subarray(512, 1024))).toBe(0);
  });

  it.each([
    ['a region without memory', (): void => host.prds(TABLE, [[RAM + RAM_SIZE, 512]])],
    ['a region that leaves memory', (): void => host.prds(TABLE, [[RAM + RAM_SIZE - 256, 512]])],
    ['a region at the end of 4 GiB', (): void => host.prds(TABLE, [[0xffff_fffe, 0]])],
    ['a table without memory', (): boolean => board.out(BUS_MASTER + 4, 0xfffffffc)],
    [
      'bus mastering switched off',
      (): void => {
        host.prds(TABLE, [[RAM, 512]]);
        board.writeConfig(SLOT, 4, 1, 2);
      },
    ],
  ])('%s: error set, active clear, no interrupt', (_what, arrange) => {
    arrange();
    const before = memory(RAM + RAM_SIZE - 256, 256);
    host.issue({ command: 0xc8 });
    start(TO_MEMORY);
    expect([host.line, masterStatus()]).toEqual([0, ERROR]);
    expect(memory(RAM + RAM_SIZE - 256, 256)).toEqual(before);
    board.out(BUS_MASTER + 2, ERROR, 1);
    expect(masterStatus()).toBe(0);
  });

  it('a table without end ends at 64 KiB', async () => {
    const { host: other, board: its } = await plugIn({ disks: [{ backend: new MemoryDisk(512 * 40_000) }] });
    // 8192 regions of two bytes, none of them the last: 16 KiB.
    for (let prd = 0; prd < 8193; prd++) {
      its.vm.memory.writeU32(RAM + prd * 8, RAM + 0xf_0000);
      its.vm.memory.writeU32(RAM + prd * 8 + 4, 2);
    }
    its.out(BUS_MASTER + 4, RAM);
    other.issue({ command: 0x25, count: 0x8000, ext: true });
    its.out(BUS_MASTER, START | TO_MEMORY, 1);
    expect([other.line, its.in(BUS_MASTER + 2, 1)! & 7]).toEqual([0, ERROR]);
  });

  it('a direction that is not the command’s moves nothing', () => {
    host.prds(TABLE, [[RAM, 512]]);
    host.issue({ command: 0xc8 });
    start(0);
    expect([host.line, masterStatus()]).toEqual([0, ACTIVE]);
    expect(memory(RAM, 512).every((byte) => byte === 0)).toBe(true);
  });

  it('registers: the table is a multiple of four, capable bits are kept, the channels are apart', () => {
    board.out(BUS_MASTER + 4, 0x1234_5677);
    expect(board.in(BUS_MASTER + 4)).toBe(0x1234_5674);
    board.out(BUS_MASTER + 12, 0xabcd_ef00);
    expect([board.in(BUS_MASTER + 4), board.in(BUS_MASTER + 12)]).toEqual([0x1234_5674, 0xabcd_ef00]);
    board.out(BUS_MASTER + 2, 0x60, 1);
    expect(board.in(BUS_MASTER + 2, 1)).toBe(0x60);
    board.out(BUS_MASTER, 0xf6, 1);
    expect(board.in(BUS_MASTER, 1)).toBe(0);
  });
});

it('random accesses end, throw nothing, and leave a drive that SRST brings back', async () => {
  const access = fc.record({
    place: fc.nat(25),
    value: fc.nat(0xffff_ffff),
    length: fc.constantFrom(1, 2, 4),
    write: fc.boolean(),
  });
  const ports = [
    ...Array.from({ length: 8 }, (_, at) => 0x1f0 + at),
    0x3f6,
    ...Array.from({ length: 8 }, (_, at) => BUS_MASTER + at),
    ...Array.from({ length: 8 }, (_, at) => 0x170 + at),
    0x376,
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(access, { maxLength: 400 }), async (accesses) => {
      board.vm.memory.fill(TABLE, 0, 64);
      for (const { place, value, length, write } of accesses) {
        if (write) board.out(ports[place]!, length === 4 ? value : value % 2 ** (length * 8), length);
        else board.in(ports[place]!, length);
      }
      host.setControl(4);
      host.setControl(0);
      expect([host.status, host.get(1)]).toEqual([IDLE, 1]);
    }),
    { numRuns: 60 },
  );
});

describe('snapshots', () => {
  it('in the middle of a command, with the disk as it was', () => {
    host.issue({ command: 0x30, lba: 20, count: 2 });
    host.writeWords(new Uint8Array(512).fill(1));
    host.writeWords(new Uint8Array(100).fill(2));
    const state = ide.save();
    for (const value of [3, 4]) {
      host.writeWords(new Uint8Array(412).fill(value));
      expect(host.status).toBe(IDLE);
      host.issue({ command: 0x20, lba: 20, count: 2 });
      const now = host.readWords(1024);
      expect([now[0], now[511], now[512], now[611], now[612], now[1023]]).toEqual([1, 1, 2, 2, value, value]);
      ide.restore(state);
      expect(host.alternate & DRQ).toBe(DRQ);
    }
  });

  it('a DMA transfer that waits for the engine', () => {
    host.prds(TABLE, [[RAM, 512]]);
    host.issue({ command: 0xc8, lba: 2 });
    const state = ide.save();
    host.setControl(4);
    host.setControl(0);
    ide.restore(state);
    start(TO_MEMORY);
    expect(masterStatus()).toBe(INTERRUPT);
    expect(Buffer.compare(memory(RAM, 512), bytes.subarray(1024, 1536))).toBe(0);
  });

  it('a disk that is written in place refuses', async () => {
    const direct = {
      size: 5120,
      readOnly: false,
      name: 'a.img',
      read: () => {},
      write: () => {},
      flush: () => {},
      close: () => {},
    };
    const { ide: other } = await plugIn({ disks: [{ backend: direct }] });
    expect(() => other.save()).toThrow(BlockError);
  });
});
