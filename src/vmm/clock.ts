// The clock of a Vm, in ticks of its time-stamp counter: the host's time, or retired instructions.

import type { ClockMode } from './options.js';

/** The core has the rate of the virtual clock in 16.16 bits. */
const RATE_ONE = 65536;

/** The virtual clock can be put forward to here and no further: 37 days at 2.8 GHz. Beyond, numbers are not exact. */
export const LAST_TICK = Number.MAX_SAFE_INTEGER;

export type ClockState = { skipped: number; hostTicks: number; startTime: number };

export class Clock {
  readonly #rate: number;
  #start = performance.now();
  #skipped = 0;
  #retired: () => number = () => 0;
  #startTime: number;

  /** `startTime`: see VmOptions. */
  constructor(
    readonly mode: ClockMode,
    readonly tscKhz: number,
    ticksPerInstruction: number,
    startTime = 0,
  ) {
    this.#rate = Math.round(ticksPerInstruction * RATE_ONE) / RATE_ONE;
    this.#startTime = startTime;
  }

  /** The date when the clock stood at 0, in milliseconds since 1970: with nanoseconds() it gives the guest's date. */
  get startTime(): number {
    return this.#startTime;
  }

  /** Who tells how many instructions were retired: the first vCPU, by which virtual time goes. */
  follow(retired: () => number): void {
    this.#retired = retired;
  }

  /** Ticks since the Vm was made. */
  ticks(): number {
    if (this.mode === 'real') return this.hostTicks();
    return this.#ticksAt(this.#retired());
  }

  /** The same as one vCPU's TSC counts it, whose instructions `retired` tells. */
  ticksOf(retired: () => number): number {
    if (this.mode === 'real') return this.hostTicks();
    return this.#ticksAt(retired());
  }

  /** Whole ticks, as the core counts them. */
  #ticksAt(retired: number): number {
    return Math.floor(retired * this.#rate) + this.#skipped;
  }

  /** Nanoseconds since the Vm was made. */
  nanoseconds(): number {
    return (this.ticks() * 1e6) / this.tscKhz;
  }

  /**
   * How many more instructions bring the virtual clock to a time in nanoseconds, 0 if it is past: exactly so many, whatever
   * instruction one asks at.
   */
  instructionsUntil(nanoseconds: number): number {
    const end = Math.ceil((this.#tickOf(nanoseconds) - this.#skipped) / this.#rate);
    return Math.max(0, end - this.#retired());
  }

  /** How many more ticks bring the clock to a time in nanoseconds. */
  ticksUntil(nanoseconds: number): number {
    return this.#tickOf(nanoseconds) - this.ticks();
  }

  /** The first tick at which nanoseconds() has reached a time, whatever is lost in rounding. */
  #tickOf(nanoseconds: number): number {
    const tick = Math.floor((nanoseconds * this.tscKhz) / 1e6);
    return (tick * 1e6) / this.tscKhz < nanoseconds ? tick + 1 : tick;
  }

  /** Ticks by the host's clock, whatever the mode: what the core asks in mode 'real'. */
  readonly hostTicks = (): number => Math.floor((performance.now() - this.#start) * this.tscKhz);

  /** When the host's ticks stood at 0, by performance.now(). */
  get origin(): number {
    return this.#start;
  }

  /** What a snapshot keeps: ticks that skip() added, and the host's. */
  save(): ClockState {
    return { skipped: this.#skipped, hostTicks: this.hostTicks(), startTime: this.#startTime };
  }

  /** Goes on from there, in mode 'real' too: a guest never sees its time jump. */
  restore({ skipped, hostTicks, startTime }: ClockState): void {
    this.#startTime = startTime;
    this.#skipped = skipped;
    if (this.mode === 'real') this.#start = performance.now() - hostTicks / this.tscKhz;
  }

  /** How far the clock was put forward, in ticks. */
  get skipped(): number {
    return this.#skipped;
  }

  /** See Vm.skipTime(). */
  skip(ticks: number): void {
    this.#skipped += ticks;
  }
}
