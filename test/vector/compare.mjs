// Compares family FLOAT with this machine's own processor: node test/vector/compare.mjs [--count N] [--seed N] [REGEXP].
// Needs gcc and an x86-64 processor that has AVX, FMA and F16C. Prints the first differences of each form.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BATCH, CASE, compileFloat, RESULT } from './float-module.mjs';
import { FORMS, SHAPE } from './forms.mjs';

const { values, positionals } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string', default: '3' },
  },
  allowPositionals: true,
});
const count = Math.min(Number(values.count), BATCH);
const shown = Number(values.show);
const pattern = new RegExp(positionals[0] ?? '');
const directory = mkdtempSync(join(tmpdir(), 'float-native-'));
const program = join(directory, 'native');
execFileSync('gcc', ['-O1', '-o', program, new URL('native.c', import.meta.url).pathname]);
const native = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
const output = native.stdout[Symbol.asyncIterator]();
let rest = Buffer.alloc(0);
/** @param {number} size */
async function read(size) {
  const parts = [rest];
  let have = rest.length;
  while (have < size) {
    const { value, done } = await output.next();
    if (done) throw new Error('native ended early');
    parts.push(value);
    have += value.length;
  }
  const all = Buffer.concat(parts);
  rest = all.subarray(size);
  return all.subarray(0, size);
}
/** @param {import('./forms.mjs').Form} form @param {Uint8Array} cases */
async function runNative(form, cases) {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(cases.length / CASE, 0);
  header.writeUInt32LE(form.bytes.length, 4);
  header.set(form.bytes, 8);
  native.stdin.write(header);
  native.stdin.write(Buffer.from(cases));
  return read((cases.length / CASE) * RESULT);
}
/** @param {Buffer} bytes @param {number} at @param {number} size @param {number} width */
const lanes = (bytes, at, size, width) =>
  Array.from({ length: size / width }, (_, i) =>
    Buffer.from(bytes.subarray(at + i * width, at + (i + 1) * width))
      .reverse()
      .toString('hex'),
  ).join(' ');

const float = await compileFloat('-O3');
let total = 0;
let wrong = 0;
let failing = 0;
let time = 0;
for (const [index, form] of FORMS.entries()) {
  if (!pattern.test(form.name)) continue;
  let differences = 0;
  for (let setting = 0; setting < float.settings; setting++) {
    const seed = (BigInt(values.seed) << 32n) + BigInt(index * 64 + setting);
    const cases = Buffer.from(float.make(form, setting, seed, count));
    const start = process.hrtime.bigint();
    const ours = Buffer.from(float.execute(form, count));
    time += Number(process.hrtime.bigint() - start);
    const theirs = await runNative(form, cases);
    total += count;
    for (let i = 0; i < count; i++) {
      const at = i * RESULT;
      const mmxSource = form.shape & SHAPE.mmxSource;
      void mmxSource;
      if (ours.compare(theirs, at, at + RESULT, at, at + RESULT) === 0) continue;
      wrong++;
      if (++differences > shown) continue;
      const c = i * CASE;
      const width = [2, 4, 8, 4, 8][form.type] ?? 8;
      console.log(`${form.name}: case ${i} of setting ${setting}, MXCSR ${lanes(cases, c + 96, 4, 4)}`);
      for (const [k, name] of ['D', 'A', 'B'].entries())
        console.log(`  ${name} ${lanes(cases, c + 32 * k, 32, width)}`);
      for (const [name, r] of /** @type {[string, Buffer][]} */ ([
        ['native', theirs],
        ['ours  ', ours],
      ])) {
        console.log(
          `  ${name} ${lanes(r, at, 32, form.operation === 'VCVTPS2PH' ? 2 : width)} MXCSR ${lanes(r, at + 32, 4, 4)} flags ${lanes(r, at + 36, 4, 4)} rax ${lanes(r, at + 40, 8, 8)} mm0 ${lanes(r, at + 48, 8, 8)} fault ${r[at + 56]}`,
        );
      }
    }
  }
  if (differences) failing++;
  if (differences) console.log(`${form.name}: ${differences} differ`);
}
native.stdin.end();
rmSync(directory, { recursive: true });
console.log(`${total} cases, ${wrong} differ in ${failing} forms; ${(time / total).toFixed(1)} ns a case`);
process.exitCode = wrong ? 1 : 0;
