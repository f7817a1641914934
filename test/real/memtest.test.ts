// memtest86+ as Debian packages it, loaded as a Linux kernel is: tests 0 to 9 of its first pass find nothing wrong.

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { realFiles } from '../../tools/real/fetch.mjs';
import { runMachine } from './machine.js';

/** It draws its screen on the serial line again and again; what is on the line must not carry colours and positions. */
function text(serial: string): string {
  // oxlint-disable-next-line no-control-regex
  return serial.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '\n');
}

// The last test, 10, lets the memory fade for minutes: when it begins, the others are done.
it('passes', async () => {
  const kernel = new Uint8Array(await readFile(realFiles().memtest));
  const cmdline = 'console=ttyS0,115200 nobench keyboard=legacy nosmp';
  const end = await runMachine({ kernel, cmdline, memory: 24 << 20 }, 'fade over');
  const screen = text(end.serial);
  expect(end.seenAt, `${end.reason}\n${screen.slice(-2000)}`).toBeDefined();
  const errors = [...screen.matchAll(/Errors: (\d+)/g)].map(([, count]) => Number(count));
  expect(errors.length).toBeGreaterThan(0);
  expect(Math.max(...errors)).toBe(0);
  expect(screen).toMatch(/#0\s+\[Address test, walking ones/);
  expect(screen).not.toMatch(/Failing|Unexpected interrupt|Exception/i);
});
