// A clock that a test puts forward by hand: timers fire on the way, in the order of their deadlines.

import type { Timer, TimeSource } from '../../src/bus/index.js';

export class FakeTime implements TimeSource {
  #now = 0;
  readonly #timers = new Set<FakeTimer>();

  now(): number {
    return this.#now;
  }

  timer(fire: (due: number) => void): Timer {
    const timer = new FakeTimer(fire);
    this.#timers.add(timer);
    return timer;
  }

  /** Puts the clock forward; what is due on the way fires when it is due. */
  advance(nanoseconds: number): void {
    const end = this.#now + nanoseconds;
    for (;;) {
      const next = [...this.#timers].reduce((a, b) => (b.deadline < a.deadline ? b : a), NEVER);
      if (next.deadline > end) break;
      const due = next.deadline;
      this.#now = Math.max(this.#now, due);
      next.cancel();
      next.fire(due);
    }
    this.#now = end;
  }
}

class FakeTimer implements Timer {
  deadline = Infinity;
  constructor(readonly fire: (due: number) => void) {}
  set(at: number): void {
    this.deadline = at;
  }
  cancel(): void {
    this.deadline = Infinity;
  }
}
const NEVER = new FakeTimer(() => {});
