// Compares family FLOAT with this machine's own processor and shows the first differences of each form:
//
//   node test/vector/compare.mjs [--count N] [--seed N] [--show N] [REGEXP]
//
// With --record instead it writes what the processor gives into float-digests.bin, which float.test.ts checks. RCPPS and RSQRTPS are
// those of AMD's Zen 4 and differ on other processors.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { digest, DIGESTS, formsDigest, PER_DIGEST, seedOf } from './digests.mjs';
import { BATCH, CASE, compileFloat, RESULT } from './float-module.mjs';
import { FORMS } from './forms.mjs';
import { startNative } from './native.mjs';

const { values, positionals } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string', default: '3' },
    record: { type: 'boolean' },
  },
  allowPositionals: true,
});
const count = values.record ? PER_DIGEST : Math.min(Number(values.count), BATCH);
const seed = values.record ? 0 : Number(values.seed);
const pattern = new RegExp(positionals[0] ?? '');
const float = await compileFloat('-O3');
const native = startNative();

/**
 * Elements as hexadecimal digits, the lowest first.
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} size
 * @param {number} width
 */
const elements = (bytes, at, size, width) =>
  Array.from({ length: size / width }, (_, i) =>
    Buffer.from(bytes.subarray(at + i * width, at + (i + 1) * width))
      .reverse()
      .toString('hex'),
  ).join(' ');

/**
 * @param {import('./forms.mjs').Form} form
 * @param {number} setting
 * @param {number} index of the case
 * @param {{ cases: Buffer, theirs: Buffer, ours: Buffer }} batch
 */
function show(form, setting, index, { cases, theirs, ours }) {
  const from = index * CASE;
  const at = index * RESULT;
  const width = [2, 4, 8, 4, 8][form.type] ?? 8;
  console.log(`${form.name}: case ${index} of setting ${setting}, MXCSR ${elements(cases, from + 96, 4, 4)}`);
  for (const [k, name] of ['D', 'A', 'B'].entries()) {
    console.log(`  ${name} ${elements(cases, from + 32 * k, 32, width)}`);
  }
  for (const [name, r] of /** @type {[string, Buffer][]} */ ([
    ['native', theirs],
    ['ours  ', ours],
  ])) {
    const [mxcsr, flags] = [32, 36].map((offset) => elements(r, at + offset, 4, 4));
    const [rax, mm0] = [40, 48].map((offset) => elements(r, at + offset, 8, 8));
    console.log(
      `  ${name} ${elements(r, at, 32, width)} MXCSR ${mxcsr} flags ${flags} rax ${rax} mm0 ${mm0} fault ${r[at + 56]}`,
    );
  }
}

let total = 0;
let wrong = 0;
let failing = 0;
let nanoseconds = 0n;
/** @type {number[]} */
const digests = [];
for (const [number, form] of FORMS.entries()) {
  if (!pattern.test(form.name)) continue;
  let differences = 0;
  for (let setting = 0; setting < float.settings; setting++) {
    const cases = Buffer.from(float.make(form, setting, seedOf(seed, number, setting), count));
    const start = process.hrtime.bigint();
    const ours = Buffer.from(float.execute(form, count));
    nanoseconds += process.hrtime.bigint() - start;
    const theirs = await native.run(form, cases);
    digests.push(digest(theirs));
    total += count;
    if (ours.equals(theirs)) continue;
    for (let i = 0; i < count; i++) {
      const [from, to] = [i * RESULT, (i + 1) * RESULT];
      if (ours.compare(theirs, from, to, from, to) === 0) continue;
      if (++differences <= Number(values.show)) show(form, setting, i, { cases, theirs, ours });
    }
  }
  if (differences === 0) continue;
  failing++;
  wrong += differences;
  console.log(`${form.name}: ${differences} differ`);
}
native.stop();
console.log(
  `${total} cases, ${wrong} differ in ${failing} forms; ${(Number(nanoseconds) / total).toFixed(1)} ns a case of ours`,
);
if (values.record) writeFileSync(DIGESTS, new Uint32Array([formsDigest(), ...digests]));
process.exitCode = wrong > 0 ? 1 : 0;
