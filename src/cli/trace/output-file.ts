// Where a trace goes: standard error, or a file. What is written to a regular file ends with the format's closing text at any
// moment, even if the process is killed: the next piece is written over it.

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { CommandError } from '../failure.js';

const STDERR = 2;
const FULL_WAIT = 1;
/** Characters that are collected before they are written. */
const PIECE = 65536;

export class OutputFile {
  readonly #file: number;
  readonly #seeks: boolean;
  readonly #closing: Buffer;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  #position = 0;
  #waiting = '';
  #open = true;

  /** Standard error without a path. `closing` is the text that makes what has been written whole. */
  constructor(path: string | undefined, closing = '') {
    this.#closing = Buffer.from(closing);
    try {
      this.#file = path === undefined ? STDERR : openSync(path, 'w');
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      throw new CommandError(`--output ${path} cannot be written: ${code}`);
    }
    this.#seeks = path !== undefined && fstatSync(this.#file).isFile();
  }

  write(text: string): void {
    this.#waiting += text;
    if (this.#waiting.length >= PIECE) this.flush();
  }

  /** Writes what has been collected. */
  flush(): void {
    if (this.#waiting === '' || !this.#open) return;
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    if (this.#seeks) {
      this.#put(Buffer.concat([bytes, this.#closing]), this.#position);
      this.#position += bytes.length;
    } else this.#put(bytes, null);
  }

  close(): void {
    if (!this.#open) return;
    this.flush();
    if (!this.#seeks) this.#put(this.#closing, null);
    this.#open = false;
    if (this.#file !== STDERR) closeSync(this.#file);
  }

  #put(bytes: Buffer, position: number | null): void {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(this.#file, bytes, done, bytes.length - done, position === null ? null : position + done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') Atomics.wait(this.#pause, 0, 0, FULL_WAIT);
        else if (code === 'EPIPE') return;
        else throw new CommandError(`the trace cannot be written: ${code ?? String(error)}`);
      }
    }
  }
}
