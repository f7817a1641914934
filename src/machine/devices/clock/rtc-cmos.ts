// The clock chip with its battery-backed memory: Motorola's MC146818 (datasheet ADI-1020), 128 bytes of it as PCs have.
//
// Everything is counted in ticks of the 32.768 kHz crystal since the divider chain was last started: seconds, the update
// cycle and the periodic interrupt keep their phase to one another, and flags are worked out when somebody looks or when
// one that is enabled has to interrupt.

import type { InterruptLine, IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { Timer, TimeSource } from '../../../bus/time.js';
import { fillCmos, type CmosContents } from './cmos-memory.js';
import { Oscillator } from './oscillator.js';
import { isTimeRegister, readTime, RtcRegister, secondsToAlarm, writeTime } from './rtc-registers.js';

export const RTC_PORT = 0x70;
export const RTC_PORTS = 2;
const RTC_GSI = 8;
const INDEX = 0;
const SIZE = 128;

const FREQUENCY = 32_768;
/** UIP rises 244 µs before an update, which takes 1,984 µs ("Update cycle"): 8 and 65 ticks. */
const UPDATE_TICKS = 73;
/** The first update comes half a second after the divider was let go. */
const HALF_SECOND = FREQUENCY / 2;

const A_UIP = 0x80;
/** DV2 and DV1: the divider is held in reset. */
const A_RESET = 0x60;
const A_RATE = 0x0f;
const B_SET = 0x80;
const B_ENABLES = 0x70;
const B_UPDATE_ENABLE = 0x10;
const B_SQUARE_WAVE = 0x08;
const C_REQUEST = 0x80;
const C_PERIODIC = 0x40;
const C_ALARM = 0x20;
const C_UPDATE = 0x10;
const D_VALID = 0x80;
/** A 32.768 kHz crystal, 1,024 Hz; BCD, 24 hours: what firmware sets. */
const A_INITIAL = 0x26;
const B_INITIAL = 0x02;

export interface RtcOptions {
  lines: InterruptLine;
  time: TimeSource;
  /** Seconds since the epoch at power-on, as the clock's calendar counts them. */
  start: number;
  contents: CmosContents;
}

export type RtcState = {
  cmos: Uint8Array;
  index: number;
  flags: number;
  started: number;
  offset: number;
  time: number;
  weekdays: number;
  settled: number;
  connected: boolean;
  line: boolean;
};

export class RtcCmos implements IoDevice, Stateful {
  readonly name = 'rtc-cmos';
  readonly #lines: InterruptLine;
  readonly #source: TimeSource;
  readonly #timer: Timer;
  readonly #crystal = new Oscillator(FREQUENCY);
  readonly #cmos = new Uint8Array(SIZE);
  #index = 0;
  /** Register C without IRQF. */
  #flags = 0;
  /** Nanoseconds at which the divider stood at `offset` ticks. */
  #started = 0;
  #offset = 0;
  /** The time, in seconds, when the divider stood at tick 0; and how far the weekday register is ahead of the calendar. */
  #time: number;
  #weekdays = 0;
  /** The tick up to which flags were worked out. */
  #settled = 0;
  #alarm = Infinity;
  #connected = true;
  #line = false;

  constructor({ lines, time, start, contents }: RtcOptions) {
    this.#lines = lines;
    this.#source = time;
    this.#time = Math.floor(start);
    this.#started = Math.floor(time.now());
    this.#cmos[RtcRegister.A] = A_INITIAL;
    this.#cmos[RtcRegister.B] = B_INITIAL;
    this.#cmos[RtcRegister.D] = D_VALID;
    fillCmos(this.#cmos, contents);
    writeTime(this.#cmos, this.#time, 0);
    this.#timer = time.timer(() => this.#update());
    this.#findAlarm();
  }

  get #held(): boolean {
    return (this.#cmos[RtcRegister.A]! & A_RESET) === A_RESET;
  }

  /** Whether the time registers are updated. */
  get #runs(): boolean {
    return !this.#held && (this.#cmos[RtcRegister.B]! & B_SET) === 0;
  }

  /** Ticks of the divider chain. */
  #tick(): number {
    if (this.#held) return this.#offset;
    return this.#offset + this.#crystal.ticks(Math.floor(this.#source.now()) - this.#started);
  }

  /** Ticks between two periodic interrupts, 0 for none (datasheet, table 5). */
  get #period(): number {
    const rate = this.#cmos[RtcRegister.A]! & A_RATE;
    if (rate === 0) return 0;
    return 1 << (rate < 3 ? rate + 6 : rate - 1);
  }

  /** Bit 7 of the index masks NMIs, of which there are none. The index port cannot be read. */
  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) {
      const part = offset + byte === INDEX ? 0xff : this.#readRegister(this.#index);
      value |= part << (byte * 8);
    }
    return value;
  }

  #readRegister(index: number): number {
    switch (index) {
      case RtcRegister.A:
        return this.#cmos[index]! | (this.#updating ? A_UIP : 0);
      case RtcRegister.C:
        return this.#readFlags();
      default:
        if (isTimeRegister(index)) this.#refresh();
        return this.#cmos[index]!;
    }
  }

  get #updating(): boolean {
    return this.#runs && this.#tick() % FREQUENCY >= FREQUENCY - UPDATE_TICKS;
  }

  /** Reading clears all flags, and so takes the interrupt back. */
  #readFlags(): number {
    this.#settle();
    const value = this.#flags | (this.#requests ? C_REQUEST : 0);
    this.#flags = 0;
    this.#update();
    return value;
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) {
      const part = (value >>> (byte * 8)) & 0xff;
      if (offset + byte === INDEX) this.#index = part & (SIZE - 1);
      else this.#writeRegister(this.#index, part);
    }
  }

  #writeRegister(index: number, value: number): void {
    switch (index) {
      case RtcRegister.A:
        this.#writeA(value & ~A_UIP);
        break;
      case RtcRegister.B:
        this.#writeB(value);
        break;
      case RtcRegister.C:
      case RtcRegister.D:
        break; // for reading only
      default:
        if (isTimeRegister(index)) this.#writeTimeRegister(index, value);
        else this.#writeMemory(index, value);
    }
  }

  #writeA(value: number): void {
    this.#settle();
    const tick = this.#tick();
    this.#refresh();
    const wasHeld = this.#held;
    this.#cmos[RtcRegister.A] = value;
    if (this.#held !== wasHeld) this.#restart(this.#held ? tick : HALF_SECOND);
    this.#update();
  }

  /** The divider goes on from a tick now, or stands there; the time is what the registers show. */
  #restart(tick: number): void {
    this.#offset = tick % FREQUENCY;
    this.#started = Math.floor(this.#source.now());
    this.#settled = this.#offset;
    this.#takeTime();
  }

  /** SET stops the updates and, rising, clears UIE; falling, the time goes on from what was written. */
  #writeB(value: number): void {
    this.#settle();
    this.#refresh();
    const ran = this.#runs;
    this.#cmos[RtcRegister.B] = (value & B_SET) !== 0 ? value & ~B_UPDATE_ENABLE : value;
    if (this.#runs && !ran) this.#takeTime();
    this.#findAlarm();
    this.#update();
  }

  #writeTimeRegister(index: number, value: number): void {
    this.#settle();
    this.#refresh();
    this.#cmos[index] = value;
    if (this.#runs) this.#takeTime();
    this.#update();
  }

  #writeMemory(index: number, value: number): void {
    this.#settle();
    this.#cmos[index] = value;
    this.#findAlarm();
    this.#update();
  }

  /** The time registers now; while updates are stopped they stay what they are. */
  #refresh(): void {
    if (this.#runs) writeTime(this.#cmos, this.#time + Math.floor(this.#tick() / FREQUENCY), this.#weekdays);
  }

  #takeTime(): void {
    const { time, weekdays } = readTime(this.#cmos);
    this.#time = time - Math.floor(this.#tick() / FREQUENCY);
    this.#weekdays = weekdays;
    this.#findAlarm();
  }

  /** The tick of the next update that matches the alarm. */
  #findAlarm(): void {
    const seconds = Math.floor(this.#settled / FREQUENCY);
    this.#alarm = (seconds + secondsToAlarm(this.#cmos, this.#time + seconds)) * FREQUENCY;
  }

  /** Sets the flags of what has happened since the last look. */
  #settle(): void {
    const tick = this.#tick();
    const last = this.#settled;
    this.#settled = tick;
    const period = this.#period;
    if (period > 0 && Math.floor(tick / period) > Math.floor(last / period)) this.#flags |= C_PERIODIC;
    if (!this.#runs || Math.floor(tick / FREQUENCY) === Math.floor(last / FREQUENCY)) return;
    this.#flags |= C_UPDATE;
    if (tick < this.#alarm) return;
    this.#flags |= C_ALARM;
    this.#findAlarm();
  }

  get #requests(): boolean {
    return (this.#flags & this.#cmos[RtcRegister.B]! & B_ENABLES) !== 0;
  }

  /** Sets the line, and the timer for the next interrupt if there is none now. */
  #update(): void {
    this.#settle();
    const requests = this.#requests;
    this.#drive(requests && this.#connected);
    const next = requests ? Infinity : this.#nextInterrupt();
    if (next === Infinity) this.#timer.cancel();
    else this.#timer.set(this.#started + this.#crystal.nanoseconds(next - this.#offset));
  }

  #nextInterrupt(): number {
    if (this.#held) return Infinity;
    const tick = this.#settled;
    const enabled = this.#cmos[RtcRegister.B]! & B_ENABLES;
    const period = this.#period;
    let next = Infinity;
    if ((enabled & C_PERIODIC) !== 0 && period > 0) next = (Math.floor(tick / period) + 1) * period;
    if (!this.#runs) return next;
    if ((enabled & C_UPDATE) !== 0) next = Math.min(next, (Math.floor(tick / FREQUENCY) + 1) * FREQUENCY);
    if ((enabled & C_ALARM) !== 0) next = Math.min(next, this.#alarm);
    return next;
  }

  /** Whether the interrupt is wired to IRQ 8: the HPET's legacy replacement route cuts it. */
  get connected(): boolean {
    return this.#connected;
  }

  set connected(connected: boolean) {
    this.#connected = connected;
    this.#update();
  }

  #drive(line: boolean): void {
    if (line === this.#line) return;
    this.#line = line;
    this.#lines.set(RTC_GSI, line ? 1 : 0);
  }

  save(): RtcState {
    this.#refresh();
    return {
      cmos: this.#cmos.slice(),
      index: this.#index,
      flags: this.#flags,
      started: this.#started,
      offset: this.#offset,
      time: this.#time,
      weekdays: this.#weekdays,
      settled: this.#settled,
      connected: this.#connected,
      line: this.#line,
    };
  }

  restore(state: RtcState): void {
    this.#cmos.set(state.cmos);
    this.#index = state.index;
    this.#flags = state.flags;
    this.#started = state.started;
    this.#offset = state.offset;
    this.#time = state.time;
    this.#weekdays = state.weekdays;
    this.#settled = state.settled;
    this.#connected = state.connected;
    this.#line = state.line;
    this.#findAlarm();
    const next = this.#requests ? Infinity : this.#nextInterrupt();
    if (next === Infinity) this.#timer.cancel();
    else this.#timer.set(this.#started + this.#crystal.nanoseconds(next - this.#offset));
  }

  /** The RESET pin: interrupts are off, time and memory go on ("RESET"). */
  reset(): void {
    this.#settle();
    this.#cmos[RtcRegister.B]! &= ~(B_ENABLES | B_SQUARE_WAVE);
    this.#flags = 0;
    this.#connected = true;
    this.#update();
  }
}
