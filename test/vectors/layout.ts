// The guest a vector runs in: where its pages are and what they hold first.
import { Prng } from './prng.js';

/** Two pages, read and execute, not writable, filled with INT3 (0xCC) around the instruction. */
export const CODE_BASE = 0x0800_0000n;
export const CODE_SIZE = 0x2000;
/** Where the instruction stands unless its case says otherwise. */
export const CODE_ENTRY = CODE_BASE + 0x800n;
/** Two pages, read and write, no execute. The stack of a vector is in the second one. */
export const DATA_BASE = 0x1000_0000n;
export const DATA_SIZE = 0x2000;

/** RFLAGS bits compared unless the case says otherwise: CF PF AF ZF SF DF OF. */
export const COMPARED_FLAGS = 0xcd5;

/** What the data pages hold before a case patches them; a fresh copy at every call. */
export function baseMemory(): Uint8Array {
  const prng = new Prng(0x0d00b311);
  const image = new Uint8Array(DATA_SIZE);
  const view = new DataView(image.buffer);
  for (let at = 0; at < DATA_SIZE; at += 4) view.setUint32(at, prng.next(), true);
  // Near repetition for REPE CMPS, and long runs for REPE SCAS, to run over.
  for (let at = 0x800; at < 0xc00; at++) if ((image[at]! & 0x0f) !== 0) image[at] = image[at - 0x400]!;
  for (let at = 0xc00; at < 0x1000; at++) if ((image[at]! & 0x1f) !== 0) image[at] = 0x5a;
  return image;
}
