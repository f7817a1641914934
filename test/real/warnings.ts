// Which warnings of the kernel's log are no fault of the machine.

import { readFileSync } from 'node:fs';

/** Those that QEMU's boot of the same files has too: `node tools/real/qemu.mjs --warnings`, a line for each. */
const qemu = new Set(
  readFileSync(new URL('qemu-warnings.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== ''),
);

/** Those that only this machine's boot has, each with the reason why that is right. */
export const EXPLAINED: readonly { text: RegExp; why: string }[] = [
  {
    text: /^<4> hrtimer: interrupt took \d+ ns$/,
    why: 'The guest’s time is the host’s, which did something else while the kernel was in its timer interrupt.',
  },
  {
    text: /^<4> hpet: Lost \d+ RTC interrupts$/,
    why: 'The guest’s time is the host’s: a host that does something else for a tenth of a second takes the guest 6 periods of 64 Hz.',
  },
  {
    text: /^<4> APIC calibration not consistent with PM-Timer: \d+ms instead of 100ms$/,
    why: 'As above: without TSC deadlines the kernel counts interrupts of the PIT, which come late on a busy host; it goes by the PM timer.',
  },
];

/** What is left of the warnings. */
export function unexplained(warnings: readonly string[]): string[] {
  return warnings.filter((line) => !qemu.has(line) && !EXPLAINED.some(({ text }) => text.test(line)));
}
