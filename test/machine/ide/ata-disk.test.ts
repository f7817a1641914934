// ATA disks through the ports of the PC, against ATA/ATAPI-7 (T13/1532D revision 4b): volume 1 for commands, volume 2 for
// registers and protocols. Numbers in brackets are its clauses.

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryDisk, OverlayDisk, BlockError, type BlockBackend } from '../../../src/machine/block/index.js';
import { ABRT, AtaHost, BSY, DRQ, ERR, IDLE, IDNF, plugIn, UNC } from './ata-host.js';

const SECTORS = 4000;

function pattern(sectors = SECTORS): Uint8Array {
  const made = new Uint8Array(sectors * 512);
  for (let at = 0; at < made.length; at++) made[at] = at * 3 + (at >> 9) * 5 + 1;
  return made;
}

let bytes: Uint8Array;
let host: AtaHost;

beforeEach(async () => {
  bytes = pattern();
  ({ host } = await plugIn({ disks: [{ backend: new MemoryDisk(bytes), serial: 'SERIAL-1' }] }));
});

/** A string of IDENTIFY data: the first character in the high byte (volume 1, 3.2.9). */
function textOf(words: Uint16Array, first: number, count: number): string {
  return [...words.subarray(first, first + count)].map((w) => String.fromCharCode(w >> 8, w & 0xff)).join('');
}

describe('IDENTIFY DEVICE (6.17)', () => {
  it('describes the disk', () => {
    const words = host.identify();
    // ATA device, not removable.
    expect(words[0]! & 0x8080).toBe(0);
    expect(textOf(words, 10, 10)).toBe('SERIAL-1'.padEnd(20));
    expect(textOf(words, 27, 20).trimEnd()).not.toBe('');
    // Translation: 4000 sectors are three cylinders of 16 heads of 63 sectors, and a rest.
    expect([words[1], words[3], words[6]]).toEqual([3, 16, 63]);
    expect([words[54], words[55], words[56]]).toEqual([3, 16, 63]);
    expect(words[57]! + words[58]! * 65536).toBe(3 * 16 * 63);
    // 60–61 sectors by 28 bits, 100–103 by 48.
    expect(words[60]! + words[61]! * 65536).toBe(SECTORS);
    expect([...words.subarray(100, 104)]).toEqual([SECTORS, 0, 0, 0]);
    // LBA and DMA (word 49 bits 9 and 8).
    expect(words[49]! & 0x0300).toBe(0x0300);
    expect(words[50]! & 0xc000).toBe(0x4000);
    // 48-bit addresses, FLUSH CACHE, FLUSH CACHE EXT: words 83 and 86 bits 10, 12, 13; bits 15:14 of words 83, 84, 87 are 01b.
    expect(words[83]).toBe(0x7400);
    expect(words[86]! & 0x3400).toBe(0x3400);
    for (const word of [84, 87]) expect(words[word]! & 0xc000).toBe(0x4000);
    // Exactly one DMA mode is selected (words 63 and 88).
    const selected = (words[63]! >> 8).toString(2) + (words[88]! >> 8).toString(2);
    expect([...selected].filter((bit) => bit === '1').length).toBe(1);
  });

  it('has a signature and a checksum in word 255 (6.17.7.80)', () => {
    const words = host.identify();
    expect(words[255]! & 0xff).toBe(0xa5);
    const sum = [...new Uint8Array(words.buffer)].reduce((a, b) => (a + b) & 0xff, 0);
    expect(sum).toBe(0);
  });

  it('caps cylinders at 16,383 and 28-bit sectors at 0FFFFFFFh', async () => {
    const large = {
      size: 2 ** 41,
      readOnly: true,
      name: 'large',
      read: () => {},
      write: () => {},
      flush: () => {},
      close: () => {},
    };
    const words = (await plugIn({ disks: [{ backend: large }] })).host.identify();
    expect(words[1]).toBe(16383);
    expect(words[60]! + words[61]! * 65536).toBe(0x0fff_ffff);
    expect([...words.subarray(100, 104)]).toEqual([0, 0, 1, 0]);
  });
});

