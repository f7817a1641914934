// The VGA in its text mode 3, 80 columns by 25 rows in colour: the CRT controller's registers and the status port, as IBM's
// reference describes them. What is shown are the bytes at 0xB8000, which are RAM: drawing costs a guest no exit.
//
// Of the registers only those mean something that say where on the screen things are; all keep what is written. There is no
// other mode, font or palette, and no memory but RAM behind the window, so none of the write modes of graphics: what a video BIOS
// loads as its font ends in RAM that nobody looks at. The VGA's other registers are vga-registers.ts.

import type { IoDevice } from '../../bus/device.js';
import type { Stateful } from '../../bus/device-state.js';
import { CODE_PAGE_437 } from './code-page-437.js';

/** First port of the CRT controller in colour modes; the status port is the last. */
export const VGA_PORT = 0x3d4;
export const VGA_PORTS = 7;
const INDEX = 0;
const DATA = 1;
const STATUS = 6;

/** Guest-physical address of the window, and its size: 16,384 cells, after which the start address wraps. */
export const TEXT_MEMORY = 0xb_8000;
const WINDOW = 0x8000;
const CELLS = WINDOW / 2;
export const TEXT_COLUMNS = 80;
export const TEXT_ROWS = 25;
const SCREEN_CELLS = TEXT_COLUMNS * TEXT_ROWS;
const SCREEN_BYTES = SCREEN_CELLS * 2;
/** A blank, light grey on black. */
export const BLANK_CELL = 0x0720;

/** Indexes of registers. */
const VERTICAL_TOTAL_END = 0x07;
const CURSOR_START = 0x0a;
const CURSOR_END = 0x0b;
/** The high halves; the low one follows. */
const START = 0x0c;
const CURSOR = 0x0e;
const RETRACE_END = 0x11;
const CURSOR_OFF = 0x20;
const SCAN_LINE = 0x1f;
/** In RETRACE_END: registers 0 to 7 cannot be written, less the one bit of register 7 that is the line compare's. */
const PROTECT = 0x80;
const LINE_COMPARE = 0x10;

/** What a BIOS leaves in the 25 registers for mode 3 with characters of 16 lines. */
const MODE_3 = [
  0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f,
  0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
];

/** What the status port says one read after the other: picture, end of a line, picture, vertical retrace (which is an end, too). */
const BEAM = [0x00, 0x01, 0x00, 0x09];

/** The colours of an attribute's numbers 0 to 15, as CSS writes them. */
export const TEXT_COLOURS = [
  '#000000',
  '#0000aa',
  '#00aa00',
  '#00aaaa',
  '#aa0000',
  '#aa00aa',
  '#aa5500',
  '#aaaaaa',
  '#555555',
  '#5555ff',
  '#55ff55',
  '#55ffff',
  '#ff5555',
  '#ff55ff',
  '#ffff55',
  '#ffffff',
] as const;

export interface TextCursor {
  readonly row: number;
  readonly column: number;
  /** First and last of the 16 lines of the cell that are lit. */
  readonly first: number;
  readonly last: number;
}

/** The screen at one moment, as plain data. */
export interface TextScreen {
  /** Another number whenever something is another than the last time somebody looked. */
  readonly generation: number;
  /** 25 strings of 80 characters. */
  readonly lines: readonly string[];
  /** A byte for each cell, row by row: foreground in bits 3:0, background in 6:4, blinking in 7. */
  readonly attributes: Uint8Array;
  /** Undefined if it is switched off or not on the screen. */
  readonly cursor: TextCursor | undefined;
}

export type VgaState = { index: number; registers: Uint8Array; beam: number };

export interface VgaTextOptions {
  /** Copies guest memory from a guest-physical address. */
  memory: { readInto(gpa: number, target: Uint8Array): void };
  /** Told when the status port is read. */
  statusRead?: () => void;
}

export class VgaText implements IoDevice, Stateful {
  readonly name = 'vga-text';
  readonly #memory: VgaTextOptions['memory'];
  readonly #statusRead: () => void;
  #index = 0;
  readonly #registers = Uint8Array.from(MODE_3);
  #beam = 0;
  /** The screen when somebody looked last, and room for looking; both are compared as words. */
  #seen = new Uint32Array(SCREEN_BYTES / 4);
  #now = new Uint32Array(SCREEN_BYTES / 4);
  #seenCursor = -1;
  #generation = 0;

  constructor({ memory, statusRead = () => {} }: VgaTextOptions) {
    this.#memory = memory;
    this.#statusRead = statusRead;
  }

