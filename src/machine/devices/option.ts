// Devices as people write them: NAME,KEY=VALUE,… and the one clear error for each thing that can be wrong with that.

import type { Board, Device } from './device.js';

/** A device description makes no sense; the message says which part and what would. */
export class DeviceOptionError extends Error {
  override readonly name = 'DeviceOptionError';
}

/** A numeric option: its default, its bounds, and of what it must be a multiple. */
export interface NumberOption {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly multiple: number;
}

export function numberOption(value: number, min: number, max: number, multiple = 1): NumberOption {
  return { value, min, max, multiple };
}

/** A kind of device that can be asked for by name. */
export interface DeviceType {
  readonly name: string;
  readonly options: Readonly<Record<string, NumberOption>>;
  /** Puts one on the board. `values` has every option. */
  create(board: Board, values: Readonly<Record<string, number>>): Device;
}

export interface DeviceRequest {
  readonly type: DeviceType;
  readonly values: Readonly<Record<string, number>>;
}

/** Reads `NAME[,KEY=VALUE…]`; numbers are decimal or 0x hexadecimal. Throws DeviceOptionError. */
export function parseDevice(text: string, types: readonly DeviceType[]): DeviceRequest {
  const [name = '', ...pairs] = text.split(',');
  const type = types.find((one) => one.name === name);
  if (type === undefined) {
    throw new DeviceOptionError(`no device is called "${name}"; there are ${types.map((one) => one.name).join(', ')}`);
  }
  const values: Record<string, number> = {};
  for (const [key, { value }] of Object.entries(type.options)) values[key] = value;
  const seen = new Set<string>();
  for (const pair of pairs) {
    const [key = '', ...rest] = pair.split('=');
    const option = Object.hasOwn(type.options, key) ? type.options[key] : undefined;
    if (option === undefined) {
      const keys = Object.keys(type.options);
      throw new DeviceOptionError(
        `device ${name}: no option is called "${key}"; ${keys.length === 0 ? 'it has none' : `there are ${keys.join(', ')}`}`,
      );
    }
    if (seen.has(key)) throw new DeviceOptionError(`device ${name}: option ${key} is given twice`);
    seen.add(key);
    if (rest.length === 0) throw new DeviceOptionError(`device ${name}: option ${key} needs a value: ${key}=NUMBER`);
    values[key] = parseNumber(`device ${name}: option ${key}`, rest.join('='), option);
  }
  return { type, values };
}

function parseNumber(what: string, text: string, { min, max, multiple }: NumberOption): number {
  const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new DeviceOptionError(`${what}: "${text}" is not a number (decimal, or 0x…)`);
  if (value < min || value > max) {
    throw new DeviceOptionError(`${what}: ${text} is not in 0x${min.toString(16)}…0x${max.toString(16)}`);
  }
  if (value % multiple !== 0) throw new DeviceOptionError(`${what}: ${text} is not a multiple of ${multiple}`);
  return value;
}
