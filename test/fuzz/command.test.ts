// `doorbell fuzz` as a user runs it: options, output, corpus, replay.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { encodeReproducer } from '../../src/fuzz/index.js';
import { buildCommand, doorbell } from '../cli/built.js';

let directory = '';
beforeAll(async () => {
  await buildCommand();
  directory = await mkdtemp(join(tmpdir(), 'doorbell-fuzz-'));
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('refuses', () => {
  test.each<[string[], number, RegExp]>([
    [['--target', 'toaster'], 2, /--target takes decode, execute, dispatch, bus, paging, guest, not 'toaster'/],
    [['--seconds', '0'], 2, /--seconds .*'0'/],
    [['--seconds', 'soon'], 2, /--seconds .*'soon'/],
    [['--runs', '1.5'], 2, /--runs .*'1.5'/],
    [['--seed', '-1'], 2, /--seed .*'-1'/],
    [['--seed', 'abc'], 2, /--seed .*'abc'/],
    [['--corpus'], 2, /--corpus/],
    [['--corpus', 'package.json'], 1, /--corpus package.json cannot be made: E/],
    [['--frobnicate'], 2, /--frobnicate/],
    [['extra'], 2, /too many arguments/],
    [['--replay', 'no/such/file'], 1, /no\/such\/file cannot be read: ENOENT/],
    [['--replay', 'package.json'], 1, /package.json is no reproducer/],
    [['--replay', 'package.json', '--target', 'bus,paging'], 2, /one --target/],
  ])('%j', { timeout: 60_000 }, async (args, status, line) => {
    const ended = await doorbell(['fuzz', ...args]);
    expect(ended.status).toBe(status);
    expect(ended.stderr).toMatch(line);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

it('runs targets in turn, shows how they are doing, and fills a corpus', { timeout: 120_000 }, async () => {
  const corpus = join(directory, 'corpus');
  const { status, stdout } = await doorbell([
    'fuzz',
    '--target',
    'bus,paging',
    '--runs',
    '200',
    '--seed',
    '3',
    '--corpus',
    corpus,
  ]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^seed 3;/m);
  // in the order of the list of targets
  expect(stdout).toMatch(/^bus: \d+ s, 200 inputs, [\d,]+\/s, coverage [\d,]+ features, corpus [\d,]+, findings 0$/m);
  expect(stdout).toMatch(/^paging: \d+ s, 200 inputs, [\d,]+\/s, coverage [\d,]+ places, [\d,]+ features, corpus/m);
  const names = await readdir(join(corpus, 'bus'));
  expect(names.length).toBeGreaterThan(50);
  const raw = await doorbell(['fuzz', '--replay', join(corpus, 'bus', names[0]!), '--target', 'bus']);
  expect(raw.status).toBe(0);
  expect(raw.stdout).toMatch(/^bus: nothing is wrong\n\n +0 {2}/);
});

it('prints JSON', { timeout: 120_000 }, async () => {
  const { status, stdout } = await doorbell(['fuzz', '--target', 'decode', '--runs', '3000', '--seed', '1', '--json']);
  expect(status).toBe(0);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  expect(result).toMatchObject({ seed: 1, findings: [], skipped: [] });
  expect(result.targets).toMatchObject([{ target: 'decode', runs: 3000, findings: 0 }]);
});

it('replays a reproducer and explains it', { timeout: 120_000 }, async () => {
  const file = join(directory, 'some.fuzz');
  await writeFile(file, encodeReproducer({ target: 'decode', input: Uint8Array.of(2, 0x0f, 0xca) }));
  const { status, stdout } = await doorbell(['fuzz', '--replay', file]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^decode: nothing is wrong/);
  expect(stdout).toMatch(/iced-x86 .*bswap edx/);
  expect(stdout).toMatch(/Doorbell .*bswap edx/);
});
