// The bridge between processor and PCI, at 00:00.0: Intel's 440FX (order number 290549). Of its registers nothing but the
// identification matters here; memory is what the Vm's slots say.

import type { Board } from '../device.js';
import { PciDevice } from './pci-device.js';

const IDENTITY = { vendor: 0x8086, device: 0x1237, revision: 2, classCode: 0x06_00_00 };

export class HostBridge extends PciDevice {
  readonly name = 'host-bridge';

  constructor(board: Board) {
    super(board, IDENTITY, []);
  }
}
