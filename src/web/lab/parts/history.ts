// The last minute of the machine, for charts: columns of fixed length that move to the left. Nothing is allocated after the start.

import type { Rates } from '../machine/sample.js';

/** Reasons with a colour of their own. What else there is goes to the last. */
export const REASONS = [
  'EPT_MISCONFIG',
  'EPT_VIOLATION',
  'NPF',
  'PAGE_FAULT',
  'IO',
  'CPUID',
  'VMCALL',
  'HLT',
  'other',
] as const;
const OTHER = REASONS.length - 1;

export const SPAN_SECONDS = 60;
const LENGTH = SPAN_SECONDS * 10 + 2;

/** Answers of a busy machine come in bunches: what lies between two of them is no tenth of a second, and tells no rate. */
const LEAST_MS = 25;

export class History {
  /** Seconds before now, 0 at the end. */
  readonly times = new Float64Array(LENGTH).fill(-2 * SPAN_SECONDS);
  /** Exits a second of each reason and of those after it in REASONS: the upper edges of a stack. */
  readonly stacked = REASONS.map(() => new Float64Array(LENGTH).fill(Number.NaN));
  /** Per cent. NaN where there was no exit. */
  readonly decodeFree = new Float64Array(LENGTH).fill(Number.NaN);
  readonly mips = new Float64Array(LENGTH).fill(Number.NaN);
  /** Of the last sample, by REASONS. */
  readonly now = new Float64Array(REASONS.length);
  #last = 0;
  #standing = true;

  /** `time` in milliseconds; without rates the machine stands, which leaves a gap. */
  add(rates: Rates | undefined, time: number): void {
    if (rates === undefined && this.#standing) {
      this.now.fill(0);
      return;
    }
    if (rates !== undefined && rates.duration < LEAST_MS) return;
    this.#standing = rates === undefined;
    this.#shift((time - this.#last) / 1000);
    this.#last = time;
    this.now.fill(0);
    for (const reason in rates?.exits) {
      const index = REASONS.indexOf(reason as (typeof REASONS)[number]);
      this.now[index < 0 ? OTHER : index]! += rates.exits[reason]!.perSecond;
    }
    let sum = 0;
    for (let index = OTHER; index >= 0; index--) {
      sum += this.now[index]!;
      this.stacked[index]![LENGTH - 1] = rates === undefined ? Number.NaN : sum;
    }
    this.decodeFree[LENGTH - 1] = (rates?.decodeFree ?? Number.NaN) * 100;
    this.mips[LENGTH - 1] = rates?.mips ?? Number.NaN;
  }

  #shift(seconds: number): void {
    for (let index = 0; index < LENGTH; index++) this.times[index]! -= seconds;
    this.times.copyWithin(0, 1);
    this.times[LENGTH - 1] = 0;
    for (const column of this.stacked) column.copyWithin(0, 1);
    this.decodeFree.copyWithin(0, 1);
    this.mips.copyWithin(0, 1);
  }

  /** The largest value of a column within the span. */
  largest(column: Float64Array): number {
    let most = 0;
    for (let index = 0; index < LENGTH; index++) {
      if (this.times[index]! >= -SPAN_SECONDS && column[index]! > most) most = column[index]!;
    }
    return most;
  }
}
