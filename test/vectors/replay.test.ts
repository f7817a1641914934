// The core against the hardware's recordings: every vector alone and in a block, and a share by the emulator.
import { describe, expect, it } from 'vitest';
import { loadVectors, vectorGroups } from './load.js';
import { Replayer, begins, type Way } from './replayer.js';

const WASM = new URL('../../build/core.wasm', import.meta.url);
/** CI replays everything in all ways; otherwise, by the way, one vector in this many. */
const SHARE = process.env.CI ? { block: 1, step: 1, emulate: 1 } : { block: 1, step: 3, emulate: 7 };

function replay(group: string, way: Way): { count: number; failures: string[] } {
  const replayer = new Replayer(WASM);
  const failures: string[] = [];
  const every = SHARE[way];
  let count = 0;
  for (const vector of loadVectors(group)) {
    if (count++ % every || (way === 'emulate' && !begins(vector))) continue;
    const wrong = replayer.check(vector, way);
    if (wrong.length && failures.length < 20) {
      const bytes = Buffer.from(vector.bytes).toString('hex');
      failures.push(`${vector.form} #${vector.index} ${bytes}: ${wrong.join('; ')}`);
    } else if (wrong.length) failures.push('');
  }
  return { count, failures };
}

describe.each(vectorGroups())('hardware vectors: %s', (group) => {
  it.each(['step', 'block'] as const)('run() does what the processor did (%s)', (way) => {
    const { count, failures } = replay(group, way);
    expect(count).toBeGreaterThan(0);
    expect(failures.filter((line) => line)).toEqual([]);
  });
  it('the emulator does what the processor did', () => {
    const { failures } = replay(group, 'emulate');
    expect(failures.filter((line) => line)).toEqual([]);
  });
});