it('a disk smaller than a cylinder has one: without any, a BIOS reads nothing of it', async () => {
  const words = (await plugIn({ disks: [{ backend: new MemoryDisk(new Uint8Array(128 * 512)) }] })).host.identify();
  expect([words[1], words[3], words[6], words[60]]).toEqual([1, 16, 63, 128]);
});

describe('PIO data in (volume 2, 11.5)', () => {
  it('a sector: DRQ and INTRQ, and neither when it has been read', () => {
    host.issue({ command: 0x20, lba: 5 });
    expect(host.alternate & (BSY | DRQ | ERR)).toBe(DRQ);
    expect(host.line).toBe(1);
    expect(host.status & DRQ).toBe(DRQ);
    expect(host.line).toBe(0);
    expect(Buffer.compare(host.readWords(512), bytes.subarray(5 * 512, 6 * 512))).toBe(0);
    expect(host.alternate).toBe(IDLE);
    expect(host.line).toBe(0);
  });

  it('interrupts once for each sector', () => {
    host.issue({ command: 0x20, lba: 0, count: 3 });
    for (let sector = 0; sector < 3; sector++) {
      expect([host.line, host.status & DRQ]).toEqual([1, DRQ]);
      host.readWords(512, 4);
    }
    expect([host.line, host.status]).toEqual([0, IDLE]);
    expect(host.board.changes.filter(([gsi, level]) => gsi === 14 && level === 1).length).toBe(3);
  });

  it('alternate status acknowledges nothing, a new command does (volume 2, 9.1)', () => {
    host.issue({ command: 0x20 });
    expect([host.alternate & DRQ, host.line]).toEqual([DRQ, 1]);
    host.readWords(512);
    expect(host.line).toBe(1);
    host.issue({ command: 0x30 });
    expect(host.line).toBe(0);
  });

  it('a count of 0 is 256 sectors, and 65,536 for 48-bit commands', () => {
    host.issue({ command: 0x20, count: 0 });
    for (let sector = 0; sector < 256; sector++) host.readWords(512, 4);
    expect(host.alternate).toBe(IDLE);
    host.issue({ command: 0x24, count: 0, ext: true });
    expect(host.status & ERR).toBe(ERR);
    expect(host.get(1)).toBe(IDNF);
  });

  it.each([2, 4] as const)('data by %i bytes at a time', (width) => {
    host.issue({ command: 0x20, lba: 1, count: 2 });
    expect(Buffer.compare(host.readWords(1024, width), bytes.subarray(512, 1536))).toBe(0);
  });
});

describe('PIO data out (volume 2, 11.6)', () => {
  it('asks for the first sector without INTRQ, for the others and the end with it', () => {
    const data = pattern(2).reverse();
    host.issue({ command: 0x30, lba: 7, count: 2 });
    expect([host.line, host.alternate & (BSY | DRQ)]).toEqual([0, DRQ]);
    host.writeWords(data.subarray(0, 512));
    expect([host.line, host.status & DRQ]).toEqual([1, DRQ]);
    host.writeWords(data.subarray(512), 4);
    expect([host.line, host.status]).toEqual([1, IDLE]);
    expect(Buffer.compare(bytes.subarray(7 * 512, 9 * 512), data)).toBe(0);
  });

  it('a sector that is not complete is not written', () => {
    const before = bytes.slice();
    host.issue({ command: 0x30, lba: 0 });
    host.writeWords(new Uint8Array(510).fill(0xee));
    expect(Buffer.compare(bytes, before)).toBe(0);
    host.writeWords(new Uint8Array(2).fill(0xee));
    expect(bytes.subarray(0, 512).every((byte) => byte === 0xee)).toBe(true);
  });
});

