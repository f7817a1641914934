// How a run of a Pc ended.

import type { Crash } from './crash.js';

/**
 * - `debug-exit`: the guest wrote to the debug-exit port.
 * - `halted`: it halted, and nothing in the machine can wake it.
 * - `power-off`: it switched the machine off.
 * - `reset`: it reset the machine. Another run() starts it anew from its image.
 * - `shutdown`: a triple fault.
 * - `internal-error`: the hypervisor could not go on, say with code in MMIO.
 * - `timeout`, `budget`, `aborted`: timeoutMs, maxInstructions or signal of run(). Another run() goes on from there.
 */
export type StopReason =
  'debug-exit' | 'halted' | 'power-off' | 'reset' | 'shutdown' | 'internal-error' | 'timeout' | 'budget' | 'aborted';

export interface RunResult {
  readonly reason: StopReason;
  /** After `debug-exit`: what the guest wrote, and the process status that it stands for, (value << 1) | 1 in 8 bits. */
  readonly value: number | undefined;
  readonly status: number | undefined;
  /** Instructions retired in this run. */
  readonly instructions: number;
  /** The host's time that this run took. */
  readonly seconds: number;
  /** After `shutdown` and `internal-error`. */
  readonly crash: Crash | undefined;
}
