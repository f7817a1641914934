// Reads a file named on the command line.

import { readFile } from 'node:fs/promises';
import { CommandError } from './failure.js';

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

/** The file's bytes. Throws CommandError saying which file cannot be read, and why. */
export async function readInput(what: string, path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot read the ${what} ${path}: ${REASONS[code] ?? message}`);
  }
}
