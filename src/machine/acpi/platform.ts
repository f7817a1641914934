// The PC's fixed addresses and inputs, as its tables tell them.

export const LOCAL_APIC = 0xfee0_0000;

/** The power management block of the PIIX4 (82371AB, order number 290562): where firmware for this board puts it. */
export const PM_BASE = 0x600;

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
