// Builds the project: `node tools/build.mjs [core] [debug] [inspect] [ts] [web] [--force] [--quiet]`. Without names
// all but `debug`. Compiler flags are in asconfig.json and tsconfig.build.json; this file knows entries, order and what
// is already up to date (an optimised core takes up to 40 s of CPU, so unchanged sources are not compiled again).

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { coreFaults, unshare } from './wasm.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const ascVersion = /** @type {{ version: string }} */ (require('assemblyscript/package.json')).version;
const stampFile = join(root, 'build/.stamp');
const lockFile = join(root, 'build/.lock');

/** Modules by the name of their target in asconfig.json. */
const modules = {
  core: { entry: 'assembly/index.ts', out: 'build/core.wasm', core: true, uses: ['tools/wasm.mjs'] },
  debug: { entry: 'assembly/index.ts', out: 'build/core.debug.wasm', core: true, uses: ['tools/wasm.mjs'] },
  inspect: {
    entry: 'assembly/inspect.ts',
    out: 'build/inspect.wasm',
    core: false,
    uses: ['tools/as-bind-transform.mjs'],
  },
};

/** @typedef {keyof typeof modules} ModuleName */

/** Made from build/core.wasm, not by the compiler. */
const UNSHARED = 'build/core.unshared.wasm';
/** In dist/site: what `npm run linux` makes, which takes a download and stays. */
const LINUX = 'linux';

/** Where asc writes: a reader must never see half a module. @param {string} out */
const partOf = (out) => out.replace(/\.wasm$/, '.part.wasm');

/** Files that building a module makes. @param {ModuleName} name */
function products(name) {
  const { out } = modules[name];
  return [out, partOf(out), ...(name === 'core' ? [UNSHARED] : [])];
}

/** A build that could not be made; its message is for the person who started it. */
export class BuildError extends Error {
  /** @override */
  name = 'BuildError';
}

/**
 * An AssemblyScript entry file and all it imports.
 * @param {string} entry
 * @param {Map<string, string>} [seen] path → text
 * @returns {Promise<Map<string, string>>}
 */
async function closure(entry, seen = new Map()) {
  if (seen.has(entry)) return seen;
  const text = await readFile(join(root, entry), 'utf8').catch(() => {
    throw new BuildError(`${entry} cannot be read`);
  });
  seen.set(entry, text);
  for (const [, specifier] of text.matchAll(/\bfrom\s+['"](\.{1,2}\/[^'"]+)['"]/g)) {
    const base = relative(root, resolve(root, dirname(entry), specifier));
    const file = [`${base}.ts`, `${base}/index.ts`].find((path) => existsSync(join(root, path)));
    if (!file) throw new BuildError(`${entry} imports '${specifier}', which does not exist`);
    await closure(file, seen);
  }
  return seen;
}

/**
 * What a module was or would be made from.
 * @param {ModuleName} name
 */
async function fingerprint(name) {
  const { entry, uses } = modules[name];
  const config = JSON.parse(await readFile(join(root, 'asconfig.json'), 'utf8'));
  const hash = createHash('sha256').update(`${ascVersion}\0${JSON.stringify(config.targets[name])}`);
  const sources = await closure(entry);
  for (const path of uses) sources.set(path, await readFile(join(root, path), 'utf8'));
  for (const path of [...sources.keys()].sort()) hash.update(`\0${path}\0${sources.get(path)}`);
  return hash.digest('hex');
}

