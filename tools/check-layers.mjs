// Checks that imports run downwards only, as DESIGN says: cli, web, bench, fuzz → machine → vmm → bus → eventfd, and
// vmm → core; nothing in bus/ or eventfd/ knows the core, and assembly/ knows nothing outside itself and has
// its own order (docs/architecture.md). Prints one line a violation, `file:line: what`, and fails if there is one.

import { readFile, readdir } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

/** @type {Record<string, string[]>} */
const below = {
  eventfd: [],
  bus: ['eventfd'],
  core: [],
  vmm: ['bus', 'core', 'eventfd'],
  machine: ['vmm', 'bus', 'core', 'eventfd'],
};
const everything = Object.keys(below);

/** Rooms of src/ and the rooms that each may import, besides itself. */
const rooms = new Map([
  ...Object.entries(below),
  ['bench', everything],
  ['fuzz', everything],
  ['web', [...everything, 'bench']],
  ['cli', [...everything, 'bench', 'fuzz']],
]);

/** Rooms of assembly/ and the rooms that each may import, besides itself and the files at the top. @type {Record<string, string[]>} */
const coreRooms = {
  float: [],
  // on the flush of the TLB when its page moves; paging shows and takes the page's registers
  apic: ['paging'],
  paging: ['apic'],
  segments: ['paging'],
  events: ['apic', 'paging', 'segments'],
  lower: ['decode'],
  decode: ['lower', 'paging'],
  vector: ['decode', 'float', 'paging', 'segments'],
  x87: ['decode', 'float', 'paging', 'segments'],
  execute: ['apic', 'decode', 'events', 'float', 'lower', 'paging', 'segments', 'vector', 'x87'],
  emulate: ['decode', 'events', 'execute', 'paging'],
  inspect: ['decode', 'paging'],
};
/** Calls up: an access tells the breakpoints, a write to code the blocks. */
const upwards = new Set([
  'assembly/paging/access.ts: assembly/events/debug',
  'assembly/paging/code-watch.ts: assembly/decode/block',
]);

/** Rooms that may use the library as its users do, through src/index.ts. */
const users = new Set(['bench', 'cli', 'fuzz', 'web']);

/** @typedef {{ file: string, line: number, message: string }} Violation */

/**
 * The specifiers that a module imports, re-exports or loads, each with its line.
 * @param {string} text
 */
function importsOf(text) {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName, pos }) => ({ specifier: fileName, line: text.slice(0, pos).split('\n').length }));
}

/**
 * Why a file must not import another, or undefined.
 * @param {string} from path in the project, with forward slashes
 * @param {string} to likewise
 */
function objection(from, to) {
  if (from.startsWith('assembly/')) {
    if (!to.startsWith('assembly/')) return `assembly/ imports ${to}, which is outside of it`;
    const [own, other] = [from, to].map((path) => (path.split('/').length > 2 ? path.split('/')[1] : ''));
    if (own === '' || other === '' || other === own || upwards.has(`${from}: ${to}`)) return undefined;
    return coreRooms[own]?.includes(other) ? undefined : `${own}/ imports ${other}/ (${to}), which is not below it`;
  }
  if (from === 'src/index.ts') return to.startsWith('src/') ? undefined : `src/ imports ${to}, which is outside of it`;
  if (!to.startsWith('src/')) return `src/ imports ${to}, which is outside of it`;
  const [room, target] = [from, to].map((path) => (path.split('/').length > 2 ? path.split('/')[1] : ''));
  if (room === '')
    return target === '' ? undefined : `a file at the top of src/ is for all rooms and imports none (${to})`;
  if (to === 'src/index.js' || to === 'src/index.ts') {
    return users.has(room) ? undefined : `${room}/ imports the library's entrance, src/index.ts`;
  }
  if (target === '' || target === room) return undefined;
  return rooms.get(room)?.includes(target) ? undefined : `${room}/ imports ${target}/ (${to}), which is not below it`;
}

/**
 * The violations in one file.
 * @param {string} file path in the project, with forward slashes
 * @param {string} text
 * @returns {Violation[]}
 */
export function violations(file, text) {
  /** @type {Violation[]} */
  const found = [];
  const parts = file.split('/');
  if (parts[0] === 'src' && parts.length > 2 && !rooms.has(parts[1])) {
    found.push({
      file,
      line: 1,
      message: `src/${parts[1]}/ is no room: there are ${[...rooms.keys()].sort().join(', ')}`,
    });
    return found;
  }
  for (const { specifier, line } of importsOf(text)) {
    if (!specifier.startsWith('.')) {
      if (parts[0] === 'assembly') found.push({ file, line, message: `assembly/ imports the package '${specifier}'` });
      continue;
    }
    const message = objection(file, posix.join(dirname(file), specifier));
    if (message) found.push({ file, line, message });
  }
  return found;
}

/**
 * The violations in a project.
 * @param {string} root directory that has src/ and assembly/
 */
export async function check(root) {
  /** @type {Violation[]} */
  const found = [];
  let files = 0;
  for (const top of ['assembly', 'src']) {
    const names = await readdir(`${root}/${top}`, { recursive: true });
    for (const name of names.sort()) {
      if (!/\.[cm]?tsx?$/.test(name)) continue;
      const file = `${top}/${name.replaceAll('\\', '/')}`;
      files++;
      found.push(...violations(file, await readFile(`${root}/${file}`, 'utf8')));
    }
  }
  return { files, found };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { files, found } = await check(fileURLToPath(new URL('..', import.meta.url)));
  for (const { file, line, message } of found) console.log(`${file}:${line}: ${message}`);
  if (files === 0) console.log('no source file was found');
  process.exitCode = files === 0 || found.length > 0 ? 1 : 0;
}
