// SeaBIOS as Debian packages it, from the reset vector, boots a disk.

import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { realFiles } from '../../tools/real/fetch.mjs';
import { buildCommand, doorbell, projectFile, type Ended } from '../cli/built.js';
import { scratch } from './machine.js';

const IMAGE = 'guests/bios-disk/bios-disk.img';
const SECTOR = 512;
const LAST = 127 * SECTOR;

let end: Ended;
let disk = '';

beforeAll(async () => {
  await buildCommand();
  disk = join(await scratch(), 'boot.img');
  await copyFile(projectFile(IMAGE), disk);
  end = await doorbell(['run', '--bios', realFiles().bios, '--disk', disk, '--memory', '64M', '--timeout', '120']);
});

describe('SeaBIOS', () => {
  // The same image passes the same steps in QEMU 7.2 with the same BIOS.
  it('boots the disk, which finds all of it right', () => {
    const lines = end.stdout.replaceAll('\r', '').split('\n');
    const results = lines.filter((line) => / (ok|FAIL.*)$/.test(line));
    const names = [
      'read-chs',
      'extensions',
      'size',
      'read-lba',
      'refused-beyond',
      'write',
      'memory-map',
      'clock-ticks',
    ];
    expect(lines, end.stderr).toContain('booted by the BIOS');
    expect(results).toEqual([...names, 'screen'].map((name) => `${name} ok`));
    expect(end.status).toBe(1);
  });

  it('tells the memory there is', () => {
    const entries = [...end.stdout.matchAll(/^e820 ([0-9A-F]{16}) ([0-9A-F]{16}) (\d\d)/gm)].map(
      ([, base, length, type]) => ({ base: Number(`0x${base}`), length: Number(`0x${length}`), type: Number(type) }),
    );
    expect(entries[0]).toMatchObject({ base: 0, type: 1 });
    expect(entries.find(({ base }) => base === 1 << 20)).toMatchObject({ type: 1 });
    const usable = entries.filter(({ type }) => type === 1).reduce((sum, { length }) => sum + length, 0);
    // SeaBIOS keeps up to 128 KiB at the top for its tables, and what is between 640 KiB and 1 MiB is no memory.
    expect(usable).toBeLessThanOrEqual((64 << 20) - (384 << 10));
    expect(usable).toBeGreaterThan((64 << 20) - (1 << 20));
  });

  it('writes to the disk’s file', async () => {
    const [before, after] = await Promise.all([readFile(projectFile(IMAGE)), readFile(disk)]);
    expect(after.subarray(0, LAST).equals(before.subarray(0, LAST))).toBe(true);
    expect(after.subarray(LAST)).toEqual(Buffer.alloc(SECTOR, Uint8Array.of(0x0b, 0xd0)));
  });
});