/** @returns {Promise<Record<string, string>>} */
async function readStamps() {
  try {
    return JSON.parse(await readFile(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

/**
 * Runs a Node program of the project and waits for it.
 * @param {string} program path of a .js file
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(program, args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? 1, output: output.trimEnd() }));
  });
}

/**
 * Two builds at once (two test runs, say) would write the same files: the second waits for the first.
 * @param {() => Promise<void>} work
 */
async function exclusively(work) {
  await mkdir(join(root, 'build'), { recursive: true });
  for (;;) {
    try {
      const file = await open(lockFile, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(lockFile, 'utf8').catch(() => ''));
      if (owner > 0 && !alive(owner)) await rm(lockFile, { force: true });
      else await sleep(200);
    }
  }
  try {
    await work();
  } finally {
    await rm(lockFile, { force: true });
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * asc's arguments for a target of asconfig.json. The file is named by its full path because asc looks for transforms
 * relative to that path, and does not find them by a relative one.
 * @param {ModuleName} name
 */
export function target(name) {
  return ['--config', join(root, 'asconfig.json'), '--target', name];
}

/**
 * @param {ModuleName} name
 * @param {(line: string) => void} say
 */
async function compile(name, say) {
  const { entry, out, core } = modules[name];
  const started = Date.now();
  const part = partOf(out);
  const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');
  const { code, output } = await run(asc, [entry, ...target(name), '--outFile', part, '--noColors']);
  if (code !== 0) throw new BuildError(`${entry} does not compile (target ${name}):\n${output}`);
  if (output) say(output);
  const bytes = new Uint8Array(await readFile(join(root, part)));
  if (core) {
    const faults = coreFaults(bytes);
    if (faults.length > 0) throw new BuildError(faults.map((fault) => `${out} is refused: ${fault}`).join('\n'));
  }
  if (name === 'core') {
    await writeFile(join(root, part), unshare(bytes));
    await rename(join(root, part), join(root, UNSHARED));
    await writeFile(join(root, part), bytes);
  }
  await rename(join(root, part), join(root, out));
  say(`${out}: ${bytes.length} bytes in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** @param {(line: string) => void} say */
async function compileTypeScript(say) {
  const started = Date.now();
  const { code, output } = await run(require.resolve('typescript/bin/tsc'), ['-p', 'tsconfig.build.json']);
  if (code !== 0) throw new BuildError(`src/ does not compile:\n${output}`);
  say(`dist/: in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/**
 * The pages, after the modules that they include; and beside them the guests, for pages that name them by URL.
 * @param {(line: string) => void} say
 */
async function compilePages(say) {
  const started = Date.now();
  for (const name of await readdir(join(root, 'dist/site')).catch(() => [])) {
    if (name !== LINUX) await rm(join(root, 'dist/site', name), { recursive: true });
  }
  const vite = join(dirname(require.resolve('vite/package.json')), 'bin/vite.js');
  const { code, output } = await run(vite, ['build', '--logLevel', 'warn']);
  if (code !== 0) throw new BuildError(`src/web does not build:\n${output}`);
  await mkdir(join(root, 'dist/site/guests'), { recursive: true });
  for (const directory of await readdir(join(root, 'guests'), { withFileTypes: true })) {
    if (!directory.isDirectory()) continue;
    for (const file of await readdir(join(root, 'guests', directory.name))) {
      if (!/\.(bin|elf)$/.test(file)) continue;
      await copyFile(join(root, 'guests', directory.name, file), join(root, 'dist/site/guests', file));
    }
  }
  say(`dist/site/: in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/**
 * Builds what is named, at most two compilers at a time; what is up to date is left alone.
 * @param {string[]} names module names, `ts` and `web`; none = all but debug
 * @param {{ force?: boolean, quiet?: boolean }} [options]
 * @returns {Promise<void>} rejects with BuildError
 */
export async function build(names, options = {}) {
  const wanted = names.length > 0 ? names : ['core', 'inspect', 'ts', 'web'];
  /** @type {(line: string) => void} */
  const say = (line) => {
    if (!options.quiet) console.error(line);
  };
  for (const name of wanted) {
    if (name !== 'ts' && name !== 'web' && !(name in modules)) {
      throw new BuildError(`nothing is called '${name}': name some of ${Object.keys(modules).join(', ')}, ts, web`);
    }
  }
  await exclusively(async () => {
    const stamps = await readStamps();
    /** @type {(() => Promise<void>)[]} */
    const queue = [];
    /** @type {Error[]} */
    const failures = [];
    for (const name of /** @type {ModuleName[]} */ (wanted.filter((each) => each in modules))) {
      const stamp = await fingerprint(name).catch((error) => void failures.push(error));
      if (!stamp) continue;
      if (!options.force && stamps[name] === stamp && existsSync(join(root, modules[name].out))) continue;
      queue.push(async () => {
        try {
          await compile(name, say);
        } catch (error) {
          // Nothing must go on running the module of the sources before.
          for (const file of products(name)) await rm(join(root, file), { force: true });
          throw error;
        }
        stamps[name] = stamp;
        await writeFile(stampFile, `${JSON.stringify(stamps, null, 2)}\n`);
      });
    }
    if (wanted.includes('ts')) queue.push(() => compileTypeScript(say));
    const lane = async () => {
      for (let work = queue.shift(); work; work = queue.shift()) {
        await work().catch((error) => failures.push(error));
      }
    };
    await Promise.all([lane(), lane()]);
    if (wanted.includes('web') && failures.length === 0) await compilePages(say).catch((error) => failures.push(error));
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new BuildError(failures.map(String).join('\n'));
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2);
  try {
    await build(
      args.filter((arg) => !arg.startsWith('--')),
      { force: args.includes('--force'), quiet: args.includes('--quiet') },
    );
  } catch (error) {
    console.error(error instanceof BuildError ? error.message : error);
    process.exitCode = 1;
  }
}
