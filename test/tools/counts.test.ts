// What .ci/run adds up from the test runner's report.

import { describe, expect, it } from 'vitest';
import { counts } from '../../tools/vitest-counts.mjs';

const file = (status: string, ...results: string[]) => ({
  status,
  assertionResults: results.map((each) => ({ status: each })),
});

describe('counts', () => {
  it('adds up the files; whatever neither passed nor failed was skipped', () => {
    expect(
      counts({ testResults: [file('passed', 'passed', 'skipped', 'todo'), file('failed', 'passed', 'failed')] }),
    ).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it('counts a file that did not load, or failed outside of its tests, as one failure', () => {
    expect(counts({ testResults: [file('failed'), file('passed', 'passed')] })).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
    expect(counts({ testResults: [file('failed', 'passed')] }).failed).toBe(1);
  });

  it('refuses a report in which nothing ran', () => {
    expect(() => counts({ testResults: [] })).toThrow('ran no test');
    expect(() => counts({ testResults: [file('passed', 'skipped')] })).toThrow('ran no test');
  });
});
