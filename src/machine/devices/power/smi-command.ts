// The SMI command port and its status byte, B2h and B3h (Intel 290562-001, PIIX4, 7.1.2: APMC and APMS). A write would raise an
// SMI for the firmware; this machine has no SMM, and does itself what the two commands that the FADT names ask for.

import type { IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { AcpiPm } from './acpi-pm.js';

export const SMI_COMMAND_PORT = 0xb2;
export const SMI_COMMAND_PORTS = 2;
/** The FADT's ACPI_ENABLE and ACPI_DISABLE. */
export const ACPI_ENABLE = 0xf1;
export const ACPI_DISABLE = 0xf0;

export type SmiCommandState = { command: number; status: number };

export class SmiCommand implements IoDevice, Stateful {
  readonly name = 'smi-command';
  #command = 0;
  #status = 0;

  constructor(private readonly pm: AcpiPm) {}

  read(offset: number, length: number): number {
    return ((this.#command | (this.#status << 8)) >>> (offset * 8)) & (length > 1 ? 0xffff : 0xff);
  }

  write(offset: number, length: number, value: number): void {
    // The status byte is only handed on; of a word it comes first, so that it is there when the command acts.
    if (offset + length > 1) this.#status = (value >>> ((1 - offset) * 8)) & 0xff;
    if (offset === 0) this.#run(value & 0xff);
  }

  #run(command: number): void {
    this.#command = command;
    if (command === ACPI_ENABLE) this.pm.acpiMode = true;
    else if (command === ACPI_DISABLE) this.pm.acpiMode = false;
  }

  save(): SmiCommandState {
    return { command: this.#command, status: this.#status };
  }

  restore({ command, status }: SmiCommandState): void {
    this.#command = command;
    this.#status = status;
  }

  reset(): void {
    this.#command = 0;
    this.#status = 0;
  }
}
