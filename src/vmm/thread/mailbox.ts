// The words that the thread of a vCPU and the thread that owns its Vm share: who is at what, the exit that is to be answered,
// and what the vCPU's thread has counted. Registers and the exit record are in linear memory, where both see them anyway.

import { ROWS } from '../exit-stats.js';

/** 32-bit words, all but the parameters of an exit touched by Atomics only. */
export const Word = {
  /** At.*: written by the vCPU's thread. */
  State: 0,
  /** 1 while the owner wants the vCPU to stand still; the vCPU's thread sleeps on it. */
  Hold: 1,
  /** 1: run() is to end. */
  Stop: 2,
  /** One more with each call to the owner, who sleeps on it; with each answer, on which the vCPU's thread sleeps. */
  Bell: 3,
  Reply: 4,
  /** What the call is about (Call.*), and an exit's parameters. */
  Call: 5,
  Reason: 6,
  Lo: 7,
  Hi: 8,
  Info: 9,
  /** RESUME, SKIP or LEAVE. */
  Answer: 10,
  /** After Call.Over: what the core's run() returned (RunResult). */
  Result: 11,
  /** How often doorbells have changed: a thread that has not heard of the last change leaves its kicks to the owner. */
  Generation: 12,
} as const;

/** Where the vCPU's thread is. Only while it is Running may registers, tables and caches change without the owner's doing. */
export const At = { Idle: 0, Running: 1, Asking: 2, Halted: 3, Held: 4 } as const;

export const Call = { Exit: 0, Over: 1, Time: 2 } as const;

/** How often a new thread asks what time it is: the quickest answer is the most exact. */
export const TIME_CALLS = 16;

const WORDS = 16;
/** Doubles behind the words. */
const LEFT = 0;
const NOW = 1;
const TABLES = 2;

export class Mailbox {
  readonly words: Int32Array;
  /** By row of the statistics: kicks that were answered in the vCPU's thread, and nanoseconds between leaving the guest and going on. */
  readonly count: Float64Array;
  readonly ns: Float64Array;
  readonly #numbers: Float64Array;

  constructor(readonly buffer = new SharedArrayBuffer(WORDS * 4 + (TABLES + 2 * ROWS) * 8)) {
    this.words = new Int32Array(buffer, 0, WORDS);
    this.#numbers = new Float64Array(buffer, WORDS * 4);
    this.count = this.#numbers.subarray(TABLES, TABLES + ROWS);
    this.ns = this.#numbers.subarray(TABLES + ROWS, TABLES + 2 * ROWS);
  }

  /** Instructions that are left of the run. */
  get left(): number {
    return this.#numbers[LEFT]!;
  }
  set left(count: number) {
    this.#numbers[LEFT] = count;
  }

  /** The answer to Call.Time: performance.now() of the owner. */
  get ownersNow(): number {
    return this.#numbers[NOW]!;
  }
  set ownersNow(milliseconds: number) {
    this.#numbers[NOW] = milliseconds;
  }
}
