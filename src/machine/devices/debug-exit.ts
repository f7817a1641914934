// The debug-exit port of test machines: a write ends the run with a status that the guest chooses.

import type { IoDevice } from '../../bus/device.js';

/** Where test guests expect it. */
export const DEBUG_EXIT_PORT = 0xf4;
/** Ports it answers. */
export const DEBUG_EXIT_PORTS = 4;

export interface DebugExitOptions {
  /** Called at every write, with the value written (up to 32 bits, unsigned). */
  exit: (value: number) => void;
}

/** The process status that a machine ends with whose guest wrote `value`: odd, so that 0 stays the machine's own. */
export function statusOf(value: number): number {
  return ((value << 1) | 1) & 0xff;
}

/** A write of 1, 2 or 4 bytes to any of its ports calls `exit`. */
export class DebugExit implements IoDevice {
  readonly name = 'debug-exit';
  readonly #exit: (value: number) => void;

  constructor({ exit }: DebugExitOptions) {
    this.#exit = exit;
  }

  read(): number {
    return 0;
  }

  write(_offset: number, _length: number, value: number): void {
    this.#exit(value);
  }

  reset(): void {}
}
