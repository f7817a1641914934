// What a firmware is told by fw_cfg about this PC: processors, memory, ACPI tables, the order to boot in, files of the user.

import { little } from './acpi/aml.js';
import { buildTables } from './acpi/build-tables.js';
import { firmwareFiles } from './acpi/loader-commands.js';
import type { PlatformOptions } from './acpi/platform.js';
import { FwCfgItem, type FwCfg } from './devices/fw-cfg.js';
import { ECAM_SIZE, ECAM_START, hasEcam, RangeType } from './memory-map.js';

/** "Override IRQ 0 to GSI 2" (QEMU: FW_CFG_IRQ0_OVERRIDE), one of the PC's own items. */
const IRQ0_OVERRIDE = 0x8002;
/** SeaBIOS runs the option ROMs that have this prefix before any other, for its screen (romfile_findprefix "vgaroms/"). */
const VGA_ROM = 'vgaroms/vgabios.bin';
const USER_PREFIX = 'opt/';

export interface FirmwareOptions extends PlatformOptions {
  /** Lines of `bootorder`: OpenFirmware device paths, as /pci@i0cf8/ide@1,1/drive@0/disk@0. */
  readonly bootOrder?: readonly string[];
  /** Files by name; names start with opt/, as QEMU asks of its users. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** The screen's option ROM. */
  readonly vgaRom?: Uint8Array;
  /** No display: the firmware should use the serial port. */
  readonly noGraphic?: boolean;
}

/** Fills in the items. Throws RangeError for a file name that cannot be. */
export function describePc(fwCfg: FwCfg, options: FirmwareOptions): void {
  const { cpus, memory, bootOrder = [], files = {}, vgaRom, noGraphic = false } = options;
  const number = (item: number, value: number, length: number): void =>
    fwCfg.setItem(item, Uint8Array.from(little(value, length)));
  number(FwCfgItem.RamSize, memory, 8);
  number(FwCfgItem.NoGraphic, noGraphic ? 1 : 0, 2);
  number(FwCfgItem.Cpus, cpus, 2);
  number(FwCfgItem.MaxCpus, cpus, 2);
  number(FwCfgItem.BootMenu, 0, 2);
  number(IRQ0_OVERRIDE, 1, 4);
  fwCfg.setFile('etc/e820', e820(options));
  for (const [name, bytes] of firmwareFiles(buildTables(options))) fwCfg.setFile(name, bytes);
  if (bootOrder.length > 0) fwCfg.setFile('bootorder', new TextEncoder().encode(`${bootOrder.join('\n')}\n\0`));
  if (vgaRom !== undefined) fwCfg.setFile(VGA_ROM, vgaRom);
  for (const [name, bytes] of Object.entries(files)) {
    if (!name.startsWith(USER_PREFIX))
      throw new RangeError(`fw_cfg: the file "${name}" has to be named ${USER_PREFIX}…`);
    fwCfg.setFile(name, bytes);
  }
}

/** RAM in one piece, as QEMU tells it (the firmware knows of the hole below 1 MiB), and ECAM. */
function e820(options: PlatformOptions): Uint8Array {
  const range = (start: number, length: number, type: number): number[] => {
    return [...little(start, 8), ...little(length, 8), ...little(type, 4)];
  };
  const ecam = hasEcam(options.memory) ? range(ECAM_START, ECAM_SIZE, RangeType.Reserved) : [];
  return Uint8Array.from([...range(0, options.memory, RangeType.Usable), ...ecam]);
}
