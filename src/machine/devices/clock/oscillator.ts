// A crystal: how often it has ticked at a time, and when a tick comes. Computed from the time itself, never added up, so that
// nothing drifts; exact for every frequency up to 9 MHz, since no product below leaves the 53 bits of a number.

const SECOND = 1e9;

export class Oscillator {
  /** In Hz, a whole number below 9,000,000. */
  constructor(readonly frequency: number) {}

  /** Ticks until a time in nanoseconds. */
  ticks(nanoseconds: number): number {
    const whole = Math.floor(nanoseconds);
    const seconds = Math.floor(whole / SECOND);
    return seconds * this.frequency + Math.floor(((whole - seconds * SECOND) * this.frequency) / SECOND);
  }

  /** The first whole nanosecond at which ticks() is the given number. */
  nanoseconds(ticks: number): number {
    const seconds = Math.floor(ticks / this.frequency);
    return seconds * SECOND + Math.ceil(((ticks - seconds * this.frequency) * SECOND) / this.frequency);
  }
}
