// A serial port: National Semiconductor's PC16550D. Section numbers are of its datasheet (TL/C/8652, June 1995).
//
// The line behind it is infinitely fast and loses nothing: a character is gone when it is written, and one that the host
// sends waits outside until there is room. Baud rate, parity and stop bits are kept and mean nothing.

import type { IoDevice } from '../../bus/device.js';
import type { Stateful } from '../../bus/device-state.js';

export const COM1_PORT = 0x3f8;
export const UART_PORTS = 8;

/** Register offsets. At 0 and 1 stands the divisor instead while LCR.DLAB is set. */
const DATA = 0;
const IER = 1;
/** IIR when read, FCR when written. */
const IIR_FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const IER_RECEIVED = 0x01;
const IER_EMPTY = 0x02;
const IER_LINE = 0x04;
const IER_MODEM = 0x08;

/** Interrupt identification, highest priority first (8.5, table IV). */
const IIR_LINE = 0x06;
const IIR_RECEIVED = 0x04;
const IIR_TIMEOUT = 0x0c;
const IIR_EMPTY = 0x02;
const IIR_MODEM = 0x00;
const IIR_NONE = 0x01;
const IIR_FIFOS = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_CLEAR_RECEIVER = 0x02;
/** What stays of a write; the two clear bits clear themselves (8.4). */
const FCR_KEPT = 0xc9;
/** Bytes at which the received-data interrupt comes, by FCR bits 7:6. */
const TRIGGER_LEVELS = [1, 4, 8, 14];

const LCR_WORD = 0x03;
const LCR_BREAK = 0x40;
const LCR_DLAB = 0x80;

const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;
const MCR_BITS = 0x1f;

const LSR_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_FRAMING = 0x08;
const LSR_BREAK = 0x10;
const LSR_ERRORS = 0x1e;
/** THR and transmitter empty: always, on a line that is infinitely fast. */
const LSR_EMPTY = 0x60;
const LSR_FIFO_ERROR = 0x80;

const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;
const MSR_DELTAS = 0x0f;
/** The terminal at the other end is on and ready. */
const MSR_TERMINAL = MSR_CTS | MSR_DSR | MSR_DCD;

const FIFO_SIZE = 16;

export interface UartOptions {
  /** Gets every byte sent. */
  output: (byte: number) => void;
  /** Told whenever the INTR pin, as the PC's OUT2 gate lets it through, changes. */
  interrupt?: (level: 0 | 1) => void;
}

export type UartState = {
  incoming: readonly number[];
  received: readonly number[];
  divisor: number;
  ier: number;
  fcr: number;
  lcr: number;
  mcr: number;
  lineErrors: number;
  msr: number;
  scr: number;
  emptyPending: boolean;
  pin: boolean;
};

export class Uart16550 implements IoDevice, Stateful {
  readonly name = 'uart-16550';
  readonly #output: (byte: number) => void;
  readonly #interrupt: ((level: 0 | 1) => void) | undefined;

  /** What the host has sent and the receiver has no room for. */
  #incoming: number[] = [];
  #incomingAt = 0;
  /** The receiver's FIFO, one deep while FIFOs are off; bits 15:8 of an entry are its LSR error bits. */
  #received: number[] = [];
  #divisor = 0;
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #lineErrors = 0;
  #msr = MSR_TERMINAL;
  #scr = 0;
  #emptyPending = false;
  #pin = false;

  constructor({ output, interrupt }: UartOptions) {
    this.#output = output;
    this.#interrupt = interrupt;
  }

  /** Sends bytes to the guest. They wait, in any number, until it reads them. */
  receive(bytes: Uint8Array): void {
    for (const byte of bytes) this.#incoming.push(byte);
    this.#fill();
    this.#update();
  }

  /** Bytes sent to the guest that it has not read. */
  get unread(): number {
    return this.#incoming.length - this.#incomingAt + this.#received.length;
  }

  /** The guest wants to be interrupted by what the host sends: a halted machine may be waiting for it. */
  get listens(): boolean {
    return (this.#ier & IER_RECEIVED) !== 0;
  }

  /** The INTR pin behind the OUT2 gate. */
  get interruptPin(): boolean {
    return this.#pin;
  }

  /** Wider accesses are an ISA bus's: one byte after the other, lowest first. */
  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.#readRegister(offset + byte) << (byte * 8);
    return value;
  }

