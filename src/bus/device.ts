// What a device is to a bus, and what raises its interrupt. A device knows its own registers and these interfaces, no more.

import type { DeviceState } from './device-state.js';

/**
 * What read() and write() return to say "not mine": the next claim is asked. Outside every 32-bit value, signed or not.
 * A boolean beside the value would cost an object per access.
 */
export const DECLINED = -0x1_0000_0000;

/** The value of an access of 5 to 8 bytes. */
export interface WideValue {
  lo: number;
  hi: number;
}

/**
 * Registers behind an address range. `offset` counts bytes from the start of the claim, `length` is 1 to 4 bytes (3 only
 * from an access that crosses a page), values are little-endian numbers, signed or unsigned.
 */
export interface IoDevice {
  readonly name: string;
  /** The value at the offset (bits above `length` bytes are dropped), or DECLINED. */
  read(offset: number, length: number): number;
  /** `value` is unsigned and no wider than `length` bytes. Returning DECLINED offers the write to the next claim. */
  write(offset: number, length: number, value: number): void | typeof DECLINED;
  /**
   * Accesses of 5 to 8 bytes in one piece. A device without these gets them in two: 4 bytes, then the rest at offset + 4;
   * the first piece decides whether the device takes the access, and a second piece it declines reads as all ones.
   */
  readWide?(offset: number, length: number, value: WideValue): void | typeof DECLINED;
  writeWide?(offset: number, length: number, lo: number, hi: number): void | typeof DECLINED;
  /** State for snapshots: both or neither, see Stateful. A device without them has none. */
  save?(): DeviceState;
  restore?(state: DeviceState): void;
}

/** A device's interrupt as the device sees it: something to pull. */
export interface Trigger {
  trigger(): void;
}

/** Interrupt inputs by global number (GSI): the irqchip, or whatever stands for it. */
export interface InterruptLine {
  set(gsi: number, level: 0 | 1): void;
}
