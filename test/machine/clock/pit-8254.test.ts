// The interval timer against its datasheet: Intel 8254, order number 231164-005. Times are those of its figures, in clocks.

import { beforeEach, describe, expect, it } from 'vitest';
import { Pit8254 } from '../../../src/machine/devices/clock/pit-8254.js';
import { SystemPort } from '../../../src/machine/devices/clock/system-port.js';
import { FakeTime } from '../fake-time.js';
import { NotedLines } from './lines.js';

const HZ = 1_193_182n;
const SECOND = 1_000_000_000n;
const CONTROL = 3;

let time: FakeTime;
let lines: NotedLines;
let pit: Pit8254;
let port: SystemPort;

beforeEach(() => {
  time = new FakeTime();
  lines = new NotedLines(time);
  pit = new Pit8254({ lines, time });
  port = new SystemPort(pit, time);
});

/** The first whole nanosecond of a clock, worked out without rounding. */
const nanosecond = (clock: number): number => Number((BigInt(clock) * SECOND + HZ - 1n) / HZ);
const goTo = (clock: number): void => time.advance(nanosecond(clock) - time.now());
const control = (value: number): void => pit.write(CONTROL, 1, value);
const write = (counter: number, ...bytes: number[]): void => bytes.forEach((byte) => pit.write(counter, 1, byte));
const read = (counter: number): number => pit.read(counter, 1);
const read16 = (counter: number): number => read(counter) | (read(counter) << 8);
const gate = (on: boolean): void => port.write(0, 1, on ? 1 : 0);
const out2 = (): boolean => (port.read() & 0x20) !== 0;
/** OUT 2 at each clock from the one after now. */
const outs = (count: number): string => {
  const start = Number((BigInt(time.now()) * HZ) / SECOND);
  return Array.from({ length: count }, (_, index) => {
    goTo(start + 1 + index);
    return out2() ? 'H' : 'L';
  }).join('');
};

describe('modes, by counter 2 and its gate', () => {
  it('0: OUT is low until N + 1 clocks after the count was written (figure 15)', () => {
    gate(true);
    control(0x90);
    expect(out2()).toBe(false);
    write(2, 4);
    expect(outs(7)).toBe('LLLLHHH');
  });

  it('0: a low gate holds the count, the next clock goes on (figure 15, second)', () => {
    gate(true);
    control(0x90);
    write(2, 3);
    expect(outs(2)).toBe('LL');
    gate(false);
    expect(outs(5)).toBe('LLLLL');
    expect(read(2)).toBe(2);
    gate(true);
    expect(outs(3)).toBe('LHH');
  });

  it('0: passing zero it counts on from FFFFh', () => {
    gate(true);
    control(0xb0);
    write(2, 2, 0);
    goTo(4);
    expect(read16(2)).toBe(0xffff);
  });

  it('0: the first byte of a new count stops it and sets OUT low', () => {
    gate(true);
    control(0xb0);
    write(2, 2, 0);
    goTo(10);
    expect(out2()).toBe(true);
    write(2, 5);
    expect(out2()).toBe(false);
    goTo(100);
    expect(out2()).toBe(false);
  });

  it('1: a one-shot of N clocks from the clock after a trigger, which may come again (figure 16)', () => {
    gate(false);
    control(0x92);
    write(2, 3);
    expect(outs(3)).toBe('HHH');
    gate(true);
    expect(outs(6)).toBe('LLLHHH');
    gate(false);
    gate(true);
    expect(outs(2)).toBe('LL');
    gate(false);
    gate(true);
    expect(outs(5)).toBe('LLLHH');
  });

  it('2: low for the last of N clocks (figure 17)', () => {
    gate(true);
    control(0x94);
    write(2, 3);
    expect(outs(10)).toBe('HHLHHLHHLH');
  });

  it('2: a low gate sets OUT high at once, a trigger starts the period anew', () => {
    gate(true);
    control(0x94);
    write(2, 3);
    expect(outs(3)).toBe('HHL');
    gate(false);
    expect(out2()).toBe(true);
    expect(outs(3)).toBe('HHH');
    gate(true);
    expect(outs(5)).toBe('HHLHH');
  });

  it('2: a new count is taken at the end of the period (figure 17, third)', () => {
    gate(true);
    control(0x94);
    write(2, 4);
    expect(outs(1)).toBe('H');
    write(2, 5);
    expect(outs(13)).toBe('HHLHHHHLHHHHL');
  });

  it('3: half high and half low; an odd count has the longer half high (figure 18)', () => {
    gate(true);
    control(0x96);
    write(2, 4);
    expect(outs(9)).toBe('HHLLHHLLH');
    control(0x96);
    write(2, 5);
    expect(outs(11)).toBe('HHHLLHHHLLH');
  });

  it('3: counts down by two: 4 2 4 2, and 4 2 0 4 2 for five (figure 18)', () => {
    gate(true);
    const counts = (count: number): string => {
      control(0x96);
      write(2, count);
      const start = Number((BigInt(time.now()) * HZ) / SECOND);
      return Array.from({ length: 10 }, (_, index) => {
        goTo(start + 1 + index);
        return String(read(2));
      }).join(' ');
    };
    expect(counts(4)).toBe('4 2 4 2 4 2 4 2 4 2');
    expect(counts(5)).toBe('4 2 0 4 2 4 2 0 4 2');
  });

  it('3: a new count is taken at the end of the half period', () => {
    gate(true);
    control(0x96);
    write(2, 6);
    expect(outs(2)).toBe('HH');
    write(2, 4);
    expect(outs(9)).toBe('HLLHHLLHH');
  });

  it('4: a strobe of one clock, N + 1 clocks after the count was written (figure 19)', () => {
    gate(true);
    control(0x98);
    write(2, 3);
    expect(outs(7)).toBe('HHHLHHH');
  });

  it('5: the same after a trigger (figure 20)', () => {
    gate(false);
    control(0x9a);
    write(2, 3);
    expect(outs(5)).toBe('HHHHH');
    gate(true);
    expect(outs(7)).toBe('HHHLHHH');
  });

  it('the codes 6 and 7 are modes 2 and 3', () => {
    gate(true);
    control(0x9c);
    write(2, 3);
    expect(outs(6)).toBe('HHLHHL');
    control(0x9e);
    write(2, 4);
    expect(outs(6)).toBe('HHLLHH');
  });
});

