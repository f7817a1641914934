// Power management against the ACPI Specification 6.5 (4.8, fixed hardware) and Intel's PIIX4 (290562-001, chapter 7).

import { beforeEach, describe, expect, it } from 'vitest';
import { AcpiPm, SCI_GSI } from '../../../src/machine/devices/power/acpi-pm.js';
import { Piix4Pm } from '../../../src/machine/devices/power/piix4-pm.js';
import { SmiCommand } from '../../../src/machine/devices/power/smi-command.js';
import { TestBoard } from '../board.js';
import { NotedLines } from '../clock/lines.js';
import { FakeTime } from '../fake-time.js';

const STATUS = 0;
const ENABLE = 2;
const CONTROL = 4;
const TIMER = 8;
const GPE_STATUS = 0x0c;
const GPE_ENABLE = 0x0e;
const HZ = 3_579_545n;
const SECOND = 1_000_000_000n;

let time: FakeTime;
let lines: NotedLines;
let pm: AcpiPm;
let offs: number;

const make = (timerBits: 24 | 32): void => {
  time = new FakeTime();
  lines = new NotedLines(time);
  offs = 0;
  pm = new AcpiPm({ lines, time, powerOff: () => offs++, timerBits });
};
beforeEach(() => make(24));

/** A bus drops what is above the length. */
const read = (register: number, length = 2): number => (pm.read(register, length) >>> 0) % 256 ** length;
const write = (register: number, value: number, length = 2): void => pm.write(register, length, value);
const nanosecond = (tick: bigint): number => Number((tick * SECOND + HZ - 1n) / HZ);

describe('PM timer (4.8.3.3)', () => {
  it('counts 24 bits at 3.579545 MHz', () => {
    time.advance(1e9);
    expect(read(TIMER, 4)).toBe(3_579_545);
    time.advance(9e9);
    expect(read(TIMER, 4)).toBe(Number((10n * HZ) % (1n << 24n)));
    expect(read(TIMER + 1, 1)).toBe((read(TIMER, 4) >>> 8) & 0xff);
  });

  it('or 32', () => {
    make(32);
    time.advance(3000e9);
    expect(read(TIMER, 4)).toBe(Number((3000n * HZ) % (1n << 32n)));
  });

  it('cannot be written', () => {
    time.advance(1e9);
    write(TIMER, 0, 4);
    expect(read(TIMER, 4)).toBe(3_579_545);
  });

  it.each([24, 32] as const)('%i bits: does not drift in 24 hours', (bits) => {
    make(bits);
    write(CONTROL, 1);
    write(ENABLE, 1);
    const half = 1n << BigInt(bits - 1);
    const day = 86_400n * HZ;
    // Acknowledges each SCI, as the guest would, and notes when it came.
    for (let change = 1n; change <= day / half; change++) {
      time.advance(nanosecond(change * half) - time.now());
      expect(lines.level(SCI_GSI)).toBe(1);
      write(STATUS, 1);
      expect(lines.level(SCI_GSI)).toBe(0);
    }
    time.advance(86_400e9 - time.now());
    expect(read(TIMER, 4)).toBe(Number(day % (1n << BigInt(bits))));
    expect(lines.rises).toBe(Number(day / half));
  });

  it('sets its status without being enabled', () => {
    time.advance(nanosecond(1n << 23n) - 1);
    expect(read(STATUS)).toBe(0);
    time.advance(1);
    expect(read(STATUS)).toBe(1);
    expect(lines.changes).toEqual([]);
  });
});

describe('events (4.8.4.1)', () => {
  it('the power button is an SCI if it is enabled in ACPI mode; ones clear it', () => {
    pm.pressPowerButton();
    expect(read(STATUS)).toBe(0x100);
    expect(lines.changes).toEqual([]);
    write(ENABLE, 0x100);
    expect(lines.changes).toEqual([]);
    write(CONTROL, 1);
    expect(lines.level(SCI_GSI)).toBe(1);
    write(STATUS, 0xfeff);
    expect(lines.level(SCI_GSI)).toBe(1);
    write(STATUS + 1, 0x01, 1);
    expect(lines.level(SCI_GSI)).toBe(0);
    pm.pressSleepButton();
    expect(read(STATUS)).toBe(0x200);
  });

  it('enable has only the bits that are defined', () => {
    write(ENABLE, 0xffff);
    expect(read(ENABLE)).toBe(0x0721);
  });

  it('general-purpose events, 16 of them (4.8.5.1)', () => {
    write(CONTROL, 1);
    write(GPE_ENABLE, 0x8002);
    pm.raiseGpe(2);
    expect(lines.changes).toEqual([]);
    pm.raiseGpe(15);
    expect(lines.level(SCI_GSI)).toBe(1);
    expect(read(GPE_STATUS, 4)).toBe(0x8002_8004);
    write(GPE_STATUS + 1, 0x80, 1);
    expect(lines.level(SCI_GSI)).toBe(0);
    expect(read(GPE_STATUS)).toBe(4);
  });

  it('status and enable in one dword', () => {
    write(CONTROL, 1);
    pm.pressPowerButton();
    write(STATUS, 0x0100_0000, 4);
    expect(lines.level(SCI_GSI)).toBe(1);
    expect(read(STATUS, 4)).toBe(0x0100_0100);
  });
});

