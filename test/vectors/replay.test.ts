// The core against the hardware's recordings: every vector as run() executes it, and a share by the emulator.
import { describe, expect, it } from 'vitest';
import { loadVectors, vectorGroups } from './load.js';
import { Replayer, begins, type Way } from './replayer.js';

const WASM = new URL('../../build/core.wasm', import.meta.url);
/** CI replays everything by the emulator too; otherwise one vector in this many. */
const EMULATED_SHARE = process.env.CI ? 1 : 7;

function replay(group: string, way: Way, every: number): { count: number; failures: string[] } {
  const replayer = new Replayer(WASM);
  const failures: string[] = [];
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
  it('run() does what the processor did', () => {
    const { count, failures } = replay(group, 'run', 1);
    expect(count).toBeGreaterThan(0);
    expect(failures.filter((line) => line)).toEqual([]);
  });
  it('the emulator does what the processor did', () => {
    const { failures } = replay(group, 'emulate', EMULATED_SHARE);
    expect(failures.filter((line) => line)).toEqual([]);
  });
});
