// Writes the guest's serial output to standard output, at once and in order, while the guest keeps this thread busy.

import { writeSync } from 'node:fs';

const STDOUT = 1;
/** Milliseconds to wait when a pipe that does not block is full. */
const FULL_WAIT = 1;

export class TerminalOutput {
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  readonly #closed: () => void;
  #open = true;

  /** `closed` is called when nobody reads any more. */
  constructor(closed: () => void) {
    this.#closed = closed;
  }

  readonly write = (bytes: Uint8Array): void => {
    for (let done = 0; this.#open && done < bytes.length;) {
      try {
        done += writeSync(STDOUT, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') Atomics.wait(this.#pause, 0, 0, FULL_WAIT);
        else if (code === 'EPIPE') {
          this.#open = false;
          this.#closed();
        } else throw error;
      }
    }
  };
}
