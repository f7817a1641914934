// The inputs worth keeping: each reached something new when it was found. In memory, and in a directory if there is one:
// DIR/TARGET/NAME, where NAME is made of the contents, so that corpora can be put together by copying.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './random.js';

/** Bytes kept in memory at most; beyond them the oldest inputs go. */
const ROOM = 64 << 20;

export class Corpus {
  readonly #inputs: Uint8Array[] = [];
  #bytes = 0;

  get size(): number {
    return this.#inputs.length;
  }

  add(input: Uint8Array): void {
    this.#inputs.push(input);
    this.#bytes += input.length;
    while (this.#bytes > ROOM && this.#inputs.length > 1) this.#bytes -= this.#inputs.shift()!.length;
  }

  /** One of them, new ones more often than old ones. */
  pick(random: Random): Uint8Array {
    const count = this.#inputs.length;
    return this.#inputs[Math.max(random.below(count), random.below(count))]!;
  }
}

/** A name for an input: the same for the same bytes. */
export function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16);
}

/** A target's part of a corpus directory. */
export class CorpusDirectory {
  readonly #path: string;
  #made = false;

  constructor(directory: string, target: string) {
    this.#path = join(directory, target);
  }

  /** The inputs that are there, in the order of their names, so that a run with a seed can be repeated. */
  async read(): Promise<Uint8Array[]> {
    const names = await readdir(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const inputs: Uint8Array[] = [];
    for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
      if (/^[0-9a-f]{16}$/.test(name)) inputs.push(new Uint8Array(await readFile(join(this.#path, name))));
    }
    return inputs;
  }

  async write(input: Uint8Array): Promise<void> {
    if (!this.#made) await mkdir(this.#path, { recursive: true });
    this.#made = true;
    await writeFile(join(this.#path, nameOf(input)), input);
  }
}
