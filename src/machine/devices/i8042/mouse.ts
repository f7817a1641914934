// A PS/2 mouse that lies still: it answers its commands (IBM PS/2 Hardware Interface Technical Reference, "Mouse").

import type { Stateful } from '../../../bus/device-state.js';
import { ByteQueue } from './byte-queue.js';

const ACK = 0xfa;
const RESEND = 0xfe;
const TEST_PASSED = 0xaa;
const STANDARD_MOUSE = 0x00;

const Command = {
  Scale1: 0xe6,
  Scale2: 0xe7,
  Resolution: 0xe8,
  Status: 0xe9,
  Stream: 0xea,
  Read: 0xeb,
  EndWrap: 0xec,
  Wrap: 0xee,
  Remote: 0xf0,
  Identify: 0xf2,
  Rate: 0xf3,
  Enable: 0xf4,
  Disable: 0xf5,
  Defaults: 0xf6,
  Resend: 0xfe,
  Reset: 0xff,
} as const;

/** Of a movement packet's first byte, the bit that is always set. */
const PACKET = 0x08;
const QUEUE_SIZE = 16;

export type MouseState = {
  queue: readonly number[];
  command: number;
  remote: boolean;
  reporting: boolean;
  doubled: boolean;
  wrap: boolean;
  resolution: number;
  rate: number;
  last: number;
};

const INITIAL = {
  command: 0,
  remote: false,
  reporting: false,
  doubled: false,
  wrap: false,
  resolution: 2,
  rate: 100,
  last: 0,
};

export class Mouse implements Stateful {
  readonly #queue = new ByteQueue(QUEUE_SIZE);
  #s = { ...INITIAL };

  get pending(): boolean {
    return this.#queue.length > 0;
  }

  take(): number | undefined {
    const byte = this.#queue.shift();
    if (byte !== undefined) this.#s.last = byte;
    return byte;
  }

  command(byte: number): void {
    const s = this.#s;
    if (s.wrap && byte !== Command.EndWrap && byte !== Command.Reset) {
      this.#queue.push(byte);
      return;
    }
    const { command } = s;
    s.command = 0;
    if (command !== 0 && byte < Command.Scale1) {
      if (command === Command.Rate) s.rate = byte;
      else s.resolution = byte & 3;
      this.#answer(ACK);
      return;
    }
    switch (byte) {
      case Command.Resend:
        this.#answer(s.last);
        break;
      case Command.Reset:
        this.#s = { ...INITIAL };
        this.#answer(ACK, TEST_PASSED, STANDARD_MOUSE);
        break;
      case Command.Identify:
        this.#answer(ACK, STANDARD_MOUSE);
        break;
      case Command.Status:
        this.#answer(ACK, this.#status(), s.resolution, s.rate);
        break;
      case Command.Read:
        this.#answer(ACK, PACKET, 0, 0);
        break;
      default:
        this.#answer(this.#set(byte) ? ACK : RESEND);
    }
  }

  /** Commands that only change a setting; false if it is none. */
  #set(byte: number): boolean {
    const s = this.#s;
    switch (byte) {
      case Command.Scale1:
      case Command.Scale2:
        s.doubled = byte === Command.Scale2;
        return true;
      case Command.Resolution:
      case Command.Rate:
        s.command = byte;
        return true;
      case Command.Stream:
      case Command.Remote:
        s.remote = byte === Command.Remote;
        return true;
      case Command.Wrap:
      case Command.EndWrap:
        s.wrap = byte === Command.Wrap;
        return true;
      case Command.Enable:
      case Command.Disable:
        s.reporting = byte === Command.Enable;
        return true;
      case Command.Defaults:
        this.#s = { ...INITIAL };
        return true;
      default:
        return false;
    }
  }

  #status(): number {
    const { remote, reporting, doubled } = this.#s;
    return (remote ? 0x40 : 0) | (reporting ? 0x20 : 0) | (doubled ? 0x10 : 0);
  }

  #answer(...bytes: number[]): void {
    this.#queue.clear();
    this.#queue.push(...bytes);
  }

  save(): MouseState {
    return { ...this.#s, queue: this.#queue.save() };
  }

  restore({ queue, ...state }: MouseState): void {
    this.#s = state;
    this.#queue.restore(queue);
  }

  reset(): void {
    this.#s = { ...INITIAL };
    this.#queue.clear();
  }
}
