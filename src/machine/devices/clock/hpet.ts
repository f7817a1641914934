// The high precision event timer: a 64-bit counter at 100 MHz and three timers (IA-PC HPET Specification 1.0a). Messages
// instead of interrupt lines ("FSB delivery") are optional and not there.

import type { InterruptLine, IoDevice, WideValue } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { Timer, TimeSource } from '../../../bus/time.js';
import { addTicks } from './counter64.js';
import { HpetTimer, type HpetTimerState } from './hpet-timer.js';
import { MOST_LAG } from './lag.js';

export const HPET_ADDRESS = 0xfed0_0000;
export const HPET_SIZE = 0x400;
/** What the ACPI table repeats: Intel, legacy routes, 64 bits, three timers, revision 1. */
export const HPET_BLOCK_ID = 0x8086_a201;

/** Nanoseconds of a tick, and femtoseconds as the capabilities tell them (2.3.4). */
const TICK = 10;
const PERIOD = 10_000_000;
const TIMERS = 3;
/** Inputs 20 to 23 of the I/O APIC, as Intel's chipsets have it (ICH9, 21.1.5): no other device of this machine uses them. */
const ROUTES = 0x00f0_0000;

const CAPABILITIES = 0x000;
const CONFIGURATION = 0x010;
const STATUS = 0x020;
const COUNTER = 0x0f0;
const FIRST_TIMER = 0x100;
const TIMER_SIZE = 0x20;
const TIMER_COMPARATOR = 0x08;

const ENABLE = 0x1;
const LEGACY = 0x2;
/** Where timers 0 and 1 go with legacy replacement (2.3.5): the inputs of the PIT and the RTC. */
const LEGACY_GSIS = [0, 8];

export interface HpetOptions {
  lines: InterruptLine;
  time: TimeSource;
  /** Told whenever timers 0 and 1 take the interrupts of PIT and RTC over, and when they give them back. */
  legacyReplacement?: (on: boolean) => void;
}

export type HpetState = {
  config: number;
  baseLo: number;
  baseHi: number;
  started: number;
  timers: readonly HpetTimerState[];
  /** The GSIs that are held up, by timer; -1: none. */
  raised: readonly number[];
};

export class Hpet implements IoDevice, Stateful {
  readonly name = 'hpet';
  readonly #lines: InterruptLine;
  readonly #time: TimeSource;
  readonly #timer: Timer;
  readonly #legacyReplacement: (on: boolean) => void;
  readonly #timers = Array.from({ length: TIMERS }, () => new HpetTimer(ROUTES));
  readonly #raised: number[] = Array.from({ length: TIMERS }, () => -1);
  #config = 0;
  /** The counter when it was last started, which was at tick `started` of the machine's time; or where it stands. */
  readonly #base: WideValue = { lo: 0, hi: 0 };
  #started = 0;
  readonly #counter: WideValue = { lo: 0, hi: 0 };

  constructor({ lines, time, legacyReplacement = () => {} }: HpetOptions) {
    this.#lines = lines;
    this.#time = time;
    this.#legacyReplacement = legacyReplacement;
    this.#timer = time.timer((due) => this.#fire(due));
  }

  get #enabled(): boolean {
    return (this.#config & ENABLE) !== 0;
  }