describe('READ and WRITE MULTIPLE (6.36, 6.63)', () => {
  it('interrupts once for each block, the last of which may be shorter', () => {
    host.issue({ command: 0xc6, count: 4 });
    expect(host.status).toBe(IDLE);
    expect(host.identify()[59]).toBe(0x0104);
    host.acknowledge();
    host.board.changes.length = 0;
    host.issue({ command: 0xc4, lba: 2, count: 10 });
    const parts = [4, 4, 2].map((sectors) => {
      expect(host.status & DRQ).toBe(DRQ);
      return host.readWords(sectors * 512);
    });
    expect(host.status).toBe(IDLE);
    expect(Buffer.compare(Buffer.concat(parts), bytes.subarray(2 * 512, 12 * 512))).toBe(0);
    expect(host.board.changes.filter(([, level]) => level === 1).length).toBe(3);
  });

  it('writes', () => {
    const data = pattern(20).reverse();
    host.issue({ command: 0x39, lba: 100, count: 20, ext: true });
    host.writeWords(data);
    expect(host.status).toBe(IDLE);
    expect(Buffer.compare(bytes.subarray(100 * 512, 120 * 512), data)).toBe(0);
  });

  it('are refused while the mode is off (a count of 0), and SET MULTIPLE refuses what word 47 does not allow', () => {
    expect(host.identify()[47]).toBe(0x8010);
    for (const count of [3, 17, 32, 255]) {
      host.issue({ command: 0xc6, count });
      expect([host.status & ERR, host.get(1)]).toEqual([ERR, ABRT]);
    }
    host.issue({ command: 0xc6, count: 0 });
    expect(host.status).toBe(IDLE);
    expect(host.identify()[59]).toBe(0);
    for (const command of [0xc4, 0xc5]) {
      host.issue({ command });
      expect([host.status & (ERR | DRQ), host.get(1)]).toEqual([ERR, ABRT]);
    }
  });
});

describe('addresses', () => {
  it.each([
    [0x20, false],
    [0x30, false],
    [0xc4, false],
    [0xc8, false],
    [0x40, false],
    [0x24, true],
    [0x34, true],
    [0x25, true],
    [0x42, true],
  ])('command %i: IDNF and INTRQ behind the end, with the address of the first sector in error', (command, ext) => {
    host.issue({ command, lba: SECTORS - 1, count: 2, ext });
    expect(host.line).toBe(1);
    expect([host.status & (BSY | DRQ | ERR), host.get(1)]).toEqual([ERR, IDNF]);
    expect(host.get(3) | (host.get(4) << 8) | (host.get(5) << 16)).toBe(SECTORS);
    host.issue({ command: 0x20, lba: SECTORS - 1 });
    expect([host.status & ERR, host.get(1)]).toEqual([0, 0]);
  });

  it('48 bits: HOB shows the high halves, and a write of any register ends that (6.20)', () => {
    host.issue({ command: 0x24, lba: 0x1234_5678_9abc, count: 0x2345, ext: true });
    expect([host.status & ERR, host.get(1)]).toEqual([ERR, IDNF]);
    expect([2, 3, 4, 5].map((at) => host.get(at))).toEqual([0x45, 0xbc, 0x9a, 0x78]);
    host.setControl(0x80);
    expect([2, 3, 4, 5].map((at) => host.get(at))).toEqual([0x23, 0x56, 0x34, 0x12]);
    host.set(1, 0);
    expect(host.get(3)).toBe(0xbc);
  });

  it('reads far out by 48 bits', async () => {
    const far: BlockBackend = {
      size: 2 ** 52,
      readOnly: true,
      name: 'far',
      read: (offset, into) => new DataView(into.buffer, into.byteOffset).setBigUint64(0, BigInt(offset), true),
      write: () => {},
      flush: () => {},
      close: () => {},
    };
    const { host: other } = await plugIn({ disks: [{ backend: far }] });
    other.issue({ command: 0x24, lba: 2 ** 42 + 3, ext: true });
    const data = other.readWords(512);
    expect(new DataView(data.buffer).getBigUint64(0, true)).toBe((2n ** 42n + 3n) * 512n);
  });

  it('cylinder, head and sector by the translation in force (6.2, 6.19)', () => {
    const read = (cylinder: number, head: number, sector: number): number | 'not found' => {
      host.set(6, head);
      host.set(2, 1);
      host.set(3, sector);
      host.set(4, cylinder & 0xff);
      host.set(5, cylinder >> 8);
      host.set(7, 0x20);
      if ((host.status & ERR) !== 0) return host.get(1) === IDNF ? 'not found' : -1;
      const data = host.readWords(512);
      return Array.from({ length: SECTORS }, (_, at) => at).find(
        (at) => Buffer.compare(data, bytes.subarray(at * 512, at * 512 + 512)) === 0,
      )!;
    };
    // Sectors repeat after a while: 5 * 256 is 0 in a byte, so numbers are told apart up to 256.
    expect([read(0, 0, 1), read(0, 1, 1), read(0, 3, 63)]).toEqual([0, 63, 251]);
    expect([read(0, 0, 0), read(0, 0, 64), read(9, 0, 1)]).toEqual(['not found', 'not found', 'not found']);
    host.set(2, 10);
    host.set(6, 3);
    host.set(7, 0x91);
    expect(host.status).toBe(IDLE);
    expect([read(1, 0, 1), read(2, 3, 10), read(0, 4, 1)]).toEqual([40, 119, 'not found']);
    const words = host.identify();
    expect([words[54], words[55], words[56]]).toEqual([100, 4, 10]);
  });
});

