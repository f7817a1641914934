// The PCI function that places the power management registers: Intel's PIIX4 (82371AB, order number 290562-001, 7.1),
// function 3 of the bridge to ISA. Its SMBus is not there.

import type { RangeClaim } from '../../../bus/claim.js';
import type { IoDevice } from '../../../bus/device.js';
import type { Board } from '../device.js';
import { PciDevice } from '../pci/pci-device.js';
import { PM_PORTS, type AcpiPm, type AcpiPmState } from './acpi-pm.js';

const IDENTITY = { vendor: 0x8086, device: 0x7113, revision: 3, classCode: 0x06_80_00 };
/** Beside the bridge to ISA. */
export const PIIX4_PM_SLOT = 1;
export const PIIX4_PM_FUNCTION = 3;
/** Where firmware for this board puts the registers. */
export const USUAL_PM_BASE = 0x600;

/** PMBASE (7.1.9): bits 15:6, and bit 0 for "I/O". PMREGMISC (7.1.26): bit 0 decodes it. */
const PM_BASE = 0x40;
const PM_BASE_BITS = 0xffc0;
const PM_BASE_IO = 1;
const PM_MISC = 0x80;
const PM_MISC_ENABLE = 1;
/**
 * DEVACTB (7.1.15). APMC_EN, bit 25, is set from the start: firmware takes it for a sign that SMM was set up already, and does
 * not wait for SMIs that this machine does not have.
 */
const DEVICE_ACTIVITY_B = 0x58;
const APMC_ENABLE = 0x0200_0000;

export class Piix4Pm extends PciDevice {
  readonly name = 'piix4-pm';
  readonly pm: AcpiPm;
  readonly #vm: Board['vm'];
  /** The registers without their state, which is this function's own whether they are decoded or not. */
  readonly #registers: IoDevice;
  #claim: RangeClaim | undefined;
  #base = 0;

  constructor(board: Board, pm: AcpiPm) {
    super(board, IDENTITY, [], { interruptPin: 1 });
    this.#vm = board.vm;
    this.pm = pm;
    this.#registers = {
      name: pm.name,
      read: (offset, length) => pm.read(offset, length),
      write: (offset, length, value) => pm.write(offset, length, value),
    };
    this.space.define(PM_BASE, 4, PM_BASE_IO, PM_BASE_BITS);
    this.space.define(PM_MISC, 1, 0, PM_MISC_ENABLE);
    this.space.define(DEVICE_ACTIVITY_B, 4, APMC_ENABLE, 0xffff_ffff);
  }

  /** Places the registers as a firmware does, and leaves the machine in ACPI mode: no SMI handler is there to ask for it. */
  place(base = USUAL_PM_BASE): void {
    this.writeConfig(PM_BASE, 4, base);
    this.writeConfig(PM_MISC, 1, PM_MISC_ENABLE);
    this.pm.acpiMode = true;
  }

  /** Where the registers are decoded; 0 while they are not. */
  get base(): number {
    return this.#base;
  }

  protected override configWritten(): void {
    this.#remap();
  }

  #remap(): void {
    const enabled = (this.space.read(PM_MISC, 1) & PM_MISC_ENABLE) !== 0;
    const base = enabled ? this.space.get16(PM_BASE) & PM_BASE_BITS : 0;
    if (base === this.#base) return;
    if (this.#claim !== undefined) this.#vm.pio.remove(this.#claim);
    this.#base = base;
    this.#claim =
      base === 0 ? undefined : this.#vm.pio.claim({ addr: BigInt(base), len: PM_PORTS, device: this.#registers });
  }

  protected override saveOwn(): AcpiPmState {
    return this.pm.save();
  }

  protected override restoreOwn(state: AcpiPmState): void {
    this.#remap();
    this.pm.restore(state);
  }

  override reset(): void {
    super.reset();
    this.#remap();
    this.pm.reset();
  }
}
