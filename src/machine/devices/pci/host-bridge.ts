// The bridge between processor and PCI, at 00:00.0: Intel's 440FX (order number 290549). Its attribute registers for
// C0000h–FFFFFh (PAM, 59h–5Fh) and its SMRAM register keep what is written, as firmware expects, and do nothing: there is RAM
// at these addresses, readable and writable always, whatever the registers say. A firmware that copies itself there first
// and locks it afterwards works; one that means to read its ROM there again after it has written would read its writing.
// The registers of the memory controller (rows, timing) are not there.

import type { Board } from '../device.js';
import { PciDevice } from './pci-device.js';

const IDENTITY = { vendor: 0x8086, device: 0x1237, revision: 2, classCode: 0x06_00_00 };
const PAM = 0x59;
const PAM_REGISTERS = 7;
const SMRAM = 0x72;
/** C_BASE_SEG: the segment A0000h, the only one there is. */
const SMRAM_INITIAL = 0x02;
const SMRAM_WRITABLE = 0x78;

export class HostBridge extends PciDevice {
  readonly name = 'host-bridge';

  constructor(board: Board) {
    super(board, IDENTITY, []);
    // Bits 7:6 and 3:2 of an attribute register are reserved; the low half of the first is too (register PAM).
    this.space.define(PAM, 1, 0, 0x30);
    for (let index = 1; index < PAM_REGISTERS; index++) this.space.define(PAM + index, 1, 0, 0x33);
    this.space.define(SMRAM, 1, SMRAM_INITIAL, SMRAM_WRITABLE);
  }
}
