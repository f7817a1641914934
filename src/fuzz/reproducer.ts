// A finding on disk: the input that shows it, which `doorbell fuzz --replay` runs again; a report to read; an image to
// boot where that makes sense.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOf } from './corpus.js';
import { TARGET_NAMES, type Explanation, type TargetName } from './target.js';

/** The file begins with this line, the target's name, a line feed; then come the input's bytes. */
const MAGIC = 'doorbell-fuzz 1 ';

const HEADS = Object.fromEntries(
  TARGET_NAMES.map((target) => [target, new TextEncoder().encode(`${MAGIC}${target}\n`)]),
) as Record<TargetName, Uint8Array>;

/** A file is no reproducer. */
export class ReproducerError extends Error {
  override readonly name = 'ReproducerError';
}

export interface Reproducer {
  readonly target: TargetName;
  readonly input: Uint8Array;
}

export function encodeReproducer({ target, input }: Reproducer): Uint8Array {
  const head = HEADS[target];
  const bytes = new Uint8Array(head.length + input.length);
  bytes.set(head);
  bytes.set(input, head.length);
  return bytes;
}

/** Reads a reproducer; `target` says what a raw input (a file of the corpus) is for. Throws ReproducerError. */
export function decodeReproducer(bytes: Uint8Array, target: TargetName | undefined): Reproducer {
  const end = bytes.subarray(0, 64).indexOf(10);
  const head = new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)));
  if (!head.startsWith(MAGIC)) {
    if (target !== undefined) return { target, input: bytes };
    throw new ReproducerError(`it does not begin with '${MAGIC}'; for a raw input give --target, too`);
  }
  const named = TARGET_NAMES.find((name) => name === head.slice(MAGIC.length));
  if (named === undefined)
    throw new ReproducerError(`it is for a target '${head.slice(MAGIC.length)}', which is unknown`);
  if (target !== undefined && target !== named) throw new ReproducerError(`it is for ${named}, not for ${target}`);
  return { target: named, input: bytes.slice(end + 1) };
}

export async function readReproducer(path: string, target: TargetName | undefined): Promise<Reproducer> {
  return decodeReproducer(new Uint8Array(await readFile(path)), target);
}

/** Writes the files of a finding; returns the path of the reproducer. */
export async function writeReproducer(
  directory: string,
  reproducer: Reproducer,
  { text, image }: Explanation,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const stem = join(directory, `${reproducer.target}-${nameOf(reproducer.input)}`);
  const path = `${stem}.fuzz`;
  await writeFile(path, encodeReproducer(reproducer));
  const boot = image === undefined ? '' : `\nAn image that shows it: doorbell run ${stem}.bin --timeout 10\n`;
  await writeFile(`${stem}.txt`, `${text.trimEnd()}\n${boot}\nAgain: doorbell fuzz --replay ${path}\n`);
  if (image !== undefined) await writeFile(`${stem}.bin`, image);
  return path;
}
