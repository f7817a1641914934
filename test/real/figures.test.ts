// How long the kernel takes to its shell, here and in QEMU, on the same files in the same run. Figures are printed, not judged.

import { expect, it } from 'vitest';
import { bootQemu, hasQemu, PROMPT } from '../../tools/real/qemu.mjs';
import { linuxFiles, runMachine } from './machine.js';

it('reaches a shell prompt', async () => {
  const { files, kernel, initrd } = await linuxFiles();
  const cmdline = 'console=ttyS0 doorbell.shell';
  const start = performance.now();
  const end = await runMachine({ kernel, initrd, cmdline }, PROMPT);
  expect(end.seenAt, `${end.reason}\n${end.serial.slice(-2000)}`).toBeDefined();
  const seconds = ((end.seenAt ?? NaN) - start) / 1000;
  const millions = end.instructions / 1e6;
  let line = `Linux ${files.kernelVersion} to its shell: ${seconds.toFixed(1)} s, ${millions.toFixed(0)} million instructions, `;
  line += `${(millions / end.seconds).toFixed(1)} MIPS`;
  if (hasQemu()) {
    const qemu = await bootQemu({ kernel, initrd, cmdline, until: PROMPT });
    expect(qemu.seen, qemu.serial.slice(-2000)).toBe(true);
    // QEMU counts no instructions at full speed: its MIPS would be those of the same number.
    line += `; QEMU ${qemu.seconds.toFixed(1)} s (${(millions / qemu.seconds).toFixed(1)} MIPS for as many)`;
  } else line += '; QEMU is not installed';
  console.log(line);
});
