// The public door of bus/: the I/O buses, ioeventfd, the doorbell bus, irqfd, and what a device has to be.

export { AddressTable } from './address-table.js';
export { hex, high32, isU64, join64, low32 } from './address.js';
export { BusClaim, ClaimRank, RangeClaim } from './claim.js';
export { COALESCED_ENTRIES, CoalescedRing, CoalescedZones } from './coalesced.js';
export type { CoalescedWrite, ZoneArgs } from './coalesced.js';
export { DECLINED } from './device.js';
export { isStateful } from './device-state.js';
export type { DeviceState, Stateful } from './device-state.js';
export type { InterruptLine, IoDevice, Trigger, WideValue } from './device.js';
export { DoorbellBus } from './doorbell-bus.js';
export type { Doorbell } from './doorbell-bus.js';
export { BUS_DEVICES_MAX, IoBus } from './io-bus.js';
export type { ClaimOptions } from './io-bus.js';
export { IoEventFdFlag, IoEventFds } from './ioeventfd.js';
export type { IoEventFdArgs, IoEventFdBuses, IoEventFdCount } from './ioeventfd.js';
export { IrqFdFlag, IrqFds } from './irqfd.js';
export type { IrqFdArgs, IrqFdOptions } from './irqfd.js';
export type { Timer, TimeSource } from './time.js';
export { EventFdTrigger, LineTrigger } from './trigger.js';
