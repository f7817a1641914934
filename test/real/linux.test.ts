// Debian's kernel for virtual machines, unmodified, with BusyBox: boots, runs tools/real/tests.sh, is switched off by ACPI.

import { beforeAll, describe, expect, it } from 'vitest';
import type { RealFiles } from '../../tools/real/fetch.mjs';
import { kernelWarnings, readSteps, type Step } from '../../tools/real/steps.mjs';
import * as expected from './expected.js';
import { linuxFiles, runMachine, type Ended, type Linux } from './machine.js';
import { unexplained } from './warnings.js';

const CMDLINE = 'console=ttyS0';
/** That the host's clock may be away from the guest's over `sleep 2`. */
const HOST_SECONDS = 10;
/** The steps whose every line is known beforehand. */
const WORKED: [string, (files: RealFiles) => string[]][] = [
  ['arithmetic', expected.arithmetic],
  ['files', expected.files],
  ['processes', expected.processes],
  ['pipes', expected.pipes],
  ['sha256', expected.sha256],
];

let linux: Linux;
let end: Ended;
let steps: Map<string, Step>;

beforeAll(async () => {
  linux = await linuxFiles();
  end = await runMachine({ kernel: linux.kernel, initrd: linux.initrd, cmdline: CMDLINE });
  steps = readSteps(end.serial);
});

/** The lines of a step that has come to its end without an error. */
function lines(name: string): string[] {
  const step = steps.get(name);
  expect(step?.status, `step ${name}; the serial line ends with:\n${end.serial.slice(-2000)}`).toBe(0);
  return step?.lines ?? [];
}

describe('Debian’s kernel', () => {
  it('boots, comes to the end of the tests and switches the machine off', () => {
    expect(steps.has('end'), end.serial.slice(-2000)).toBe(true);
    expect(end).toMatchObject({ reason: 'power-off', crash: undefined });
    expect(end.serial).toContain('reboot: Power down');
    expect(end.serial).not.toMatch(/Call Trace|Oops|BUG:|Kernel panic/);
  });

  it('is the one that was asked for', () => {
    expect(lines('system')).toEqual([`Linux ${linux.files.kernelVersion} x86_64`, CMDLINE]);
  });

  it.each(WORKED)('does %s as expected', (name, worked) => {
    expect(lines(name)).toEqual(worked(linux.files));
  });

  it('has clocks that go at the same rate, and near the host’s', () => {
    const [source = '', ...samples] = lines('clock');
    expect(source).toMatch(/^(tsc|kvm-clock)$/);
    const values = samples.map((line) => line.split(' ').map(Number));
    const [up = NaN, date = NaN, rtc = NaN] = [0, 1, 2].map((i) => (values[1]?.[i] ?? NaN) - (values[0]?.[i] ?? NaN));
    expect(up).toBeGreaterThanOrEqual(2);
    // both count whole seconds
    expect(Math.abs(date - up)).toBeLessThanOrEqual(1);
    expect(Math.abs(rtc - up)).toBeLessThanOrEqual(1);
    // The host's says only that no clock is wrong by a factor: between the guest's look and its line here, a busy host may do
    // something else for seconds.
    const [first, second] = samples.map((line) => end.lineTimes.find((each) => each.line === line)?.at ?? NaN);
    expect(Math.abs(((second ?? NaN) - (first ?? NaN)) / 1000 - up)).toBeLessThanOrEqual(HOST_SECONDS);
  });

  it('has the clock sources that a PC has', () => {
    const [sources = ''] = lines('clocksources');
    expect(sources.trim().split(' ')).toEqual(expect.arrayContaining(['tsc', 'hpet', 'acpi_pm']));
  });

  it('gets interrupts of the timer and the serial line, and no stray ones', () => {
    const counts = new Map(
      lines('interrupts').map((line) => {
        const [, name = '', count = '', what = ''] = /^\s*(\w+):\s+(\d+)\s*(.*)$/.exec(line) ?? [];
        return [name, { count: Number(count), what }];
      }),
    );
    expect(counts.get('LOC')?.count).toBeGreaterThan(0);
    expect(counts.get('4')?.count).toBeGreaterThan(0);
    expect(counts.get('4')?.what).toMatch(/IO-APIC\s+4-edge\s+ttyS0/);
    expect(counts.get('9')?.what).toMatch(/IO-APIC\s+9-fasteoi\s+acpi/);
    for (const name of ['SPU', 'ERR', 'MIS']) expect(counts.get(name)?.count ?? 0, name).toBe(0);
  });

  it('finds the chipset and the ACPI tables', () => {
    expect(lines('pci').map((line) => line.replace(/ irq \d+$/, ''))).toEqual(expect.arrayContaining(expected.CHIPSET));
    const tables = lines('acpi').join(' ').split(/\s+/);
    expect(tables).toEqual(expect.arrayContaining(['APIC', 'DSDT', 'FACP', 'FACS', 'HPET', 'MCFG']));
  });

  it('warns of nothing that it does not warn of in QEMU too', () => {
    lines('warnings');
    expect(unexplained(kernelWarnings(steps))).toEqual([]);
  });
});

describe('ten boots in a row', () => {
  it.each(Array.from({ length: 10 }, (_, i) => i + 1))('boot %i', async () => {
    const { kernel, initrd } = linux;
    const again = await runMachine({ kernel, initrd, cmdline: CMDLINE });
    const results = readSteps(again.serial);
    expect(again, again.serial.slice(-2000)).toMatchObject({ reason: 'power-off', crash: undefined });
    expect([...results.keys()].at(-1)).toBe('end');
    for (const [name, worked] of WORKED) expect(results.get(name)?.lines, name).toEqual(worked(linux.files));
    expect(unexplained(kernelWarnings(results))).toEqual([]);
  });
});
