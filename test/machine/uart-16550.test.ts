// The serial port against its datasheet: National Semiconductor PC16550D, June 1995 (registers: 8.0, table II).

import { beforeEach, describe, expect, it } from 'vitest';
import { Uart16550 } from '../../src/machine/devices/uart-16550.js';

const DATA = 0;
const IER = 1;
const IIR = 2;
const FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

let sent: number[];
let interrupts: number;
let uart: Uart16550;

beforeEach(() => {
  sent = [];
  interrupts = 0;
  uart = new Uart16550({ output: (byte) => sent.push(byte), interrupt: (level) => (interrupts += level) });
});

const read = (register: number): number => uart.read(register, 1);
const write = (register: number, value: number): void => uart.write(register, 1, value);
const receive = (...bytes: number[]): void => uart.receive(Uint8Array.from(bytes));
const drain = (): number[] => {
  const bytes: number[] = [];
  while ((read(LSR) & 1) !== 0) bytes.push(read(DATA));
  return bytes;
};

describe('master reset (table I)', () => {
  it.each([
    ['IER', IER, 0x00],
    ['IIR', IIR, 0x01],
    ['LCR', LCR, 0x00],
    ['MCR', MCR, 0x00],
    ['LSR', LSR, 0x60],
  ])('%s', (_name, register, value) => {
    expect(read(register)).toBe(value);
    write(IER, 0x0f);
    write(FCR, 0xc1);
    write(LCR, 0x03);
    write(MCR, 0x0b);
    receive(1, 2, 3);
    uart.reset();
    expect(read(register)).toBe(value);
  });

  it('leaves scratch register and divisor alone', () => {
    write(SCR, 0x5a);
    write(LCR, 0x80);
    write(DATA, 0x34);
    write(IER, 0x12);
    uart.reset();
    expect(read(SCR)).toBe(0x5a);
    write(LCR, 0x80);
    expect([read(DATA), read(IER)]).toEqual([0x34, 0x12]);
  });
});

describe('registers', () => {
  it('keeps what is written to the scratch register and LCR', () => {
    for (const value of [0x00, 0x55, 0xaa, 0xff]) {
      write(SCR, value);
      expect(read(SCR)).toBe(value);
      write(LCR, value);
      expect(read(LCR)).toBe(value);
    }
  });

  it('has zeros in IER bits 7:4 and MCR bits 7:5', () => {
    write(IER, 0xff);
    write(MCR, 0xff);
    expect([read(IER), read(MCR)]).toEqual([0x0f, 0x1f]);
  });

  it('shows the divisor at 0 and 1 while DLAB is set, and sends nothing then', () => {
    write(LCR, 0x83);
    write(DATA, 0x01);
    write(IER, 0x02);
    expect([read(DATA), read(IER)]).toEqual([0x01, 0x02]);
    write(LCR, 0x03);
    expect([read(DATA), read(IER)]).toEqual([0x00, 0x00]);
    expect(sent).toEqual([]);
  });

  it('splits wide accesses into bytes, lowest first', () => {
    uart.write(LCR, 2, 0x0b03);
    expect([read(LCR), read(MCR)]).toEqual([0x03, 0x0b]);
    expect(uart.read(LCR, 2)).toBe(0x0b03);
  });
});

describe('transmitter', () => {
  it('sends every byte and is empty again', () => {
    for (const byte of [0x48, 0x00, 0xff]) write(DATA, byte);
    expect(sent).toEqual([0x48, 0x00, 0xff]);
    expect(read(LSR)).toBe(0x60);
  });

  it('interrupts when enabled while empty; reading IIR takes that back (8.5)', () => {
    write(MCR, 0x08);
    write(IER, 0x02);
    expect(interrupts).toBe(1);
    expect(read(IIR)).toBe(0x02);
    expect(read(IIR)).toBe(0x01);
    write(DATA, 0x41);
    expect(interrupts).toBe(2);
    expect(read(IIR)).toBe(0x02);
  });

  it('interrupts after each byte though nobody reads IIR: writing THR is an acknowledgement', () => {
    write(MCR, 0x08);
    write(IER, 0x02);
    write(DATA, 0x41);
    write(DATA, 0x42);
    expect(interrupts).toBe(3);
  });
});

describe('receiver', () => {
  it('holds one character without FIFOs, and loses none', () => {
    receive(1, 2, 3);
    expect(uart.unread).toBe(3);
    expect(read(LSR)).toBe(0x61);
    expect(drain()).toEqual([1, 2, 3]);
    expect(read(LSR)).toBe(0x60);
  });

  it('passes on more than a FIFO holds', () => {
    write(FCR, 0x01);
    const bytes = Array.from({ length: 100 }, (_, index) => index);
    receive(...bytes);
    expect(drain()).toEqual(bytes);
  });

  it.each([
    [0x01, 1],
    [0x41, 4],
    [0x81, 8],
    [0xc1, 14],
  ])('FCR 0x%s: received-data interrupt at %i bytes, below it the timeout', (fcr, level) => {
    write(FCR, fcr);
    write(IER, 0x01);
    receive(...Array.from({ length: level }, () => 0x55));
    expect(read(IIR)).toBe(0xc4);
    read(DATA);
    expect(read(IIR)).toBe(level === 1 ? 0xc1 : 0xcc);
    drain();
    expect(read(IIR)).toBe(0xc1);
  });

  it('gives the received-data interrupt without FIFOs, bits 7:6 clear', () => {
    write(MCR, 0x08);
    write(IER, 0x01);
    receive(7);
    expect([interrupts, read(IIR)]).toEqual([1, 0x04]);
    read(DATA);
    expect(read(IIR)).toBe(0x01);
  });
});

