// A run is the same however it is cut: whole blocks, linked loops and REP strings against slices down to one instruction,
// which are decoded and executed one at a time. Every architectural register, all of RAM and every exit are compared.
import { describe, expect, it } from 'vitest';
import { differences, caseOf, runCase } from './drive.js';
import { MODES } from './guest.js';
import { Machine } from './machine.js';

const CASES_PER_MODE = process.env.CI ? 24 : 7;
const BUDGET = 1500;
/** Found differences once; what was wrong is told by the named tests beside this file. */
const REGRESSIONS = [11, 12, 18, 45, 56, 74, 1034, 1216, 1277, 1300, 1505, 1521, 1551, 1688];

const machine = new Machine();

function check(seed: number): string[] {
  const guest = caseOf(seed, MODES);
  const whole = runCase(machine, guest, BUDGET, BUDGET);
  const found = whole.wrong.map((what) => `${seed} ${guest.mode} ${guest.paging}: ${what}`);
  for (const slice of [1, 7, 1000]) {
    const sliced = runCase(machine, guest, BUDGET, slice);
    for (const what of [...differences(whole, sliced), ...sliced.wrong]) {
      found.push(`${seed} ${guest.mode} ${guest.paging}, slices of ${slice}: ${what}`);
    }
  }
  return found;
}

describe('a random guest cut into slices', () => {
  it.each(MODES.map((mode, index) => [mode, index] as const))('%s', (_mode, index) => {
    for (let n = 0; n < CASES_PER_MODE; n++)
      expect(check(20_001 + n * MODES.length + ((index + 6) % MODES.length))).toEqual([]);
  });
  it('that made a difference once', () => {
    for (const seed of REGRESSIONS) expect(check(seed)).toEqual([]);
  });
  it('and run twice ends in the same state', () => {
    for (let seed = 500; seed < 500 + 2 * MODES.length; seed++) {
      const guest = caseOf(seed, MODES);
      expect(runCase(machine, guest, BUDGET, BUDGET)).toEqual(runCase(machine, guest, BUDGET, BUDGET));
    }
  });
  it('writes nothing outside its RAM', () => {
    expect(machine.guardsIntact()).toBe(true);
  });
});
