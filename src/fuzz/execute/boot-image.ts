// A case of the target `execute` as an image that any PC boots: guests/single runs the instruction in user mode and prints
// registers and memory on the serial port.

import { readFile } from 'node:fs/promises';
import { initialFpu, Case, CASE_SIZE } from './layout.js';

const IMAGE = new URL('../../../guests/single/single.bin', import.meta.url);
/** What stands before the case in the image. */
const MARK = 'DBCASE1\0';

/** The image with a normalised case in it. */
export async function bootImage(bytes: Uint8Array): Promise<Uint8Array> {
  const image = await readFile(IMAGE);
  const at = image.indexOf(MARK, 0, 'latin1');
  if (at < 0) throw new Error(`${IMAGE.pathname} has no place for a case: build the guests anew`);
  image.set(bytes, at + MARK.length);
  if (bytes.length === CASE_SIZE) image.set(initialFpu(), at + MARK.length + Case.fpu);
  return new Uint8Array(image);
}
