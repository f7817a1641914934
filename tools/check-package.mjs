// Uses the packed library as a stranger would: `npm pack`, an install of the tarball into an empty project elsewhere, a
// program in TypeScript that is type-checked against the published declarations and run, and the command line. Also
// asserts what the tarball holds.

import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './build.mjs';

const require = createRequire(import.meta.url);

/**
 * Runs a program and gives what it wrote to standard output.
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function run(command, args, cwd) {
  console.log(`$ ${command} ${args.join(' ')}`);
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with status ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/**
 * Why a package must not be published with these files.
 * @param {string[]} files paths in the tarball
 */
export function packageFaults(files) {
  const faults = [];
  for (const needed of [
    'package.json',
    'README.md',
    'LICENSE',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli/main.js',
    'build/core.wasm',
    'build/core.unshared.wasm',
    'build/inspect.wasm',
  ]) {
    if (!files.includes(needed)) faults.push(`${needed} is missing`);
  }
  for (const file of files) {
    if (/^(test|src|assembly|tools|guests\/.*\.asm)\b|\.test\.|\.tsbuildinfo$|\.stamp$/.test(file)) {
      faults.push(`${file} does not belong into it`);
    }
  }
  return faults;
}

/** @param {string} directory an empty one */
async function check(directory) {
  const [{ filename, files }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', directory], root));
  const faults = packageFaults(files.map((/** @type {{ path: string }} */ { path }) => path));
  if (faults.length > 0) throw new Error(`the package is wrong:\n${faults.join('\n')}`);

  const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, types: [], outDir: 'out' };
  await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['consumer.ts'] }));
  await copyFile(join(root, 'test/package/consumer.ts'), join(directory, 'consumer.ts'));
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`], directory);
  run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', '.'], directory);
  console.log(run(process.execPath, ['out/consumer.js'], directory));

  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const printed = run(join(directory, 'node_modules/.bin/doorbell'), ['--version'], directory).trim();
  if (printed !== version) throw new Error(`doorbell --version prints ${printed}, not ${version}`);
  run(join(root, 'node_modules/.bin/publint'), ['run', '--strict', join(directory, filename)], root);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const directory = await mkdtemp(join(tmpdir(), 'doorbell-consumer-'));
  try {
    await check(directory);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
