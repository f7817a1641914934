// The initial file system that the Debian kernel is booted with: BusyBox, a script of tests, and the drivers of an IDE disk.
// `node tools/real/initramfs.mjs FILE` writes it; the same packages make the same bytes.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { CHARACTER_DEVICE, cpio, DIRECTORY, FILE, LINK, PROGRAM } from './cpio.mjs';
import { realFiles } from './fetch.mjs';
import { modulesFor } from './modules.mjs';

/** @typedef {import('./cpio.mjs').CpioEntry} CpioEntry */

/** ata_piix finds the disk's controller, sd_mod is the disk itself. */
const DISK_DRIVERS = ['ata_piix', 'sd_mod'];
/** What the power button needs to be heard outside the kernel. */
const POWER_DRIVERS = ['button', 'evdev'];
const DIRECTORIES = ['bin', 'dev', 'etc', 'etc/acpi', 'etc/acpi/PWRF', 'mnt', 'modules', 'proc', 'root', 'sys', 'tmp'];

/** The file whose checksum the guest works out: 1 MiB that no one can guess the checksum of. */
export function knownFile() {
  const bytes = new Uint8Array(1 << 20);
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** @param {string} name */
function script(name) {
  return new Uint8Array(readFileSync(new URL(name, import.meta.url)));
}

/** @param {string} text */
function utf8(text) {
  return new TextEncoder().encode(text);
}

/**
 * @param {import('./fetch.mjs').RealFiles} [files]
 * @returns {Uint8Array}
 */
export function initramfs(files = realFiles()) {
  const commands = execFileSync(files.busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const disk = modulesFor(files.modules, DISK_DRIVERS);
  const power = modulesFor(files.modules, POWER_DRIVERS);
  /** @param {typeof disk} modules */
  const order = (modules) => utf8(modules.map(({ name }) => `${name}\n`).join(''));
  const modules = new Map([...disk, ...power].map(({ name, bytes }) => [name, bytes]));
  /** @type {CpioEntry[]} */
  const entries = [
    ...DIRECTORIES.map((name) => ({ name, mode: DIRECTORY })),
    // The kernel opens it for the first process, before anything is mounted.
    { name: 'dev/console', mode: CHARACTER_DEVICE, device: [5, 1] },
    { name: 'init', mode: PROGRAM, bytes: script('init.sh') },
    { name: 'tests', mode: PROGRAM, bytes: script('tests.sh') },
    { name: 'known', mode: FILE, bytes: knownFile() },
    { name: 'bin/busybox', mode: PROGRAM, bytes: new Uint8Array(readFileSync(files.busybox)) },
    ...commands
      .filter((name) => name !== 'busybox')
      .map((name) => ({ name: `bin/${name}`, mode: LINK, bytes: utf8('busybox') })),
    { name: 'modules/disk', mode: FILE, bytes: order(disk) },
    { name: 'modules/power', mode: FILE, bytes: order(power) },
    ...[...modules].map(([name, bytes]) => ({ name: `modules/${name}.ko`, mode: FILE, bytes })),
    // Where BusyBox's acpid looks for what to do when the power button is pressed.
    { name: 'etc/acpi/PWRF/00000080', mode: PROGRAM, bytes: utf8('#!/bin/sh\nexec poweroff -f\n') },
  ];
  return new Uint8Array(gzipSync(cpio(entries)));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , file] = process.argv;
  if (file === undefined) {
    console.error('usage: node tools/real/initramfs.mjs FILE');
    process.exitCode = 2;
  } else {
    writeFileSync(file, initramfs());
    console.log(`${file}: initramfs for Linux ${realFiles().kernelVersion}`);
  }
}
