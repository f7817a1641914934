// The kernel on other processors, other ways of paging, other clocks and interrupt controllers than the usual ones: each boot is
// several changes at once. docs/booting.md has the table of the single ones.

import { describe, expect, it } from 'vitest';
import { kernelWarnings, readSteps } from '../../tools/real/steps.mjs';
import type { PcOptions } from '../../src/machine/pc-options.js';
import * as expected from './expected.js';
import { linuxFiles, runMachine } from './machine.js';
import { unexplained } from './warnings.js';

interface Variant {
  name: string;
  cmdline?: string;
  options: PcOptions;
  /** How it ends: without ACPI nothing can switch the machine off. */
  reason?: 'halted';
  /** Of /proc/cpuinfo and the like: a step and what a line of it has to be. */
  shows: [string, RegExp][];
  /** Steps that this command line leaves nothing to look at for. */
  fails?: string[];
  /** What QEMU's boot with the same command line warns of (QEMU 7.2, tools/real/qemu.mjs). */
  warnings?: RegExp;
}

const UNSTABLE =
  /Unstable clock detected|If you want to keep using the local clock|trace_clock=local|on the kernel command line/;

const VARIANTS: Variant[] = [
  {
    name: 'an AMD processor of level v2, nested paging as SVM has it, xAPIC',
    cmdline: 'nox2apic',
    options: { cpu: { level: 'v2', vendor: 'amd' }, paging: 'npt' },
    shows: [
      ['processor', /^vendor_id\s*: AuthenticAMD$/],
      ['interrupts', /^\s*LOC:\s+[1-9]/],
    ],
  },
  {
    name: 'shadow paging, no x2APIC, no TSC deadline, 3 GiB',
    // The kernel measures the local APIC's timer against the PIT's interrupts and warns if they come late: by the host's clock
    // they may, on a busy host.
    options: {
      clock: 'virtual',
      cpu: { features: ['-x2apic', '-tsc_deadline_timer'] },
      paging: 'shadow',
      memory: 3 * 2 ** 30,
    },
    shows: [['memory', /^MemTotal:\s+(29|30|31)\d{5} kB$/]],
  },
  {
    name: 'the 8259s, without ACPI',
    cmdline: 'acpi=off noapic',
    options: {},
    reason: 'halted',
    shows: [
      ['interrupts', /^\s*0:\s+[1-9]\d*\s+XT-PIC\s+timer$/],
      ['interrupts', /^\s*4:\s+[1-9]\d*\s+XT-PIC\s+ttyS0$/],
    ],
    fails: ['acpi'],
    warnings: /MPS support code is not built-in|boot CPU \(#0\) not listed by the BIOS/,
  },
  {
    name: 'the virtual clock, and for the kernel only the ACPI timer',
    cmdline: 'no-kvmclock nohpet tsc=unstable',
    options: { clock: 'virtual' },
    shows: [['clock', /^acpi_pm$/]],
    warnings: new RegExp(`hpet_acpi_add: no address or irqs in _CRS|${UNSTABLE.source}`),
  },
];

describe('Debian’s kernel', () => {
  it.each(VARIANTS)(
    'on $name',
    async ({ cmdline = '', options, reason = 'power-off', shows, fails = [], warnings }) => {
      const { files, kernel, initrd } = await linuxFiles();
      const end = await runMachine({ kernel, initrd, cmdline: `console=ttyS0 ${cmdline}`.trim(), ...options });
      const steps = readSteps(end.serial);
      expect(end, end.serial.slice(-2000)).toMatchObject({ reason, crash: undefined });
      expect([...steps.keys()].at(-1)).toBe('end');
      const failed = [...steps].filter(([name, { status }]) => name !== 'end' && status !== 0).map(([name]) => name);
      expect(failed).toEqual(fails);
      expect(steps.get('arithmetic')?.lines).toEqual(expected.arithmetic());
      expect(steps.get('sha256')?.lines).toEqual(expected.sha256(files));
      for (const [name, line] of shows) {
        const { lines } = steps.get(name)!;
        expect(
          lines.some((each) => line.test(each)),
          `${String(line)}:\n${lines.join('\n')}`,
        ).toBe(true);
      }
      expect(unexplained(kernelWarnings(steps)).filter((line) => warnings?.test(line) !== true)).toEqual([]);
    },
  );
});
