// Port 61h, the "NMI status and control" register of PC chipsets (Intel 290550, PIIX3, 2.5.4.1): the speaker's gate and output,
// and a bit that toggles with every memory refresh, by which old software measures time.

import type { IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { TimeSource } from '../../../bus/time.js';
import { Oscillator } from './oscillator.js';
import { PIT_FREQUENCY, type Pit8254 } from './pit-8254.js';

export const SYSTEM_PORT = 0x61;

const GATE = 0x01;
const SPEAKER = 0x02;
/** SERR# and IOCHK# disable: kept, and nothing ever asserts these. */
const CHECKS = 0x0c;
const REFRESH = 0x10;
const OUT2 = 0x20;
/** Ticks of the timer's clock between two refreshes: 15.09 µs. */
const REFRESH_TICKS = 18;

export type SystemPortState = { control: number };

export class SystemPort implements IoDevice, Stateful {
  readonly name = 'system-port';
  readonly #clock = new Oscillator(PIT_FREQUENCY);
  #control = 0;

  constructor(
    private readonly pit: Pit8254,
    private readonly time: TimeSource,
  ) {}

  /** Whether the speaker would sound: its data bit is on and counter 2 is let run. */
  get speaker(): boolean {
    return (this.#control & (SPEAKER | GATE)) === (SPEAKER | GATE);
  }

  read(): number {
    const refreshes = Math.floor(this.#clock.ticks(this.time.now()) / REFRESH_TICKS);
    return this.#control | (refreshes % 2 === 1 ? REFRESH : 0) | (this.pit.speakerOut ? OUT2 : 0);
  }

  write(_offset: number, _length: number, value: number): void {
    this.#control = value & (GATE | SPEAKER | CHECKS);
    this.pit.speakerGate = (value & GATE) !== 0;
  }

  save(): SystemPortState {
    return { control: this.#control };
  }

  /** The gate itself is the timer's state. */
  restore({ control }: SystemPortState): void {
    this.#control = control;
  }

  reset(): void {
    this.#control = 0;
    this.pit.speakerGate = false;
  }
}
