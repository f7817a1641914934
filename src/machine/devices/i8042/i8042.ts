// The keyboard controller of a PS/2: an 8042 at ports 60h and 64h, with a keyboard and a mouse behind it (IBM PS/2 Hardware
// Interface Technical Reference, "Keyboard and auxiliary device controller"), gate A20, and the pin that resets the machine.

import type { InterruptLine, IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { TimeSource } from '../../../bus/time.js';
import type { A20Gate } from '../power/a20-gate.js';
import { ByteQueue } from './byte-queue.js';
import { Keyboard, type KeyboardState } from './keyboard.js';
import { Mouse, type MouseState } from './mouse.js';
import { BREAK, keyOf, scanCode, translate } from './scan-codes.js';

export const I8042_DATA_PORT = 0x60;
export const I8042_COMMAND_PORT = 0x64;
const KEYBOARD_GSI = 1;
const MOUSE_GSI = 12;

const STATUS_FULL = 0x01;
const STATUS_SYSTEM = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_UNLOCKED = 0x10;
const STATUS_MOUSE = 0x20;

/** The configuration byte: RAM 0 of the controller. */
const CONFIG_KEYBOARD_INTERRUPT = 0x01;
const CONFIG_MOUSE_INTERRUPT = 0x02;
const CONFIG_SYSTEM = 0x04;
const CONFIG_KEYBOARD_OFF = 0x10;
const CONFIG_MOUSE_OFF = 0x20;
const CONFIG_TRANSLATE = 0x40;
/** As the power-on test of a firmware leaves it, since most kernels are started here without one. */
const CONFIG_INITIAL = CONFIG_KEYBOARD_INTERRUPT | CONFIG_SYSTEM | CONFIG_MOUSE_OFF | CONFIG_TRANSLATE;

const Command = {
  ReadRam: 0x20,
  WriteRam: 0x60,
  LastRam: 0x1f,
  PasswordTest: 0xa4,
  MouseOff: 0xa7,
  MouseOn: 0xa8,
  TestMouse: 0xa9,
  SelfTest: 0xaa,
  TestKeyboard: 0xab,
  KeyboardOff: 0xad,
  KeyboardOn: 0xae,
  ReadInputPort: 0xc0,
  ReadOutputPort: 0xd0,
  WriteOutputPort: 0xd1,
  WriteKeyboardBuffer: 0xd2,
  WriteMouseBuffer: 0xd3,
  WriteMouse: 0xd4,
  ReadTestInputs: 0xe0,
  Pulse: 0xf0,
} as const;

const SELF_TEST_PASSED = 0x55;
const NO_PASSWORD = 0xf1;
/** Keyboard not locked, manufacturing jumper not set. */
const INPUT_PORT = 0xa0;
const OUTPUT_NO_RESET = 0x01;
const OUTPUT_A20 = 0x02;
const OUTPUT_INTERRUPT = 0x10;
const OUTPUT_MOUSE_INTERRUPT = 0x20;
const RAM_SIZE = 32;
const QUEUE_SIZE = 16;

export interface I8042Options {
  lines: InterruptLine;
  time: TimeSource;
  gate: A20Gate;
  resetMachine: () => void;
}

export type I8042State = {
  ram: Uint8Array;
  full: boolean;
  data: number;
  fromMouse: boolean;
  answers: readonly number[];
  released: boolean;
  command: number;
  lastWasCommand: boolean;
  a20: boolean;
  lines: readonly boolean[];
  keyboard: KeyboardState;
  mouse: MouseState;
};

export class I8042 implements Stateful {
  readonly name = 'i8042';
  readonly keyboard: Keyboard;
  readonly mouse = new Mouse();
  /** Behind port 60h: it speaks for the whole controller in snapshots. */
  readonly dataPort: IoDevice;
  readonly commandPort: IoDevice;
  readonly #options: I8042Options;
  readonly #ram = new Uint8Array(RAM_SIZE);
  /** The output buffer, and whose byte is in it. */
  #full = false;
  #data = 0;
  #fromMouse = false;
  /** Bytes that the controller itself still has to put there; bit 8: as if from the mouse. */
  readonly #answers = new ByteQueue(QUEUE_SIZE);
  /** The translator has seen a break prefix. */
  #released = false;
  /** The command whose parameter comes next; 0: none. */
  #command = 0;
  #lastWasCommand = false;
  #a20 = true;
  readonly #levels = [false, false];

  constructor(options: I8042Options) {
    this.#options = options;
    this.keyboard = new Keyboard(options.time, () => this.#pump());
    this.#ram[0] = CONFIG_INITIAL;
    this.dataPort = {
      name: this.name,
      read: () => this.#readData(),
      write: (_offset, _length, value) => this.#writeData(value & 0xff),
      save: () => this.save(),
      restore: (state) => this.restore(state as I8042State),
    };
    this.commandPort = {
      name: `${this.name}-command`,
      read: () => this.#status(),
      write: (_offset, _length, value) => this.#writeCommand(value & 0xff),
    };
  }

  /** Presses keys, by the names of KeyboardEvent.code, and lets them go in the opposite order. False: there is no such key. */
  press(...names: string[]): boolean {
    if (!names.every((name) => scanCode(name, true) !== undefined)) return false;
    for (const name of names) this.key(name, true);
    for (const name of names.toReversed()) this.key(name, false);
    return true;
  }

  /** A key goes down or up. False: this keyboard has no such key. */
  key(name: string, down: boolean): boolean {
    const bytes = scanCode(name, down);
    if (bytes === undefined) return false;
    this.keyboard.key(bytes);
    return true;
  }

  /** Types a text on the US layout; returns the characters that it does not have. */
  type(text: string): string {
    let missing = '';
    for (const character of text) {
      const key = keyOf(character);
      if (key === undefined) missing += character;
      else if (key.shift) this.press('ShiftLeft', key.name);
      else this.press(key.name);
    }
    return missing;
  }

  #status(): number {
    return (
      (this.#full ? STATUS_FULL : 0) |
      ((this.#ram[0]! & CONFIG_SYSTEM) !== 0 ? STATUS_SYSTEM : 0) |
      (this.#lastWasCommand ? STATUS_COMMAND : 0) |
      STATUS_UNLOCKED |
      (this.#full && this.#fromMouse ? STATUS_MOUSE : 0)
    );
  }

  /** An empty buffer still shows the byte that was last in it. */
  #readData(): number {
    const data = this.#data;
    this.#full = false;
    this.#drive();
    this.#pump();
    return data;
  }

  /** Fills the output buffer: answers of the controller first, then keyboard and mouse as far as they are on. */
  #pump(): void {
    while (!this.#full) {
      const answer = this.#answers.shift();
      if (answer !== undefined) this.#put(answer & 0xff, answer > 0xff);
      else if (!this.#has(CONFIG_KEYBOARD_OFF) && this.keyboard.pending) this.#putKey(this.keyboard.take()!);
      else if (!this.#has(CONFIG_MOUSE_OFF) && this.mouse.pending) this.#put(this.mouse.take()!, true);
      else break;
    }
    this.#drive();
  }

  /** The break prefix of set 2 becomes bit 7 of the code after it. */
  #putKey(byte: number): void {
    if (!this.#has(CONFIG_TRANSLATE)) this.#put(byte, false);
    else if (byte === BREAK) this.#released = true;
    else {
      const code = translate(byte);
      this.#put(this.#released ? code | 0x80 : code, false);
      this.#released = false;
    }
  }

  #put(data: number, fromMouse: boolean): void {
    this.#full = true;
    this.#data = data;
    this.#fromMouse = fromMouse;
  }

  #has(bit: number): boolean {
    return (this.#ram[0]! & bit) !== 0;
  }

  /** Each interrupt is up while the output buffer has a byte of its device. */
  #drive(): void {
    this.#setLine(0, KEYBOARD_GSI, this.#full && !this.#fromMouse && this.#has(CONFIG_KEYBOARD_INTERRUPT));
    this.#setLine(1, MOUSE_GSI, this.#full && this.#fromMouse && this.#has(CONFIG_MOUSE_INTERRUPT));
  }

  #setLine(index: number, gsi: number, level: boolean): void {
    if (level === this.#levels[index]) return;
    this.#levels[index] = level;
    this.#options.lines.set(gsi, level ? 1 : 0);
  }

  #writeData(value: number): void {
    const command = this.#command;
    this.#command = 0;
    this.#lastWasCommand = false;
    if (command >= Command.WriteRam && command <= Command.WriteRam + Command.LastRam) {
      this.#ram[command - Command.WriteRam] = value;
    } else if (command === Command.WriteOutputPort) this.#writeOutputPort(value);
    else if (command === Command.WriteKeyboardBuffer) this.#answers.push(value);
    else if (command === Command.WriteMouseBuffer) this.#answers.push(value | 0x100);
    else if (command === Command.WriteMouse) {
      this.#ram[0]! &= ~CONFIG_MOUSE_OFF;
      this.mouse.command(value);
    } else {
      // A byte for the keyboard switches its interface on.
      this.#ram[0]! &= ~CONFIG_KEYBOARD_OFF;
      this.#released = false;
      this.keyboard.command(value);
    }
    this.#pump();
  }

  #writeCommand(command: number): void {
    this.#command = 0;
    this.#lastWasCommand = true;
    if (command >= Command.ReadRam && command <= Command.ReadRam + Command.LastRam) {
      this.#answers.push(this.#ram[command - Command.ReadRam]!);
    } else if (command >= Command.Pulse) this.#pulse(command);
    else if (command >= Command.WriteRam && command <= Command.WriteRam + Command.LastRam) this.#command = command;
    else this.#run(command);
    this.#pump();
  }

  #run(command: number): void {
    switch (command) {
      case Command.PasswordTest:
        this.#answers.push(NO_PASSWORD);
        break;
      case Command.MouseOff:
        this.#ram[0]! |= CONFIG_MOUSE_OFF;
        break;
      case Command.MouseOn:
        this.#ram[0]! &= ~CONFIG_MOUSE_OFF;
        break;
      case Command.TestMouse:
      case Command.TestKeyboard:
      case Command.ReadTestInputs:
        this.#answers.push(0);
        break;
      case Command.SelfTest:
        this.#ram[0]! |= CONFIG_SYSTEM;
        this.#answers.push(SELF_TEST_PASSED);
        break;
      case Command.KeyboardOff:
        this.#ram[0]! |= CONFIG_KEYBOARD_OFF;
        break;
      case Command.KeyboardOn:
        this.#ram[0]! &= ~CONFIG_KEYBOARD_OFF;
        break;
      case Command.ReadInputPort:
        this.#answers.push(INPUT_PORT);
        break;
      case Command.ReadOutputPort:
        this.#answers.push(this.#outputPort());
        break;
      case Command.WriteOutputPort:
      case Command.WriteKeyboardBuffer:
      case Command.WriteMouseBuffer:
      case Command.WriteMouse:
        this.#command = command;
        break;
      default: // not assigned
    }
  }

  #outputPort(): number {
    return (
      OUTPUT_NO_RESET |
      (this.#a20 ? OUTPUT_A20 : 0) |
      (this.#levels[0]! ? OUTPUT_INTERRUPT : 0) |
      (this.#levels[1]! ? OUTPUT_MOUSE_INTERRUPT : 0)
    );
  }

  #writeOutputPort(value: number): void {
    this.#a20 = (value & OUTPUT_A20) !== 0;
    this.#options.gate.controller = this.#a20;
    if ((value & OUTPUT_NO_RESET) === 0) this.#options.resetMachine();
  }

  /** Pulls the lower four bits of the output port low that are zero in the command; bit 0 is the reset pin. */
  #pulse(command: number): void {
    if ((command & OUTPUT_NO_RESET) === 0) this.#options.resetMachine();
  }

  save(): I8042State {
    return {
      ram: this.#ram.slice(),
      full: this.#full,
      data: this.#data,
      fromMouse: this.#fromMouse,
      answers: this.#answers.save(),
      released: this.#released,
      command: this.#command,
      lastWasCommand: this.#lastWasCommand,
      a20: this.#a20,
      lines: [...this.#levels],
      keyboard: this.keyboard.save(),
      mouse: this.mouse.save(),
    };
  }

  restore(state: I8042State): void {
    this.#ram.set(state.ram);
    this.#full = state.full;
    this.#data = state.data;
    this.#fromMouse = state.fromMouse;
    this.#answers.restore(state.answers);
    this.#released = state.released;
    this.#command = state.command;
    this.#lastWasCommand = state.lastWasCommand;
    this.#a20 = state.a20;
    this.#options.gate.controller = state.a20;
    for (const [index, level] of state.lines.entries()) this.#levels[index] = level;
    this.keyboard.restore(state.keyboard);
    this.mouse.restore(state.mouse);
  }

  reset(): void {
    this.#ram.fill(0);
    this.#ram[0] = CONFIG_INITIAL;
    this.#full = false;
    this.#data = 0;
    this.#fromMouse = false;
    this.#answers.clear();
    this.#released = false;
    this.#command = 0;
    this.#lastWasCommand = false;
    this.#a20 = true;
    this.#options.gate.controller = true;
    this.keyboard.reset();
    this.mouse.reset();
    this.#drive();
  }
}
