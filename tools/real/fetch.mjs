// The real software that the machine is tested with, from Debian's packages: `node tools/real/fetch.mjs` downloads and
// unpacks them into .cache/real (or DOORBELL_REAL_DIR) and prints where each file is. What is there already is kept, so that
// a second call needs no network; `--update` looks for newer packages. Nothing is installed and nothing of it is committed.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../build.mjs';

export class FetchError extends Error {
  /** @override */
  name = 'FetchError';
}

/** The package that always depends on the newest kernel for virtual machines. */
const KERNEL = 'linux-image-cloud-amd64';
const OTHERS = ['busybox-static', 'memtest86+', 'seabios'];

/** All that is kept is below `debian/` in it: nothing else there is touched. */
export const realDirectory = process.env['DOORBELL_REAL_DIR'] ?? join(root, '.cache', 'real');

/**
 * @typedef {object} RealFiles
 * @property {string} kernel the kernel's bzImage
 * @property {string} kernelVersion as `uname -r` says it
 * @property {string} kernelConfig
 * @property {string} modules lib/modules/VERSION
 * @property {string} busybox statically linked
 * @property {string} memtest x86-64, in the form of a Linux kernel
 * @property {string} bios 256 KiB, for the top of 4 GiB
 * @property {string} biosSmall 128 KiB, with fewer drivers
 * @property {string} vgaBios
 * @property {string} packages the names and versions, one a line
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 */
function output(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
  } catch (error) {
    const { code, stderr } = /** @type {{ code?: string, stderr?: string }} */ (error);
    if (code === 'ENOENT') throw new FetchError(`${command} is not installed: Debian's packages are fetched with it`);
    const said = (stderr ?? '').trim().split('\n').at(-1) ?? '';
    throw new FetchError(`${command} ${args.join(' ')}: ${said}`, { cause: error });
  }
}

/** The package behind the name that never changes, as apt's lists have it now; undefined if they do not know it. */
function newestKernel() {
  const match = /^\s*Depends: (linux-image-\S+-cloud-amd64)$/m.exec(output('apt-cache', ['depends', KERNEL]));
  return match?.[1];
}

/** The kernel's package by name; brings apt's lists up to date if they lack it, as they do in a fresh container. */
function kernelPackage() {
  let name;
  try {
    name = newestKernel();
  } catch (error) {
    if (error instanceof FetchError && error.message.includes('not installed')) throw error;
  }
  if (name !== undefined) return name;
  output('apt-get', ['update']);
  name = newestKernel();
  if (name === undefined) throw new FetchError(`apt knows no ${KERNEL}: Debian's archive for amd64 is needed`);
  return name;
}

/**
 * Downloads and unpacks into a directory beside the final one, which is put in place when it is complete.
 * @param {string} directory
 */
function download(directory) {
  const kernel = kernelPackage();
  const work = `${directory}.${process.pid}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'packages'), { recursive: true });
  mkdirSync(join(work, 'root'));
  try {
    output('apt-get', ['download', kernel, ...OTHERS], join(work, 'packages'));
    const files = readdirSync(join(work, 'packages')).filter((file) => file.endsWith('.deb'));
    for (const file of files) output('dpkg-deb', ['-x', join(work, 'packages', file), join(work, 'root')]);
    const lines = files.map((file) => file.replaceAll('%3a', ':').replace(/_[^_]+\.deb$/, ''));
    writeFileSync(join(work, 'packages.txt'), `${lines.sort().join('\n')}\n`);
    rmSync(join(work, 'packages'), { recursive: true });
    rmSync(directory, { recursive: true, force: true });
    renameSync(work, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} directory @returns {RealFiles} */
function locate(directory) {
  const files = join(directory, 'root');
  const versions = readdirSync(join(files, 'lib/modules'));
  const [kernelVersion] = versions;
  if (kernelVersion === undefined)
    throw new FetchError(`${files}/lib/modules is empty: delete ${directory} and try again`);
  const found = {
    kernel: join(files, 'boot', `vmlinuz-${kernelVersion}`),
    kernelVersion,
    kernelConfig: join(files, 'boot', `config-${kernelVersion}`),
    modules: join(files, 'lib/modules', kernelVersion),
    // a merged /usr has moved it in later releases of Debian
    busybox: ['bin/busybox', 'usr/bin/busybox'].map((file) => join(files, file)).find((file) => existsSync(file)) ?? '',
    memtest:
      ['boot/memtest86+x64.bin', 'usr/lib/memtest86+/memtest86+.x64.bin', 'boot/mt86+x64']
        .map((file) => join(files, file))
        .find((file) => existsSync(file)) ?? '',
    bios: join(files, 'usr/share/seabios/bios-256k.bin'),
    biosSmall: join(files, 'usr/share/seabios/bios.bin'),
    vgaBios: join(files, 'usr/share/seabios/vgabios-stdvga.bin'),
    packages: readFileSync(join(directory, 'packages.txt'), 'utf8'),
  };
  for (const [name, file] of Object.entries(found)) {
    if (name === 'kernelVersion' || name === 'packages' || existsSync(file)) continue;
    throw new FetchError(`${name} is not where Debian's package had it in bookworm (${file || directory})`);
  }
  return found;
}

/**
 * The files, fetched if they are not there yet.
 * @param {{ update?: boolean, directory?: string }} [options]
 * @returns {RealFiles}
 */
export function realFiles({ update = false, directory = realDirectory } = {}) {
  const debian = join(directory, 'debian');
  if (update || !existsSync(join(debian, 'packages.txt'))) download(debian);
  return locate(debian);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    for (const [name, value] of Object.entries(realFiles({ update: process.argv.includes('--update') }))) {
      console.log(`${name}: ${value.trim().split('\n').join(', ')}`);
    }
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    console.error(`tools/real/fetch.mjs: ${error.message}`);
    process.exitCode = 1;
  }
}
