// Debian's kernel on a processor that has a thread of its own: it boots and ends as in the calling thread (linux.test.ts), and
// its clocks, which two threads tell, agree.

import { beforeAll, expect, it } from 'vitest';
import { kernelWarnings, readSteps } from '../../tools/real/steps.mjs';
import { buildCommand, WORKER } from '../vmm/thread/guest.js';
import * as expected from './expected.js';
import { linuxFiles, runMachine } from './machine.js';
import { unexplained } from './warnings.js';

beforeAll(buildCommand);

it('boots, works and switches the machine off', async () => {
  const { kernel, initrd, files } = await linuxFiles();
  const end = await runMachine({ kernel, initrd, cmdline: 'console=ttyS0', thread: { url: WORKER } });
  const steps = readSteps(end.serial);
  expect(end, end.serial.slice(-2000)).toMatchObject({ reason: 'power-off', crash: undefined });
  expect([...steps.keys()].at(-1)).toBe('end');
  const { arithmetic, files: filesOf, processes, pipes, sha256 } = expected;
  for (const [name, lines] of Object.entries({ arithmetic, files: filesOf, processes, pipes, sha256 })) {
    expect(steps.get(name)?.lines, name).toEqual(lines(files));
  }
  const [source, ...samples] = steps.get('clock')?.lines ?? [];
  expect(source).toMatch(/^(tsc|kvm-clock)$/);
  const values = samples.map((line) => line.split(' ').map(Number));
  const [up = NaN, date = NaN, rtc = NaN] = [0, 1, 2].map((i) => (values[1]?.[i] ?? NaN) - (values[0]?.[i] ?? NaN));
  // by the worker's clock, and by the owner's: both count whole seconds
  expect(up).toBeGreaterThanOrEqual(2);
  expect(Math.abs(date - up)).toBeLessThanOrEqual(1);
  expect(Math.abs(rtc - up)).toBeLessThanOrEqual(1);
  expect(unexplained(kernelWarnings(steps))).toEqual([]);
});
