// What `doorbell fuzz` says and ends with when something is wrong: with buses that have a bug planted in them, and on a
// host where a target cannot be run.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fuzzCommand, type FuzzOptions } from '../../src/cli/fuzz-command.js';
import { busTarget } from '../../src/fuzz/bus/target.js';
import { readReproducer } from '../../src/fuzz/index.js';
import type * as targets from '../../src/fuzz/targets.js';
import { buildCommand, doorbell } from '../cli/built.js';
import { LossyBuses } from './planted.js';

const FOUND = 4;

vi.mock('../../src/fuzz/targets.js', async (original) => {
  const { makeTarget } = await original<typeof targets>();
  return {
    makeTarget: (name: Parameters<typeof makeTarget>[0]) =>
      name === 'bus' ? busTarget(() => new LossyBuses()) : makeTarget(name),
  };
});

let directory = '';
beforeAll(async () => {
  await buildCommand();
  directory = await mkdtemp(join(tmpdir(), 'doorbell-fuzz-'));
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

/** The command in this process. */
async function command(options: FuzzOptions): Promise<{ status: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    });
  }
  try {
    return { status: await fuzzCommand(options), ...said };
  } finally {
    vi.restoreAllMocks();
  }
}

describe('something is wrong', () => {
  it('says so, and a reproducer shows it until it is mended', async () => {
    const corpus = join(directory, 'corpus');
    const options: FuzzOptions = { target: ['bus'], runs: 4000, seed: 2, corpus };
    const { status, stdout } = await command(options);
    expect(status).toBe(FOUND);
    const [, path] = /^bus: FOUND command \d+, write: .*\n {2}(\S+\.fuzz)$/m.exec(stdout) ?? [];
    expect(stdout).toMatch(/^bus: .* findings [1-9]\d*$/m);
    expect(await readdir(join(corpus, 'findings'))).toContain(path!.slice(join(corpus, 'findings/').length));
    // somebody who takes the access, and the access: six bytes each
    expect((await readReproducer(path!, undefined)).input.length).toBeLessThanOrEqual(12);
    const report = await readFile(path!.replace(/fuzz$/, 'txt'), 'utf8');
    expect(report).toContain(`\nAgain: doorbell fuzz --replay ${path}\n`);

    const again = await command({ replay: path! });
    expect(again.status).toBe(FOUND);
    expect(again.stdout.split('\n')[0]).toBe(report.split('\n')[0]);
    const json = await command({ replay: path!, json: true });
    expect(json.status).toBe(FOUND);
    const replayed = JSON.parse(json.stdout) as { finding: { summary: string } };
    expect(Object.keys(replayed)).toEqual(['target', 'finding', 'text']);
    expect(`bus: ${replayed.finding.summary}`).toBe(report.split('\n')[0]);

    // the buses as they are built have no such bug
    const built = await doorbell(['fuzz', '--replay', path!]);
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(built.stdout).toMatch(/^bus: nothing is wrong\n/);
  });

  it('as JSON: one line on standard output, the rest on standard error', async () => {
    const corpus = join(directory, 'json');
    const { status, stdout, stderr } = await command({ target: ['bus'], runs: 4000, seed: 2, corpus, json: true });
    expect(status).toBe(FOUND);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(stderr).toMatch(/^seed 2;/);
    const result = JSON.parse(stdout) as { targets: { findings: number }[]; findings: object[] };
    expect(Object.keys(result)).toEqual(['seed', 'targets', 'skipped', 'findings']);
    const keys = ['target', 'runs', 'seconds', 'rate', 'coverage', 'corpus', 'findings', 'notes'];
    expect(Object.keys(result.targets[0]!)).toEqual(keys);
    expect(result.findings.length).toBe(result.targets[0]!.findings);
    for (const each of result.findings) expect(Object.keys(each)).toEqual(['target', 'kind', 'summary', 'path']);
  });
});

describe('where there is no such processor', () => {
  it('execute is skipped with a line that says why', async () => {
    vi.stubGlobal('process', Object.create(process, { platform: { value: 'darwin' }, arch: { value: 'arm64' } }));
    try {
      const reason = 'it needs an x86-64 Linux host, not darwin on arm64';
      const { status, stdout, stderr } = await command({ target: ['execute'], runs: 1, seed: 1, json: true });
      expect(status).toBe(0);
      expect(stderr).toContain(`\nexecute: skipped: ${reason}\n`);
      expect(JSON.parse(stdout)).toMatchObject({ targets: [], skipped: [{ target: 'execute', reason }], findings: [] });
      const replay = command({ target: ['execute'], replay: 'package.json' });
      await expect(replay).rejects.toMatchObject({ status: 1, message: `execute cannot be run here: ${reason}` });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
