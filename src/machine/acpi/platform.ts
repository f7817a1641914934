// The PC's fixed addresses and inputs, as its tables tell them.

import { ECAM_BASE, ECAM_SIZE } from '../devices/pci/ecam.js';

export const LOCAL_APIC = 0xfee0_0000;
export const IO_APIC = 0xfec0_0000;
export const IO_APIC_PINS = 24;
export const HPET = 0xfed0_0000;
export const HPET_SIZE = 0x400;

/** The power management block of the PIIX4 (82371AB, order number 290562), with its event, control and timer registers. */
export const PM_BASE = 0x600;
export const PM_SIZE = 0x40;
export const PM1_EVENT = PM_BASE;
export const PM1_CONTROL = PM_BASE + 4;
export const PM_TIMER = PM_BASE + 8;
/** Input of the interrupt that says something of these happened. */
export const SCI = 9;

export const RESET_PORT = 0xcf9;
/** Hard reset, of processor and system (PIIX3, register RC). */
export const RESET_VALUE = 0x06;

/** What the tables depend on. */
export interface PlatformOptions {
  /** vCPUs; their APIC ids are 0, 1, …. */
  readonly cpus: number;
  /** Bytes of RAM, from 0 without a gap that matters here. */
  readonly memory: number;
}

/** Whether PCI configuration space is in memory: not where RAM reaches so far up. */
export function hasEcam({ memory }: PlatformOptions): boolean {
  return memory <= ECAM_BASE;
}

/** The I/O APIC's id: behind those of the processors, in the 4 bits that it has. */
export function ioApicId({ cpus }: PlatformOptions): number {
  return cpus < 15 ? cpus : 15;
}

export { ECAM_BASE, ECAM_SIZE };
