// The PC's fixed addresses and inputs, as its tables tell them.

export const LOCAL_APIC = 0xfee0_0000;

/** The power management block of the PIIX4: where firmware for this board puts it. */
export { USUAL_PM_BASE as PM_BASE } from '../devices/power/piix4-pm.js';

/** What the tables depend on. */
export interface PlatformOptions {
  /** vCPUs; their APIC ids are 0, 1, …. */
  readonly cpus: number;
  /** Bytes of RAM, from 0 without a gap that matters here. */
  readonly memory: number;
}

/** The I/O APIC's id: behind those of the processors, in the 4 bits that it has. */
export function ioApicId(cpus: number): number {
  return Math.min(cpus, 15);
}
