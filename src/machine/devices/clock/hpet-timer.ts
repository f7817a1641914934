// One timer of the HPET: its registers, and when its comparator matches (IA-PC HPET Specification 1.0a, 2.3.8 and 2.3.9).

import type { WideValue } from '../../../bus/device.js';
import { addTicks, ticksBetween } from './counter64.js';

const LEVEL = 0x02;
const ENABLED = 0x04;
const PERIODIC = 0x08;
/** Fixed: this timer can be periodic, and has 64 bits. */
const PERIODIC_CAPABLE = 0x10;
const SIZE_64 = 0x20;
const SET_VALUE = 0x40;
const MODE_32 = 0x100;
const ROUTE_SHIFT = 9;
const ROUTE = 0x1f;
const WRITABLE = LEVEL | ENABLED | PERIODIC | SET_VALUE | MODE_32 | (ROUTE << ROUTE_SHIFT);
/** Beyond this many ticks (over two years) a match is not waited for. */
const FAR = 2 ** 53;
const WRAP_32 = 0x1_0000_0000;

export type HpetTimerState = {
  config: number;
  comparatorLo: number;
  comparatorHi: number;
  periodLo: number;
  periodHi: number;
  due: number;
  status: boolean;
};

export class HpetTimer {
  /** Low half of the configuration register, without the fixed bits. */
  #config = 0;
  readonly #comparator: WideValue = { lo: 0xffff_ffff, hi: 0xffff_ffff };
  /** What was last written to the comparator of a periodic timer. */
  readonly #period: WideValue = { lo: 0, hi: 0 };
  /** The tick of the next match, as the HPET counts them while it is enabled; FAR: none. */
  #due = FAR;
  /** Its bit in the interrupt status register, which only level-triggered timers use. */
  status = false;

  /** `routes` has a bit for each input of the I/O APIC that the timer can be wired to. */
  constructor(private readonly routes: number) {}

  get enabled(): boolean {
    return (this.#config & ENABLED) !== 0;
  }

  get level(): boolean {
    return (this.#config & LEVEL) !== 0;
  }

  get periodic(): boolean {
    return (this.#config & PERIODIC) !== 0;
  }

  get bits(): 32 | 64 {
    return (this.#config & MODE_32) !== 0 ? 32 : 64;
  }

  get route(): number {
    return (this.#config >>> ROUTE_SHIFT) & ROUTE;
  }

  get config(): number {
    return this.#config | PERIODIC_CAPABLE | SIZE_64;
  }

  get due(): number {
    return this.#due < FAR ? this.#due : Infinity;
  }

  /** Whether a match does anything that somebody could see then; else it is enough to make up for it later. */
  get watched(): boolean {
    return this.enabled || this.level;
  }

  get comparatorLo(): number {
    return this.#comparator.lo;
  }

  get comparatorHi(): number {
    return this.#comparator.hi;
  }

  /** A route that the timer does not have is not taken (2.3.8, Tn_INT_ROUTE_CNF). */
  writeConfig(value: number): void {
    const route = (value >>> ROUTE_SHIFT) & ROUTE;
    let config = value & WRITABLE;
    if (((this.routes >>> route) & 1) === 0) {
      config = (config & ~(ROUTE << ROUTE_SHIFT)) | (this.#config & (ROUTE << ROUTE_SHIFT));
    }
    this.#config = config;
    if (this.bits === 32) this.#comparator.hi = this.#period.hi = 0;
    if (!this.level) this.status = false;
  }

  /**
   * A half of the comparator. Of a periodic timer that sets the period, and the comparator too only after VAL_SET was
   * written, which clears itself (2.3.9.2.2).
   */
  writeComparator(half: 'lo' | 'hi', value: number): void {
    this.writeHalf(half, value);
    this.#config &= ~SET_VALUE;
  }

  writeWideComparator(lo: number, hi: number): void {
    this.writeHalf('lo', lo);
    this.writeHalf('hi', hi);
    this.#config &= ~SET_VALUE;
  }

  private writeHalf(half: 'lo' | 'hi', value: number): void {
    if (half === 'hi' && this.bits === 32) return;
    if (this.periodic) this.#period[half] = value >>> 0;
    if (!this.periodic || (this.#config & SET_VALUE) !== 0) this.#comparator[half] = value >>> 0;
  }

  /**
   * Finds the next match, the counter showing `counter` at `tick`. One that is now counts if comparator or counter are
   * `fresh`: otherwise it has been taken already.
   */
  arm(counter: WideValue, tick: number, fresh: boolean): void {
    const ticks = ticksBetween(counter, this.#comparator, this.bits);
    this.#due = Math.min(FAR, tick + (ticks > 0 || fresh ? ticks : this.#round));
  }

  disarm(): void {
    this.#due = FAR;
  }

  /** Ticks until the counter shows the same again. */
  get #round(): number {
    return this.bits === 32 ? WRAP_32 : FAR;
  }

  /** It has matched, perhaps more than once: finds the first match after `tick`, to which a periodic comparator goes on. */
  advance(tick: number): void {
    const period = this.periodic ? this.#period.hi * WRAP_32 + this.#period.lo : 0;
    const step = period > 0 ? period : this.#round;
    const ticks = (Math.floor((tick - this.#due) / step) + 1) * step;
    this.#due = Math.min(FAR, this.#due + ticks);
    if (period > 0 && ticks < FAR) addTicks(this.#comparator, this.#comparator, ticks, this.bits);
  }

  save(): HpetTimerState {
    return {
      config: this.#config,
      comparatorLo: this.#comparator.lo,
      comparatorHi: this.#comparator.hi,
      periodLo: this.#period.lo,
      periodHi: this.#period.hi,
      due: this.#due,
      status: this.status,
    };
  }

  restore(state: HpetTimerState): void {
    this.#config = state.config;
    this.#comparator.lo = state.comparatorLo;
    this.#comparator.hi = state.comparatorHi;
    this.#period.lo = state.periodLo;
    this.#period.hi = state.periodHi;
    this.#due = state.due;
    this.status = state.status;
  }
}
