// Two ways to reset a PC: the chipset's reset control register, CF9h (Intel 290550, PIIX3, 2.5.5), and port 92h of the PS/2,
// whose other bit is the fast gate A20.

import type { IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { A20Gate } from './a20-gate.js';

/** The FADT's reset register, and what is written to it. */
export const RESET_PORT = 0xcf9;
export const RESET_VALUE = 6;
export const SYSTEM_CONTROL_PORT = 0x92;

/** Chooses a hard reset; a soft one resets the processor only, which comes to the same here. */
const HARD = 0x02;
const RESET = 0x04;
const FAST_RESET = 0x01;
const FAST_A20 = 0x02;

export type PortState = { value: number };

/** Resets when bit 2 goes from 0 to 1. */
export class ResetControl implements IoDevice, Stateful {
  readonly name = 'reset-control';
  #value = 0;

  constructor(private readonly resetMachine: () => void) {}

  read(): number {
    return this.#value;
  }

  write(_offset: number, _length: number, value: number): void {
    const rises = (value & ~this.#value & RESET) !== 0;
    this.#value = value & (HARD | RESET);
    if (rises) this.resetMachine();
  }

  save(): PortState {
    return { value: this.#value };
  }

  restore({ value }: PortState): void {
    this.#value = value;
  }

  reset(): void {
    this.#value = 0;
  }
}

/** Port 92h: resets when bit 0 goes from 0 to 1. */
export class SystemControl implements IoDevice, Stateful {
  readonly name = 'system-control';
  #value = 0;

  constructor(
    private readonly gate: A20Gate,
    private readonly resetMachine: () => void,
  ) {}

  read(): number {
    return this.#value;
  }

  write(_offset: number, _length: number, value: number): void {
    const rises = (value & ~this.#value & FAST_RESET) !== 0;
    this.#value = value & 0xff;
    this.gate.fast = (value & FAST_A20) !== 0;
    if (rises) this.resetMachine();
  }

  save(): PortState {
    return { value: this.#value };
  }

  restore({ value }: PortState): void {
    this.#value = value;
    this.gate.fast = (value & FAST_A20) !== 0;
  }

  reset(): void {
    this.#value = 0;
    this.gate.fast = false;
  }
}
