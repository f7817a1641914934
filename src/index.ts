// The library's entrance: a Vm, its vCPUs and buses, eventfds, and their errors. Names and numbers follow KVM's.

export * from './eventfd/index.js';
export {
  ClaimRank,
  CoalescedRing,
  CoalescedZones,
  DECLINED,
  DoorbellBus,
  EventFdTrigger,
  IoBus,
  IoEventFdFlag,
  IoEventFds,
  IrqFdFlag,
  IrqFds,
  LineTrigger,
  RangeClaim,
  type ClaimOptions,
  type CoalescedWrite,
  type DeviceState,
  type InterruptLine,
  type IoDevice,
  type IoEventFdArgs,
  type IrqFdArgs,
  type IrqFdOptions,
  type Stateful,
  type Trigger,
  type WideValue,
  type ZoneArgs,
} from './bus/index.js';
export { Clock } from './vmm/clock.js';
export type { InterruptSource } from './vmm/context.js';
export type { CpuidEntry, CpuOptions, CpuVendor } from './vmm/cpuid.js';
export { DeviceError } from './vmm/device-error.js';
export type { ExitCounters } from './vmm/exit-stats.js';
export type { ExitListener, TracedAccess, TracedExit } from './vmm/exit-trace.js';
export {
  DebugExit,
  ExitReason,
  InternalError,
  InternalErrorExit,
  IoExit,
  MmioExit,
  PlainExit,
  type Exit,
} from './vmm/exit.js';
export { HYPERCALL_KICK } from './vmm/exits/hypercall.js';
export { GuestMemory } from './vmm/guest-memory.js';
export type { GuestPaging, PageWalk } from './vmm/guest-tables.js';
export type { LookUp, WalkEnd, WalkStep } from './vmm/look-up.js';
export type { EntryMeaning, EntryName, TableEntry, TableKind } from './vmm/table-entry.js';
export { DeliveryMode, type Deliver, type InterruptMessage } from './vmm/interrupt-message.js';
export { defaultRoutes, IrqChipId, IrqRouting, pcRoutes, RouteType, type IrqRoute } from './vmm/irq-routing.js';
export { IrqChip, type InterruptInputs, type IoApicInputs, type IrqChipOptions, type MsiArgs } from './vmm/irqchip.js';
export { decodeMsi, type Msi } from './vmm/msi.js';
export { MemoryFlag, type MemoryRegion } from './vmm/memory-slot.js';
export type { Msr, MsrHandler } from './vmm/msrs.js';
export type { ClockMode, DoorbellMode, PagingMode, VmOptions } from './vmm/options.js';
export type { DebugRegs, DescriptorTable, Regs, Segment, Sregs } from './vmm/regs.js';
export { Snapshot } from './vmm/snapshot.js';
export { VcpuThread, type ThreadRunOptions, type VcpuThreadOptions } from './vmm/thread/vcpu-thread.js';
export { Vcpu, type MpState, type RunOptions } from './vmm/vcpu.js';
export { Vm, type VmStats } from './vmm/vm.js';
export {
  BlobDisk,
  BlockError,
  describeCrash,
  DebugConsole,
  DebugExit as DebugExitPort,
  DEVICE_TYPES,
  DeviceOptionError,
  DoorbellPage,
  FileDisk,
  HostBridge,
  IdeController,
  ImageError,
  KICKS,
  loaderOf,
  LOADERS,
  MemoryDisk,
  openDisk,
  OverlayDisk,
  parseDevice,
  parseDisk,
  Pc,
  PciBus,
  PciDevice,
  PciTestdev,
  statusOf,
  TestDevice,
  TEXT_COLOURS,
  TEXT_COLUMNS,
  TEXT_ROWS,
  Uart16550,
  VgaText,
  WANTED_KICKS,
  type BlockBackend,
  type Board,
  type BootModule,
  type CodeLine,
  type Crash,
  type Device,
  type DeviceRequest,
  type DeviceType,
  type DiskOptions,
  type DiskRequest,
  type DisassembleOptions,
  type Disassembly,
  type IdeOptions,
  type Kick,
  type Loader,
  type PciBar,
  type PciIdentity,
  type PcOptions,
  type PcRunOptions,
  type RunResult,
  type StopReason,
  type TextCursor,
  type TextScreen,
  type WantedKick,
} from './machine/index.js';
export {
  loadInspector,
  InspectorError,
  type CodeBits,
  type CoverageRow,
  type Inspector,
  type PagingFormat,
} from './core/inspect.js';
