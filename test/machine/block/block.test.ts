// Block backends: each against a plain array, and what each refuses.

import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveDisk } from '../../../src/machine/block/block-backend.js';
import {
  BlobDisk,
  BlockError,
  FileDisk,
  MemoryDisk,
  openDisk,
  OverlayDisk,
  parseDisk,
  type BlockBackend,
} from '../../../src/machine/block/index.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'doorbell-block-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const SIZE = 100_000;

function pattern(size = SIZE): Uint8Array {
  const made = new Uint8Array(size);
  for (let at = 0; at < size; at++) made[at] = at * 7 + (at >> 8) * 13;
  return made;
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

function readAll(disk: BlockBackend): Uint8Array {
  const bytes = new Uint8Array(disk.size);
  disk.read(0, bytes);
  return bytes;
}

const writable: Record<string, () => BlockBackend> = {
  MemoryDisk: () => new MemoryDisk(pattern()),
  FileDisk: () => FileDisk.open(file('disk', pattern())),
  'OverlayDisk over memory': () => new OverlayDisk(new MemoryDisk(pattern(), { readOnly: true })),
  'OverlayDisk over a file': () => openDisk(parseDisk(`${file('below', pattern())},snapshot`)),
};

describe.each(Object.entries(writable))('%s', (_name, make) => {
  it('reads what an array that was written alike has', () => {
    const access = fc.record({
      at: fc.nat(SIZE - 1),
      length: fc.nat(40_000),
      value: fc.option(fc.nat(255), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 20 }), (accesses) => {
        const disk = make();
        const model = pattern();
        for (const { at, length, value } of accesses) {
          const end = Math.min(SIZE, at + length);
          if (value === undefined) {
            const into = new Uint8Array(end - at);
            disk.read(at, into);
            expect(Buffer.compare(into, model.subarray(at, end))).toBe(0);
          } else {
            const bytes = pattern(end - at).map((byte) => byte ^ value);
            disk.write(at, bytes);
            model.set(bytes, at);
          }
        }
        disk.flush();
        expect(Buffer.compare(readAll(disk), model)).toBe(0);
        disk.close();
      }),
      { numRuns: 40 },
    );
  });

  it('refuses what is not within it', () => {
    const disk = make();
    for (const [at, length] of [
      [SIZE, 1],
      [SIZE - 1, 2],
      [-1, 1],
      [0.5, 1],
      [Number.NaN, 1],
      [2 ** 60, 1],
    ] as const) {
      expect(() => disk.read(at, new Uint8Array(length))).toThrow(BlockError);
      expect(() => disk.write(at, new Uint8Array(length))).toThrow(BlockError);
    }
    disk.close();
  });
});

describe('OverlayDisk', () => {
  it('never writes what is below', () => {
    const path = file('untouched', pattern());
    const disk = openDisk(parseDisk(`${path},snapshot`));
    disk.write(3, pattern(70_000).fill(1));
    disk.flush();
    disk.close();
    expect(Buffer.compare(readFileSync(path), pattern())).toBe(0);
  });

  it('a snapshot shares clusters until they are written, and comes back any number of times', () => {
    const disk = new OverlayDisk(new MemoryDisk(pattern(), { readOnly: true }));
    disk.write(0, Uint8Array.of(1));
    disk.write(50_000, Uint8Array.of(2));
    const first = disk.save();
    const then = readAll(disk);
    expect(disk.save().clusters.every((cluster, index) => cluster === first.clusters[index])).toBe(true);
    for (const value of [3, 4]) {
      disk.write(0, Uint8Array.of(value));
      disk.write(90_000, Uint8Array.of(value));
      // Only what was written is another one now.
      expect(disk.save().clusters.map((cluster) => first.clusters.includes(cluster))).toEqual([false, true, false]);
      disk.restore(first);
      expect(Buffer.compare(readAll(disk), then)).toBe(0);
    }
  });

  it('says when it is full, and can still write what it has', () => {
    const disk = new OverlayDisk(new MemoryDisk(SIZE, { readOnly: true, name: 'small' }), { limit: 2 * 16_384 });
    disk.write(0, Uint8Array.of(1));
    disk.write(SIZE - 1, Uint8Array.of(2));
    expect(disk.used).toBe(2 * 16_384);
    expect(() => disk.write(40_000, Uint8Array.of(3))).toThrow(
      'disk small: its copy-on-write overlay is full (32768 bytes)',
    );
    disk.write(1, Uint8Array.of(4));
    expect([...readAll(disk).subarray(0, 2)]).toEqual([1, 4]);
  });
});

