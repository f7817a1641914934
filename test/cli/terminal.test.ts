// `doorbell run` on a terminal: script(1), of Debian's essential package bsdutils, makes one and passes on what is typed.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_DETACH_KEY, detachKey } from '../../src/cli/detach-key.js';
import { liveLine, midSequence } from '../../src/cli/live-stats.js';
import { runSession } from '../../src/cli/session.js';
import { buildCommand, doorbell, program } from './built.js';
import { debugExit, echo, print, spin, tripleFault } from './guests.js';

let directory = '';
const path = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doorbell-'));
  await buildCommand();
  await writeFile(path('echo.bin'), Uint8Array.from(echo));
  await writeFile(path('exit.bin'), Uint8Array.from(debugExit(4)));
  await writeFile(path('spin.bin'), Uint8Array.from([...print('on'), ...spin]));
  await writeFile(path('fault.bin'), Uint8Array.from(tripleFault(0)));
}, 120_000);
afterAll(() => rm(directory, { recursive: true }));

/** What was on the screen when the text to wait for came, and what to do then: keys, or a signal to the run. */
type Step = [wait: RegExp | string, then: string];

interface OnTerminal {
  screen: string;
  status: number;
  /** `stty -g` before and after. */
  before: string;
  after: string;
}

const met = (screen: string, wait: RegExp | string): boolean =>
  typeof wait === 'string' ? screen.includes(wait) : wait.test(screen);

function onTerminal(args: string[], steps: Step[]): Promise<OnTerminal> {
  const quoted = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
  // The inner shell becomes the run, so that its process id is known.
  const line = `stty rows 24 cols 80; echo "before $(stty -g)"; sh -c 'echo pid $$; exec "$@"' sh ${quoted}; echo "status $?"; echo "after $(stty -g)"`;
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qfc', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let screen = '';
    const left = [...steps];
    child.stdout.on('data', (bytes: Buffer) => {
      screen += bytes.toString('latin1');
      const [next] = left;
      if (next !== undefined && met(screen, next[0])) {
        left.shift();
        const [, then] = next;
        if (then.startsWith('SIG')) process.kill(Number(/pid (\d+)/.exec(screen)![1]), then as NodeJS.Signals);
        else child.stdin.write(then, 'latin1');
      }
      if (/after [0-9a-f:]+\r\n/.test(screen)) child.stdin.end();
    });
    child.on('error', reject);
    child.on('close', () => {
      const found = (pattern: RegExp): string => pattern.exec(screen)?.[1] ?? '';
      const status = Number(found(/status (\d+)/));
      resolve({ screen, status, before: found(/before (\S+)/), after: found(/after (\S+)/) });
    });
  });
}

describe('a terminal', () => {
  it('is raw while the guest runs, and as it was after the detach key', async () => {
    const ended = await onTerminal(
      ['run', path('echo.bin'), '--timeout', '100'],
      [
        [/Ctrl-\] ends the run/, 'ab\u0003\u001ac'],
        ['ab\u0003\u001ac', '\u001d'],
      ],
    );
    // Once: what the terminal itself would have echoed is not there. Ctrl-C and Ctrl-Z have reached the guest.
    expect(ended.screen).toContain('ends the run\r\nab\u0003\u001acstatus 130');
    expect(ended.after).toBe(ended.before);
    expect(ended.before).not.toBe('');
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ] as const)('is as it was after %s', async (signal, status) => {
    const ended = await onTerminal(['run', path('spin.bin'), '--timeout', '100'], [[/ends the run/, signal]]);
    expect(ended.status).toBe(status);
    expect(ended.after).toBe(ended.before);
  });

  it('is as it was after the guest has ended, and after it has crashed', async () => {
    const q = await onTerminal(['run', path('echo.bin'), '--timeout', '100'], [[/ends the run/, 'q']]);
    expect([q.status, q.after]).toEqual([1, q.before]);
    const crash = await onTerminal(['run', path('fault.bin')], []);
    expect(crash.screen).toMatch(/crashed: triple fault\r\n/);
    expect([crash.status, crash.after]).toEqual([134, crash.before]);
  });

  it('has another detach key, or none', async () => {
    const other = await onTerminal(
      ['run', path('echo.bin'), '--detach-key', 'ctrl-a', '--timeout', '100'],
      [
        [/Ctrl-A ends the run/, '\u001d'],
        ['run\r\n\u001d', '\u0001'],
      ],
    );
    expect(other.status).toBe(130);
    expect(detachKey('none')).toBeUndefined();
  });

  it('has the figures of --stats in its last row, and gets the row back', async () => {
    const { screen, status } = await onTerminal(
      ['run', path('echo.bin'), '--stats', '--timeout', '100'],
      [[/MIPS {2}host .*exits\/s IO [\d,]+/, 'q']],
    );
    expect(status).toBe(1);
    expect(screen).toContain('\u001b[1;23r'); // DECSTBM: rows 1 to 23 of 24 scroll
    expect(screen.indexOf('\u001b[r')).toBeGreaterThan(screen.indexOf('\u001b[24;1H'));
    expect(screen).toMatch(/instructions in [\d.]+ s: [\d.]+ MIPS\r\nhost processor [\d.]+ %/);
  });
});

