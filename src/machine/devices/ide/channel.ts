// An IDE channel: a cable with two drives on it, seen through the ports of the PC (command block and control block).
//
// With one drive, that one answers for the other (volume 2, 5.2 and the tables of 9.16): status reads zero, and only
// EXECUTE DEVICE DIAGNOSTIC is heard. Without any, DD7 is pulled down and the rest floats.

import { DECLINED, type IoDevice } from '../../../bus/device.js';
import type { Drive, DriveState } from './drive.js';
import {
  CONTROL_HOB,
  CONTROL_NIEN,
  CONTROL_SRST,
  DATA,
  DEVICE,
  DEVICE_DEV,
  ERROR,
  STATUS,
  STATUS_BSY,
  STATUS_DRQ,
} from './registers.js';

const FLOATING = 0x7f;
const EXECUTE_DIAGNOSTIC = 0x90;
/** The one command that a packet drive hears while it is busy or in a data phase (6.14). */
const DEVICE_RESET = 0x08;

export interface ChannelOptions {
  readonly drives: readonly (Drive | undefined)[];
  /** Called when INTRQ changes. */
  readonly interrupt: (level: 0 | 1) => void;
  /** Called when the selected drive begins a DMA data phase. */
  readonly dmaRequested: () => void;
  /** Whether the controller decodes the channel's ports. */
  readonly decoded: () => boolean;
}

export type ChannelState = {
  selected: number;
  control: number;
  level: 0 | 1;
  drives: readonly (DriveState | null)[];
};

export class Channel {
  readonly command: IoDevice;
  readonly control: IoDevice;
  readonly #drives: readonly (Drive | undefined)[];
  readonly #interrupt: (level: 0 | 1) => void;
  readonly #decoded: () => boolean;
  #selected = 0;
  #control = 0;
  #level: 0 | 1 = 0;

  constructor({ drives, interrupt, dmaRequested, decoded }: ChannelOptions) {
    this.#drives = drives;
    this.#interrupt = interrupt;
    this.#decoded = decoded;
    for (const drive of drives) drive?.attach({ interruptChanged: () => this.#update(), dmaRequested });
    this.command = {
      name: 'ide',
      read: (offset, length) => this.#read(offset, length),
      write: (offset, length, value) => this.#write(offset, length, value),
    };
    this.control = {
      name: 'ide-control',
      read: () => (this.#decoded() ? this.#status() : DECLINED),
      write: (_offset, _length, value) => (this.#decoded() ? this.#writeControl(value) : DECLINED),
    };
  }

  /** The drive selected, if it is there. */
  get drive(): Drive | undefined {
    return this.#drives[this.#selected];
  }

  /** Data in one piece of 1, 2 or 4 bytes; the other registers are bytes. */
  #read(offset: number, length: number): number {
    if (!this.#decoded()) return DECLINED;
    if (offset === DATA) return this.drive?.readData(length) ?? -1;
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.#readRegister(offset + byte) << (byte * 8);
    return value;
  }

  #write(offset: number, length: number, value: number): void | typeof DECLINED {
    if (!this.#decoded()) return DECLINED;
    if (offset === DATA) {
      this.drive?.writeData(length, value);
      return;
    }
    for (let byte = 0; byte < length; byte++) this.#writeRegister(offset + byte, (value >>> (byte * 8)) & 0xff);
  }

  /** Who answers for the registers: the drive selected, or the only one. */
  #answering(): Drive | undefined {
    return this.drive ?? this.#drives[this.#selected ^ 1];
  }

  /** As alternate status has it: without acknowledging anything. */
  #status(): number {
    const drive = this.drive;
    if (drive !== undefined) return drive.status;
    return this.#answering() === undefined ? FLOATING : 0;
  }

  #readRegister(register: number): number {
    if (register === STATUS) {
      const status = this.#status();
      this.drive?.setPending(false);
      return status;
    }
    const drive = this.#answering();
    if (drive === undefined) return FLOATING;
    if (register === ERROR) return drive.error;
    if (register === DEVICE) return (drive.current[DEVICE]! & ~DEVICE_DEV) | (this.#selected << 4);
    return (this.#control & CONTROL_HOB) !== 0 ? drive.previous[register]! : drive.current[register]!;
  }

  /** Both drives hear what is written, except what is busy. */
  #writeRegister(register: number, value: number): void {
    this.#control &= ~CONTROL_HOB;
    if (register === STATUS) {
      this.#command(value);
      return;
    }
    for (const drive of this.#drives) {
      if (drive !== undefined && (drive.status & STATUS_BSY) === 0) drive.writeRegister(register, value);
    }
    if (register !== DEVICE || (this.#control & CONTROL_SRST) !== 0) return;
    this.#selected = (value & DEVICE_DEV) >>> 4;
    this.#update();
  }

  #command(code: number): void {
    if ((this.#control & CONTROL_SRST) !== 0) return;
    if (code === EXECUTE_DIAGNOSTIC) {
      for (const drive of this.#drives) drive?.diagnose();
      this.#selected = 0;
      this.#drives[0]?.setPending(true);
      this.#update();
      return;
    }
    const drive = this.drive;
    if (drive === undefined) return;
    if (code !== DEVICE_RESET && (drive.status & (STATUS_BSY | STATUS_DRQ)) !== 0) return;
    // The command register's write takes INTRQ back (volume 2, 9.1).
    drive.setPending(false);
    drive.command(code);
  }

  #writeControl(value: number): void {
    const before = this.#control;
    this.#control = value & (CONTROL_HOB | CONTROL_SRST | CONTROL_NIEN);
    if ((value & CONTROL_SRST) !== 0) {
      for (const drive of this.#drives) drive?.hold();
    } else if ((before & CONTROL_SRST) !== 0) {
      this.#selected = 0;
      for (const drive of this.#drives) drive?.reset();
    }
    this.#update();
  }

  #update(): void {
    const level = this.drive?.pending === true && (this.#control & CONTROL_NIEN) === 0 ? 1 : 0;
    if (level === this.#level) return;
    this.#level = level;
    this.#interrupt(level);
  }

  /** RESET#. */
  reset(): void {
    this.#control = 0;
    this.#selected = 0;
    for (const drive of this.#drives) drive?.reset();
    this.#update();
  }

  save(): ChannelState {
    return {
      selected: this.#selected,
      control: this.#control,
      level: this.#level,
      drives: this.#drives.map((drive) => drive?.save() ?? null),
    };
  }

  restore({ selected, control, level, drives }: ChannelState): void {
    this.#selected = selected;
    this.#control = control;
    this.#level = level;
    for (const [index, drive] of this.#drives.entries()) drive?.restore(drives[index]!);
  }
}
