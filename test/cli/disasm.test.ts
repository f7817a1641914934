// `doorbell disasm`. Expected texts are the manual's (SDM vol. 2) encodings of these instructions.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildCommand, doorbell } from './built.js';

let directory = '';
let file = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doorbell-'));
  file = join(directory, 'code.bin');
  await writeFile(file, Uint8Array.of(0x48, 0x89, 0xd8, 0x0f, 0x01, 0xc1, 0xc3, 0x90));
  await buildCommand();
}, 120_000);
afterAll(() => rm(directory, { recursive: true }));

/** The listing without the columns’ widths. */
async function listing(...args: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await doorbell(['disasm', file, ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' ').replace(/^0+(?=[0-9a-f])/, ''));
}

it('is 64-bit code at address 0 unless told otherwise', async () => {
  expect(await listing()).toEqual(['0 48 89 d8 mov rax, rbx', '3 0f 01 c1 vmcall', '6 c3 ret', '7 90 nop']);
});

it('knows the width: without REX, 48 is DEC', async () => {
  expect(await listing('--bits', '32', '--count', '2')).toEqual(['0 48 dec eax', '1 89 d8 mov eax, ebx']);
  expect(await listing('--bits', '16', '--count', '2')).toEqual(['0 48 dec ax', '1 89 d8 mov ax, bx']);
});

it('starts at an address and stops after a count', async () => {
  const lines = await listing('--address', '0xffff800000100000', '--count', '1');
  expect(lines).toEqual(['ffff800000100000 48 89 d8 mov rax, rbx']);
});

it('an empty file has an empty listing', async () => {
  const empty = join(directory, 'empty.bin');
  await writeFile(empty, '');
  expect(await doorbell(['disasm', empty])).toMatchObject({ status: 0, stdout: '', stderr: '' });
});
