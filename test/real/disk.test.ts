// The kernel with an IDE disk: its own drivers find it, read it, write it, and make a file system on it.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readSteps } from '../../tools/real/steps.mjs';
import { buildCommand, doorbell } from '../cli/built.js';
import { hash, numbers } from './expected.js';
import { linuxFiles, scratch } from './machine.js';

const SECTORS = 16384;
const PATTERN_AT = 512 * 4096;
const PATTERN_LENGTH = 524288;
/** Of ext2: the superblock is at 1024, its magic number at 56 in it (Documentation/filesystems/ext4/super.rst). */
const MAGIC_AT = 1024 + 56;

beforeAll(() => buildCommand());

it('is read, written, and kept in its file', async () => {
  const { files, initrd } = await linuxFiles();
  const directory = await scratch();
  const disk = join(directory, 'disk.img');
  const content = new Uint8Array(SECTORS * 512).map((_, i) => i ^ (i >>> 8) ^ (i >>> 16));
  await writeFile(disk, content);
  const initrdFile = join(directory, 'initramfs');
  await writeFile(initrdFile, initrd);

  const args = ['run', files.kernel, '--initrd', initrdFile, '--append', 'console=ttyS0 doorbell.disk'];
  const end = await doorbell([...args, '--memory', '256M', '--disk', disk, '--timeout', '300']);
  const step = readSteps(end.stdout).get('disk');
  expect(step?.status, `${end.stderr}\n${end.stdout.slice(-2000)}`).toBe(0);
  expect(end.status).toBe(0);

  const pattern = new TextEncoder().encode(numbers(100000)).subarray(0, PATTERN_LENGTH);
  const written = content.slice();
  written.set(pattern, PATTERN_AT);
  const [size, model, ...sums] = step?.lines ?? [];
  expect(size).toBe(String(SECTORS));
  expect(model?.trim()).not.toBe('');
  expect(sums).toEqual([content, pattern, pattern, written].map((bytes) => hash('sha256', bytes)));
  const after = await readFile(disk);
  expect(after.readUInt16LE(MAGIC_AT)).toBe(0xef53);
  expect(after.indexOf(await readFile(files.busybox).then((bytes) => bytes.subarray(0, 1024)))).toBeGreaterThan(0);
});
