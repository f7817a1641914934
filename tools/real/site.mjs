// `npm run linux`: puts what the laboratory boots beside it, into dist/site/linux: Debian's kernel, an initial file system for
// it, SeaBIOS and a VGA BIOS for disks, and files.json, which says how long they are. Comes from Debian's packages (fetch.mjs).

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../build.mjs';
import { FetchError, realFiles } from './fetch.mjs';
import { initramfs } from './initramfs.mjs';

const directory = join(root, 'dist/site/linux');

try {
  const files = realFiles({ update: process.argv.includes('--update') });
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const names = { kernel: 'vmlinuz', initrd: 'initrd.gz', firmware: 'bios.bin', screen: 'vgabios.bin' };
  copyFileSync(files.kernel, join(directory, names.kernel));
  writeFileSync(join(directory, names.initrd), initramfs(files));
  copyFileSync(files.bios, join(directory, names.firmware));
  // The screen is an ISA VGA's.
  copyFileSync(join(dirname(files.bios), 'vgabios-isavga.bin'), join(directory, names.screen));
  const list = Object.fromEntries(
    Object.entries(names).map(([name, file]) => [name, { file, bytes: readFileSync(join(directory, file)).length }]),
  );
  // Last: what it lists is there.
  writeFileSync(
    join(directory, 'files.json'),
    `${JSON.stringify({ version: files.kernelVersion, ...list }, null, 2)}\n`,
  );
  console.log(`dist/site/linux: Linux ${files.kernelVersion}, ${list.kernel.bytes + list.initrd.bytes} bytes`);
} catch (error) {
  if (!(error instanceof FetchError)) throw error;
  console.error(`npm run linux: ${error.message}`);
  process.exitCode = 1;
}
