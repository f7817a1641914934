// The public door of machine/: a PC around a Vm.

export { placeTables, TablesError, type PlacedTables, type TableArea } from './acpi/place-tables.js';
export { describeCrash, type Crash } from './crash.js';
export { DebugConsole } from './devices/debug-console.js';
export { DebugExit, statusOf } from './devices/debug-exit.js';
export type { Board, Device } from './devices/device.js';
export type { CodeLine, DisassembleOptions, Disassembly } from './disassembly.js';
export {
  BlobDisk,
  BlockError,
  FileDisk,
  MemoryDisk,
  openDisk,
  OverlayDisk,
  parseDisk,
  type BlockBackend,
  type DiskRequest,
} from './block/index.js';
export { DoorbellPage } from './devices/doorbell-page.js';
export { KICKS, WANTED_KICKS, type Kick, type WantedKick } from './devices/kick.js';
export { DeviceOptionError, parseDevice, type DeviceRequest, type DeviceType } from './devices/option.js';
export {
  IDE_FUNCTION,
  IDE_SLOT,
  IdeController,
  type DiskOptions,
  type IdeOptions,
} from './devices/ide/ide-controller.js';
export { FwCfg, FwCfgItem } from './devices/fw-cfg.js';
export { HostBridge } from './devices/pci/host-bridge.js';
export { IsaBridge } from './devices/pci/isa-bridge.js';
export { PciBus } from './devices/pci/pci-bus.js';
export { PciDevice, type PciBar, type PciFeatures, type PciIdentity } from './devices/pci/pci-device.js';
export { PciTestdev } from './devices/pci/pci-testdev.js';
export { DEVICE_TYPES } from './devices/registry.js';
export { TestDevice } from './devices/test-device.js';
export { Uart16550 } from './devices/uart-16550.js';
export {
  TEXT_COLOURS,
  TEXT_COLUMNS,
  TEXT_ROWS,
  VgaText,
  type TextCursor,
  type TextScreen,
} from './devices/vga-text.js';
export { describePc, type FirmwareOptions } from './firmware-config.js';
export { ImageError, LOADERS, loaderOf, type BootModule, type Loader } from './loaders/index.js';
export { Pc } from './pc.js';
export type { PcOptions, PcRunOptions } from './pc-options.js';
export type { RunResult, StopReason } from './run-result.js';
