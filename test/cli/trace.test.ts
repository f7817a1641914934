// `doorbell trace`: what it writes, by which filters, and that what it has written is whole at any moment. Addresses and values
// are those of the guests' instructions (flat images start at 0:7C00).

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommand, doorbell, program } from './built.js';
import { debugExit, unimplemented } from './guests.js';

let directory = '';
const path = (name: string): string => join(directory, name);
const lines = (text: string): string[] => text.trimEnd().split('\n');

const ports = [
  ...[0xb0, 0x5a], //       7C00 mov al, 0x5a
  ...[0xe6, 0x80], //       7C02 out 0x80, al
  ...[0xe5, 0x84], //       7C04 in ax, 0x84
  ...[0x31, 0xc0], //       7C06 xor ax, ax
  ...[0x31, 0xc9], //       7C08 xor cx, cx
  ...[0x0f, 0xa2], //       7C0A cpuid
  ...debugExit(3), //       7C0C mov eax, 3; 7C12 out 0xf4, eax
];
/** out 0x80, al without an end */
const endless = [0xe6, 0x80, 0xeb, 0xfc];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doorbell-'));
  await buildCommand();
  await writeFile(path('ports.bin'), Uint8Array.from(ports));
  await writeFile(path('endless.bin'), Uint8Array.from(endless));
  await writeFile(path('fault.bin'), Uint8Array.from(unimplemented));
}, 120_000);
afterAll(() => rm(directory, { recursive: true }));

interface ChromeEvent {
  ph: string;
  name: string;
  cat?: string;
  ts?: number;
  dur?: number;
  args?: Record<string, unknown>;
}
const events = (text: string): ChromeEvent[] => (JSON.parse(text) as { traceEvents: ChromeEvent[] }).traceEvents;

describe('as text', () => {
  it('exits, with what was accessed and how it was answered', async () => {
    const { status, stdout, stderr } = await doorbell(['trace', path('ports.bin')]);
    expect([status, stdout]).toEqual([7, '']);
    const told = lines(stderr).filter((line) => !line.includes('EPT_VIOLATION'));
    expect(told).toHaveLength(4);
    expect(told[0]).toMatch(/^ +\d+\.\d{6} +1 IO +rip 0x7c02 {2}write port 0x80 1 byte = 0x5a {2}\[leave, \d+ ns\]$/);
    expect(told[1]).toMatch(/ 2 IO +rip 0x7c04 {2}read port 0x84 2 bytes {2}\[leave, /);
    expect(told[2]).toMatch(/ CPUID +rip 0x7c0a {2}leaf 0x0 subleaf 0x0 = 0x[0-9a-f]+ 0x756e6547 /);
    expect(told[3]).toMatch(/ 7 IO +rip 0x7c12 {2}write port 0xf4 4 bytes = 0x3 {2}\[skip, /);
  });

  it.each([
    [['--reason', 'cpuid'], [/CPUID/]],
    [
      ['--reason', 'CPUID,IO', '--addr', '0x80-0x84'],
      [/port 0x80 /, /port 0x84 /],
    ],
    [['--addr', '0x85'], [/port 0x84 /]], // the second byte of IN AX, 84h
    [
      ['--addr', '128', '--addr', '0xf4'],
      [/port 0x80 /, /port 0xf4 /],
    ],
  ])('only what %j asks for', async (filter, wanted) => {
    const told = lines((await doorbell(['trace', path('ports.bin'), ...filter])).stderr);
    expect(told).toHaveLength(wanted.length);
    for (const [at, pattern] of wanted.entries()) expect(told[at]).toMatch(pattern);
  });

  it('--limit ends the run with success', async () => {
    const args = ['trace', path('endless.bin'), '--reason', 'IO', '--limit', '5', '--timeout', '60'];
    const { status, stderr } = await doorbell(args);
    expect(status).toBe(0);
    expect(lines(stderr)).toHaveLength(5);
  });

  it('instructions as iced-x86 reads them, in order', async () => {
    const args = ['trace', path('ports.bin'), '--instructions', '--addr', '0x7c00-0x7cff'];
    const { status, stderr } = await doorbell(args);
    expect(status).toBe(7);
    const told = lines(stderr).filter((line) => / 00007c/.test(line));
    expect(told.map((line) => line.replace(/^ *[\d.]+ +\d+ /, '').replace(/ {2,}/g, ' '))).toEqual([
      '00007c00 b05a mov al, 0x5a',
      '00007c02 e680 out 0x80, al',
      '00007c04 e584 in ax, 0x84',
      '00007c06 31c0 xor ax, ax',
      '00007c08 31c9 xor cx, cx',
      '00007c0a 0fa2 cpuid',
      '00007c0c 66b803000000 mov eax, 3',
      '00007c12 66e7f4 out 0xf4, eax',
    ]);
  });

  it('notes that an event took the guest elsewhere', async () => {
    const { stderr } = await doorbell(['trace', path('fault.bin'), '--cpu', 'v1,-sse', '--instructions']);
    const told = lines(stderr);
    const at = told.findIndex((line) => line.includes('addps'));
    expect(told[at + 1]).toMatch(/-- an event was delivered; its handler goes on at RIP 0x7c17$/); // behind INC BX
  });
});

describe('as Chrome’s trace events', () => {
  it('complete events with times in microseconds', async () => {
    const output = path('trace.json');
    const args = ['trace', path('ports.bin'), '--format', 'chrome', '--output', output, '--instructions'];
    expect(await doorbell(args)).toMatchObject({ status: 7, stdout: '', stderr: '' });
    const found = events(await readFile(output, 'utf8'));
    expect(found[0]).toMatchObject({ ph: 'M', name: 'process_name' });
    const exits = found.filter(({ cat }) => cat === 'exit');
    for (const { ph, ts, dur } of exits) {
      expect(ph).toBe('X');
      expect(ts).toBeGreaterThan(0);
      expect(dur).toBeGreaterThanOrEqual(0);
    }
    expect(exits.find(({ name }) => name === 'IO')).toMatchObject({
      args: { port: '0x80', data: '0x5a', rip: '0x7c02' },
    });
    expect(found.filter(({ cat }) => cat === 'instruction').map(({ name }) => name)).toContain('cpuid');
    expect(found.map(({ ts }) => ts ?? 0)).toEqual(found.map(({ ts }) => ts ?? 0).toSorted((a, b) => a - b));
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('is whole JSON when %s ends it', async (signal) => {
    const output = path(`${signal}.json`);
    const args = ['trace', path('endless.bin'), '--format', 'chrome', '--output', output];
    const child = spawn(process.execPath, [program, ...args, '--timeout', '120'], { stdio: 'ignore' });
    const gone = new Promise((resolve) => child.on('close', resolve));
    while ((await stat(output).catch(() => ({ size: 0 }))).size < 200_000) await delay(20);
    child.kill(signal);
    await gone;
    expect(events(await readFile(output, 'utf8')).length).toBeGreaterThan(100);
  });

  it('needs a file', async () => {
    const { status, stderr } = await doorbell(['trace', path('ports.bin'), '--format', 'chrome']);
    expect([status, stderr]).toEqual([2, 'doorbell: --format chrome needs --output FILE\n']);
  });
});
