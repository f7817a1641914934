// The HPET against IA-PC HPET (High Precision Event Timers) Specification, revision 1.0a, October 2004.

import { beforeEach, describe, expect, it } from 'vitest';
import { Hpet, HPET_ADDRESS, HPET_SIZE } from '../../../src/machine/devices/clock/hpet.js';
import { Vm } from '../../../src/vmm/vm.js';
import { FakeTime } from '../fake-time.js';
import { NotedLines } from './lines.js';

const CONFIGURATION = 0x010;
const STATUS = 0x020;
const COUNTER = 0x0f0;
const timer = (number: number): number => 0x100 + number * 0x20;
const LEVEL = 0x02;
const ENABLED = 0x04;
const PERIODIC = 0x08;
const SET_VALUE = 0x40;
const MODE_32 = 0x100;
const route = (gsi: number): number => gsi << 9;

let time: FakeTime;
let lines: NotedLines;
let legacy: boolean[];
let hpet: Hpet;

beforeEach(() => {
  time = new FakeTime();
  lines = new NotedLines(time);
  legacy = [];
  hpet = new Hpet({ lines, time, legacyReplacement: (on) => legacy.push(on) });
});

const read = (register: number): number => hpet.read(register) >>> 0;
const write = (register: number, value: number): void => hpet.write(register, 4, value);
const read64 = (register: number): bigint => {
  const value = { lo: 0, hi: 0 };
  hpet.readWide(register, 8, value);
  return (BigInt(value.hi >>> 0) << 32n) | BigInt(value.lo >>> 0);
};
const write64 = (register: number, value: bigint): void =>
  hpet.writeWide(register, 8, Number(value & 0xffff_ffffn), Number(value >> 32n));
const enable = (): void => write(CONFIGURATION, 1);

describe('registers', () => {
  it('capabilities: Intel, legacy routes, 64 bits, three timers, 10 ns (2.3.4)', () => {
    expect(read64(0)).toBe((10_000_000n << 32n) | 0x8086_a201n);
  });

  it('timers: periodic, 64 bits, no FSB; routed to inputs 20 to 23 (2.3.8)', () => {
    for (let number = 0; number < 3; number++) {
      expect(read64(timer(number)) & 0xffff_ffff_0000_8030n).toBe(0x00f0_0000_0000_0030n);
    }
    expect(read64(timer(3))).toBe(0n);
  });

  it('a route that the timer does not have is not taken', () => {
    write(timer(0), route(21));
    write(timer(0), route(5));
    expect((read(timer(0)) >>> 9) & 31).toBe(21);
  });

  it('reserved bits stay zero', () => {
    write(CONFIGURATION, 0xffff_fffc);
    expect(read64(CONFIGURATION)).toBe(0n);
    write(timer(1), 0xffff_ffff);
    expect(read(timer(1)) & ~0x3f7e).toBe(0);
  });
});

describe('main counter', () => {
  it('stands until it is enabled, counts at 100 MHz, keeps its value when halted', () => {
    time.advance(1000);
    expect(read64(COUNTER)).toBe(0n);
    enable();
    time.advance(1005);
    expect(read64(COUNTER)).toBe(100n);
    write(CONFIGURATION, 0);
    time.advance(5000);
    expect(read64(COUNTER)).toBe(100n);
    enable();
    time.advance(10);
    expect(read64(COUNTER)).toBe(101n);
  });

  it('is written while halted, in one piece or two, and carries over 32 bits', () => {
    write64(COUNTER, 0x1_ffff_fff0n);
    enable();
    time.advance(160);
    expect(read64(COUNTER)).toBe(0x2_0000_0000n);
    expect([read(COUNTER), read(COUNTER + 4)]).toEqual([0, 2]);
    write(CONFIGURATION, 0);
    write(COUNTER, 7);
    write(COUNTER + 4, 9);
    expect(read64(COUNTER)).toBe(0x9_0000_0007n);
  });

  it('wraps at 64 bits', () => {
    write64(COUNTER, 0xffff_ffff_ffff_ffffn);
    enable();
    time.advance(20);
    expect(read64(COUNTER)).toBe(1n);
  });
});

