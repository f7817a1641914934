// QEMU beside Doorbell: boots the same files with `qemu-system-x86_64 -accel tcg -machine pc`, and keeps what comes out of COM1.
// `node tools/real/qemu.mjs` prints how long the Debian kernel takes to its shell, `--log FILE` writes the serial log of the
// tests' boot, `--warnings` what the kernel's log of it warns of (test/real/qemu-warnings.txt is that).

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { realFiles } from './fetch.mjs';
import { initramfs } from './initramfs.mjs';
import { kernelWarnings, readSteps } from './steps.mjs';

const PROGRAM = 'qemu-system-x86_64';

/** What the shell of the initial file system says when it waits for a command. */
export const PROMPT = 'doorbell:/root# ';

/**
 * @typedef {object} QemuBoot
 * @property {Uint8Array | string} [kernel] a file's contents, or its name
 * @property {Uint8Array} [initrd]
 * @property {string} [cmdline]
 * @property {string} [disk] name of an image file: the first IDE disk
 * @property {number} [memoryMiB] default 256
 * @property {string} [until] text on COM1 at which it is over; default: when the machine is switched off
 * @property {number} [timeoutMs] default five minutes
 * @property {(text: string) => void} [output] gets what comes out of COM1 when it comes
 */

/**
 * @typedef {object} QemuEnd
 * @property {string} serial
 * @property {boolean} seen whether `until` was
 * @property {number} seconds from the start of the process, until `until` or its end
 * @property {number | null} status the process's; null if it was stopped
 */

/** @returns {boolean} whether it is installed */
export function hasQemu() {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, PROGRAM)));
}

/**
 * @param {QemuBoot} boot
 * @returns {Promise<QemuEnd>}
 */
export async function bootQemu({ kernel, initrd, cmdline, disk, memoryMiB = 256, ...limits }) {
  const work = mkdtempSync(join(tmpdir(), 'doorbell-qemu-'));
  const args = ['-accel', 'tcg', '-machine', 'pc', '-m', String(memoryMiB), '-display', 'none', '-monitor', 'none'];
  args.push('-serial', 'stdio', '-no-reboot', '-net', 'none', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4');
  /** @param {string} name @param {Uint8Array} bytes */
  const keep = (name, bytes) => {
    writeFileSync(join(work, name), bytes);
    return join(work, name);
  };
  if (kernel !== undefined) args.push('-kernel', typeof kernel === 'string' ? kernel : keep('kernel', kernel));
  if (initrd !== undefined) args.push('-initrd', keep('initrd', initrd));
  if (cmdline !== undefined) args.push('-append', cmdline);
  if (disk !== undefined) args.push('-drive', `file=${disk},if=ide,format=raw`);
  try {
    return await runQemu(args, limits);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string[]} args
 * @param {Pick<QemuBoot, 'until' | 'timeoutMs' | 'output'>} limits
 * @returns {Promise<QemuEnd>}
 */
function runQemu(args, { until, timeoutMs = 300_000, output = () => {} }) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(PROGRAM, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let serial = '';
    let seconds = 0;
    let seen = false;
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      serial += text;
      output(text);
      if (seen || until === undefined || !serial.includes(until)) return;
      seen = true;
      seconds = (performance.now() - start) / 1000;
      child.kill('SIGKILL');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      if (!seen) seconds = (performance.now() - start) / 1000;
      resolve({ serial, seen, seconds, status });
    });
  });
}

async function main() {
  const files = realFiles();
  const boot = { kernel: files.kernel, initrd: initramfs(files) };
  const [, , option, name] = process.argv;
  if (option === undefined) {
    const { seen, seconds } = await bootQemu({ ...boot, cmdline: 'console=ttyS0 doorbell.shell', until: PROMPT });
    console.log(seen ? `Linux ${files.kernelVersion} to its shell: ${seconds.toFixed(1)} s` : 'no shell came');
    process.exitCode = seen ? 0 : 1;
  } else if (option === '--warnings' || (option === '--log' && name !== undefined)) {
    const disk = join(mkdtempSync(join(tmpdir(), 'doorbell-qemu-disk-')), 'disk.img');
    writeFileSync(disk, new Uint8Array(8 << 20));
    const { serial } = await bootQemu({ ...boot, cmdline: 'console=ttyS0 doorbell.disk', disk });
    rmSync(join(disk, '..'), { recursive: true });
    if (option === '--log') writeFileSync(/** @type {string} */ (name), serial);
    else for (const warning of kernelWarnings(readSteps(serial))) console.log(warning);
  } else {
    console.error('usage: node tools/real/qemu.mjs [--warnings | --log FILE]');
    process.exitCode = 2;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
