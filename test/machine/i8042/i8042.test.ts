// The keyboard controller, keyboard and mouse against IBM's PS/2 Hardware Interface Technical Reference (S84F-9809), the
// sections "Keyboard and auxiliary device controller", "Keyboard (101- and 102-key)" and "Mouse".

import { beforeEach, describe, expect, it } from 'vitest';
import { I8042 } from '../../../src/machine/devices/i8042/i8042.js';
import { A20Gate } from '../../../src/machine/devices/power/a20-gate.js';
import { NotedLines } from '../clock/lines.js';
import { FakeTime } from '../fake-time.js';

const FULL = 0x01;
const FROM_MOUSE = 0x20;

let time: FakeTime;
let lines: NotedLines;
let gate: A20Gate;
let resets: number;
let i8042: I8042;

beforeEach(() => {
  time = new FakeTime();
  lines = new NotedLines(time);
  gate = new A20Gate();
  resets = 0;
  i8042 = new I8042({ lines, time, gate, resetMachine: () => void resets++ });
});

const status = (): number => i8042.commandPort.read(0, 1);
const command = (...values: number[]): void => values.forEach((value) => i8042.commandPort.write(0, 1, value));
const data = (...values: number[]): void => values.forEach((value) => i8042.dataPort.write(0, 1, value));
const read = (): number => i8042.dataPort.read(0, 1);
/** All bytes that there are, in hexadecimal; those of the mouse in brackets. */
const drain = (): string => {
  const bytes: string[] = [];
  while ((status() & FULL) !== 0) {
    const mouse = (status() & FROM_MOUSE) !== 0;
    const hex = read().toString(16).padStart(2, '0');
    bytes.push(mouse ? `[${hex}]` : hex);
  }
  return bytes.join(' ');
};
/** The same until the host has no more keys. */
const drainAll = (): string => {
  const parts: string[] = [];
  for (let step = 0; step < 200; step++) {
    const part = drain();
    if (part !== '') parts.push(part);
    time.advance(1e6);
  }
  return parts.join(' ');
};
const raw = (): void => {
  command(0x60);
  data(0x05);
};

describe('controller', () => {
  it.each([
    ['self test', 0xaa, '55'],
    ['keyboard interface test', 0xab, '00'],
    ['mouse interface test', 0xa9, '00'],
    ['password test: none', 0xa4, 'f1'],
    ['test inputs', 0xe0, '00'],
  ])('%s', (_name, code, answer) => {
    command(code);
    expect(drain()).toBe(answer);
  });

  it('configuration byte: as firmware leaves it, and as it is written', () => {
    command(0x20);
    expect(drain()).toBe('65');
    command(0x60);
    data(0x74);
    command(0x20);
    expect(drain()).toBe('74');
    command(0x7f);
    data(0xa5);
    command(0x3f);
    expect(drain()).toBe('a5');
  });

  it('status tells whether the last byte was a command, the system flag, and that no lock is there', () => {
    command(0xae);
    expect(status()).toBe(0x1c);
    data(0xee);
    read();
    expect(status()).toBe(0x14);
    command(0x60);
    data(0x61);
    expect(status() & 0x04).toBe(0);
  });

  it('disables and enables both interfaces by bits 4 and 5', () => {
    command(0xad, 0xa7, 0x20);
    expect(drain()).toBe('75');
    command(0xae, 0xa8, 0x20);
    expect(drain()).toBe('45');
  });

  it('puts a byte into the buffer as from the keyboard or the mouse', () => {
    command(0xd2);
    data(0x5a);
    expect(drain()).toBe('5a');
    command(0xd3);
    data(0xa5);
    expect(drain()).toBe('[a5]');
  });

  it('pulses the reset pin with FEh, and not with FFh', () => {
    command(0xff);
    expect(resets).toBe(0);
    command(0xfe);
    expect(resets).toBe(1);
  });

  it('output port: gate A20 and the reset pin', () => {
    command(0xd0);
    expect(drain()).toBe('03');
    command(0xd1);
    data(0x01);
    expect([gate.open, resets]).toEqual([false, 0]);
    command(0xd0);
    expect(drain()).toBe('01');
    command(0xd1);
    data(0x03);
    expect(gate.open).toBe(true);
    command(0xd1);
    data(0x02);
    expect(resets).toBe(1);
  });

  it('a guest that writes and never reads fills no memory', () => {
    for (let count = 0; count < 10_000; count++) {
      command(0xaa, 0xd4);
      data(0xeb);
      data(0xee);
    }
    expect(drain().split(' ').length).toBeLessThan(64);
  });

  it('survives every command and every byte', () => {
    for (let code = 0; code < 256; code++) {
      for (let value = 0; value < 256; value++) {
        command(code);
        data(value);
      }
      drain();
    }
    i8042.reset();
    command(0xaa);
    expect(drain()).toBe('55');
  });
});

