// A PS/2 keyboard: its commands (IBM PS/2 Hardware Interface Technical Reference, "Keyboard"), and the keys that the host
// presses. Keys wait outside, in any number, until the keyboard has room and the guest had time for the last one.

import type { Stateful } from '../../../bus/device-state.js';
import type { Timer, TimeSource } from '../../../bus/time.js';
import { ByteQueue } from './byte-queue.js';
import { BREAK, translate } from './scan-codes.js';

const ACK = 0xfa;
const RESEND = 0xfe;
const ECHO = 0xee;
const TEST_PASSED = 0xaa;
const IDENTITY = [0xab, 0x83];

const Command = {
  Leds: 0xed,
  Echo: 0xee,
  ScanCodeSet: 0xf0,
  Identify: 0xf2,
  Rate: 0xf3,
  Enable: 0xf4,
  Disable: 0xf5,
  Defaults: 0xf6,
  /** F7h to FDh change how the keys of set 3 behave; the last three of these name a key. */
  FirstKeyType: 0xf7,
  NamedKeyType: 0xfb,
  LastKeyType: 0xfd,
  Resend: 0xfe,
  Reset: 0xff,
} as const;

const QUEUE_SIZE = 16;
/** Between two keys: faster than anybody types, and slow enough for a firmware that polls. */
const KEY_NANOSECONDS = 5e6;

export type KeyboardState = {
  queue: readonly number[];
  waiting: readonly (readonly number[])[];
  scanning: boolean;
  set: number;
  leds: number;
  rate: number;
  /** The command whose parameter comes next; 0: none. */
  command: number;
  last: number;
  nextKey: number;
};

export class Keyboard implements Stateful {
  readonly #time: TimeSource;
  readonly #timer: Timer;
  readonly #changed: () => void;
  readonly #queue = new ByteQueue(QUEUE_SIZE);
  /** Keys pressed and not yet sent, as bytes of set 2. */
  #waiting: (readonly number[])[] = [];
  #scanning = true;
  #set = 2;
  #leds = 0;
  #rate = 0x2b;
  #command = 0;
  #last = 0;
  /** The earliest time for another key. */
  #nextKey = 0;

  /** `changed` is called when there is something to read that was not asked for. */
  constructor(time: TimeSource, changed: () => void) {
    this.#time = time;
    this.#changed = changed;
    this.#timer = time.timer(() => this.#feed());
  }

  /** Bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  get leds(): number {
    return this.#leds;
  }

  /** A key went down or up: bytes of set 2. It is lost while the guest has the keyboard switched off. */
  key(bytes: readonly number[]): void {
    if (!this.#scanning) return;
    this.#waiting.push(bytes);
    this.#feed();
  }

  /** The next byte for the controller. */
  take(): number | undefined {
    const byte = this.#queue.shift();
    if (byte === undefined) return undefined;
    this.#last = byte;
    if (this.#waiting.length > 0) this.#schedule();
    return byte;
  }

  get pending(): boolean {
    return this.#queue.length > 0;
  }

  #schedule(): void {
    this.#timer.set(Math.max(this.#nextKey, Math.floor(this.#time.now()) + 1));
  }

  /** Hands over the next key, if all of it fits; else it waits for take(). */
  #feed(): void {
    const key = this.#waiting[0];
    if (key === undefined) return;
    const now = this.#time.now();
    if (now < this.#nextKey) {
      this.#schedule();
      return;
    }
    const bytes = this.#set === 1 ? inSetOne(key) : key;
    if (bytes.length > this.#queue.room) return;
    this.#waiting.shift();
    this.#queue.push(...bytes);
    this.#nextKey = Math.floor(now) + KEY_NANOSECONDS;
    if (this.#waiting.length > 0) this.#schedule();
    this.#changed();
  }

  /** A byte from the controller. Answers take the place of keys that were not read. */
  command(byte: number): void {
    const { Leds, Echo, ScanCodeSet, Identify, Rate, Enable, Disable, Defaults, Resend, Reset } = Command;
    const command = this.#command;
    this.#command = 0;
    if (command !== 0 && byte < Leds) {
      this.#parameter(command, byte);
      return;
    }
    switch (byte) {
      case Echo:
        this.#queue.push(ECHO);
        break;
      case Leds:
      case ScanCodeSet:
      case Rate:
        this.#command = byte;
        this.#answer(ACK);
        break;
      case Identify:
        this.#answer(ACK, ...IDENTITY);
        break;
      case Enable:
        this.#scanning = true;
        this.#answer(ACK);
        break;
      case Disable:
        this.#defaults();
        this.#scanning = false;
        this.#answer(ACK);
        break;
      case Defaults:
        this.#defaults();
        this.#answer(ACK);
        break;
      case Resend:
        this.#queue.push(this.#last);
        break;
      case Reset:
        this.#defaults();
        this.#leds = 0;
        this.#scanning = true;
        this.#answer(ACK, TEST_PASSED);
        break;
      default:
        this.#other(byte);
    }
  }

  #other(byte: number): void {
    if (byte < Command.FirstKeyType || byte > Command.LastKeyType) this.#answer(RESEND);
    else {
      if (byte >= Command.NamedKeyType) this.#command = byte;
      this.#answer(ACK);
    }
  }

  #parameter(command: number, byte: number): void {
    switch (command) {
      case Command.Leds:
        this.#leds = byte & 7;
        this.#answer(ACK);
        break;
      case Command.Rate:
        this.#rate = byte;
        this.#answer(ACK);
        break;
      case Command.ScanCodeSet:
        this.#chooseSet(byte);
        break;
      default:
        this.#answer(ACK);
    }
  }

  /** 0 asks for the set in use. This keyboard has sets 1 and 2. */
  #chooseSet(set: number): void {
    if (set === 0) this.#answer(ACK, this.#set);
    else if (set > 2) this.#answer(RESEND);
    else {
      this.#set = set;
      this.#answer(ACK);
    }
  }

  #answer(...bytes: number[]): void {
    this.#queue.clear();
    this.#queue.push(...bytes);
  }

  #defaults(): void {
    this.#waiting = [];
    this.#queue.clear();
    this.#set = 2;
    this.#rate = 0x2b;
    this.#timer.cancel();
  }

  save(): KeyboardState {
    return {
      queue: this.#queue.save(),
      waiting: [...this.#waiting],
      scanning: this.#scanning,
      set: this.#set,
      leds: this.#leds,
      rate: this.#rate,
      command: this.#command,
      last: this.#last,
      nextKey: this.#nextKey,
    };
  }

  restore(state: KeyboardState): void {
    this.#queue.restore(state.queue);
    this.#waiting = [...state.waiting];
    this.#scanning = state.scanning;
    this.#set = state.set;
    this.#leds = state.leds;
    this.#rate = state.rate;
    this.#command = state.command;
    this.#last = state.last;
    this.#nextKey = state.nextKey;
    if (this.#waiting.length > 0) this.#schedule();
    else this.#timer.cancel();
  }

  /** After power-on it scans with set 2. */
  reset(): void {
    this.#defaults();
    this.#leds = 0;
    this.#scanning = true;
    this.#command = 0;
    this.#last = 0;
  }
}

/** A key of set 2 as the keyboard itself sends it in set 1. */
function inSetOne(bytes: readonly number[]): readonly number[] {
  const released = bytes.includes(BREAK) ? 0x80 : 0;
  return bytes
    .filter((byte) => byte !== BREAK)
    .map((byte, index, all) => (index === all.length - 1 ? translate(byte) | released : byte));
}