describe('FIFO control (8.4)', () => {
  it('shows in IIR bits 7:6 whether FIFOs are on', () => {
    write(FCR, 0x01);
    expect(read(IIR)).toBe(0xc1);
    write(FCR, 0x00);
    expect(read(IIR)).toBe(0x01);
  });

  it('clears the receiver with bit 1, which clears itself', () => {
    write(MCR, 0x10);
    write(FCR, 0x01);
    write(DATA, 1);
    write(FCR, 0x03);
    expect(read(LSR) & 1).toBe(0);
    write(DATA, 2);
    expect(read(LSR) & 1).toBe(1);
  });

  it('clears both FIFOs when bit 0 changes', () => {
    write(MCR, 0x10);
    write(FCR, 0x01);
    write(DATA, 1);
    write(FCR, 0x00);
    expect(read(LSR) & 1).toBe(0);
  });

  it('ignores the other bits without bit 0', () => {
    write(FCR, 0x01);
    write(FCR, 0xc0);
    write(FCR, 0x01);
    write(IER, 0x01);
    receive(1);
    expect(read(IIR)).toBe(0xc4);
  });
});

describe('loopback (8.7)', () => {
  beforeEach(() => write(MCR, 0x10));

  it('receives what is sent, and nothing leaves', () => {
    write(LCR, 0x03);
    write(DATA, 0xa5);
    expect(read(LSR)).toBe(0x61);
    expect(read(DATA)).toBe(0xa5);
    expect(sent).toEqual([]);
  });

  it.each([
    [0, 0x1f],
    [1, 0x3f],
    [2, 0x7f],
    [3, 0xff],
  ])('word length select %i: bits 0x%s', (select, mask) => {
    write(LCR, select);
    write(DATA, 0xff);
    expect(read(DATA)).toBe(mask);
  });

  it.each([
    ['DTR to DSR', 0x01, 0x20],
    ['RTS to CTS', 0x02, 0x10],
    ['OUT1 to RI', 0x04, 0x40],
    ['OUT2 to DCD', 0x08, 0x80],
  ])('wires %s', (_name, output, input) => {
    write(MCR, 0x10 | output);
    expect(read(MSR) & 0xf0).toBe(input);
    write(MCR, 0x10);
    expect(read(MSR) & 0xf0).toBe(0);
  });

  it('notes changes of the modem inputs until MSR is read; of RI only the falling edge (8.8)', () => {
    read(MSR);
    write(MCR, 0x1f);
    expect(read(MSR)).toBe(0xfb);
    expect(read(MSR)).toBe(0xf0);
    write(MCR, 0x10);
    expect(read(MSR)).toBe(0x0f);
    expect(read(MSR)).toBe(0x00);
  });

  it('overruns a FIFO after 16 and keeps the first 16; LSR tells once', () => {
    write(LCR, 0x03);
    write(FCR, 0x01);
    for (let byte = 0; byte < 17; byte++) write(DATA, byte);
    expect(read(LSR)).toBe(0x63);
    expect(read(LSR)).toBe(0x61);
    expect(drain()).toEqual(Array.from({ length: 16 }, (_, byte) => byte));
  });

  it('overruns the single register, whose old character is lost', () => {
    write(LCR, 0x03);
    write(DATA, 1);
    write(DATA, 2);
    expect(read(LSR)).toBe(0x63);
    expect(read(DATA)).toBe(2);
  });

  it('receives its own break as a zero with BI', () => {
    write(LCR, 0x43);
    expect(read(LSR) & 0x11).toBe(0x11);
    expect(read(DATA)).toBe(0);
    expect(read(LSR)).toBe(0x60);
  });

  it('does not take in the line, which comes afterwards', () => {
    receive(0x33);
    expect(read(LSR) & 1).toBe(0);
    write(MCR, 0x00);
    expect(read(DATA)).toBe(0x33);
  });
});

describe('interrupts', () => {
  it('are identified by priority: line status, data, transmitter, modem status (table IV)', () => {
    write(LCR, 0x03);
    write(MCR, 0x10);
    read(MSR);
    write(MCR, 0x12);
    write(IER, 0x0f);
    write(DATA, 1);
    write(DATA, 2);
    expect(read(IIR)).toBe(0x06);
    read(LSR);
    expect(read(IIR)).toBe(0x04);
    read(DATA);
    expect(read(IIR)).toBe(0x02);
    expect(read(IIR)).toBe(0x00);
    read(MSR);
    expect(read(IIR)).toBe(0x01);
  });

  it('need OUT2, and do not leave the chip in loopback', () => {
    write(IER, 0x01);
    receive(1);
    expect([uart.interruptPin, interrupts]).toEqual([false, 0]);
    write(MCR, 0x08);
    expect([uart.interruptPin, interrupts]).toEqual([true, 1]);
    write(MCR, 0x18);
    expect(uart.interruptPin).toBe(false);
  });

  it('are none while disabled', () => {
    write(MCR, 0x08);
    receive(1);
    write(DATA, 1);
    expect([read(IIR), interrupts]).toEqual([0x01, 0]);
    write(IER, 0x01);
    expect(interrupts).toBe(1);
  });
});
