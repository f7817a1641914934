// The clock chip against its datasheet: Motorola MC146818 (ADI-1020). Dates are the host's calendar's.

import { beforeEach, describe, expect, it } from 'vitest';
import { RtcCmos } from '../../../src/machine/devices/clock/rtc-cmos.js';
import { FakeTime } from '../fake-time.js';
import { NotedLines } from './lines.js';

const SECOND = 1e9;
const GSI = 8;
const MB = 1024 * 1024;
const CONTENTS = { memory: 512 * MB };

let time: FakeTime;
let lines: NotedLines;
let rtc: RtcCmos;

const make = (start: string): void => {
  time = new FakeTime();
  lines = new NotedLines(time);
  rtc = new RtcCmos({ lines, time, start: Date.parse(start) / 1000, contents: CONTENTS });
};
beforeEach(() => make('2026-11-24T22:59:58Z'));

const read = (register: number): number => {
  rtc.write(0, 1, register);
  return rtc.read(1, 1);
};
const write = (register: number, value: number): void => {
  rtc.write(0, 1, register);
  rtc.write(1, 1, value);
};
const bytes = (...registers: number[]): string =>
  registers.map((at) => read(at).toString(16).padStart(2, '0')).join(' ');
/** Century, year, month, day, hours, minutes, seconds. */
const now = (): string => bytes(0x32, 9, 8, 7, 4, 2, 0);

describe('time of day', () => {
  it('is what it was started with, in BCD and 24 hours, and goes on', () => {
    expect(now()).toBe('20 26 11 24 22 59 58');
    expect(read(6)).toBe(3); // Tuesday, from Sunday = 1
    time.advance(2 * SECOND);
    expect(now()).toBe('20 26 11 24 23 00 00');
    time.advance(3600 * SECOND);
    expect(now()).toBe('20 26 11 25 00 00 00');
    expect(read(6)).toBe(4);
  });

  it.each(['1999-12-31T23:59:59Z', '2000-02-28T23:59:59Z', '2023-02-28T23:59:59Z', '2099-12-31T23:59:59Z'])(
    'one second after %s',
    (start) => {
      make(start);
      time.advance(SECOND);
      const after = new Date(Date.parse(start) + 1000);
      const digits = after.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
      expect(now().replaceAll(' ', '')).toBe(digits);
      expect(read(6)).toBe(after.getUTCDay() + 1);
    },
  );

  it('binary, and 12 hours with PM in bit 7', () => {
    write(0x0b, 0x86);
    write(0x0b, 0x06);
    time.advance(SECOND);
    // The program initialises the registers anew when it changes the data mode ("Register B", DM).
    write(0x0b, 0x80 | 0x04);
    for (const [at, value] of [30, 59, 0x80 | 11, 24, 11, 26].entries()) write([0, 2, 4, 7, 8, 9][at]!, value);
    write(0x0b, 0x04);
    expect(bytes(4, 2, 0)).toBe('8b 3b 1e');
    time.advance(60 * SECOND);
    expect(bytes(4, 2, 0, 7)).toBe('0c 00 1e 19'); // midnight is 12 AM
    time.advance(12 * 3600 * SECOND);
    expect(bytes(4, 2, 0, 7)).toBe('8c 00 1e 19'); // noon is 12 PM
  });

  it('stands while SET is one, and goes on from what was written', () => {
    write(0x0b, 0x82);
    time.advance(10 * SECOND);
    expect(now()).toBe('20 26 11 24 22 59 58');
    for (const [at, value] of [0x56, 0x34, 0x12, 0x29, 0x02, 0x24].entries()) write([0, 2, 4, 7, 8, 9][at]!, value);
    expect(now()).toBe('20 24 02 29 12 34 56');
    write(0x0b, 0x02);
    time.advance(86_400 * SECOND);
    expect(now()).toBe('20 24 03 01 12 34 56');
  });

  it('takes nonsense without harm', () => {
    for (let at = 0; at < 10; at++) write(at, 0xff);
    write(0x32, 0xff);
    time.advance(100 * SECOND);
    for (let at = 0; at < 128; at++) expect(read(at)).toBeLessThanOrEqual(0xff);
  });
});

