// Standard input as the guest's serial line. A terminal is made raw: every key goes to the guest, but for the one that ends
// the run, and the terminal is put back as it was however the process ends. A pipe just gives its bytes.

import type { DetachKey } from './detach-key.js';

/** Where input goes: the guest's serial port. */
export interface InputSink {
  send: (bytes: Uint8Array) => void;
  /** Bytes that the guest has not read. */
  waiting: () => number;
}

/** A guest that does not read gets no more than this ahead; what is behind waits in the pipe. */
const MOST_WAITING = 65536;
/** Milliseconds until the guest is asked again whether it has read. */
const RETRY = 20;

export class TerminalInput {
  readonly #sink: InputSink;
  readonly #detachKey: DetachKey | undefined;
  readonly #detached: () => void;
  #retry: NodeJS.Timeout | undefined;
  #raw = false;

  /** Asked for when it is needed: opening it takes a moment that the guest's first output need not wait for. */
  get #stdin(): NodeJS.ReadStream {
    return process.stdin;
  }

  constructor(sink: InputSink, detachKey: DetachKey | undefined, detached: () => void) {
    this.#sink = sink;
    this.#detachKey = detachKey;
    this.#detached = detached;
  }

  /** Begins to listen; true if standard input is a terminal, which is raw from now on. */
  open(): boolean {
    this.#stdin.on('data', this.#receive);
    // Without a standard input there is nothing to send, and no reason to stop.
    this.#stdin.on('error', () => {});
    if (!this.#stdin.isTTY) return false;
    this.#setRaw();
    process.on('exit', this.#restore);
    process.on('SIGCONT', this.#continued);
    return true;
  }

  close(): void {
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGCONT', this.#continued);
    clearInterval(this.#retry);
    // An open standard input would keep the process alive.
    this.#stdin.off('data', this.#receive).destroy();
  }

  #setRaw(): void {
    this.#stdin.setRawMode(true);
    this.#raw = true;
  }

  readonly #restore = (): void => {
    if (!this.#raw) return;
    this.#raw = false;
    this.#stdin.setRawMode(false);
  };

  /** A shell that had us in the background has set the terminal as it likes it. */
  readonly #continued = (): void => {
    this.#restore();
    this.#setRaw();
  };

  readonly #receive = (bytes: Buffer): void => {
    const end = this.#raw && this.#detachKey !== undefined ? bytes.indexOf(this.#detachKey.code) : -1;
    const typed = end < 0 ? bytes : bytes.subarray(0, end);
    if (typed.length > 0) this.#sink.send(new Uint8Array(typed));
    if (end >= 0) this.#detached();
    if (!this.#raw && this.#sink.waiting() > MOST_WAITING) this.#wait();
  };

  #wait(): void {
    this.#stdin.pause();
    this.#retry = setInterval(() => {
      if (this.#sink.waiting() > MOST_WAITING / 2) return;
      clearInterval(this.#retry);
      this.#stdin.resume();
    }, RETRY);
  }
}
