// The tables that are lists of numbers (ACPI Specification 6.3, chapter 5; MCFG: PCI Firmware Specification 3.2, 4.1.2;
// HPET: IA-PC HPET Specification 1.0a, 3.2.4).

import { HPET_ADDRESS, HPET_BLOCK_ID } from '../devices/clock/hpet.js';
import { IOAPIC_ADDRESS } from '../devices/irq/ioapic.js';
import {
  GPE0_BLOCK,
  GPE0_BLOCK_LENGTH,
  PM1_CONTROL_BLOCK,
  PM1_EVENT_BLOCK,
  PM_TIMER_BLOCK,
  SCI_GSI,
} from '../devices/power/acpi-pm.js';
import { RESET_PORT, RESET_VALUE } from '../devices/power/reset-ports.js';
import { ACPI_DISABLE, ACPI_ENABLE, SMI_COMMAND_PORT } from '../devices/power/smi-command.js';
import { ECAM_SIZE, ECAM_START } from '../memory-map.js';
import { ascii, little } from './aml.js';
import { ioApicId, LOCAL_APIC, PM_BASE, type PlatformOptions } from './platform.js';

const HEADER = 36;
const OEM_ID = 'DOORBL';
const OEM_TABLE_ID = 'DOORBELL';
const CREATOR = 'DRBL';

/** A table with its header (5.2.6), its checksum still 0. */
export function table(signature: string, revision: number, body: readonly number[]): number[] {
  const header = [
    ...ascii(signature),
    ...little(HEADER + body.length, 4),
    revision,
    0,
    ...ascii(OEM_ID),
    ...ascii(OEM_TABLE_ID),
    ...little(1, 4),
    ...ascii(CREATOR),
    ...little(1, 4),
  ];
  return header.concat(body);
}

const MEMORY_SPACE = 0;
const IO_SPACE = 1;
const AccessSize = { Byte: 1, Word: 2, Dword: 3 } as const;

/** A Generic Address Structure (5.2.3.2). */
function address(space: number, bits: number, access: number, at: number): number[] {
  return [space, bits, 0, access, ...little(at, 8)];
}
const NOWHERE = little(0, 12);

/** Offsets in the FADT of its pointers (5.2.9). */
export const FADT_FACS = 36;
export const FADT_DSDT = 40;
export const FADT_X_DSDT = 140;

const PM1_EVENT = PM_BASE + PM1_EVENT_BLOCK;
const PM1_CONTROL = PM_BASE + PM1_CONTROL_BLOCK;
const PM_TIMER = PM_BASE + PM_TIMER_BLOCK;
const GPE0 = PM_BASE + GPE0_BLOCK;

const FADT_REVISION = 5;
const DESKTOP = 1;
/** IAPC_BOOT_ARCH: there are ISA devices, and an 8042. */
const BOOT_ARCH = 0x3;
/** No latency for C2 and C3 within what is allowed: there are none. */
const NO_C2 = 101;
const NO_C3 = 1001;
/** Flags: WBINVD works, C1 on all processors, no sleep button, RTC cannot wake from S4 (not fixed), a reset register. */
const FADT_FLAGS = (1 << 0) | (1 << 2) | (1 << 5) | (1 << 6) | (1 << 10);
const CENTURY = 0x32;