describe('other commands', () => {
  it.each([
    ['READ VERIFY SECTORS', { command: 0x40, count: 200 }],
    ['READ VERIFY SECTORS EXT', { command: 0x42, count: 3000, ext: true }],
    ['FLUSH CACHE', { command: 0xe7 }],
    ['FLUSH CACHE EXT', { command: 0xea }],
    ['RECALIBRATE', { command: 0x10 }],
    ['SEEK', { command: 0x70, lba: 3 }],
    ['STANDBY IMMEDIATE', { command: 0xe0 }],
    ['IDLE IMMEDIATE', { command: 0xe1 }],
    ['STANDBY', { command: 0xe2 }],
    ['IDLE', { command: 0xe3 }],
    ['SLEEP', { command: 0xe6 }],
    ['SET FEATURES: multiword DMA 2', { command: 0xef, feature: 3, count: 0x22 }],
    ['SET FEATURES: PIO 4', { command: 0xef, feature: 3, count: 0x0c }],
  ])('%s ends with INTRQ and no error', (_name, request) => {
    host.issue(request);
    expect(host.line).toBe(1);
    expect(host.status).toBe(IDLE);
    expect(host.line).toBe(0);
  });

  it.each([
    ['NOP', { command: 0x00 }],
    ['IDENTIFY PACKET DEVICE', { command: 0xa1 }],
    ['PACKET', { command: 0xa0 }],
    ['DEVICE RESET', { command: 0x08 }],
    ['a vendor command', { command: 0xff }],
    ['SET FEATURES: multiword DMA 3', { command: 0xef, feature: 3, count: 0x23 }],
    ['SET FEATURES: a reserved mode', { command: 0xef, feature: 3, count: 0x80 }],
    ['SET FEATURES: an unknown feature', { command: 0xef, feature: 0x77 }],
    ['INITIALIZE DEVICE PARAMETERS: no sectors', { command: 0x91, count: 0 }],
  ])('%s is aborted', (_name, request) => {
    host.issue(request);
    expect(host.line).toBe(1);
    expect([host.status, host.get(1)]).toEqual([IDLE | ERR, ABRT]);
  });

  it('SET FEATURES shows in IDENTIFY data', () => {
    host.issue({ command: 0xef, feature: 3, count: 0x45 });
    let words = host.identify();
    expect([words[63]! >> 8, words[88]! >> 8]).toEqual([0, 0x20]);
    expect(words[85]! & 0x60).toBe(0x60);
    host.issue({ command: 0xef, feature: 0x82 });
    host.issue({ command: 0xef, feature: 0x55 });
    words = host.identify();
    expect(words[85]! & 0x60).toBe(0);
  });

  it('CHECK POWER MODE: 00h in standby, FFh when active (6.7)', () => {
    const mode = (): number => {
      host.issue({ command: 0xe5 });
      return host.get(2);
    };
    expect(mode()).toBe(0xff);
    host.issue({ command: 0xe0 });
    expect(mode()).toBe(0x00);
    host.issue({ command: 0x40 });
    expect(mode()).toBe(0xff);
  });
});