  /** Both bits have to be set (2.3.5, LEG_RT_CNF). */
  get legacy(): boolean {
    return (this.#config & (ENABLE | LEGACY)) === (ENABLE | LEGACY);
  }

  /** Ticks of the machine's time. */
  #tick(): number {
    return Math.floor(this.#time.now() / TICK);
  }

  /** Brings #counter up to now. */
  #count(): WideValue {
    addTicks(this.#counter, this.#base, this.#enabled ? this.#tick() - this.#started : 0);
    return this.#counter;
  }

  /** Software may access whole aligned dwords and quadwords only (2.3.1); parts of a dword are read all the same. */
  read(offset: number): number {
    return this.#readDword(offset & ~3) >>> ((offset & 3) * 8);
  }

  readWide(offset: number, _length: number, value: WideValue): void {
    if (offset === COUNTER) {
      const { lo, hi } = this.#count();
      value.lo = lo;
      value.hi = hi;
    } else {
      value.lo = this.#readDword(offset & ~3);
      value.hi = this.#readDword((offset & ~3) + 4);
    }
  }

  #readDword(offset: number): number {
    if (offset >= FIRST_TIMER) return this.#readTimer(offset - FIRST_TIMER);
    switch (offset) {
      case CAPABILITIES:
        return HPET_BLOCK_ID;
      case CAPABILITIES + 4:
        return PERIOD;
      case CONFIGURATION:
        return this.#config;
      case STATUS:
        return this.#timers.reduce((bits, { status }, index) => bits | (status ? 1 << index : 0), 0);
      case COUNTER:
        return this.#count().lo;
      case COUNTER + 4:
        return this.#count().hi;
      default:
        return 0;
    }
  }

