// What a fuzz target is: something that takes bytes, and says whether they show a bug and whether they were new.

import type { Coverage } from './coverage.js';
import type { Random } from './random.js';

export const TARGET_NAMES = ['decode', 'execute', 'dispatch', 'bus', 'paging', 'guest'] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** Something is wrong. */
export interface Finding {
  /** What is wrong in general: findings of one kind are taken for one bug, and reported once. */
  readonly kind: string;
  /** What is wrong with this input, in a few words. */
  readonly summary: string;
}

export interface Outcome {
  readonly finding?: Finding | undefined;
  /** The input reached something that none had before it. */
  readonly fresh: boolean;
}

/** What people get to read about a finding. */
export interface Explanation {
  /** The input, what was expected and what happened: disassembly, registers, commands. */
  readonly text: string;
  /** An image that shows the bug on a machine: `doorbell run`, or another machine to compare with. */
  readonly image?: Uint8Array;
}

export interface Target {
  readonly name: TargetName;
  readonly coverage: Coverage;
  /** Inputs that are run together. */
  readonly batch: number;
  /** What there was to try besides: cases that were left out, by reason. For people. */
  readonly notes?: () => string[];
  /** Inputs to begin with. */
  seeds(): readonly Uint8Array[];
  /** An input out of nothing. */
  fresh(random: Random): Uint8Array;
  /** Another input made of one, or of two. */
  mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array;
  /** Runs inputs; an outcome for each. */
  run(inputs: readonly Uint8Array[]): readonly Outcome[] | Promise<readonly Outcome[]>;
  /** Inputs that are simpler in a way that only the target knows, the boldest first. */
  simpler?(input: Uint8Array): Iterable<Uint8Array>;
  explain(input: Uint8Array): Promise<Explanation>;
  close(): void | Promise<void>;
}

/** The target cannot be run here; the message says what is missing. */
export class TargetUnavailable extends Error {
  override readonly name = 'TargetUnavailable';
}

/** The run() of a target that looks at one input at a time. */
export function oneByOne(
  coverage: Coverage,
  check: (input: Uint8Array) => Finding | undefined,
): (inputs: readonly Uint8Array[]) => Outcome[] {
  return (inputs) => {
    let before = coverage.total;
    return inputs.map((input) => {
      const finding = check(input);
      const after = coverage.total;
      const fresh = after !== before;
      before = after;
      return { finding, fresh };
    });
  };
}