export function fadt(): number[] {
  const body = [
    ...little(0, 4), // FACS
    ...little(0, 4), // DSDT
    0,
    DESKTOP,
    ...little(SCI_GSI, 2),
    ...little(SMI_COMMAND_PORT, 4),
    ...[ACPI_ENABLE, ACPI_DISABLE, 0, 0],
    ...little(PM1_EVENT, 4),
    ...little(0, 4),
    ...little(PM1_CONTROL, 4),
    ...little(0, 4),
    ...little(0, 4), // PM2
    ...little(PM_TIMER, 4),
    ...little(GPE0, 4),
    ...little(0, 4), // GPE1
    ...[4, 2, 0, 4, GPE0_BLOCK_LENGTH, 0, 0, 0],
    ...little(NO_C2, 2),
    ...little(NO_C3, 2),
    ...little(0, 4), // flush size and stride
    ...[0, 0, 0, 0], // duty cycle, day and month alarm
    CENTURY,
    ...little(BOOT_ARCH, 2),
    0,
    ...little(FADT_FLAGS, 4),
    ...address(IO_SPACE, 8, AccessSize.Byte, RESET_PORT),
    RESET_VALUE,
    ...little(0, 2), // ARM
    1, // minor version
    ...little(0, 8), // FACS above 4 GiB
    ...little(0, 8), // DSDT, as above
    ...address(IO_SPACE, 32, AccessSize.Word, PM1_EVENT),
    ...NOWHERE,
    ...address(IO_SPACE, 16, AccessSize.Word, PM1_CONTROL),
    ...NOWHERE,
    ...NOWHERE,
    ...address(IO_SPACE, 32, AccessSize.Dword, PM_TIMER),
    ...address(IO_SPACE, GPE0_BLOCK_LENGTH * 8, AccessSize.Byte, GPE0),
    ...NOWHERE,
    ...[...NOWHERE, ...NOWHERE], // sleep control and status of hardware-reduced ACPI
  ];
  return table('FACP', FADT_REVISION, body);
}

/** The firmware control structure (5.2.10): no header of the usual kind, no checksum; 64 bytes at a multiple of 64. */
export function facs(): number[] {
  const VERSION = 2;
  const [before, after] = [little(0, 24), little(0, 31)];
  return [...ascii('FACS'), ...little(64, 4), ...before, VERSION, ...after];
}

const Madt = { LocalApic: 0, IoApic: 1, Override: 2, LocalNmi: 4, LocalX2Apic: 9 } as const;
const PCAT_COMPATIBLE = 1;
const ENABLED = 1;
const LEVEL_HIGH = 0x000d;
const ISA = 0;
const ALL_PROCESSORS = 0xff;
const FIRST_X2APIC_ONLY = 255;

export function madt(options: PlatformOptions): number[] {
  const processors = Array.from({ length: options.cpus }, (_, id) =>
    id < FIRST_X2APIC_ONLY
      ? [Madt.LocalApic, 8, id, id, ...little(ENABLED, 4)]
      : [Madt.LocalX2Apic, 16, 0, 0, ...little(id, 4), ...little(ENABLED, 4), ...little(id, 4)],
  );
  const override = (irq: number, gsi: number, flags: number): number[] => {
    return [Madt.Override, 10, ISA, irq, ...little(gsi, 4), ...little(flags, 2)];
  };
  return table('APIC', 3, [
    ...little(LOCAL_APIC, 4),
    ...little(PCAT_COMPATIBLE, 4),
    ...processors.flat(),
    ...[Madt.IoApic, 12, ioApicId(options.cpus), 0, ...little(IOAPIC_ADDRESS, 4), ...little(0, 4)],
    ...override(0, 2, 0),
    ...override(SCI_GSI, SCI_GSI, LEVEL_HIGH),
    ...[Madt.LocalNmi, 6, ALL_PROCESSORS, ...little(0, 2), 1],
  ]);
}

export function mcfg(): number[] {
  const buses = ECAM_SIZE / 0x10_0000;
  return table('MCFG', 1, [
    ...little(0, 8),
    ...little(ECAM_START, 8),
    ...little(0, 2),
    ...[0, buses - 1],
    ...little(0, 4),
  ]);
}

export function hpet(): number[] {
  return table('HPET', 1, [
    ...little(HPET_BLOCK_ID, 4),
    ...address(MEMORY_SPACE, 0, 0, HPET_ADDRESS),
    0,
    ...little(0, 2),
    0,
  ]);
}