describe('reading and writing', () => {
  it('low byte, high byte, or one after the other', () => {
    control(0x34);
    write(0, 0x34, 0x12);
    goTo(1);
    expect(read16(0)).toBe(0x1234);
    control(0x14);
    write(0, 0x80);
    goTo(2);
    expect([read(0), read(0)]).toEqual([0x80, 0x80]);
    control(0x24);
    write(0, 0x12);
    goTo(3);
    expect([read(0), read(0)]).toEqual([0x12, 0x12]);
  });

  it('counts in BCD, zero being ten thousand', () => {
    control(0x35);
    write(0, 0x00, 0x10);
    goTo(2);
    expect(read16(0)).toBe(0x0999);
    control(0x31);
    write(0, 0, 0);
    goTo(4);
    expect(read16(0)).toBe(0x9999);
  });

  it('a latched count stays until it is read; a second latch command is ignored', () => {
    control(0x34);
    write(0, 0x00, 0x10);
    goTo(1 + 0x100);
    control(0x00);
    goTo(1 + 0x200);
    control(0x00);
    expect(read16(0)).toBe(0xf00);
    expect(read16(0)).toBe(0xe00);
  });

  it('read-back latches counts and status of several counters; status is read first (figure 11)', () => {
    control(0x34);
    write(0, 0x00, 0x10);
    control(0x54);
    write(1, 18);
    goTo(1 + 7);
    control(0xc6);
    goTo(1 + 9);
    expect(read(0)).toBe(0x80 | 0x34);
    expect(read16(0)).toBe(0x1000 - 7);
    expect(read(1)).toBe(0x80 | 0x14);
    expect(read(1)).toBe(18 - 7);
  });

  it('status: null count until the counting element has the count (figure 12)', () => {
    const status = (): number => {
      control(0xe2);
      return read(0);
    };
    control(0x36);
    expect(status()).toBe(0x80 | 0x40 | 0x36);
    write(0, 100, 0);
    expect(status() & 0x40).toBe(0x40);
    goTo(1);
    expect(status()).toBe(0x80 | 0x36);
    goTo(1 + 60);
    expect(status()).toBe(0x36);
    write(0, 200, 0);
    expect(status() & 0x40).toBe(0x40);
    goTo(1 + 100);
    expect(status()).toBe(0x80 | 0x36);
  });

  it('the control word cannot be read', () => {
    expect(pit.read(CONTROL, 1)).toBe(0xff);
  });
});