describe('update cycle', () => {
  it('UIP is one for 2,228 µs before the registers change (table 6)', () => {
    const uip = (): boolean => (read(0x0a) & 0x80) !== 0;
    time.advance(SECOND - 2_300_000);
    expect(uip()).toBe(false);
    time.advance(100_000);
    expect(uip()).toBe(true);
    time.advance(2_199_999);
    expect(uip()).toBe(true);
    expect(read(0)).toBe(0x58);
    time.advance(1);
    expect(uip()).toBe(false);
    expect(read(0)).toBe(0x59);
  });

  it('SET takes UIP back', () => {
    time.advance(SECOND - 1000);
    write(0x0b, 0x82);
    expect(read(0x0a) & 0x80).toBe(0);
  });

  it('begins half a second after the divider is let go', () => {
    write(0x0a, 0x76);
    time.advance(5 * SECOND);
    expect(read(0)).toBe(0x58);
    write(0x0a, 0x26);
    time.advance(SECOND / 2 - 1);
    expect(read(0)).toBe(0x58);
    time.advance(1);
    expect(read(0)).toBe(0x59);
    time.advance(SECOND);
    expect(read(0)).toBe(0x00);
  });
});

describe('interrupts', () => {
  it('update ended: each second; reading C takes flag and line back', () => {
    write(0x0b, 0x12);
    time.advance(SECOND);
    expect(lines.level(GSI)).toBe(1);
    expect(read(0x0c)).toBe(0xc0 | 0x90); // the periodic flag is set without being enabled
    expect(lines.level(GSI)).toBe(0);
    expect(read(0x0c)).toBe(0);
    time.advance(SECOND);
    expect(lines.rose(GSI)).toEqual([SECOND, 2 * SECOND]);
  });

  it('does not come again until C was read', () => {
    write(0x0b, 0x12);
    time.advance(10 * SECOND);
    expect(lines.rose(GSI)).toEqual([SECOND]);
  });

  it('flags are set without being enabled, and IRQF is not', () => {
    time.advance(1.5 * SECOND);
    expect(read(0x0c)).toBe(0x40 | 0x10);
  });

  it.each([
    [1, 3_906_250],
    [2, 7_812_500],
    [3, 122_070.3125],
    [6, 976_562.5],
    [10, 15_625_000],
    [15, 500_000_000],
  ])('periodic, rate %i: every %d ns (table 5)', (rate, period) => {
    write(0x0a, 0x20 | rate);
    write(0x0b, 0x42);
    for (let count = 1; count <= 4; count++) {
      time.advance(Math.ceil(count * period) - time.now());
      expect(lines.rose(GSI)).toEqual(Array.from({ length: count }, (_, index) => Math.ceil((index + 1) * period)));
      expect(read(0x0c) & 0xc0).toBe(0xc0);
    }
  });

  it('rate 0: none', () => {
    write(0x0a, 0x20);
    write(0x0b, 0x42);
    time.advance(10 * SECOND);
    expect(lines.changes).toEqual([]);
  });

  /** [hours, minutes, seconds] of the alarm, and when it comes first, from 22:59:58. */
  it.each([
    [[0x23, 0x00, 0x01], 3],
    [[0x23, 0xff, 0xff], 2],
    [[0xc0, 0x01, 0x00], 62],
    [[0xff, 0xff, 0x30], 32],
    [[0xff, 0xff, 0xff], 1],
    [[0x22, 0x59, 0x58], 86_400],
    [[0x22, 0x59, 0x57], 86_399],
  ])('alarm at %j: after %i s', (alarm, seconds) => {
    for (const [at, value] of alarm.entries()) write([5, 3, 1][at]!, value);
    write(0x0b, 0x22);
    time.advance(seconds * SECOND - 1);
    expect(lines.changes).toEqual([]);
    time.advance(1);
    expect(lines.level(GSI)).toBe(1);
    expect(read(0x0c) & 0xa0).toBe(0xa0);
  });

  it('an alarm of wildcards comes each second', () => {
    for (const at of [1, 3, 5]) write(at, 0xff);
    write(0x0b, 0x22);
    for (let second = 1; second <= 3; second++) {
      time.advance(SECOND);
      expect(read(0x0c) & 0xa0).toBe(0xa0);
    }
  });

  it('an alarm that can be no time never comes', () => {
    write(5, 0x24);
    write(0x0b, 0x22);
    time.advance(3 * 86_400 * SECOND);
    expect(lines.changes).toEqual([]);
  });

  it('SET clears the enable of the update-ended interrupt', () => {
    write(0x0b, 0x92);
    expect(read(0x0b)).toBe(0x82);
  });

  it('is cut by the HPET', () => {
    rtc.connected = false;
    write(0x0b, 0x12);
    time.advance(1.5 * SECOND);
    expect(lines.changes).toEqual([]);
    rtc.connected = true;
    expect(lines.level(GSI)).toBe(1);
  });

  it('the RESET pin clears enables and flags; time, modes and memory go on ("RESET")', () => {
    write(0x0b, 0x7a);
    write(0x50, 0xa5);
    time.advance(SECOND);
    rtc.reset();
    expect(lines.level(GSI)).toBe(0);
    expect(bytes(0x0b, 0x0c, 0x50)).toBe('02 00 a5');
    expect(read(0)).toBe(0x59);
  });
});

