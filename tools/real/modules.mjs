// Which files of a kernel package's modules make a driver, in the order in which they have to be loaded.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * What a module says in its section .modinfo that it needs (scripts/mod/modpost.c, add_depends()): names without `.ko`.
 * @param {Uint8Array} bytes
 */
function needs(bytes) {
  const text = Buffer.from(bytes).toString('latin1');
  const [, names = ''] = /\0depends=([^\0]*)\0/.exec(text) ?? [];
  return names.split(',').filter((name) => name !== '');
}

/**
 * @param {string} directory lib/modules/VERSION
 * @param {readonly string[]} wanted
 * @returns {{ name: string, bytes: Uint8Array }[]}
 */
export function modulesFor(directory, wanted) {
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const file of readdirSync(join(directory, 'kernel'), { recursive: true, encoding: 'utf8' })) {
    // A dash and an underline are the same in a module's name.
    if (file.endsWith('.ko')) files.set(basename(file, '.ko').replaceAll('-', '_'), join(directory, 'kernel', file));
  }
  /** @type {Map<string, Uint8Array>} */
  const loaded = new Map();
  /** @param {string} name */
  const load = (name) => {
    const key = name.replaceAll('-', '_');
    const file = files.get(key);
    // A driver that is built in has no file.
    if (file === undefined || loaded.has(key)) return;
    const bytes = new Uint8Array(readFileSync(file));
    for (const other of needs(bytes)) load(other);
    loaded.set(key, bytes);
  };
  for (const name of wanted) load(name);
  return [...loaded].map(([name, bytes]) => ({ name, bytes }));
}
