// Ends a run in which an input never comes back. Nothing in this thread could: a thread of its own looks whether the run
// goes on, and when it does not, writes the inputs that were being run to the directory of findings and ends the process.

import { Worker } from 'node:worker_threads';
import { encodeReproducer } from './reproducer.js';
import type { TargetName } from './target.js';

/** Room for the inputs of a batch, and what each takes besides its bytes. */
const ROOM = 4 << 20;
/** Words at the front: how many batches so far, whether one is being run, how many inputs it has. */
const BEAT = 0;
const BUSY = 1;
const COUNT = 2;
const HEAD = 16;

const CODE = `
const { workerData } = require('node:worker_threads');
const { mkdirSync, writeFileSync, writeSync } = require('node:fs');
const { shared, target, directory, patience } = workerData;
const words = new Int32Array(shared, 0, 4);
const view = new DataView(shared);
for (let last = -1; ; ) {
  const now = Atomics.load(words, ${BEAT});
  if (now === last && Atomics.load(words, ${BUSY}) === 1) break;
  last = now;
  Atomics.wait(words, ${BEAT}, now, patience);
}
mkdirSync(directory, { recursive: true });
const count = words[${COUNT}];
for (let index = 0, at = ${HEAD}; index < count; index++) {
  const length = view.getUint32(at, true);
  writeFileSync(directory + '/' + target + '-hang-' + index + '.fuzz', new Uint8Array(shared, at + 4, length));
  at += 4 + length;
}
const which = count === 1 ? 'an input: ' + directory + '/' + target + '-hang-0.fuzz'
  : 'one of ' + count + ' inputs: ' + directory + '/' + target + '-hang-*.fuzz';
writeSync(2, 'doorbell: ' + target + ' has not come back for ' + patience / 1000 + ' s from ' + which + '\\n');
process.kill(process.pid, 'SIGTERM');
`;

/** A run that takes longer than this is one that never ends. */
export const PATIENCE_MS = 60_000;

export class Watchdog {
  readonly #worker: Worker;
  readonly #target: TargetName;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(target: TargetName, directory: string, patience = PATIENCE_MS) {
    const shared = new SharedArrayBuffer(ROOM);
    this.#target = target;
    this.#words = new Int32Array(shared, 0, 4);
    this.#bytes = new Uint8Array(shared);
    this.#view = new DataView(shared);
    this.#worker = new Worker(CODE, { eval: true, workerData: { shared, target, directory, patience } });
    this.#worker.unref();
  }

  /** These are run from now on. */
  begin(inputs: readonly Uint8Array[]): void {
    let at = HEAD;
    let count = 0;
    for (const input of inputs) {
      const bytes = encodeReproducer({ target: this.#target, input });
      if (at + 4 + bytes.length > ROOM) break;
      this.#view.setUint32(at, bytes.length, true);
      this.#bytes.set(bytes, at + 4);
      at += 4 + bytes.length;
      count++;
    }
    this.#words[COUNT] = count;
    Atomics.store(this.#words, BUSY, 1);
    Atomics.add(this.#words, BEAT, 1);
  }

  /** They have come back. */
  end(): void {
    Atomics.store(this.#words, BUSY, 0);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
