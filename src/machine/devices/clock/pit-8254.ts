// The interval timer: Intel's 8254 (datasheet 231164-005) as a PC wires it. Counter 0 drives IRQ 0, counter 1 once refreshed
// the memory, counter 2 drives the speaker and has its gate at port 61h (system-port.ts).

import type { InterruptLine, IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { Timer, TimeSource } from '../../../bus/time.js';
import { MOST_LAG } from './lag.js';
import { Oscillator } from './oscillator.js';
import { NEVER, PitCounter, type PitCounterState } from './pit-counter.js';

export const PIT_PORT = 0x40;
export const PIT_PORTS = 4;
/** A twelfth of the 14.31818 MHz crystal. */
export const PIT_FREQUENCY = 1_193_182;
const CONTROL = 3;
const READ_BACK = 3;
const TIMER_GSI = 0;

export interface PitOptions {
  lines: InterruptLine;
  time: TimeSource;
}

export type PitState = { counters: readonly PitCounterState[]; connected: boolean; line: boolean; edge: number };

export class Pit8254 implements IoDevice, Stateful {
  readonly name = 'pit-8254';
  readonly #lines: InterruptLine;
  readonly #time: TimeSource;
  readonly #timer: Timer;
  readonly #clock = new Oscillator(PIT_FREQUENCY);
  #counters = makeCounters();
  #connected = true;
  #line = false;
  /** The tick at which OUT of counter 0 changes next, for which the timer is set. */
  #edge = NEVER;

  constructor({ lines, time }: PitOptions) {
    this.#lines = lines;
    this.#time = time;
    this.#timer = time.timer((due) => this.#fire(due));
  }

  #tick(): number {
    return this.#clock.ticks(this.#time.now());
  }

  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.#readPort(offset + byte) << (byte * 8);
    return value;
  }

  /** The control word cannot be read: the bus floats. */
  #readPort(port: number): number {
    return port >= CONTROL ? 0xff : this.#counters[port]!.read(this.#tick());
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.#writePort(offset + byte, (value >>> (byte * 8)) & 0xff);
  }

  #writePort(port: number, value: number): void {
    const tick = this.#tick();
    const counter = port === CONTROL ? value >>> 6 : port;
    if (port === CONTROL && counter === READ_BACK) this.#readBack(tick, value);
    else if (port === CONTROL) this.#counters[counter]!.control(tick, value);
    else this.#counters[counter]!.write(tick, value);
    if (counter === 0) this.#update(tick);
  }

  /** Several counters at once; bits 5 and 4 are low for what is to be latched. */
  #readBack(tick: number, value: number): void {
    for (const [index, counter] of this.#counters.entries()) {
      if ((value & (2 << index)) === 0) continue;
      if ((value & 0x20) === 0) counter.latchCount(tick);
      if ((value & 0x10) === 0) counter.latchStatus(tick);
    }
  }

  /** GATE 2, which port 61h sets. */
  get speakerGate(): boolean {
    return this.#counters[2]!.gate;
  }

  set speakerGate(gate: boolean) {
    this.#counters[2]!.setGate(this.#tick(), gate);
  }

  /** OUT 2, which port 61h shows. */
  get speakerOut(): boolean {
    const tick = this.#tick();
    const counter = this.#counters[2]!;
    counter.settle(tick);
    return counter.out(tick);
  }

  /** Whether counter 0 is wired to IRQ 0: the HPET's legacy replacement route cuts it. */
  get connected(): boolean {
    return this.#connected;
  }

  set connected(connected: boolean) {
    if (connected === this.#connected) return;
    this.#connected = connected;
    const tick = this.#tick();
    if (connected) this.#update(tick);
    else {
      this.#drive(false);
      this.#schedule(NEVER);
    }
  }

  #update(tick: number): void {
    if (!this.#connected) return;
    const counter = this.#counters[0]!;
    const next = counter.nextChange(tick);
    this.#drive(counter.out(tick));
    this.#schedule(next);
  }

  #schedule(edge: number): void {
    this.#edge = edge;
    if (edge === NEVER) this.#timer.cancel();
    else this.#timer.set(this.#clock.nanoseconds(edge));
  }

  /** The line is shown the tick before as well, so that an edge after a single low tick is one. */
  #fire(due: number): void {
    const counter = this.#counters[0]!;
    const late = this.#time.now() - due > MOST_LAG;
    const tick = late ? this.#tick() : this.#edge;
    this.#drive(counter.out(tick - 1));
    this.#update(tick);
  }

  #drive(line: boolean): void {
    if (line === this.#line) return;
    this.#line = line;
    this.#lines.set(TIMER_GSI, line ? 1 : 0);
  }

  save(): PitState {
    const counters = this.#counters.map((counter) => counter.save());
    return { counters, connected: this.#connected, line: this.#line, edge: this.#edge };
  }

  restore({ counters, connected, line, edge }: PitState): void {
    for (const [index, counter] of this.#counters.entries()) counter.restore(counters[index]!);
    this.#connected = connected;
    this.#line = line;
    this.#schedule(edge);
  }

  /** The 8254 has no reset pin; a machine that starts anew finds it as after power-on. */
  reset(): void {
    this.#counters = makeCounters();
    this.#connected = true;
    this.#drive(false);
    this.#schedule(NEVER);
  }
}

/** Gates 0 and 1 are tied high; gate 2 is low until port 61h raises it. */
function makeCounters(): readonly PitCounter[] {
  return [new PitCounter(true), new PitCounter(true), new PitCounter(false)];
}
