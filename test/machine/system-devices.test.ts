// The devices of every PC, in their places and wired to one another.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plugSystemDevices, type SystemDevices } from '../../src/machine/devices/system-devices.js';
import { TestBoard } from './board.js';

const MB = 1024 * 1024;
const HPET = 0xfed0_0000;

let board: TestBoard;
let devices: SystemDevices;
let events: string[];

beforeEach(async () => {
  board = await TestBoard.create();
  events = [];
  devices = plugSystemDevices(board, {
    start: Date.parse('2026-11-24T12:34:56Z') / 1000,
    contents: { memory: 64 * MB },
    powerOff: () => void events.push('power-off'),
    resetMachine: () => void events.push('reset'),
  });
});
afterEach(() => board.vm.close());

const cmos = (register: number): number | undefined => {
  board.out(0x70, register, 1);
  return board.in(0x71, 1);
};

describe('addresses', () => {
  it('everybody answers', () => {
    devices.piix4.place();
    expect([cmos(4), cmos(2), cmos(0)]).toEqual([0x12, 0x34, 0x56]);
    expect(board.in(0x64, 1)).toBe(0x1c & ~8);
    expect(board.in(0x92, 1)).toBe(0);
    expect(board.in(0xcf9, 1)).toBe(0);
    expect(board.load(HPET)! >>> 0).toBe(0x8086_a201);
    board.out(0x43, 0xb0, 1);
    board.out(0x61, 1, 1);
    board.out(0x42, 100, 1);
    board.out(0x42, 0, 1);
    expect(board.in(0x61, 1)! & 0x21).toBe(0x01);
    board.time.advance(100_000);
    expect(board.in(0x61, 1)! & 0x21).toBe(0x21);
    expect(board.in(0x608)).toBe(357); // 100 µs at 3.579545 MHz
  });

  it('ends the machine in every way that there is', () => {
    devices.piix4.place();
    board.out(0x604, 0x2000, 2);
    board.out(0xcf9, 6, 1);
    board.out(0x92, 1, 1);
    board.out(0x64, 0xfe, 1);
    expect(events).toEqual(['power-off', 'reset', 'reset', 'reset']);
  });

  it('the SMI command port switches ACPI mode on', () => {
    devices.piix4.place();
    board.out(0xb2, 0xf1, 1);
    expect(board.in(0x604, 2)).toBe(1);
  });
});

it("the HPET's legacy route cuts PIT and RTC, a reset gives them back", () => {
  board.store(HPET + 0x10, 3);
  expect([devices.pit.connected, devices.rtc.connected]).toEqual([false, false]);
  board.out(0x43, 0x34, 1);
  board.out(0x40, 0, 1);
  board.out(0x40, 1, 1);
  board.time.advance(1e9);
  expect(board.changes).toEqual([]);
  devices.reset();
  expect([devices.pit.connected, devices.rtc.connected]).toEqual([true, true]);
});

it('snapshots take all of them, and leave lines alone', () => {
  board.out(0x43, 0x34, 1);
  board.out(0x40, 0, 1);
  board.out(0x40, 0x10, 1);
  board.store(HPET + 0x10, 1);
  board.time.advance(1e8);
  devices.i8042.press('KeyA');
  const states = [devices.pit, devices.rtc, devices.hpet, devices.i8042].map((device) =>
    structuredClone(device.save()),
  );
  devices.reset();
  const changes = board.changes.length;
  const [pit, rtc, hpet, i8042] = states;
  devices.pit.restore(pit as never);
  devices.rtc.restore(rtc as never);
  devices.hpet.restore(hpet as never);
  devices.i8042.restore(i8042 as never);
  expect(board.changes.length).toBe(changes);
  expect([devices.pit, devices.rtc, devices.hpet, devices.i8042].map((device) => device.save())).toEqual(states);
});