describe('detach keys', () => {
  it.each([
    ['^]', 0x1d],
    ['ctrl-]', 0x1d],
    ['^a', 1],
    ['Ctrl-Z', 26],
    ['^@', 0],
    ['^_', 31],
    ['^\\', 28],
  ])('%s', (text, code) => expect(detachKey(text)?.code).toBe(code));
  it('by default Ctrl-]', () => expect(detachKey('^]')).toEqual(DEFAULT_DETACH_KEY));
  it.each(['', 'x', '^', '^1', 'ctrl', 'alt-x', '^ab'])('not %j', (text) => {
    expect(() => detachKey(text)).toThrow(/--detach-key takes/);
  });
});

it('the end of a pipe does not end the run', async () => {
  const { status, stdout } = await doorbell(['run', path('spin.bin'), '--timeout', '1'], (child) => child.stdin!.end());
  expect([status, stdout]).toEqual([124, 'on']);
});

it('more than a guest reads waits in the pipe, and none of it is lost', async () => {
  const text = `${'0123456789abcdef'.repeat(20_000)}q`;
  const args = ['run', path('echo.bin'), '--timeout', '100'];
  const { status, stdout } = await doorbell(args, (child) => child.stdin!.end(text));
  expect(status).toBe(1);
  expect(stdout === text).toBe(true);
}, 120_000);

describe('figures', () => {
  const exits = (count: number, decodeFree: number) => ({ count, decodeFree, decodes: 0, walks: 0, ns: 0 });
  const moment = (time: number, instructions: number, user: number, io: number, mmio: number) => ({
    time,
    cpu: { user, system: 0 },
    stats: { time, instructions, unimplemented: {}, exits: { IO: exits(io, io), EPT_MISCONFIG: exits(mmio, 0) } },
  });

  it('are of the time between: rates, the share of the host, exits without a decode', () => {
    // 2 s, 4 million instructions, 1 s of processor time, 300 exits of which 200 needed no decode
    expect(liveLine(moment(1000, 1e6, 1e6, 100, 50), moment(3000, 5e6, 2e6, 300, 150))).toBe(
      '2.0 MIPS  host 50.0 %  no decode 66.7 %  exits/s IO 100, EPT_MISCONFIG 50',
    );
  });

  it.each([
    ['\u001b', true],
    ['\u001b[', true],
    ['\u001b[1;3', true],
    ['\u001b[1;31m', false],
    ['\u001b]0;title', true],
    ['\u001b]0;title\u0007', false],
    ['\u001b(B', false],
    ['plain\n', false],
    ['caf\u00c3', true], // é without its second byte
    ['caf\u00c3\u00a9', false],
  ])('do not come into %j', (text, inside) => expect(midSequence(text)).toBe(inside));
});

describe('a reset', () => {
  const machine = {
    memory: 2 ** 20,
    cpus: 1,
    cpu: {},
    paging: 'ept',
    clock: 'virtual',
    doorbells: 'fast',
    tripleFault: 'stop',
  } as const;
  const options = { ...machine, detachKey: undefined };

  it.each([
    [true, 9, 3],
    [false, 0, 1],
  ])('with reboot %s gives status %i after %i starts', async (reboot, status, starts) => {
    let started = 0;
    const ended = await runSession(
      path('exit.bin'),
      { ...options, reboot },
      {
        started: () => void started++,
        run: async (pc, limits) => {
          const result = await pc.run(limits);
          return started < 3 ? { ...result, reason: 'reset' } : result;
        },
      },
    );
    expect([ended, started]).toEqual([status, starts]);
  });
});
