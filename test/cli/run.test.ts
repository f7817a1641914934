// `doorbell run`: what the guest prints, the status it ends with, and the counters.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommand, doorbell } from './built.js';
import { deadPort, debugExit, echo, halt, print, spin, tripleFault, unimplemented } from './guests.js';

let directory = '';
let images = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doorbell-'));
  await buildCommand();
}, 120_000);
afterAll(() => rm(directory, { recursive: true }));

/** A flat image of these bytes. */
async function image(...parts: number[][]): Promise<string> {
  const path = join(directory, `guest-${images++}.bin`);
  await writeFile(path, Uint8Array.from(parts.flat()));
  return path;
}

describe('the guest’s output and status', () => {
  it.each([
    ['guests/hello-real/hello-real.bin', 'Hello from real mode\n'],
    ['guests/hello-protected/hello-protected.elf', 'Hello from protected mode\n'],
    ['guests/hello-long/hello-long.bin', 'Hello from long mode\n'],
  ])('%s', async (path, text) => {
    const { status, stdout, stderr } = await doorbell(['run', path]);
    expect(stdout.replaceAll('\r', '')).toBe(text);
    expect(stderr).toBe('');
    expect(status).toBe(1);
  });

  it.each([
    [0, 1],
    [1, 3],
    [63, 127],
    [127, 255],
    [128, 1],
  ])('debug-exit %i ends with status %i', async (value, status) => {
    expect(await doorbell(['run', await image(debugExit(value))])).toMatchObject({ status, stdout: '', stderr: '' });
  });

  it('a halt that nothing can end is the end', async () => {
    expect(await doorbell(['run', await image(halt)])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('a triple fault prints the registers and the last instruction', async () => {
    const { status, stdout, stderr } = await doorbell(['run', await image(print('x'), tripleFault(print('x').length))]);
    expect(status).toBe(134);
    expect(stdout).toBe('x');
    expect(stderr).toMatch(/^doorbell: .*triple fault\n/);
    expect(stderr).toMatch(/^rip [0-9a-f]{16} .*rflags/m);
    expect(stderr).toMatch(/^rax [0-9a-f]{16} /m);
    // INT3 with an IDT that has no room for vector 3: #GP, whose code is 3 * 8 + IDT (SDM vol. 3, 6.13), and so on.
    expect(stderr).toMatch(/^the last exception: #GP, general protection, error code 0x[0-9a-f]+$/m);
    expect(stderr).toMatch(/^> 7c0b {2}cc +int3$/m);
    expect(stderr).toMatch(/^the page walk of 0x0000000000007c0b \(none\):\n {2}Leads to guest-physical 0x7c0b /m);
  });

  it('passes the command line and a module', async () => {
    const initrd = await image([1, 2, 3]);
    const args = ['run', 'guests/bench/fib.bin', '--append', 'n=1', '--initrd', initrd];
    // From guests/bench/expected.json: what the same C computes as a Linux program.
    expect(await doorbell(args)).toMatchObject({ status: 1, stdout: 'fib 00006401b3f56668\n' });
  });

  it.each(['ept', 'npt', 'shadow'])('runs under %s, and with every other setting', async (paging) => {
    const args = ['run', 'guests/hello-long/hello-long.bin', '--device', 'doorbells', '--paging', paging];
    for (const more of [[], ['--doorbells', 'emulate'], ['--clock', 'virtual', '--memory', '2M']]) {
      expect(await doorbell([...args, ...more])).toMatchObject({ status: 1, stderr: '' });
    }
  });
});

describe('how a run is ended from outside', () => {
  it('by --timeout', async () => {
    const { status, stdout, stderr } = await doorbell(['run', await image(print('on'), spin), '--timeout', '0.3']);
    expect(status).toBe(124);
    expect(stdout).toBe('on');
    expect(stderr).toBe('doorbell: the guest was stopped after 0.3 s, as --timeout says\n');
  });

  it('by Ctrl-C, after the beginning of a line has come through at once', async () => {
    const { status, signal, stdout, stderr } = await doorbell(
      ['run', await image(print('login: '), spin), '--stats=json'],
      (child) => child.stdout!.once('data', () => child.kill('SIGINT')),
    );
    expect({ status, signal, stdout }).toEqual({ status: 130, signal: null, stdout: 'login: ' });
    expect(JSON.parse(stderr)).toHaveProperty('instructions');
  });

  it('by a reader who leaves', async () => {
    const endless = await image(print('y\n'), [0xeb, 0xf5]); // jmp to the first mov al
    const { status, signal, stderr } = await doorbell(['run', endless], (child) => {
      child.stdout!.once('data', () => child.stdout!.destroy());
    });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  });
});

it('standard input arrives at the serial port', async () => {
  const ended = await doorbell(['run', await image(echo), '--timeout', '20'], (child) => child.stdin!.end('knock q'));
  expect(ended).toMatchObject({ status: 1, stdout: 'knock q' });
});

it('an open standard input does not keep the process', async () => {
  const ended = await doorbell(['run', await image(debugExit(2))], () => {});
  expect(ended).toMatchObject({ status: 5, stderr: '' });
});

describe('--stats', () => {
  it('=json is one line with the agreed names', async () => {
    const { stderr } = await doorbell(['run', await image(deadPort(5), debugExit(0)), '--stats=json']);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    const stats = JSON.parse(stderr) as Record<string, unknown>;
    expect(Object.keys(stats)).toEqual(['instructions', 'seconds', 'mips', 'exits', 'unimplemented']);
    // Five OUTs, MOV, the OUT that ends the run, and what the vCPU had begun: the rest of a block at most.
    expect(stats['instructions']).toBeGreaterThanOrEqual(7);
    expect(stats['instructions']).toBeLessThan(7 + 32);
    expect(stats['seconds']).toBeGreaterThan(0);
    expect(stats['mips']).toBeGreaterThanOrEqual(0);
    const exits = stats['exits'] as Record<string, Record<string, number>>;
    expect(Object.keys(exits['IO']!)).toEqual(['count', 'decodes', 'walks', 'ns']);
    expect(exits['IO']).toMatchObject({ count: 6, decodes: 0, walks: 0 });
    expect(exits['IO']!['ns']).toBeGreaterThan(0);
    expect(stats['unimplemented']).toEqual({});
  });

  it('names and counts what the CPU does not have', async () => {
    const { status, stderr } = await doorbell([
      'run',
      await image(unimplemented),
      '--cpu',
      'v1,-sse',
      '--stats=json',
      '--timeout',
      '20',
    ]);
    expect(status).toBe(1);
    expect((JSON.parse(stderr) as { unimplemented: unknown }).unimplemented).toEqual({ ADDPS: 2 });
  });

  it('alone is a table', async () => {
    const { stderr } = await doorbell([
      'run',
      await image(unimplemented),
      '--cpu',
      'v1,-sse',
      '--stats',
      '--timeout',
      '20',
    ]);
    expect(stderr).toMatch(/^[\d,]+ instructions in [\d.]+ s: [\d.]+ MIPS\n/);
    expect(stderr).toMatch(/^host processor [\d.]+ %, exits without a decode 100\.0 %$/m);
    expect(stderr).toMatch(/^exit +count +per s +no decode +decodes +walks +ns each$/m);
    expect(stderr).toMatch(/^IO +1 +[\d,]+ +100\.0 % +0 +0 +\d+$/m);
    expect(stderr).toMatch(/^not there, raised #UD: ADDPS 2$/m);
  });
});