describe('interrupts', () => {
  it('IRQ 1 is up while a byte of the keyboard waits, if it is enabled', () => {
    data(0xf2);
    expect(lines.level(1)).toBe(1);
    expect(drain()).toBe('fa ab 41');
    expect(lines.level(1)).toBe(0);
    expect(lines.rose(1).length).toBe(3); // an edge for each byte
    command(0x60);
    data(0x64);
    data(0xee);
    expect(lines.level(1)).toBe(0);
  });

  it('IRQ 12 the same for the mouse', () => {
    command(0x60);
    data(0x47);
    command(0xd4);
    data(0xf2);
    expect([lines.level(1), lines.level(12)]).toEqual([0, 1]);
    expect(drain()).toBe('[fa] [00]');
    expect(lines.rose(12).length).toBe(2);
  });

  it('a machine without input stays quiet', () => {
    time.advance(1e12);
    expect(lines.changes).toEqual([]);
    expect(status() & FULL).toBe(0);
  });
});

describe('keyboard commands', () => {
  beforeEach(raw);

  it.each([
    ['reset', [0xff], 'fa aa'],
    ['identify', [0xf2], 'fa ab 83'],
    ['echo', [0xee], 'ee'],
    ['LEDs', [0xed, 0x02], 'fa fa'],
    ['rate', [0xf3, 0x20], 'fa fa'],
    ['which set', [0xf0, 0x00], 'fa fa 02'],
    ['set 1', [0xf0, 0x01, 0xf0, 0x00], 'fa fa fa fa 01'],
    ['set 3, which it has not', [0xf0, 0x03], 'fa fe'],
    ['enable, disable, defaults', [0xf4, 0xf5, 0xf6], 'fa fa fa'],
    ['unknown', [0xef], 'fe'],
  ])('%s', (_name, bytes, answer) => {
    const parts: string[] = [];
    for (const byte of bytes) {
      data(byte);
      parts.push(drain());
    }
    expect(parts.join(' ')).toBe(answer);
  });

  it('resends the last byte', () => {
    data(0xf2);
    drain();
    data(0xfe);
    expect(drain()).toBe('83');
  });

  it('keeps the LEDs', () => {
    data(0xed, 0x05);
    expect(i8042.keyboard.leds).toBe(5);
  });

  it('sends no keys while it is disabled', () => {
    data(0xf5);
    drain();
    i8042.press('KeyA');
    expect(drainAll()).toBe('');
    data(0xf4);
    drain();
    i8042.press('KeyA');
    expect(drainAll()).toBe('1c f0 1c');
  });
});

