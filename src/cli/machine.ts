// The machine of `run` and `trace`, from the command line: reads the files, and builds it as often as it is started.

import { loadCoreModule } from '../core/module.js';
import { EINVAL } from '../eventfd/index.js';
import { DeviceOptionError } from '../machine/devices/option.js';
import { ImageError } from '../machine/loaders/index.js';
import { Pc } from '../machine/pc.js';
import type { PcOptions } from '../machine/pc-options.js';
import { CommandError, UsageError } from './failure.js';
import { readInput } from './input-file.js';
import type { MachineOptions } from './machine-options.js';

/** Builds the machine anew at each call. */
export type PowerOn = () => Promise<Pc>;

/** Reads what the options name. Throws CommandError or UsageError for what cannot be. */
export async function readMachine(
  path: string,
  options: MachineOptions,
  serial: (bytes: Uint8Array) => void,
): Promise<PowerOn> {
  const { append, initrd, memory, cpus, cpu, paging, device, clock, doorbells } = options;
  if (cpus > 1) throw new CommandError(`--cpus ${cpus}: a machine of this version has one processor`);
  // Compiles on other threads while the files are read. If it fails, so does Pc.create(), with a message.
  loadCoreModule().catch(() => {});
  const [kernel, module] = await Promise.all([
    readInput('image', path),
    initrd === undefined ? undefined : readInput('initrd', initrd),
  ]);
  const machine: PcOptions = {
    kernel,
    cpu,
    memory,
    paging,
    clock,
    doorbells,
    serial,
    ...(append === undefined ? {} : { cmdline: append }),
    ...(module === undefined ? {} : { initrd: module }),
    ...(device === undefined ? {} : { devices: device }),
  };
  return () =>
    Pc.create(machine).catch((error: unknown) => {
      throw refusal(path, error);
    });
}

/** What the machine objects to: the image, or one of the options that it was given. */
function refusal(path: string, error: unknown): unknown {
  if (error instanceof ImageError) return new CommandError(`${path}: ${error.message}`);
  if (error instanceof DeviceOptionError) return new UsageError(`--device: ${error.message}`);
  if (error instanceof EINVAL) return new UsageError(error.message.replace(/^.*Pc\.create: /, ''));
  return error;
}
