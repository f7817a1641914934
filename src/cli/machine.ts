// The machine of `run` and `trace`, from the command line: reads the files, opens the disks, and builds it as often as it is
// started.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadCoreModule } from '../core/module.js';
import { EINVAL } from '../eventfd/index.js';
import type { BlockBackend } from '../machine/block/block-backend.js';
import { DeviceOptionError } from '../machine/devices/option.js';
import { ImageError } from '../machine/loaders/index.js';
import { Pc } from '../machine/pc.js';
import type { PcOptions } from '../machine/pc-options.js';
import { CommandError, UsageError } from './failure.js';
import { readInput } from './input-file.js';
import { VGA_BIOS, type MachineOptions } from './machine-options.js';

export interface Machine {
  /** Builds it anew at each call; disks have what was written. */
  powerOn: () => Promise<Pc>;
  /** Closes the disks. */
  close: () => void;
}

/** Reads what the options name. Throws CommandError or UsageError for what cannot be. */
export async function readMachine(
  path: string | undefined,
  options: MachineOptions,
  serial: (bytes: Uint8Array) => void,
): Promise<Machine> {
  const {
    append,
    initrd,
    bios,
    biosLog = false,
    memory,
    cpus,
    cpu,
    paging,
    device,
    clock,
    doorbells,
    tripleFault,
    vcpuThread = false,
  } = options;
  if (cpus > 1) throw new CommandError(`--cpus ${cpus}: a machine of this version has one processor`);
  if (path !== undefined && bios !== undefined) {
    throw new UsageError('a machine starts with an image or with --bios, not with both');
  }
  const started = path ?? bios;
  if (started === undefined) throw new UsageError('no image was given, nor a --bios');
  // Compiles on other threads while the files are read. If it fails, so does Pc.create(), with a message.
  loadCoreModule().catch(() => {});
  const [image, module, vgaRom] = await Promise.all([
    readInput(bios === undefined ? 'image' : 'BIOS', started),
    initrd === undefined ? undefined : readInput('initrd', initrd),
    readVgaBios(options),
  ]);
  const disks = await openDisks(options);
  const machine: PcOptions = {
    ...(bios === undefined ? { kernel: image } : { firmware: image }),
    cpu,
    memory,
    paging,
    clock,
    doorbells,
    tripleFault,
    thread: vcpuThread,
    serial,
    ...(vgaRom === undefined ? {} : { vgaRom }),
    ...(biosLog ? { firmwareLog: (bytes: Uint8Array) => void process.stderr.write(bytes) } : {}),
    ...(append === undefined ? {} : { cmdline: append }),
    ...(module === undefined ? {} : { initrd: module }),
    ...(device === undefined ? {} : { devices: device }),
    ...(disks.length === 0 ? {} : { disks: disks.map((backend) => ({ backend })) }),
    diskError: (message) => void process.stderr.write(`doorbell: ${message}\n`),
  };
  return {
    powerOn: () =>
      Pc.create(machine).catch((error: unknown) => {
        throw refusal(started, error);
      }),
    close: () => closeAll(disks),
  };
}

/** What --vgabios names, or the file of the usual name beside the BIOS if there is one. */
async function readVgaBios({ bios, vgabios }: MachineOptions): Promise<Uint8Array | undefined> {
  if (bios === undefined) {
    if (vgabios !== undefined) throw new UsageError('--vgabios is for a --bios, and none was given');
    return undefined;
  }
  if (vgabios === 'none') return undefined;
  if (vgabios !== undefined) return readInput('VGA BIOS', vgabios);
  const beside = join(dirname(bios), VGA_BIOS);
  return existsSync(beside) ? readInput('VGA BIOS', beside) : undefined;
}

async function openDisks({ disk = [] }: MachineOptions): Promise<BlockBackend[]> {
  if (disk.length === 0) return [];
  const { openDisk } = await import('../machine/block/open-disk.js');
  const open: BlockBackend[] = [];
  try {
    for (const request of disk) open.push(openDisk(request));
    return open;
  } catch (error) {
    closeAll(open);
    throw error;
  }
}

function closeAll(disks: readonly BlockBackend[]): void {
  for (const disk of disks) disk.close();
}

/** What the machine objects to: the image, or one of the options that it was given. */
function refusal(path: string, error: unknown): unknown {
  if (error instanceof ImageError) return new CommandError(`${path}: ${error.message}`);
  if (error instanceof DeviceOptionError) return new UsageError(`--device: ${error.message}`);
  if (error instanceof EINVAL) return new UsageError(error.message.replace(/^.*Pc\.create: /, ''));
  return error;
}
