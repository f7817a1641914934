// Family FLOAT against a processor: results, MXCSR, flags and faults of every form in every rounding mode, with FTZ and DAZ,
// with exceptions masked and unmasked, for operands near all borders. The processor's are in float-digests.bin as digests;
// `node test/vector/compare.mjs FORM` shows what differs where one fails, on a machine that has such a processor.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { digest, DIGESTS, formsDigest, PER_DIGEST, seedOf } from './digests.mjs';
import { compileFloat, RESULT } from './float-module.mjs';
import { FORMS, operationNumbers } from './forms.mjs';

/** Values of the results' fault field: #XM, another exception. */
const XM = 1;
const OTHER = 98;

describe('family FLOAT', () => {
  let float: Awaited<ReturnType<typeof compileFloat>>;
  let recorded: Uint32Array;
  beforeAll(async () => {
    float = await compileFloat('-O1');
    const bytes = readFileSync(DIGESTS);
    recorded = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  });

  test('the recorded forms are these', () => {
    expect(recorded[0]).toBe(formsDigest());
    expect(recorded.length).toBe(1 + FORMS.length * float.settings);
  });

  test('every operation of the family has a form', () => {
    const numbers = operationNumbers();
    const [first, end] = ['CVTPI2PS', 'MOVUPS'].map((name) => numbers.get(name) ?? NaN);
    const missing = [...numbers].filter(
      ([name, i]) => i >= Number(first) && i < Number(end) && !FORMS.some(({ operation }) => operation === name),
    );
    expect(missing).toEqual([]);
  });

  test('does what the processor does', { timeout: 120_000 }, () => {
    const wrong: string[] = [];
    for (const [number, form] of FORMS.entries()) {
      for (let setting = 0; setting < float.settings; setting++) {
        float.make(form, setting, seedOf(0, number, setting), PER_DIGEST);
        const expected = recorded[1 + number * float.settings + setting];
        if (digest(float.execute(form, PER_DIGEST)) !== expected) wrong.push(`${form.name}, setting ${setting}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('without CR4.OSXMMEXCPT, #UD instead of #XM', () => {
    const form = FORMS.find(({ name }) => name === 'DIVSD legacy');
    if (!form) throw new Error('no DIVSD');
    const setting = 32; // one exception or another unmasked
    const faults = (osxmmexcpt: boolean): number[] => {
      float.setOsxmmexcpt(osxmmexcpt);
      float.make(form, setting, 1n, PER_DIGEST);
      const results = Buffer.from(float.execute(form, PER_DIGEST));
      return Array.from({ length: PER_DIGEST }, (_, i) => results.readUInt32LE(i * RESULT + 56));
    };
    const usual = faults(true);
    expect(new Set(usual)).toEqual(new Set([0, XM]));
    expect(faults(false)).toEqual(usual.map((fault) => (fault === XM ? OTHER : fault)));
    float.setOsxmmexcpt(true);
  });
});