describe('one-shot (2.3.9.2.1)', () => {
  it('64 bits: once, when the counter shows the comparator', () => {
    write(timer(0), ENABLED | route(20));
    write64(timer(0) + 8, 1000n);
    enable();
    time.advance(1e12);
    expect(lines.rose(20)).toEqual([10_000]);
    expect(lines.level(20)).toBe(0);
  });

  it('32 bits: again whenever the low half comes round', () => {
    write(timer(2), ENABLED | MODE_32 | route(23));
    write64(timer(2) + 8, 0xffff_ffff_0000_03e8n);
    enable();
    time.advance(100e9);
    const round = 2 ** 32 * 10;
    expect(lines.rose(23)).toEqual([10_000, 10_000 + round, 10_000 + 2 * round]);
    expect(read64(timer(2) + 8)).toBe(1000n);
  });

  it('a comparator that was passed waits for the counter to come round', () => {
    enable();
    time.advance(1e6);
    write(timer(0), ENABLED | MODE_32 | route(20));
    write(timer(0) + 8, 50);
    time.advance(1e9);
    expect(lines.changes).toEqual([]);
  });

  it('is not repeated by writing the configuration in the very tick of the match', () => {
    write(timer(0), ENABLED | route(20));
    write64(timer(0) + 8, 1000n);
    enable();
    time.advance(10_000);
    write(timer(0), ENABLED | route(20));
    time.advance(1000);
    expect(lines.rose(20).length).toBe(1);
  });

  it('a timer that is not enabled, or not routed, interrupts nobody', () => {
    write(timer(0), route(20));
    write(timer(1), ENABLED);
    write64(timer(0) + 8, 100n);
    write64(timer(1) + 8, 100n);
    enable();
    time.advance(1e6);
    expect(lines.changes).toEqual([]);
  });
});

describe('periodic (2.3.9.2.2)', () => {
  it('VAL_SET: the first write sets the comparator, the second the period, as Linux does', () => {
    enable();
    time.advance(1000);
    write(timer(0), ENABLED | PERIODIC | SET_VALUE | MODE_32 | route(20));
    write(timer(0) + 8, 300);
    write(timer(0) + 8, 250);
    time.advance(10_000 - time.now());
    expect(lines.rose(20)).toEqual([4000, 6500, 9000].map((at) => at - 1000));
    expect(read(timer(0)) & SET_VALUE).toBe(0);
  });

  it('a single write with VAL_SET sets both', () => {
    write(timer(0), ENABLED | PERIODIC | SET_VALUE | route(20));
    write64(timer(0) + 8, 100n);
    enable();
    time.advance(3500);
    expect(lines.rose(20)).toEqual([1000, 2000, 3000]);
    expect(read64(timer(0) + 8)).toBe(400n);
  });

  it('a period of zero does not hang', () => {
    write(timer(0), ENABLED | PERIODIC | SET_VALUE | route(20));
    write64(timer(0) + 8, 0n);
    enable();
    time.advance(1e9);
    expect(lines.rose(20).length).toBeLessThan(2);
  });

  it('goes on while its interrupt is off, without a timer of the machine', () => {
    write(timer(0), PERIODIC | SET_VALUE);
    write64(timer(0) + 8, 100n);
    enable();
    time.advance(3500);
    expect(lines.changes).toEqual([]);
    expect(read64(timer(0) + 8)).toBe(400n);
    write(timer(0), PERIODIC | ENABLED | route(22));
    time.advance(1000);
    expect(lines.rose(22)).toEqual([4000]);
  });
});

