// Against which earlier state the registers are compared: that of the last time the guest stood still.

import type { CpuState, Status } from './session.js';

export interface Compared {
  readonly state: CpuState;
  /** Undefined if there is none: the machine is new. */
  readonly base: CpuState | undefined;
}

export class LastStop {
  #seen: Compared | undefined;
  #stop: CpuState | undefined;

  /** To be told of every state, with the status it came in. The same state again gives the same answer. */
  take(state: CpuState, status: Status): Compared {
    if (this.#seen?.state === state) return this.#seen;
    if (status === 'ready') this.#stop = undefined;
    this.#seen = { state, base: this.#stop };
    if (status !== 'running') this.#stop = state;
    return this.#seen;
  }
}
