// Prints how many vectors of each form the core passes, and how the first ones of the others differ.
// Usage: node test/vectors/replay-report.mjs [GROUP | FORM-REGEXP] [--way step|block|emulate] [--first N] [--all] [--core FILE]
//   GROUP         name of a group, or a part of one that ends in a star: 'sse-*'
//   FORM-REGEXP   forms of all groups whose names match
//   --first N     differences shown of each form (default 3)
//   --all         forms that pass are listed too
//   --core FILE   another core than build/core.wasm
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    way: { type: 'string', default: 'step' },
    first: { type: 'string', default: '3' },
    all: { type: 'boolean' },
    core: { type: 'string', default: new URL('../../build/core.wasm', import.meta.url).pathname },
  },
});
const load = async (file) =>
  (await runnerImport(new URL(file, import.meta.url).pathname, { configFile: false, logLevel: 'error' })).module;
const { loadVectors, vectorGroups } = await load('./load.ts');
const { Replayer, begins } = await load('./replayer.ts');

process.stdout.on('error', () => process.exit()); // a reader that has seen enough
const wanted = positionals[0] ?? '.';
const named = vectorGroups().filter((name) =>
  wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted,
);
const pattern = named.length > 0 ? /./ : new RegExp(wanted);
const replayer = new Replayer(values.core);
let passed = 0;
let failed = 0;
for (const group of named.length > 0 ? named : vectorGroups()) {
  const forms = new Map();
  for (const vector of loadVectors(group)) {
    if (!pattern.test(vector.form) || (values.way === 'emulate' && !begins(vector))) continue;
    let form = forms.get(vector.form);
    if (!form) forms.set(vector.form, (form = { passed: 0, failures: [] }));
    const wrong = replayer.check(vector, values.way);
    if (wrong.length === 0) form.passed++;
    else form.failures.push({ vector, wrong });
  }
  if (forms.size === 0) continue;
  const sum = [...forms.values()].reduce((n, form) => n + form.passed, 0);
  const bad = [...forms.values()].reduce((n, form) => n + form.failures.length, 0);
  console.log(`== ${group}: ${sum} passed, ${bad} failed; ${forms.size} forms`);
  passed += sum;
  failed += bad;
  for (const [name, form] of forms) {
    if (form.failures.length === 0 && !values.all) continue;
    console.log(
      `${form.failures.length ? 'FAIL' : 'ok  '} ${name}: ${form.passed} passed, ${form.failures.length} failed`,
    );
    for (const { vector, wrong } of form.failures.slice(0, Number(values.first))) {
      console.log(`       #${vector.index} ${Buffer.from(vector.bytes).toString('hex')}: ${wrong.join('; ')}`);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