describe('level-triggered (2.3.6)', () => {
  beforeEach(() => {
    write(timer(1), ENABLED | LEVEL | route(21));
    write64(timer(1) + 8, 100n);
    enable();
    time.advance(1000);
  });

  it('holds the line until its status bit is cleared by a one', () => {
    expect(read(STATUS)).toBe(2);
    expect(lines.level(21)).toBe(1);
    write(STATUS, 0);
    write(STATUS, 5);
    expect(lines.level(21)).toBe(1);
    write(STATUS, 2);
    expect(lines.level(21)).toBe(0);
    expect(read(STATUS)).toBe(0);
  });

  it('the line falls when the interrupt is switched off, and the status stays', () => {
    write(timer(1), LEVEL | route(21));
    expect(lines.level(21)).toBe(0);
    expect(read(STATUS)).toBe(2);
  });
});

describe('legacy replacement (2.3.5)', () => {
  it('timer 0 is IRQ 0 and timer 1 IRQ 8 while both bits are set; PIT and RTC are told', () => {
    write(timer(0), ENABLED | route(20));
    write(timer(1), ENABLED | route(21));
    write(timer(2), ENABLED | route(22));
    for (let number = 0; number < 3; number++) write64(timer(number) + 8, 100n);
    write(CONFIGURATION, 2);
    expect(legacy).toEqual([]);
    write(CONFIGURATION, 3);
    expect(legacy).toEqual([true]);
    time.advance(2000);
    expect(lines.changes.filter(({ level }) => level === 1).map(({ gsi }) => gsi)).toEqual([0, 8, 22]);
    write(CONFIGURATION, 1);
    expect(legacy).toEqual([true, false]);
  });
});

it('does not drift in 24 hours', () => {
  const quiet = new NotedLines(time, false);
  hpet = new Hpet({ lines: quiet, time });
  write(timer(0), ENABLED | PERIODIC | SET_VALUE | route(20));
  write64(timer(0) + 8, 3_333_333n); // 33.33333 ms
  enable();
  time.advance(86_400e9);
  expect(read64(COUNTER)).toBe(8_640_000_000_000n);
  expect(quiet.rises).toBe(Number(8_640_000_000_000n / 3_333_333n));
  expect(read64(timer(0) + 8)).toBe(3_333_333n * (8_640_000_000_000n / 3_333_333n + 1n));
});

it('goes on from a snapshot as it would have', () => {
  write(timer(0), ENABLED | PERIODIC | SET_VALUE | MODE_32 | route(20));
  write(timer(0) + 8, 777);
  write(timer(1), ENABLED | LEVEL | route(21));
  write64(timer(1) + 8, 500n);
  enable();
  time.advance(100_000);
  const state = structuredClone(hpet.save());
  const other = new NotedLines(time);
  const copy = new Hpet({ lines: other, time });
  copy.restore(state);
  expect(copy.save()).toEqual(state);
  expect(other.changes).toEqual([]);
  time.advance(100_000);
  expect(other.rose(20)).toEqual(lines.rose(20).filter((at) => at > 100_000));
  expect(copy.save()).toEqual(hpet.save());
});

it('is read in one piece at its address, and reset', async () => {
  const vm = await Vm.create();
  vm.mmio.claim({ addr: BigInt(HPET_ADDRESS), len: HPET_SIZE, device: hpet });
  write64(COUNTER, 0x1234_5678_9abc_def0n);
  expect(vm.mmio.read(HPET_ADDRESS + COUNTER, 0, 8)).toBe(true);
  expect([vm.mmio.dataHi >>> 0, vm.mmio.dataLo >>> 0]).toEqual([0x1234_5678, 0x9abc_def0]);
  write(timer(0), ENABLED | PERIODIC | SET_VALUE | route(20));
  write64(timer(0) + 8, 100n);
  enable();
  hpet.reset();
  time.advance(1e6);
  expect(lines.changes).toEqual([]);
  expect(read64(COUNTER)).toBe(0n);
  vm.close();
});