describe('memory', () => {
  it('the NMI mask is no part of the index, which cannot be read', () => {
    write(0x80 | 0x40, 0x12);
    expect(read(0x40)).toBe(0x12);
    expect(rtc.read(0, 1)).toBe(0xff);
  });

  it('registers C and D cannot be written; D says that time and memory are valid', () => {
    write(0x0c, 0xff);
    write(0x0d, 0x00);
    expect(bytes(0x0c, 0x0d)).toBe('00 80');
  });

  it('tells memory sizes as QEMU 7.2 shows them for -m 512 (read by -qtest stdio)', () => {
    expect(bytes(0x15, 0x16, 0x17, 0x18, 0x30, 0x31)).toBe('80 02 ff ff ff ff');
    expect(bytes(0x34, 0x35)).toBe('00 1f'); // 496 MB above 16 MB
    expect(bytes(0x5b, 0x5c, 0x5d, 0x5f)).toBe('00 00 00 00');
  });

  it('tells memory above 4 GB, processors and boot order as QEMU does (-m 32 -smp 4 -boot order=dca)', () => {
    const contents = { memory: 32 * MB, memoryAbove4G: 6 * 1024 * MB, processors: 4 };
    rtc = new RtcCmos({ lines, time, start: 0, contents: { ...contents, bootOrder: ['cdrom', 'disk', 'floppy'] } });
    expect(bytes(0x17, 0x18, 0x34, 0x35)).toBe('00 7c 00 01');
    expect(bytes(0x5b, 0x5c, 0x5d, 0x5f)).toBe('00 80 01 03');
    expect(bytes(0x3d, 0x38)).toBe('23 10');
  });
});

it('does not drift in 24 hours, with interrupts at 1,024 Hz acknowledged each time', () => {
  let interrupts = 0;
  const acknowledging = {
    set: (_gsi: number, level: 0 | 1): void => {
      if (level === 1) interrupts++;
    },
  };
  rtc = new RtcCmos({
    lines: acknowledging,
    time,
    start: Date.parse('2026-11-24T22:59:58Z') / 1000,
    contents: CONTENTS,
  });
  write(0x0b, 0x42);
  rtc.write(0, 1, 0x0c);
  const ticks = 86_400 * 1024;
  // Only the first and last minute tick by tick: the rest passes at once, and its interrupts are one.
  for (let tick = 1; tick <= 1024 * 60; tick++) {
    time.advance(Math.ceil((tick * SECOND) / 1024) - time.now());
    rtc.read(1, 1);
  }
  expect(interrupts).toBe(1024 * 60);
  time.advance(86_340 * SECOND - time.now());
  rtc.read(1, 1);
  interrupts = 0;
  for (let tick = ticks - 1024 * 60 + 1; tick <= ticks; tick++) {
    time.advance(Math.floor(tick / 1024) * SECOND + Math.ceil(((tick % 1024) * SECOND) / 1024) - time.now());
    rtc.read(1, 1);
  }
  expect(interrupts).toBe(1024 * 60);
  expect(now()).toBe('20 26 11 25 22 59 58');
});

it('goes on from a snapshot as it would have', () => {
  write(0x0a, 0x2a);
  write(0x0b, 0x72);
  time.advance(0.7 * SECOND);
  read(0x0c);
  const state = structuredClone(rtc.save());
  const other = new NotedLines(time);
  const copy = new RtcCmos({ lines: other, time, start: 0, contents: { memory: 0 } });
  copy.restore(state);
  expect(copy.save()).toEqual(state);
  expect(other.changes).toEqual([]);
  time.advance(2 * SECOND);
  expect(other.changes[0]).toEqual(lines.changes.at(-1));
  expect(copy.save()).toEqual(rtc.save());
});
