// The debug console of emulators: every byte written to the port is printed. A read tells the guest that it is there.

import type { IoDevice } from '../../bus/device.js';

export const DEBUG_CONSOLE_PORT = 0xe9;
/** Where SeaBIOS and OVMF tell what they do, if a read says that somebody listens (QEMU: -debugcon, iobase=0x402). */
export const FIRMWARE_LOG_PORT = 0x402;
/** What a read gives; all ones would mean that nobody listens. */
const PRESENT = 0xe9;

export interface DebugConsoleOptions {
  /** Gets every byte. */
  output: (byte: number) => void;
}

/** One byte wide: what a wider OUT writes beyond the first byte goes to the neighbouring ports, not here. */
export class DebugConsole implements IoDevice {
  readonly name = 'debug-console';
  readonly #output: (byte: number) => void;

  constructor({ output }: DebugConsoleOptions) {
    this.#output = output;
  }

  read(): number {
    return PRESENT;
  }

  write(_offset: number, _length: number, value: number): void {
    this.#output(value);
  }

  reset(): void {}
}
