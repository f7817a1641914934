// The README's library example, as it stands there, and that what the README points to exists.

import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildCommand, projectFile } from './built.js';

const readme = await readFile(projectFile('README.md'), 'utf8');

beforeAll(buildCommand, 120_000);

it('the library example runs and prints what its comments say', async () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(example).toContain("from 'doorbell'");
  const directory = await mkdtemp(join(tmpdir(), 'doorbell-'));
  try {
    const file = join(directory, 'example.mjs');
    const library = pathToFileURL(projectFile('dist/index.js')).href;
    await writeFile(file, example.replace("'doorbell'", JSON.stringify(library)));
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [count, rax, ...stats] = stdout.split('\n');
    expect([count, rax]).toEqual(['1n', '90n']);
    expect(stats.join('\n')).toMatch(/EPT_MISCONFIG: {/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe('links', () => {
  const pages = [
    'README.md',
    ...'api architecture cli exit-path adding-a-device tracing'.split(' ').map((name) => `docs/${name}.md`),
  ];
  it.each(pages)('in %s lead somewhere', async (page) => {
    const text = (await readFile(projectFile(page), 'utf8')).replace(/```[\s\S]*?```/g, '');
    const folder = page.includes('/') ? 'docs/' : '';
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      await expect(access(projectFile(`${folder}${target}`)), `${page} → ${target}`).resolves.toBeUndefined();
    }
  });
});
