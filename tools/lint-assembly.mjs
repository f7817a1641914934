// Lints assembly/: no other linter can read AssemblyScript's decorators on functions, so the compiler itself does it,
// checking all that any file exports (also what nothing uses yet) and pedantically. Prints what it finds and fails if that
// is anything at all. Warnings 235 and 112 are off here: they say of types that they do not become exports of the module,
// and of vectors that JavaScript could not pass them.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root, target } from './build.mjs';

const require = createRequire(import.meta.url);
const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');

const files = readdirSync(join(root, 'assembly'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `assembly/${name.replaceAll('\\', '/')}`)
  .sort();
/** Needs the managed runtime, which the core must do without. */
const managed = (/** @type {string} */ file) => /^assembly\/(inspect|decode\/names)\b/.test(file);

/**
 * The compiler checks what its entries export, and two entries must not export the same name: files go into as few runs
 * as their names allow.
 * @param {string[]} entries
 */
function runs(entries) {
  /** @type {{ open: boolean, files: string[], names: Set<string> }[]} */
  const found = [];
  for (const file of entries) {
    const text = readFileSync(join(root, file), 'utf8');
    // The compiler dies of an entry that exports an inlined constant; such a file is checked where it is imported.
    if (/@inline export const/.test(text)) continue;
    const names = [...text.matchAll(/\bexport (?:const enum|function|const|let|enum|class) (\w+)/g)].map(
      ([, name]) => name,
    );
    const reexports = /\bexport (?:\*|\{)/.test(text); // names that are not to be seen here
    let run = reexports ? undefined : found.find((each) => each.open && !names.some((name) => each.names.has(name)));
    if (!run) {
      run = { open: !reexports, files: [], names: new Set() };
      found.push(run);
    }
    run.files.push(file);
    for (const name of names) run.names.add(name);
  }
  return found.map((run) => run.files);
}

let failed = false;
for (const [name, entries] of /** @type {['core' | 'inspect', string[]][]} */ ([
  ...runs(files.filter((file) => !managed(file))).map((run) => ['core', run]),
  ['inspect', ['assembly/inspect.ts']],
])) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      asc,
      ...entries,
      ...target(name),
      '--noEmit',
      '--pedantic',
      '--noColors',
      '--disableWarning',
      '235',
      '--disableWarning',
      '112',
    ],
    { cwd: root, encoding: 'utf8' },
  );
  const found = `${stdout}${stderr}`.trim();
  if (status !== 0 || found) {
    failed = true;
    console.log(found || `asc ended with status ${status} on ${entries.join(' ')}`);
  }
}
process.exitCode = failed ? 1 : 0;