describe('control (4.8.4.2.1)', () => {
  it('SLP_EN with the type of S5 powers off, and reads as zero', () => {
    write(CONTROL, 0x0001);
    expect(offs).toBe(0);
    write(CONTROL, 0x2001);
    expect(offs).toBe(1);
    expect(read(CONTROL)).toBe(1);
  });

  it('other sleeping states are not entered', () => {
    write(CONTROL, 0x2000 | (1 << 10));
    expect(offs).toBe(0);
    expect(read(CONTROL)).toBe(1 << 10);
  });

  it('GBL_RLS is for writing only', () => {
    write(CONTROL, 0x0006);
    expect(read(CONTROL)).toBe(2);
  });

  it('the SMI command port switches ACPI mode on and off; the status byte is only kept', () => {
    const smi = new SmiCommand(pm);
    smi.write(0, 1, 0xf1);
    expect([read(CONTROL), pm.acpiMode]).toEqual([1, true]);
    smi.write(1, 1, 0xf0);
    expect(pm.acpiMode).toBe(true);
    smi.write(0, 1, 0xf0);
    expect(read(CONTROL)).toBe(0);
    expect([smi.read(0, 1), smi.read(1, 1), smi.read(0, 2)]).toEqual([0xf0, 0xf0, 0xf0f0]);
  });
});

it('goes on from a snapshot as it would have', () => {
  write(CONTROL, 1);
  write(ENABLE, 0x101);
  pm.pressPowerButton();
  time.advance(1e9);
  const state = structuredClone(pm.save());
  const other = new NotedLines(time);
  const copy = new AcpiPm({ lines: other, time, powerOff: () => {} });
  copy.restore(state);
  expect(other.changes).toEqual([]);
  expect(copy.save()).toEqual(state);
  copy.write(STATUS, 2, 0x100);
  time.advance(2e9);
  expect(other.rose(SCI_GSI)).toEqual([nanosecond(1n << 23n)]);
});

describe('PIIX4 function 3', () => {
  const FUNCTION = (1 << 3) | 3;
  const config = (board: TestBoard, register: number, length = 4): number | undefined => {
    board.out(0xcf8, (0x8000_0000 | (FUNCTION << 8) | (register & 0xfc)) >>> 0);
    return board.in(0xcfc + (register & 3), length);
  };
  const setConfig = (board: TestBoard, register: number, value: number, length = 4): void => {
    board.out(0xcf8, (0x8000_0000 | (FUNCTION << 8) | (register & 0xfc)) >>> 0);
    board.out(0xcfc + (register & 3), value, length);
  };
  const plug = async (): Promise<{ board: TestBoard; piix: Piix4Pm }> => {
    const board = await TestBoard.create();
    const piix = new Piix4Pm(board, new AcpiPm({ lines: board.lines, time: board.time, powerOff: () => {} }));
    board.pci.plug(piix, 1, 3);
    return { board, piix };
  };

  it('is 8086:7113, a bridge of another kind', async () => {
    const { board } = await plug();
    expect(config(board, 0)! >>> 0).toBe(0x7113_8086);
    expect(config(board, 8)! >>> 8).toBe(0x06_80_00);
    board.vm.close();
  });

  it('decodes the registers where PMBASE says, while PMREGMISC lets it', async () => {
    const { board } = await plug();
    expect(config(board, 0x40)).toBe(1);
    setConfig(board, 0x40, 0x601);
    expect(board.in(0x608)).toBeUndefined();
    setConfig(board, 0x80, 1, 1);
    board.time.advance(1e9);
    expect(board.in(0x608)).toBe(3_579_545);
    setConfig(board, 0x40, 0xffff_b03f);
    expect(config(board, 0x40)).toBe(0xb001);
    expect(board.in(0x608)).toBeUndefined();
    expect(board.in(0xb008)).toBe(3_579_545);
    setConfig(board, 0x80, 0, 1);
    expect(board.in(0xb008)).toBeUndefined();
    board.vm.close();
  });

  it('is placed as firmware would, keeps its place in snapshots, loses it in a reset', async () => {
    const { board, piix } = await plug();
    piix.place();
    expect(board.in(0x604, 2)).toBe(1);
    piix.pm.pressPowerButton();
    const state = structuredClone(board.pci.save());
    board.pci.reset();
    expect(piix.base).toBe(0);
    expect(board.in(0x600, 2)).toBeUndefined();
    board.pci.restore(state);
    expect(board.in(0x600, 2)).toBe(0x100);
    board.vm.close();
  });

  it('says that SMM needs no setting up: APMC_EN, which SeaBIOS looks at (src/fw/smm.c)', async () => {
    const { board } = await plug();
    expect(config(board, 0x58)! & 0x0200_0000).not.toBe(0);
    board.vm.close();
  });
});
