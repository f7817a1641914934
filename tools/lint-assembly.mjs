// Lints assembly/: no other linter can read AssemblyScript's decorators on functions, so the compiler itself does it,
// checking every file (also those nothing exports yet) and pedantically. Prints what it finds and fails if that is
// anything at all.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root, target } from './build.mjs';

const require = createRequire(import.meta.url);
const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');

let failed = false;
for (const [name, entry] of /** @type {const} */ ([
  ['core', 'assembly/index.ts'],
  ['inspect', 'assembly/inspect.ts'],
])) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [asc, entry, ...target(name), '--noEmit', '--pedantic', '--noColors'],
    { cwd: root, encoding: 'utf8' },
  );
  const found = `${stdout}${stderr}`.trim();
  if (status !== 0 || found) {
    failed = true;
    console.log(found || `asc ended with status ${status} on ${entry}`);
  }
}
process.exitCode = failed ? 1 : 0;