describe('FileDisk', () => {
  it('writes the file', () => {
    const path = file('written', pattern());
    const disk = FileDisk.open(path);
    disk.write(512, Uint8Array.of(1, 2, 3));
    disk.flush();
    disk.close();
    expect([...readFileSync(path).subarray(512, 515)]).toEqual([1, 2, 3]);
  });

  it('holds nothing of a large file', () => {
    const path = join(directory, 'sparse');
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 2 ** 40);
    closeSync(fd);
    const disk = FileDisk.open(path);
    disk.write(2 ** 40 - 512, Uint8Array.of(9));
    const into = new Uint8Array(512);
    disk.read(2 ** 40 - 512, into);
    expect([disk.size, into[0]]).toEqual([2 ** 40, 9]);
    disk.close();
    rmSync(path);
  });

  it.each([
    [
      'a file that is missing',
      () => FileDisk.open('/nowhere/at all'),
      /^disk \/nowhere\/at all cannot be opened: ENOENT/,
    ],
    ['a directory', () => FileDisk.open(directory, { readOnly: true }), /neither a file nor a block device/],
    ['less than a sector', () => FileDisk.open(file('tiny', pattern(511))), /511 bytes are less than a sector/],
  ])('refuses %s', (_what, open, message) => {
    expect(open).toThrow(BlockError);
    expect(open).toThrow(message);
  });

  it('refuses to write what is read-only, and anything once closed', () => {
    const disk = FileDisk.open(file('readonly', pattern()), { readOnly: true });
    expect(() => disk.write(0, Uint8Array.of(1))).toThrow(/is read-only$/);
    disk.close();
    disk.close();
    expect(() => disk.read(0, new Uint8Array(1))).toThrow(/has been closed$/);
  });

  it('says when the file has become shorter', () => {
    const path = file('cut', pattern());
    const disk = FileDisk.open(path);
    truncateSync(path, 1000);
    expect(() => disk.read(512, new Uint8Array(1024))).toThrow(/has become shorter than 100000 bytes/);
    disk.close();
  });
});

describe('BlobDisk', () => {
  /** A Blob that can be read at once, as FileReaderSync reads it in a worker. */
  function blobOf(bytes: Uint8Array): {
    blob: Blob;
    reader: { readAsArrayBuffer(blob: Blob): ArrayBuffer };
    reads: number[];
  } {
    const reads: number[] = [];
    const slice = (from: number, to: number): Blob => ({ from, to }) as unknown as Blob;
    const readAsArrayBuffer = (part: Blob): ArrayBuffer => {
      const { from, to } = part as unknown as { from: number; to: number };
      reads.push(from);
      return bytes.slice(from, to).buffer as ArrayBuffer;
    };
    return { blob: { size: bytes.length, slice } as Blob, reader: { readAsArrayBuffer }, reads };
  }

  it('reads by clusters, and each once while it is kept', () => {
    const bytes = pattern(600_000);
    const { blob, reader, reads } = blobOf(bytes);
    const disk = new BlobDisk(blob, { reader });
    expect(Buffer.compare(readAll(disk), bytes)).toBe(0);
    expect(Buffer.compare(readAll(disk), bytes)).toBe(0);
    expect(reads).toEqual([0, 262_144, 524_288]);
    expect(() => disk.write()).toThrow('disk blob is read-only');
  });

  it('keeps 64 MiB', () => {
    const size = 257 * 262_144;
    const reads: number[] = [];
    const blob = { size, slice: (from: number) => from as unknown as Blob } as unknown as Blob;
    const disk = new BlobDisk(blob, {
      reader: {
        readAsArrayBuffer: (part) => {
          reads.push(part as unknown as number);
          return new ArrayBuffer(262_144);
        },
      },
    });
    const byte = new Uint8Array(1);
    for (let number = 0; number < 257; number++) disk.read(number * 262_144, byte);
    disk.read(262_144, byte);
    expect(reads.length).toBe(257);
    disk.read(0, byte);
    expect(reads.length).toBe(258);
  });

  it('needs a worker of a browser', () => {
    expect(() => new BlobDisk(new Blob(['x']))).toThrow("a Blob can be a disk in a browser's worker only");
  });
});

describe('snapshots', () => {
  it('a disk that is written in place refuses; one that is read-only has nothing to undo', () => {
    const path = file('direct', pattern());
    const direct = FileDisk.open(path);
    expect(() => saveDisk(direct)).toThrow(BlockError);
    expect(() => saveDisk(direct)).toThrow(/is written in place, which a snapshot cannot undo; .*,snapshot/);
    const readOnly = FileDisk.open(path, { readOnly: true });
    expect(saveDisk(readOnly)).toBeNull();
    direct.close();
    readOnly.close();
  });

  it('a disk in memory comes back', () => {
    const disk = new MemoryDisk(pattern());
    const state = disk.save();
    disk.write(0, pattern().fill(0));
    disk.restore(state);
    expect(Buffer.compare(readAll(disk), pattern())).toBe(0);
    expect(new MemoryDisk(pattern(), { readOnly: true }).save()).toBeNull();
  });
});

it.each([
  ['a.img', { file: 'a.img', snapshot: false, readOnly: false }],
  ['a.img,snapshot', { file: 'a.img', snapshot: true, readOnly: false }],
  ['a,b.img,readonly', { file: 'a,b.img', snapshot: false, readOnly: true }],
])('%s', (text, request) => {
  expect(parseDisk(text)).toEqual(request);
});

it.each([
  ['', 'there is no file name'],
  [',snapshot', 'there is no file name'],
  ['a.img,snapshot,readonly', 'exclude one another'],
])('"%s" is refused', (text, message) => {
  expect(() => parseDisk(text)).toThrow(message);
});
