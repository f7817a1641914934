// Reads the values of command line options. Each reader throws UsageError naming the option and what it takes.

import { BlockError } from '../machine/block/block-backend.js';
import { parseDisk, type DiskRequest } from '../machine/block/disk-option.js';
import { UsageError } from './failure.js';

const UNITS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `256M`, `1G`, `65536K` or bytes; whole pages of 4 KiB. */
export function memorySize(text: string): number {
  const [, digits, unit] = /^(\d+)([KMG]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit?.toUpperCase() ?? ''] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % 4096 !== 0) {
    throw new UsageError(`--memory takes a size in pages of 4K, such as 256M or 1G, not '${text}'`);
  }
  return bytes;
}

/** A reader of whole numbers from `least` to `most`. */
export function wholeNumber(option: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not '${text}'`);
    }
    return value;
  };
}

/** A reader of seconds, also parts of them. */
export function secondsOf(option: string): (text: string) => number {
  return (text) => {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value > 0 && value <= 1e9)) throw new UsageError(`${option} takes seconds above 0, not '${text}'`);
    return value;
  };
}

/** The value of --timeout. */
export const seconds = secondsOf('--timeout');

/** A reader of one of a few words. */
export function choice<Value extends string>(option: string, values: readonly Value[]): (text: string) => Value {
  return (text) => {
    const value = values.find((each) => each === text);
    if (value === undefined) throw new UsageError(`${option} takes ${values.join(', ')}, not '${text}'`);
    return value;
  };
}

/** A reader of options that may be given several times, and take several words with commas between. */
export function choices<Value extends string>(
  option: string,
  values: readonly Value[],
): (text: string, before: Value[] | undefined) => Value[] {
  const one = choice(option, values);
  return (text, before = []) => [...before, ...text.split(',').map(one)];
}

/** An address of 64 bits, hexadecimal with 0x or decimal. */
export function address(text: string): bigint {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value >= 1n << 64n) {
    throw new UsageError(`--address takes an address such as 0x100000, below 2^64, not '${text}'`);
  }
  return value;
}

/** Collects an option that may be given several times. */
export function repeated(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** IDE has two channels with two disks each. */
const MOST_DISKS = 4;

/** Reads --disk: FILE[,snapshot][,readonly]. */
export function diskRequest(text: string, before: DiskRequest[] = []): DiskRequest[] {
  if (before.length === MOST_DISKS) throw new UsageError(`--disk can be given ${MOST_DISKS} times at most`);
  try {
    return [...before, parseDisk(text)];
  } catch (error) {
    throw error instanceof BlockError ? new UsageError(`--disk: ${error.message}`) : error;
  }
}
