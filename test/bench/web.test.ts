// The benchmark's way into a browser: nothing of Node on it, and every guest's URL is that of a file.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { clockStep, goalFor } from '../../src/bench/clock-step.js';
import { Crossing } from '../../src/bench/crossing.js';

const BENCH = new URL('../../src/bench/', import.meta.url);
const WORKER = /new Worker\(new URL\('([^']+)'/g;

/** What a module loads when it runs: types are gone, workers count. */
async function loads(url: URL): Promise<{ specifiers: string[]; code: string }> {
  const { outputText } = ts.transpileModule(await readFile(url, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
  });
  const { importedFiles } = ts.preProcessFile(outputText, true, true);
  const workers = [...outputText.matchAll(WORKER)].map(([, specifier]) => specifier!);
  return { specifiers: [...importedFiles.map(({ fileName }) => fileName), ...workers], code: outputText };
}

interface Module {
  code: string;
  /** What it loads that is no file of the project. */
  foreign: string[];
}

/** All modules below an entry, by their paths in src/. */
async function closure(entry: URL): Promise<Map<string, Module>> {
  const found = new Map<string, Module>();
  const visit = async (url: URL): Promise<void> => {
    const name = url.pathname.split('/src/')[1]!;
    if (found.has(name)) return;
    const module: Module = { code: '', foreign: [] };
    found.set(name, module);
    const { specifiers, code } = await loads(url);
    module.code = code;
    for (const specifier of specifiers) {
      if (specifier.startsWith('.')) await visit(new URL(specifier.replace(/\.js$/, '.ts'), url));
      else module.foreign.push(specifier);
    }
  };
  await visit(entry);
  return found;
}

describe('from the entrance for web pages', () => {
  it('everything is reached, and no Node built-in', async () => {
    const modules = await closure(new URL('web-bench.ts', BENCH));
    for (const name of ['bench.ts', 'web-host.ts', 'web-bench-worker.ts', 'web-lane.ts', 'kick-lane.ts']) {
      expect([...modules.keys()]).toContain(`bench/${name}`);
    }
    for (const [name, { code, foreign }] of modules) {
      expect(
        foreign.filter((each) => each.startsWith('node:')),
        name,
      ).toEqual([]);
      expect(code.match(/\bprocess\.\w+|\bBuffer\b|\b__dirname\b/g), name).toBeNull();
    }
  });

  it('the check sees what Node’s host imports', async () => {
    const modules = await closure(new URL('node-host.ts', BENCH));
    expect(modules.get('bench/node-host.ts')?.foreign).toEqual(['node:fs/promises', 'node:os', 'node:worker_threads']);
    expect(modules.get('bench/node-lane.ts')?.foreign).toEqual(['node:worker_threads']);
  });

  it('each guest’s URL is written out, and names its file', async () => {
    const url = new URL('web-host.ts', BENCH);
    const code = await readFile(url, 'utf8');
    const guests = [...code.matchAll(/'([\w/.-]+)': new URL\('([^'`]+)', import\.meta\.url\)/g)];
    expect(guests).toHaveLength(16);
    for (const [, path, specifier] of guests) {
      expect(specifier).toBe(`../../guests/${path}`);
      expect(existsSync(fileURLToPath(new URL(specifier!, url))), specifier).toBe(true);
    }
  });
});

describe('a coarse clock', () => {
  it('tells its step', () => {
    let time = 0;
    // Looked at every 0.003 ms; rounded to 0.1 ms, as on a page that is not isolated.
    expect(clockStep(() => Math.floor((time += 0.003) / 0.1) * 0.1)).toBeCloseTo(0.1, 9);
    expect(clockStep()).toBeGreaterThan(0);
  });

  it('makes goals higher, never lower', () => {
    expect(goalFor(12, 0, 2.8e6)).toBe(12);
    expect(goalFor(21, 0.005, 2.8e6)).toBe(21);
    expect(goalFor(21, 0.1, 2.8e6)).toBe(24);
    expect(goalFor(30, 0.1, 2.8e6)).toBe(30);
  });

  it('makes windows longer', () => {
    const crossing = new Crossing(5);
    crossing.measure(1);
    const { calls } = crossing;
    expect(calls % 20_000).toBe(0);
    expect(calls * crossing.result().min).toBeGreaterThanOrEqual(5e6 * 0.999);
  });
});
