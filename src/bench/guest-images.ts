// Where the measured guests are: guests/ of the project, which the package carries.

import { readFile } from 'node:fs/promises';
import { BenchError } from './bench-error.js';

const GUESTS = new URL('../../guests/', import.meta.url);

/** The bytes of a file below guests/. Throws BenchError if it is not there. */
export async function guestFile(path: string): Promise<Uint8Array> {
  const url = new URL(path, GUESTS);
  const bytes = await readFile(url).catch(() => {
    throw new BenchError(`the guest ${url.pathname} is missing; 'guests/build.sh' makes it`);
  });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
