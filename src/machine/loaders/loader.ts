// What every image format's loader has: its name, how it knows its images, and how it puts one into a machine.

import type { GuestMemory } from '../../vmm/guest-memory.js';
import type { Vcpu } from '../../vmm/vcpu.js';

/** A file that the boot protocol hands to the kernel. */
export interface BootModule {
  readonly bytes: Uint8Array;
  /** Its command line; some kernels expect the file's name as the first word. */
  readonly cmdline?: string;
}

/** The machine as a loader sees it: just switched on, all RAM zero but for ACPI tables. */
export interface BootTarget {
  readonly memory: GuestMemory;
  readonly vcpu: Vcpu;
  /** Bytes of RAM from address 0. */
  readonly ram: number;
  readonly cmdline: string;
  readonly modules: readonly BootModule[];
  /** Address of the ACPI root pointer, when tables are in memory already. */
  readonly acpiRsdp?: number | undefined;
  /** Maps read-only memory with these bytes at an address outside of RAM; a machine without it takes no ROMs. */
  readonly mapRom?: (address: number, bytes: Uint8Array) => void;
}

/** What there is to say about an image that was loaded all the same. */
export interface LoadReport {
  readonly notes: readonly string[];
}

export interface Loader {
  readonly name: string;
  recognises(image: Uint8Array): boolean;
  /** Puts the image in memory and the vCPU at its entry. Throws ImageError. */
  load(image: Uint8Array, target: BootTarget): LoadReport;
}