  #readTimer(offset: number): number {
    const timer = this.#timers[Math.floor(offset / TIMER_SIZE)];
    if (timer === undefined) return 0;
    this.#settle();
    switch (offset % TIMER_SIZE) {
      case 0:
        return timer.config;
      case 4:
        return ROUTES;
      case TIMER_COMPARATOR:
        return timer.comparatorLo;
      case TIMER_COMPARATOR + 4:
        return timer.comparatorHi;
      default:
        return 0;
    }
  }

  /** Parts of a dword are not written. */
  write(offset: number, length: number, value: number): void {
    if (length === 4 && (offset & 3) === 0) this.#writeDword(offset, value >>> 0);
  }

  writeWide(offset: number, length: number, lo: number, hi: number): void {
    if (length !== 8 || (offset & 7) !== 0) return;
    const timer = this.#timers[Math.floor((offset - FIRST_TIMER) / TIMER_SIZE)];
    if (timer !== undefined && offset % TIMER_SIZE === TIMER_COMPARATOR) {
      this.#settle();
      timer.writeWideComparator(lo, hi);
      this.#rearm(timer, true);
    } else {
      this.#writeDword(offset, lo >>> 0);
      this.#writeDword(offset + 4, hi >>> 0);
    }
  }

  #writeDword(offset: number, value: number): void {
    this.#settle();
    if (offset >= FIRST_TIMER) {
      this.#writeTimer(offset - FIRST_TIMER, value);
      return;
    }
    switch (offset) {
      case CONFIGURATION:
        this.#configure(value & (ENABLE | LEGACY));
        break;
      case STATUS:
        this.#clearStatus(value);
        break;
      case COUNTER:
        this.#setCounter(value, this.#count().hi);
        break;
      case COUNTER + 4:
        this.#setCounter(this.#count().lo, value);
        break;
      default:
    }
  }

  /** PIT and RTC let their lines go before the timers take them, and take them when the timers have let them go. */
  #configure(config: number): void {
    const { legacy } = this;
    const { lo, hi } = this.#count();
    this.#config = config;
    this.#setCounter(lo, hi);
    if (this.legacy && !legacy) this.#legacyReplacement(true);
    for (const index of this.#timers.keys()) this.#drive(index);
    if (legacy && !this.legacy) this.#legacyReplacement(false);
  }

  #setCounter(lo: number, hi: number): void {
    this.#base.lo = lo;
    this.#base.hi = hi;
    this.#started = this.#tick();
    for (const timer of this.#timers) this.#arm(timer, true);
    this.#schedule();
  }

  /** Status bits are cleared by ones, which also lets a level-triggered line fall (2.3.6). */
  #clearStatus(bits: number): void {
    for (const [index, timer] of this.#timers.entries()) {
      if (((bits >>> index) & 1) === 0) continue;
      timer.status = false;
      this.#drive(index);
    }
  }

  #writeTimer(offset: number, value: number): void {
    const index = Math.floor(offset / TIMER_SIZE);
    const timer = this.#timers[index];
    if (timer === undefined) return;
    switch (offset % TIMER_SIZE) {
      case 0:
        timer.writeConfig(value);
        this.#drive(index);
        this.#rearm(timer, false);
        return;
      case TIMER_COMPARATOR:
        timer.writeComparator('lo', value);
        break;
      case TIMER_COMPARATOR + 4:
        timer.writeComparator('hi', value);
        break;
      default:
        return;
    }
    this.#rearm(timer, true);
  }

  #rearm(timer: HpetTimer, fresh: boolean): void {
    this.#arm(timer, fresh);
    this.#schedule();
  }

  #arm(timer: HpetTimer, fresh: boolean): void {
    if (this.#enabled) timer.arm(this.#count(), this.#tick(), fresh);
    else timer.disarm();
  }

  #schedule(): void {
    let due = Infinity;
    for (const timer of this.#timers) if (timer.watched) due = Math.min(due, timer.due);
    if (due === Infinity) this.#timer.cancel();
    else this.#timer.set(due * TICK);
  }

  /** A match for each call, so that a guest that is a little late gets all its interrupts. */
  #fire(at: number): void {
    const late = this.#time.now() - at > MOST_LAG;
    this.#matchUntil(late ? this.#tick() : Math.floor(at / TICK));
    this.#schedule();
  }

  /** Nothing may be due when registers change: what comes next is found from the counter as it is. */
  #settle(): void {
    this.#matchUntil(this.#tick());
  }

  #matchUntil(tick: number): void {
    for (const [index, timer] of this.#timers.entries()) {
      if (timer.due > tick) continue;
      timer.advance(tick);
      this.#match(index, timer);
    }
  }

  #match(index: number, timer: HpetTimer): void {
    if (timer.level) {
      timer.status = true;
      this.#drive(index);
    } else if (timer.enabled) {
      const gsi = this.#gsi(index, timer);
      if (gsi < 0) return;
      this.#lines.set(gsi, 1);
      this.#lines.set(gsi, 0);
    }
  }

  /** -1 while a timer is wired to no input: it was given none. */
  #gsi(index: number, timer: HpetTimer): number {
    if (this.legacy && index < LEGACY_GSIS.length) return LEGACY_GSIS[index]!;
    return ((ROUTES >>> timer.route) & 1) !== 0 ? timer.route : -1;
  }

  /** Holds a level-triggered line up while its status bit is set. */
  #drive(index: number): void {
    const timer = this.#timers[index]!;
    const up = this.#enabled && timer.enabled && timer.level && timer.status;
    const gsi = up ? this.#gsi(index, timer) : -1;
    const raised = this.#raised[index]!;
    if (gsi === raised) return;
    this.#raised[index] = gsi;
    if (raised >= 0 && !this.#raised.includes(raised)) this.#lines.set(raised, 0);
    if (gsi >= 0) this.#lines.set(gsi, 1);
  }

  save(): HpetState {
    return {
      config: this.#config,
      baseLo: this.#base.lo,
      baseHi: this.#base.hi,
      started: this.#started,
      timers: this.#timers.map((timer) => timer.save()),
      raised: [...this.#raised],
    };
  }

  /** PIT and RTC have saved for themselves whether they are connected. */
  restore(state: HpetState): void {
    this.#config = state.config;
    this.#base.lo = state.baseLo;
    this.#base.hi = state.baseHi;
    this.#started = state.started;
    for (const [index, timer] of this.#timers.entries()) {
      timer.restore(state.timers[index]!);
      this.#raised[index] = state.raised[index]!;
    }
    this.#schedule();
  }

  /** Halted at zero, every timer's comparator all ones (2.3). */
  reset(): void {
    const unused = new HpetTimer(ROUTES).save();
    for (const timer of this.#timers) timer.restore(unused);
    this.#configure(0);
    this.#setCounter(0, 0);
  }
}