describe('keys', () => {
  it('set 2, and translated to set 1 ("Scan code tables")', () => {
    i8042.press('KeyA');
    i8042.press('ArrowUp');
    expect(drainAll()).toBe('1e 9e e0 48 e0 c8');
    raw();
    i8042.press('KeyA');
    i8042.press('ArrowUp');
    expect(drainAll()).toBe('1c f0 1c e0 75 e0 f0 75');
  });

  it('set 1 of the keyboard itself is the same as the translation', () => {
    raw();
    data(0xf0, 0x01);
    drain();
    i8042.press('KeyA');
    i8042.press('ArrowUp');
    expect(drainAll()).toBe('1e 9e e0 48 e0 c8');
  });

  // Set 1 make codes of IBM's table, row by row of the keyboard.
  it.each([
    ['`1234567890-=\b', '29 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e'],
    ['\tqwertyuiop[]', '0f 10 11 12 13 14 15 16 17 18 19 1a 1b'],
    ["asdfghjkl;'\n", '1e 1f 20 21 22 23 24 25 26 27 28 1c'],
    ['zxcvbnm,./ ', '2c 2d 2e 2f 30 31 32 33 34 35 39'],
    ['\x1b\\', '01 2b'],
  ])('types %j', (text, codes) => {
    expect(i8042.type(text)).toBe('');
    const bytes = drainAll().split(' ');
    expect(bytes.filter((_byte, index) => index % 2 === 0).join(' ')).toBe(codes);
    expect(bytes.filter((_byte, index) => index % 2 === 1)).toEqual(
      codes.split(' ').map((code) => (Number.parseInt(code, 16) | 0x80).toString(16)),
    );
  });

  it.each([
    ['F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12', '3b 3c 3d 3e 3f 40 41 42 43 44 57 58'],
    ['ControlLeft ShiftLeft ShiftRight AltLeft CapsLock NumLock ScrollLock', '1d 2a 36 38 3a 45 46'],
    ['Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd', '47 48 49 4a 4b 4c 4d 4e'],
    ['Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal NumpadMultiply IntlBackslash', '4f 50 51 52 53 37 56'],
  ])('%s', (names, codes) => {
    for (const name of names.split(' ')) expect(i8042.key(name, true)).toBe(true);
    expect(drainAll()).toBe(codes);
  });

  it.each([
    ['Home ArrowUp PageUp ArrowLeft ArrowRight End ArrowDown PageDown Insert Delete', '47 48 49 4b 4d 4f 50 51 52 53'],
    ['NumpadEnter ControlRight NumpadDivide AltRight MetaLeft MetaRight ContextMenu', '1c 1d 35 38 5b 5c 5d'],
  ])('%s, behind E0', (names, codes) => {
    for (const name of names.split(' ')) i8042.key(name, true);
    expect(drainAll().replaceAll('e0 ', '')).toBe(codes);
  });

  it('capitals and signs by Shift; what the layout has not is told', () => {
    expect(i8042.type('A!ü')).toBe('ü');
    expect(drainAll()).toBe('2a 1e 9e aa 2a 02 82 aa');
    expect(i8042.press('KeyA', 'NoSuchKey')).toBe(false);
    expect(drainAll()).toBe('');
  });

  it('a long text arrives whole, in order and at a pace that a firmware can follow', () => {
    const text = 'abcdefghij'.repeat(10);
    i8042.type(text);
    time.advance(20e6);
    expect(drain().split(' ').length).toBeLessThan(20);
    let bytes = '';
    for (let step = 0; step < 2000; step++) {
      time.advance(1e6);
      const part = drain();
      if (part !== '') bytes += `${part} `;
    }
    expect(bytes.trim().split(' ').length).toBeGreaterThan(180);
    expect(bytes.trim().endsWith('24 a4')).toBe(true);
  });

  it('wait in the keyboard while its interface is off', () => {
    command(0xad);
    i8042.press('KeyA');
    expect(drainAll()).toBe('');
    command(0xae);
    expect(drainAll()).toBe('1e 9e');
  });
});

describe('mouse', () => {
  const mouse = (...bytes: number[]): string => {
    const parts: string[] = [];
    for (const byte of bytes) {
      command(0xd4);
      data(byte);
      parts.push(drain());
    }
    return parts.join(' ');
  };

  it.each([
    ['reset', [0xff], '[fa] [aa] [00]'],
    ['identify', [0xf2], '[fa] [00]'],
    ['status after a reset: 4 counts per mm, 100 per second', [0xe9], '[fa] [00] [02] [64]'],
    ['settings', [0xe8, 3, 0xf3, 40, 0xe7, 0xf4, 0xe9], '[fa] [fa] [fa] [fa] [fa] [fa] [fa] [30] [03] [28]'],
    ['a packet of no movement', [0xeb], '[fa] [08] [00] [00]'],
    ['wrap mode', [0xee, 0x12, 0xec], '[fa] [12] [fa]'],
    ['unknown', [0xe1], '[fe]'],
  ])('%s', (_name, bytes, answer) => {
    expect(mouse(...bytes)).toBe(answer);
  });
});

it('goes on from a snapshot as it would have', () => {
  i8042.type('Hello');
  time.advance(7e6);
  read();
  const state = structuredClone(i8042.save());
  const rest = drainAll();
  const other = new NotedLines(time);
  const copy = new I8042({ lines: other, time, gate: new A20Gate(), resetMachine: () => {} });
  copy.restore(state);
  expect(other.changes).toEqual([]);
  expect(copy.save()).toEqual(state);
  i8042 = copy;
  expect(drainAll()).toBe(rest);
});