describe('channel', () => {
  const registers = (): number[] => [1, 2, 3, 4, 5].map((at) => host.get(at));
  /** Signature of an ATA device, diagnostics passed (volume 2, 9.12). */
  const SIGNATURE = [1, 1, 1, 0, 0];

  it('SRST: busy while it is set, then the signature, without INTRQ (volume 2, 11.2)', () => {
    host.issue({ command: 0x20 });
    host.setControl(4);
    expect([host.alternate & BSY, host.line]).toEqual([BSY, 0]);
    host.set(2, 0x55);
    host.set(7, 0xec);
    host.setControl(0);
    expect(registers()).toEqual(SIGNATURE);
    expect([host.alternate, host.line]).toEqual([IDLE, 0]);
  });

  it('the signature is there after power-on', () => {
    expect(registers()).toEqual(SIGNATURE);
    expect(host.status).toBe(IDLE);
  });

  it('EXECUTE DEVICE DIAGNOSTIC: 01h, the signature, INTRQ, device 0 selected (6.13)', () => {
    host.issue({ command: 0x90, lba: 0x123456, drive: 1 });
    expect(host.line).toBe(1);
    expect([host.get(6) & 0x10, ...registers()]).toEqual([0, ...SIGNATURE]);
  });

  it('nIEN holds INTRQ back until it is taken away', () => {
    host.setControl(2);
    host.issue({ command: 0xe7 });
    expect(host.line).toBe(0);
    host.setControl(0);
    expect(host.line).toBe(1);
    host.setControl(2);
    expect(host.line).toBe(0);
    host.acknowledge();
    host.setControl(0);
    expect(host.line).toBe(0);
  });

  it('a command in a data phase is not heard', () => {
    host.issue({ command: 0x20, lba: 9 });
    host.set(7, 0xec);
    expect(Buffer.compare(host.readWords(512), bytes.subarray(9 * 512, 10 * 512))).toBe(0);
  });

  it('device 0 answers for a device 1 that is not there: status 0, commands unheard', () => {
    host.set(6, 0x10);
    expect([host.status, host.alternate]).toEqual([0, 0]);
    host.issue({ command: 0xec, drive: 1 });
    expect([host.status, host.line]).toEqual([0, 0]);
    host.set(6, 0);
    expect(host.status).toBe(IDLE);
  });

  it('a channel without drives has DD7 low: not busy, and no register keeps anything', () => {
    const empty = new AtaHost(host.board, 0x170, 0x376, 15);
    empty.set(2, 0x55);
    empty.set(3, 0xaa);
    empty.set(7, 0xec);
    expect([empty.status & BSY, empty.get(2), empty.line]).toEqual([0, 0x7f, 0]);
  });

  it('four drives: each its own, INTRQ by channel', async () => {
    const disks = [1, 2, 3, 4].map((value) => ({ backend: new MemoryDisk(new Uint8Array(5120).fill(value)) }));
    const four = (await plugIn({ disks })).host;
    const second = new AtaHost(four.board, 0x170, 0x376, 15);
    const firstByte = (on: AtaHost, drive: 0 | 1): number => {
      on.issue({ command: 0x20, drive });
      expect([four.line, second.line]).toEqual(on === four ? [1, 0] : [0, 1]);
      on.acknowledge();
      return on.readWords(512)[0]!;
    };
    expect([firstByte(four, 0), firstByte(four, 1), firstByte(second, 0), firstByte(second, 1)]).toEqual([1, 2, 3, 4]);
    // Word 93: which of the two it is.
    expect([four.identify(0)[93]! & 0x6001, four.identify(1)[93]! & 0x6101]).toEqual([0x6001, 0x6100]);
  });

  it('an interrupt waits while the other drive is selected', async () => {
    const disks = [1, 2].map(() => ({ backend: new MemoryDisk(5120) }));
    const two = (await plugIn({ disks })).host;
    two.issue({ command: 0xe7 });
    two.set(6, 0x10);
    expect(two.line).toBe(0);
    two.set(6, 0);
    expect(two.line).toBe(1);
  });
});

