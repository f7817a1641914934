// The block of conventional memory in which boot protocols put what they tell a kernel, between 0x80000 and 0x9F000:
// existing kernels are linked below or from 1 MiB on. It begins with the GDT.

import { ImageError } from './image-error.js';
import { FLAT_GDT } from './entry-state.js';
import type { Segment } from './segments.js';

export const INFO_START = 0x8_0000;
export const INFO_END = 0x9_f000;

/** What no kernel may be loaded over. `protocol` is its name in messages. */
export function reservedForInfo(protocol: string): Segment {
  return { what: `the ${protocol} information`, start: INFO_START, end: INFO_END, bytes: new Uint8Array() };
}

/** Grows upwards from the GDT. Throws ImageError when it is full. */
export class InfoBlock {
  readonly #bytes = new Uint8Array(INFO_END - INFO_START);
  readonly #view = new DataView(this.#bytes.buffer);
  #next = INFO_START + FLAT_GDT.entries.length * 8;

  constructor(private readonly protocol: string) {
    for (const [index, entry] of FLAT_GDT.entries.entries()) this.u64(INFO_START + index * 8, entry);
  }

  /** The address of `size` new bytes, which are zero, on a boundary of `align` bytes. */
  take(size: number, what: string, align = 4): number {
    const address = Math.ceil(this.#next / align) * align;
    if (address + size > INFO_END) {
      throw new ImageError(
        `${what} does not fit in the ${INFO_END - INFO_START} bytes of ${this.protocol} information: ${size} bytes`,
      );
    }
    this.#next = address + size;
    return address;
  }

  u8(address: number, value: number): void {
    this.#view.setUint8(address - INFO_START, value);
  }

  u32(address: number, value: number): void {
    this.#view.setUint32(address - INFO_START, value, true);
  }

  u64(address: number, value: bigint | number): void {
    this.#view.setBigUint64(address - INFO_START, BigInt(value), true);
  }

  put(address: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, address - INFO_START);
  }

  /** A string with a NUL behind it; its address. */
  string(text: string, what: string): number {
    const bytes = zeroTerminated(text, what);
    const address = this.take(bytes.length, what);
    this.put(address, bytes);
    return address;
  }

  /** All of it, to be loaded. */
  get segment(): Segment {
    const bytes = this.#bytes.subarray(0, this.#next - INFO_START);
    return { ...reservedForInfo(this.protocol), bytes };
  }
}

/** In UTF-8. Throws ImageError for a text that would end early. */
export function zeroTerminated(text: string, what: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  if (encoded.includes(0)) throw new ImageError(`${what} has a NUL character in it`);
  const bytes = new Uint8Array(encoded.length + 1);
  bytes.set(encoded);
  return bytes;
}
