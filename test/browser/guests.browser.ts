// Every guest of the page's list: prints what guests/README.md says, checksums from guests/bench/expected.json, and ends as
// it should, on shared memory and without.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GUESTS } from '../../src/web/lab/machine/guests.js';
import { KICK_KINDS } from '../../src/web/lab/machine/settings.js';
import { ISOLATIONS } from './browser.js';
import { LabPage } from './lab-page.js';

const json = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../guests/${name}`, import.meta.url), 'utf8'));
const checksums = json('bench/expected.json') as Record<string, { default: string }>;
const promiseCases = (json('promise/expected.json') as { case: string }[]).map((row) => row.case);

const nameOf = (line: string): string => line.split(' ')[0]!;
const unless = (lines: string[], pattern: RegExp): string[] => lines.filter((line) => !pattern.test(line));

/** The guests that end, and what their lines have to be. */
const ENDING: Record<string, (lines: string[]) => void> = {
  'hello-long': (lines) => expect(lines).toEqual(['Hello from long mode']),
  'hello-protected': (lines) => expect(lines).toEqual(['Hello from protected mode']),
  'hello-real': (lines) => expect(lines).toEqual(['Hello from real mode']),
  smc(lines) {
    expect(unless(lines, /^\S+ ok\b/)).toEqual([]);
    expect(lines).toHaveLength(23);
  },
  faults(lines) {
    expect(unless(lines, /^\S+ ok\b/)).toEqual([]);
    expect(lines).toHaveLength(166);
  },
  promise(lines) {
    expect(unless(lines, /^\S+ (ok\b|skipped )/)).toEqual([]);
    expect(lines.map(nameOf)).toEqual(promiseCases);
  },
  vmexit(lines) {
    expect(lines.map(nameOf)).toEqual(KICK_KINDS.slice(1));
    expect(unless(lines, /^\S+ [1-9]\d*$/)).toEqual([]);
  },
  sieve: (lines) => expect(lines).toEqual([`sieve ${checksums['sieve']!.default}`]),
  mandelbrot: (lines) => expect(lines).toEqual([`mandelbrot-sse2 ${checksums['mandelbrot-sse2']!.default}`]),
  screen: (lines) => expect(lines).toEqual(['screen done']),
};

/** It is in linux.browser.ts. */
const ELSEWHERE = ['linux'];

it('no guest of the list is left out here', () => {
  expect([...Object.keys(ENDING), 'kicker', ...ELSEWHERE].sort()).toEqual(GUESTS.map(({ name }) => name).sort());
});

describe.each(ISOLATIONS)('%s', (isolation) => {
  it.each(Object.entries(ENDING))('%s', async (guest, check) => {
    const lab = await LabPage.open({ isolation, link: `guest=${guest}` });
    await lab.comesToBe('ended', 'failed');
    const result = await lab.result();
    expect([result?.reason, result?.status]).toEqual(['debug-exit', 1]);
    await lab.says('has ended with 0, after');
    await lab.prints(/\S/);
    check(await lab.lines());
  });

  it('the memory is shared, or one line says that it is not', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=hello-long' });
    const note = lab.page.getByText('not cross-origin isolated');
    expect(await note.count()).toBe(isolation === 'isolated' ? 0 : 1);
    expect(await lab.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isolation === 'isolated');
  });

  it('what is printed can be heard', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=hello-long' });
    await expect.poll(() => lab.readAloud()).toEqual(['Hello from long mode']);
  });

  it('kicker begins every kind of kick, while it runs', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker&kick=none' });
    await lab.prints('kick none');
    for (const kind of KICK_KINDS.slice(1)) {
      await lab.choose('Kick', kind);
      await lab.prints(new RegExp(`^kick ${kind}$`, 'm'));
      expect(await lab.status()).toBe('running');
    }
    expect(await lab.lines()).toEqual([
      'kicker: a register says which kick',
      ...KICK_KINDS.map((kind) => `kick ${kind}`),
    ]);
  });
});
