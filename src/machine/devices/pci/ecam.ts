// The enhanced configuration access mechanism (PCI Express Base Specification 3.0, 7.2.2): configuration space as memory, a
// page of 4 KiB for each function. Only bus 0 has functions here, and they are conventional ones: of each page the first 256
// bytes are registers, and the rest reads as all ones, as behind a bridge to conventional PCI.

import type { IoDevice } from '../../../bus/device.js';
import type { PciDevice } from './pci-device.js';

/** A megabyte for each of 256 buses, from ECAM_START. */
const BUS_SIZE = 0x10_0000;
const REGISTERS = 256;

export class Ecam implements IoDevice {
  readonly name = 'pci-ecam';

  /** `functions` by device and function number, 8 a slot. */
  constructor(private readonly functions: readonly (PciDevice | undefined)[]) {}

  #target(offset: number): PciDevice | undefined {
    return offset < BUS_SIZE ? this.functions[offset >>> 12] : undefined;
  }

  /** An access that crosses a dword, which PCI Express does not have, is taken apart. */
  read(offset: number, length: number): number {
    const device = this.#target(offset);
    const register = offset & 0xfff;
    if (device === undefined || register + length > REGISTERS) return -1;
    if ((register & 3) + length <= 4) return device.readConfig(register, length);
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= device.readConfig(register + byte, 1) << (byte * 8);
    return value;
  }

  write(offset: number, length: number, value: number): void {
    const device = this.#target(offset);
    const register = offset & 0xfff;
    if (device === undefined || register + length > REGISTERS) return;
    if ((register & 3) + length <= 4) device.writeConfig(register, length, value);
    else
      for (let byte = 0; byte < length; byte++) device.writeConfig(register + byte, 1, (value >>> (byte * 8)) & 0xff);
  }
}
