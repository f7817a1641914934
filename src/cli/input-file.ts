// Reads a file named on the command line.

import { readFile, stat } from 'node:fs/promises';
import { CommandError } from './failure.js';

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

/** More than any guest's memory. */
const SIZE_MAX = 2 ** 31 - 1;

/** The file's bytes. Throws CommandError saying which file cannot be read, and why. */
export async function readInput(what: string, path: string): Promise<Uint8Array> {
  try {
    const about = await stat(path);
    // a device or a pipe may never end
    if (!about.isFile() && !about.isDirectory()) throw new Error('it is not a regular file');
    if (about.size > SIZE_MAX) throw new Error(`it is too large (${about.size} bytes)`);
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot read the ${what} ${path}: ${REASONS[code] ?? message}`);
  }
}
