// The core against the hardware's recordings, in three ways: alone, in a block with what follows, and by the emulator.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVectors, vectorGroups, type Vector } from './load.js';
import { Replayer, begins, type Way } from './replayer.js';

const WASM = new URL('../../build/core.wasm', import.meta.url);
/** CI replays everything in all ways; otherwise, by the way, one vector in this many. */
const SHARE = process.env.CI ? { block: 1, step: 1, emulate: 1 } : { block: 4, step: 3, emulate: 16 };
/** However small the share, this many of each form. */
const AT_LEAST = 2;

/**
 * Whether a vector belongs to the share. Its number is scattered, because inputs go through their kinds by number, and
 * each way takes others.
 */
function chosen({ index }: Vector, way: Way): boolean {
  const every = SHARE[way];
  const scattered = Math.imul(index + way.length, 0x9e37_79b1) >>> 8;
  return index < AT_LEAST || scattered % every === 0;
}

/** One line for each form that fails: how many of how many, and the first difference. */
function failures(vectors: Vector[], way: Way): { count: number; lines: string[] } {
  const replayer = new Replayer(WASM);
  const forms = new Map<string, { total: number; failed: number; first: string }>();
  let count = 0;
  for (const vector of vectors) {
    if (!chosen(vector, way) || (way === 'emulate' && !begins(vector))) continue;
    count++;
    const form = forms.get(vector.form) ?? { total: 0, failed: 0, first: '' };
    forms.set(vector.form, form);
    form.total++;
    const wrong = replayer.check(vector, way);
    if (wrong.length === 0) continue;
    const bytes = Buffer.from(vector.bytes).toString('hex');
    if (form.failed++ === 0) form.first = `#${vector.index} ${bytes}: ${wrong.join('; ')}`;
  }
  const failed = [...forms].filter(([, form]) => form.failed > 0);
  const lines = failed.map(([name, form]) => `${name}: ${form.failed}/${form.total} failed, first ${form.first}`);
  return { count, lines };
}

describe.each(vectorGroups())('hardware vectors: %s', (group) => {
  let vectors: Vector[] = [];
  beforeAll(() => {
    vectors = [...loadVectors(group)];
    return (): void => {
      vectors = [];
    };
  });
  it.each([
    ['run() one instruction', 'step'],
    ['run() a block', 'block'],
    ['the emulator', 'emulate'],
  ] as const)('%s: does what the processor did', (_, way) => {
    const { count, lines } = failures(vectors, way);
    expect(count).toBeGreaterThan(0);
    expect(lines).toEqual([]);
  });
});
