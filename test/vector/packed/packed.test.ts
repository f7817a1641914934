// Families PACKED and CRYPTO against what a processor did (digests.txt, made by record.mjs): each form of each instruction on
// 512 states of random and of edge-case elements. A digest is of 64 states after the instruction.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { FORMS } from './forms.js';
import { Harness, STATE } from './harness.js';
import { ARITHMETIC, digest, DIGEST_START, Inputs } from './inputs.js';

const CASES = 64;

const lines = readFileSync(new URL('digests.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const recorded = lines.map((line) => {
  const [form = '', digests = ''] = line.split(': ');
  return { form, digests: digests.split(' ') };
});

describe('packed and cryptographic instructions', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await Harness.build();
  }, 60_000);

  it('were recorded in all forms', () => {
    expect(recorded.map(({ form }) => form)).toEqual(FORMS);
  });

  it.each(recorded.map(({ form, digests }, index) => [form, index, digests] as const))('%s', (form, index, digests) => {
    const inputs = new Inputs();
    const run = harness.prepare(form);
    const got = digests.map((_, group) => {
      let hash = DIGEST_START;
      for (let i = 0; i < CASES; i++) {
        const immediate = inputs.make(index, group * CASES + i);
        run(inputs.state, immediate);
        const view = new DataView(inputs.state.buffer);
        view.setUint32(STATE.flags, view.getUint32(STATE.flags, true) & ARITHMETIC, true);
        hash = digest(hash, inputs.state);
      }
      return (hash >>> 0).toString(16).padStart(8, '0');
    });
    expect(got).toEqual(digests);
  });
});
