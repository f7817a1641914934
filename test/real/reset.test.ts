// The ways in which Linux resets the machine, each from the shell of the same boot; and a shell that is typed at, which the
// command line starts again after `reboot`.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT } from '../../tools/real/qemu.mjs';
import { Pc } from '../../src/machine/pc.js';
import type { Snapshot } from '../../src/vmm/snapshot.js';
import { buildCommand, doorbell } from '../cli/built.js';
import { linuxFiles, MEMORY, scratch, TIMEOUT_MS } from './machine.js';

const CMDLINE = 'console=ttyS0 doorbell.shell panic=-1';

describe('Linux resets the machine', () => {
  let pc: Pc;
  let atPrompt: Snapshot;
  let serial = '';

  beforeAll(async () => {
    const { kernel, initrd } = await linuxFiles();
    const decoder = new TextDecoder('latin1');
    const prompted = new AbortController();
    pc = await Pc.create({
      kernel,
      initrd,
      cmdline: CMDLINE,
      memory: MEMORY,
      tripleFault: 'reset',
      serial: (bytes) => {
        serial += decoder.decode(bytes);
        if (serial.includes(PROMPT)) prompted.abort();
      },
    });
    const { reason } = await pc.run({ timeoutMs: TIMEOUT_MS, signal: prompted.signal });
    if (reason !== 'aborted') throw new Error(`no shell, but ${reason}:\n${serial.slice(-2000)}`);
    atPrompt = pc.snapshot();
  });
  afterAll(() => pc.close());

  // /sys/kernel/reboot/type (Documentation/ABI/testing/sysfs-kernel-reboot): how reboot(2) resets an x86 machine.
  it.each([
    ['as it likes', 'reboot -f', 'Restarting system'],
    ['by the ACPI reset register', 'echo acpi >/sys/kernel/reboot/type; reboot -f', 'Restarting system'],
    ['by the keyboard controller', 'echo kbd >/sys/kernel/reboot/type; reboot -f', 'Restarting system'],
    ['by port CF9h', 'echo pci >/sys/kernel/reboot/type; reboot -f', 'Restarting system'],
    ['by a triple fault', 'echo triple >/sys/kernel/reboot/type; reboot -f', 'Restarting system'],
    ['by the magic SysRq key', 'echo b >/proc/sysrq-trigger', 'sysrq: Resetting'],
    ['after a panic', 'echo c >/proc/sysrq-trigger', 'Kernel panic - not syncing'],
  ])('%s', async (_, command, says) => {
    pc.restore(atPrompt);
    serial = '';
    pc.sendSerial(new TextEncoder().encode(`dmesg -n 7; ${command}\n`));
    const end = await pc.run({ timeoutMs: TIMEOUT_MS });
    expect(end, serial).toMatchObject({ reason: 'reset', crash: undefined });
    expect(serial).toContain(says);
  });
});

describe('doorbell run', () => {
  beforeAll(() => buildCommand());

  it('has a shell that can be typed at, and starts the machine again after reboot', async () => {
    const { files, initrd } = await linuxFiles();
    const initrdFile = join(await scratch(), 'initramfs');
    await writeFile(initrdFile, initrd);
    const typed = ['x=6; echo "boot $((x * 7))"; cat /proc/uptime >/root/kept; reboot -f\n', 'ls /root; poweroff -f\n'];
    let prompts = 0;
    let output = '';
    const args = ['run', files.kernel, '--initrd', initrdFile, '--append', CMDLINE, '--memory', '256M'];
    const end = await doorbell([...args, '--timeout', '300'], (child) => {
      child.stdout!.on('data', (text: Buffer) => {
        output += text.toString('latin1');
        if (output.split(PROMPT).length - 1 === prompts) return;
        const line = typed[prompts++];
        if (line !== undefined) child.stdin!.write(line);
      });
    });
    expect(end.status, `${end.stderr}\n${end.stdout.slice(-2000)}`).toBe(0);
    const [first = '', second = ''] = end.stdout.split('Restarting system');
    expect(first).toMatch(/^boot 42\r?$/m);
    expect(second).toContain(`Linux version ${files.kernelVersion}`);
    // memory is new: the first boot's files are gone
    expect(second.slice(second.lastIndexOf(PROMPT))).not.toContain('kept');
    expect(second).toContain('reboot: Power down');
  });
});