  #readRegister(offset: number): number {
    switch (offset) {
      case DATA:
        return (this.#lcr & LCR_DLAB) !== 0 ? this.#divisor & 0xff : this.#readData();
      case IER:
        return (this.#lcr & LCR_DLAB) !== 0 ? this.#divisor >>> 8 : this.#ier;
      case IIR_FCR:
        return this.#readIdentification();
      case LCR:
        return this.#lcr;
      case MCR:
        return this.#mcr;
      case LSR:
        return this.#readLineStatus();
      case MSR:
        return this.#readModemStatus();
      case SCR:
        return this.#scr;
      default:
        return 0xff;
    }
  }

  /** RBR. Empty, it gives zero; the datasheet promises nothing. */
  #readData(): number {
    const entry = this.#received.shift() ?? 0;
    this.#revealErrors();
    this.#fill();
    this.#update();
    return entry & 0xff;
  }

  /** Reading IIR takes the THR-empty interrupt back if that is what it shows (8.5). */
  #readIdentification(): number {
    const source = this.#source();
    if (source === IIR_EMPTY) {
      this.#emptyPending = false;
      this.#update();
    }
    return source | (this.#fifos ? IIR_FIFOS : 0);
  }

  /** Reading LSR clears the error bits (8.3). */
  #readLineStatus(): number {
    const value = this.#lineStatus();
    this.#lineErrors = 0;
    this.#update();
    return value;
  }

  #lineStatus(): number {
    const waiting = this.#fifos && this.#received.some((entry) => entry > 0xff);
    return (
      LSR_EMPTY |
      (this.#received.length > 0 ? LSR_READY : 0) |
      this.#lineErrors |
      (waiting || (this.#fifos && (this.#lineErrors & ~LSR_OVERRUN) !== 0) ? LSR_FIFO_ERROR : 0)
    );
  }

  #readModemStatus(): number {
    const value = this.#msr;
    this.#msr &= ~MSR_DELTAS;
    this.#update();
    return value;
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.#writeRegister(offset + byte, (value >>> (byte * 8)) & 0xff);
  }

  /** LSR and MSR are for reading; writes to them are factory tests, which we are not (8.3). */
  #writeRegister(offset: number, value: number): void {
    switch (offset) {
      case DATA:
        if ((this.#lcr & LCR_DLAB) !== 0) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#writeData(value);
        break;
      case IER:
        if ((this.#lcr & LCR_DLAB) !== 0) this.#divisor = (this.#divisor & 0xff) | (value << 8);
        else this.#writeInterruptEnable(value);
        break;
      case IIR_FCR:
        this.#writeFifoControl(value);
        break;
      case LCR:
        this.#writeLineControl(value);
        break;
      case MCR:
        this.#writeModemControl(value);
        break;
      case SCR:
        this.#scr = value;
        break;
      default:
    }
  }

  /** THR. The interrupt goes away with the write and comes back when the character is gone, which is now. */
  #writeData(value: number): void {
    this.#emptyPending = false;
    this.#update();
    if ((this.#mcr & MCR_LOOP) !== 0) this.#loopBack(value & (0xff >>> (3 - (this.#lcr & LCR_WORD))));
    else this.#output(value);
    this.#emptyPending = true;
    this.#update();
  }

  /** Enabling the THR-empty interrupt raises it at once if the register is empty, and so it is. */
  #writeInterruptEnable(value: number): void {
    const enabled = value & ~this.#ier;
    this.#ier = value & 0x0f;
    if ((enabled & IER_EMPTY) !== 0) this.#emptyPending = true;
    this.#update();
  }

  /** Switching FIFOs on or off empties them; the other bits count only together with the enable bit (8.4). */
  #writeFifoControl(value: number): void {
    const switched = ((value ^ this.#fcr) & FCR_ENABLE) !== 0;
    this.#fcr = (value & FCR_ENABLE) !== 0 ? value & FCR_KEPT : 0;
    if (switched || (this.#fifos && (value & FCR_CLEAR_RECEIVER) !== 0)) this.#received = [];
    this.#fill();
    this.#update();
  }

  #writeLineControl(value: number): void {
    const breaks = (value & ~this.#lcr & LCR_BREAK) !== 0;
    this.#lcr = value;
    if (breaks && (this.#mcr & MCR_LOOP) !== 0) this.#loopBack((LSR_BREAK | LSR_FRAMING) << 8);
  }

  #writeModemControl(value: number): void {
    const wasLooped = (this.#mcr & MCR_LOOP) !== 0;
    this.#mcr = value & MCR_BITS;
    const looped = (value & MCR_LOOP) !== 0;
    if (looped || wasLooped) this.#setModemInputs(looped ? loopedInputs(value) : MSR_TERMINAL);
    if (!looped) this.#fill();
    this.#update();
  }

  /** The delta bits remember a change since the last read; RI's only its trailing edge (8.8). */
  #setModemInputs(inputs: number): void {
    const changed = (inputs ^ this.#msr) & 0xf0;
    const deltas = (changed & ~MSR_RI) | (changed & MSR_RI & this.#msr);
    this.#msr = inputs | (this.#msr & MSR_DELTAS) | (deltas >>> 4);
  }

  get #fifos(): boolean {
    return (this.#fcr & FCR_ENABLE) !== 0;
  }

  get #room(): number {
    return this.#fifos ? FIFO_SIZE : 1;
  }

  /** Takes in what waits outside; not in loopback, where the line is disconnected. */
  #fill(): void {
    if ((this.#mcr & MCR_LOOP) !== 0) return;
    while (this.#received.length < this.#room && this.#incomingAt < this.#incoming.length) {
      this.#received.push(this.#incoming[this.#incomingAt++]!);
    }
    if (this.#incomingAt === this.#incoming.length) {
      this.#incoming = [];
      this.#incomingAt = 0;
    }
  }

  /** A character from our own transmitter. Without room: the newest is lost of a FIFO, the older of a single register (8.3). */
  #loopBack(entry: number): void {
    if (this.#received.length < this.#room) this.#received.push(entry);
    else {
      this.#lineErrors |= LSR_OVERRUN;
      if (!this.#fifos) this.#received[0] = entry;
    }
    this.#revealErrors();
    this.#update();
  }

  /** The errors of a character are shown when it is at the top of the FIFO (8.3). */
  #revealErrors(): void {
    const top = this.#received[0];
    if (top === undefined || top <= 0xff) return;
    this.#lineErrors |= top >>> 8;
    this.#received[0] = top & 0xff;
  }

  /** What IIR shows. Below the trigger level the timeout has passed already: nothing more is under way. */
  #source(): number {
    if ((this.#ier & IER_LINE) !== 0 && (this.#lineErrors & LSR_ERRORS) !== 0) return IIR_LINE;
    if ((this.#ier & IER_RECEIVED) !== 0 && this.#received.length > 0) {
      if (!this.#fifos || this.#received.length >= TRIGGER_LEVELS[this.#fcr >>> 6]!) return IIR_RECEIVED;
      return IIR_TIMEOUT;
    }
    if ((this.#ier & IER_EMPTY) !== 0 && this.#emptyPending) return IIR_EMPTY;
    if ((this.#ier & IER_MODEM) !== 0 && (this.#msr & MSR_DELTAS) !== 0) return IIR_MODEM;
    return IIR_NONE;
  }

  /** On a PC the OUT2 pin lets INTR through to the bus; loopback holds that pin inactive (8.7). */
  #update(): void {
    const gate = (this.#mcr & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2;
    const up = gate && this.#source() !== IIR_NONE;
    if (up === this.#pin) return;
    this.#pin = up;
    this.#interrupt?.(up ? 1 : 0);
  }

  /** What the host has sent and the guest has not taken is part of it; what the guest has sent is not. */
  save(): UartState {
    return {
      incoming: this.#incoming.slice(this.#incomingAt),
      received: [...this.#received],
      divisor: this.#divisor,
      ier: this.#ier,
      fcr: this.#fcr,
      lcr: this.#lcr,
      mcr: this.#mcr,
      lineErrors: this.#lineErrors,
      msr: this.#msr,
      scr: this.#scr,
      emptyPending: this.#emptyPending,
      pin: this.#pin,
    };
  }

  restore(state: UartState): void {
    this.#incoming = [...state.incoming];
    this.#incomingAt = 0;
    this.#received = [...state.received];
    this.#divisor = state.divisor;
    this.#ier = state.ier;
    this.#fcr = state.fcr;
    this.#lcr = state.lcr;
    this.#mcr = state.mcr;
    this.#lineErrors = state.lineErrors;
    this.#msr = state.msr;
    this.#scr = state.scr;
    this.#emptyPending = state.emptyPending;
    this.#pin = state.pin;
  }

  /** Master reset (table I). Scratch register and divisor keep what they had. */
  reset(): void {
    this.#incoming = [];
    this.#incomingAt = 0;
    this.#received = [];
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#lineErrors = 0;
    this.#msr = MSR_TERMINAL;
    this.#emptyPending = false;
    this.#update();
  }
}

/** Loopback wires the four outputs to the four inputs (8.7). */
function loopedInputs(mcr: number): number {
  return (
    ((mcr & MCR_RTS) !== 0 ? MSR_CTS : 0) |
    ((mcr & MCR_DTR) !== 0 ? MSR_DSR : 0) |
    ((mcr & MCR_OUT1) !== 0 ? MSR_RI : 0) |
    ((mcr & MCR_OUT2) !== 0 ? MSR_DCD : 0)
  );
}
