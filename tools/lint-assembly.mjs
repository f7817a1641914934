// Lints assembly/: no other linter can read AssemblyScript's decorators on functions, so the compiler itself does it,
// checking every file (also what nothing exports yet) and pedantically. Prints what it finds and fails if that is
// anything at all. Warning 235 is off here: it says of each file's constants that they are exported as globals.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
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

let failed = false;
for (const [name, entries] of /** @type {const} */ ([
  ['core', files.filter((file) => !managed(file))],
  ['inspect', ['assembly/inspect.ts']],
])) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [asc, ...entries, ...target(name), '--noEmit', '--pedantic', '--noColors', '--disableWarning', '235'],
    { cwd: root, encoding: 'utf8' },
  );
  const found = `${stdout}${stderr}`.trim();
  if (status !== 0 || found) {
    failed = true;
    console.log(found || `asc ended with status ${status} on ${entries.join(' ')}`);
  }
}
process.exitCode = failed ? 1 : 0;