describe('IRQ 0', () => {
  it('rises with each period of mode 2, exactly when the crystal says so', () => {
    control(0x34);
    write(0, 0x9c, 0x2e); // 11,932: 100 Hz
    time.advance(50_000_000);
    expect(lines.rose(0).slice(1)).toEqual([1, 2, 3, 4].map((period) => nanosecond(1 + period * 11_932)));
  });

  it('follows OUT in modes 0 and 3', () => {
    control(0x30);
    write(0, 10, 0);
    goTo(100);
    expect(lines.changes).toEqual([{ gsi: 0, level: 1, at: nanosecond(11) }]);
    control(0x36);
    write(0, 10, 0);
    goTo(100 + 1 + 10);
    expect(lines.changes.slice(1).map(({ level, at }) => [level, at])).toEqual([
      [0, nanosecond(106)],
      [1, nanosecond(111)],
    ]);
  });

  it('pulses once in mode 4', () => {
    control(0x38);
    write(0, 10, 0);
    const before = lines.rises;
    goTo(1000);
    expect(lines.rises - before).toBe(1);
  });

  it('is cut by the HPET, and comes back where it is', () => {
    control(0x36);
    write(0, 100, 0);
    goTo(1);
    pit.connected = false;
    expect(lines.level(0)).toBe(0);
    const before = lines.rises;
    goTo(1000);
    expect(lines.rises).toBe(before);
    pit.connected = true;
    expect(lines.level(0)).toBe(0); // clock 1000 is in the second half of the tenth period
    goTo(1001);
    expect(lines.level(0)).toBe(1);
  });

  it('makes up for a short delay, and gives up a long one', () => {
    const late = new FakeTime();
    const noted = new NotedLines(late);
    let fire = (_due: number): void => {};
    let deadline = Infinity;
    const timer = { deadline: 0, set: (at: number) => (deadline = at), cancel: () => (deadline = Infinity) };
    const source = { now: () => late.now(), timer: (call: (due: number) => void) => ((fire = call), timer) };
    const slow = new Pit8254({ lines: noted, time: source });
    slow.write(CONTROL, 1, 0x34);
    slow.write(0, 1, 0x9c);
    slow.write(0, 1, 0x2e);
    const run = (): number => {
      const before = noted.rises;
      while (deadline <= late.now()) fire(deadline);
      return noted.rises - before;
    };
    late.advance(500_000_000);
    expect(run()).toBe(49);
    late.advance(3_600_000_000_000);
    expect(run()).toBeLessThan(3);
  });
});

describe('port 61h', () => {
  it('keeps the gate, the speaker and the check bits, and nothing else', () => {
    port.write(0, 1, 0xff);
    expect(port.read() & 0xcf).toBe(0x0f);
    expect(port.speaker).toBe(true);
    port.write(0, 1, 0);
    expect(port.read() & 0xcf).toBe(0);
    expect(port.speaker).toBe(false);
  });

  it('toggles bit 4 every 15 µs', () => {
    let toggles = 0;
    let last = port.read() & 0x10;
    for (let step = 0; step < 1000; step++) {
      time.advance(1000);
      const bit = port.read() & 0x10;
      if (bit !== last) toggles++;
      last = bit;
    }
    expect(toggles).toBe(66); // 1 ms / 15.086 µs
  });
});

it('does not drift in 24 hours', () => {
  const quiet = new NotedLines(time, false);
  const long = new Pit8254({ lines: quiet, time });
  long.write(CONTROL, 1, 0x34);
  long.write(0, 1, 0);
  long.write(0, 1, 0);
  const before = quiet.rises;
  const day = 86_400n * SECOND;
  time.advance(Number(day));
  const clocks = (day * HZ) / SECOND;
  expect(quiet.rises - before).toBe(Number((clocks - 1n) / 65_536n));
  long.write(CONTROL, 1, 0x00);
  const count = long.read(0, 1) | (long.read(0, 1) << 8);
  expect(count).toBe(Number(65_536n - ((clocks - 1n) % 65_536n)) & 0xffff);
});

it('goes on from a snapshot as it would have', () => {
  control(0x36);
  write(0, 0x00, 0x10);
  write(2, 1);
  goTo(5000);
  control(0xc2);
  const state = structuredClone(pit.save());
  const other = new NotedLines(time);
  const copy = new Pit8254({ lines: other, time });
  copy.restore(state);
  expect(other.changes).toEqual([]);
  expect(copy.save()).toEqual(state);
  const now = time.now();
  goTo(60_000);
  expect(other.rose(0)).toEqual(lines.rose(0).filter((at) => at > now));
  expect(other.rose(0).length).toBeGreaterThan(10);
});

it('a machine that nobody programs stays quiet, before and after a reset', () => {
  time.advance(1e12);
  expect(lines.changes).toEqual([]);
  control(0x34);
  write(0, 0, 1);
  goTo(1e9);
  pit.reset();
  const before = lines.changes.length;
  time.advance(1e9);
  expect(lines.changes.length).toBe(before);
  expect(lines.level(0)).toBe(0);
});