describe('what the host cannot do', () => {
  it('is an error of the drive, and the reason is told once', async () => {
    const messages: string[] = [];
    const fail = (): never => {
      throw new BlockError('disk bad cannot be used: EIO');
    };
    const bad: BlockBackend = {
      size: 5120,
      readOnly: false,
      name: 'bad',
      read: fail,
      write: fail,
      flush: fail,
      close: fail,
    };
    const { host: other } = await plugIn({ disks: [{ backend: bad }], report: (message) => messages.push(message) });
    other.issue({ command: 0x20 });
    expect([other.line, other.status & (ERR | DRQ), other.get(1)]).toEqual([1, ERR, UNC]);
    other.issue({ command: 0x40 });
    expect([other.status & (ERR | DRQ), other.get(1)]).toEqual([ERR, UNC]);
    other.issue({ command: 0x30, count: 2 });
    other.writeWords(new Uint8Array(512));
    expect([other.line, other.status & (ERR | DRQ), other.get(1)]).toEqual([1, ERR, ABRT]);
    other.issue({ command: 0xe7 });
    expect([other.status & ERR, other.get(1)]).toEqual([ERR, ABRT]);
    expect(messages).toEqual(['disk bad cannot be used: EIO']);
  });

  it('writes to a read-only disk are aborted', async () => {
    const { host: other } = await plugIn({ disks: [{ backend: new MemoryDisk(5120, { readOnly: true }) }] });
    for (const command of [0x30, 0x34, 0xc5, 0x39, 0xca, 0x35]) {
      other.issue({ command, ext: command === 0x34 || command === 0x39 || command === 0x35 });
      expect([other.status & (ERR | DRQ), other.get(1)]).toEqual([ERR, ABRT]);
    }
  });

  it('a disk smaller than a sector, or a fifth one, is refused', async () => {
    await expect(plugIn({ disks: [{ backend: new MemoryDisk(511) }] })).rejects.toThrow(BlockError);
    const five = Array.from({ length: 5 }, () => ({ backend: new MemoryDisk(512) }));
    await expect(plugIn({ disks: five })).rejects.toThrow('IDE has room for 4 disks, not 5');
  });
});

it('reads what an array that was written alike has', async () => {
  const access = fc.record({
    write: fc.boolean(),
    command: fc.nat(2),
    lba: fc.nat(SECTORS - 1),
    count: fc.integer({ min: 1, max: 40 }),
    wide: fc.boolean(),
    value: fc.nat(255),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(access, { maxLength: 12 }), async (accesses) => {
      const model = pattern();
      const backend = new OverlayDisk(new MemoryDisk(pattern(), { readOnly: true }));
      const { host: drive, board } = await plugIn({ disks: [{ backend }] });
      for (const { write, command, lba, count, wide, value } of accesses) {
        const sectors = Math.min(count, SECTORS - lba);
        const part = model.subarray(lba * 512, (lba + sectors) * 512);
        const width = wide ? 4 : 2;
        if (write) {
          part.set(part.map((byte) => byte ^ value));
          drive.issue({ command: [0x30, 0x34, 0x39][command]!, lba, count: sectors, ext: command > 0 });
          drive.writeWords(part, width);
        } else {
          drive.issue({ command: [0x20, 0x24, 0xc4][command]!, lba, count: sectors, ext: command === 1 });
          expect(Buffer.compare(drive.readWords(part.length, width), part)).toBe(0);
        }
        expect(drive.status).toBe(IDLE);
      }
      const all = new Uint8Array(model.length);
      backend.read(0, all);
      expect(Buffer.compare(all, model)).toBe(0);
      board.vm.close();
    }),
    { numRuns: 15 },
  );
});
