// The timers of a machine's devices, by the Vm's clock: a vCPU's run fires those that are due between two slices of guest
// time, and with the virtual clock ends a slice exactly where the next is due.

import type { Timer, TimeSource } from '../bus/time.js';
import type { Clock } from './clock.js';

/** More instructions than any run is told to make at once. */
const LIMIT_MOST = 2 ** 30;

class DeviceTimer implements Timer {
  deadline = Infinity;

  constructor(
    private readonly owner: Timers,
    readonly fire: (due: number) => void,
  ) {}

  set(at: number): void {
    this.deadline = at;
    this.owner.changed();
  }

  cancel(): void {
    if (this.deadline === Infinity) return;
    this.deadline = Infinity;
    this.owner.changed();
  }
}

export class Timers implements TimeSource {
  readonly #clock: Clock;
  readonly #limitRun: (instructions: number) => void;
  readonly #timers: DeviceTimer[] = [];
  #next = Infinity;

  /** `limitRun` ends the run that is under way after so many instructions. */
  constructor(clock: Clock, limitRun: (instructions: number) => void) {
    this.#clock = clock;
    this.#limitRun = limitRun;
  }

  now(): number {
    return this.#clock.nanoseconds();
  }

  timer(fire: (due: number) => void): Timer {
    const timer = new DeviceTimer(this, fire);
    this.#timers.push(timer);
    return timer;
  }

  /** When the next timer is due, in nanoseconds since power-on; Infinity: none is set. */
  get next(): number {
    return this.#next;
  }

  /** @internal a timer was set or cancelled */
  changed(): void {
    const before = this.#next;
    this.#next = this.#timers.reduce((least, { deadline }) => Math.min(least, deadline), Infinity);
    if (this.#next < before) this.#limitRun(Math.min(this.untilNext(), LIMIT_MOST));
  }

  /** By the virtual clock, how many instructions are left until the next timer is due: at least one; else Infinity. */
  untilNext(): number {
    if (this.#next === Infinity || this.#clock.mode === 'real') return Infinity;
    return Math.max(1, this.#clock.instructionsUntil(this.#next));
  }

  /**
   * Fires what is due, the earliest first. A timer that sets itself again and again into the past fires once for each call:
   * a guest cannot hold the machine with it.
   */
  fire(): void {
    const now = this.now();
    if (this.#next > now) return;
    const due = this.#timers.filter(({ deadline }) => deadline <= now);
    due.sort((a, b) => a.deadline - b.deadline);
    for (const timer of due) {
      const { deadline } = timer;
      if (deadline > now) continue; // set anew by another that fired
      timer.cancel();
      timer.fire(deadline);
    }
  }
}