  /** Wider accesses are an ISA bus's: one byte after the other, so that one OUT can write index and data. */
  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.#readPort(offset + byte) << (byte * 8);
    return value;
  }

  #readPort(offset: number): number {
    switch (offset) {
      case INDEX:
        return this.#index;
      case DATA:
        return this.#registers[this.#index] ?? 0xff;
      case STATUS: {
        const status = BEAM[this.#beam]!;
        this.#beam = (this.#beam + 1) % BEAM.length;
        this.#statusRead();
        return status;
      }
      default:
        return 0xff;
    }
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.#writePort(offset + byte, (value >>> (byte * 8)) & 0xff);
  }

  #writePort(offset: number, value: number): void {
    if (offset === INDEX) this.#index = value;
    else if (offset === DATA) this.#writeRegister(this.#index, value);
  }

  #writeRegister(index: number, value: number): void {
    const registers = this.#registers;
    if (index >= registers.length) return;
    if (index <= VERTICAL_TOTAL_END && (registers[RETRACE_END]! & PROTECT) !== 0) {
      if (index !== VERTICAL_TOTAL_END) return;
      registers[index] = (registers[index]! & ~LINE_COMPARE) | (value & LINE_COMPARE);
      return;
    }
    registers[index] = value;
  }

  #pair(high: number): number {
    return (this.#registers[high]! << 8) | this.#registers[high + 1]!;
  }

  /** The first cell on the screen, counted from the window's start. */
  get start(): number {
    return this.#pair(START);
  }

  /**
   * What is on the screen; undefined if that is what a caller has already who names the generation of its last look. A look
   * copies 4,000 bytes and compares them; strings are made only of a screen that has changed.
   */
  screen(known = -1): TextScreen | undefined {
    this.#look();
    if (known === this.#generation) return undefined;
    const cells = new Uint8Array(this.#seen.buffer);
    const attributes = new Uint8Array(SCREEN_CELLS);
    const lines: string[] = [];
    for (let row = 0, cell = 0; row < TEXT_ROWS; row++) {
      let line = '';
      for (let column = 0; column < TEXT_COLUMNS; column++, cell++) {
        line += CODE_PAGE_437[cells[cell * 2]!]!;
        attributes[cell] = cells[cell * 2 + 1]!;
      }
      lines.push(line);
    }
    return { generation: this.#generation, lines, attributes, cursor: this.#cursor() };
  }

  #look(): void {
    const bytes = new Uint8Array(this.#now.buffer);
    const from = (this.start % CELLS) * 2;
    const first = Math.min(SCREEN_BYTES, WINDOW - from);
    this.#memory.readInto(TEXT_MEMORY + from, bytes.subarray(0, first));
    if (first < SCREEN_BYTES) this.#memory.readInto(TEXT_MEMORY, bytes.subarray(first));
    const cursor = this.#cursorWord();
    if (cursor === this.#seenCursor && same(this.#now, this.#seen)) return;
    this.#seenCursor = cursor;
    [this.#seen, this.#now] = [this.#now, this.#seen];
    this.#generation++;
  }

  /** All that the cursor is in one number; off the screen it is the same wherever it is. */
  #cursorWord(): number {
    const cursor = this.#cursor();
    if (cursor === undefined) return 0xffff_ffff;
    return ((cursor.row * TEXT_COLUMNS + cursor.column) << 10) | (cursor.first << 5) | cursor.last;
  }

  #cursor(): TextCursor | undefined {
    const shape = this.#registers[CURSOR_START]!;
    const first = shape & SCAN_LINE;
    const last = this.#registers[CURSOR_END]! & SCAN_LINE;
    const cell = (this.#pair(CURSOR) - this.start) & 0xffff;
    if ((shape & CURSOR_OFF) !== 0 || first > last || cell >= SCREEN_CELLS) return undefined;
    return { row: Math.floor(cell / TEXT_COLUMNS), column: cell % TEXT_COLUMNS, first, last };
  }

  save(): VgaState {
    return { index: this.#index, registers: this.#registers.slice(), beam: this.#beam };
  }

  restore({ index, registers, beam }: VgaState): void {
    this.#index = index;
    this.#registers.set(registers);
    this.#beam = beam;
  }

  /** As a BIOS leaves it. Memory keeps what it has. */
  reset(): void {
    this.restore({ index: 0, registers: Uint8Array.from(MODE_3), beam: 0 });
  }
}

function same(a: Uint32Array, b: Uint32Array): boolean {
  for (let word = 0; word < a.length; word++) if (a[word] !== b[word]) return false;
  return true;
}
