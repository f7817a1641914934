// The tables of the MultiProcessor Specification 1.4, for systems that do not read ACPI's: the floating pointer (4.1), and
// behind it the configuration table (4.2, 4.3) with processors, buses, I/O APIC and interrupts.

import { FIRST_PCI_GSI, InterruptRouter } from '../devices/pci/interrupt-router.js';
import { IOAPIC_ADDRESS } from '../devices/irq/ioapic.js';
import { SCI_GSI } from '../devices/power/acpi-pm.js';
import { ascii, joined, little } from './aml.js';
import { ioApicId, LOCAL_APIC, type PlatformOptions } from './platform.js';

const REVISION = 4;
const FLOATING = 16;
const HEADER = 44;
const Entry = { Processor: 0, Bus: 1, IoApic: 2, IoInterrupt: 3, LocalInterrupt: 4 } as const;
const Kind = { Int: 0, Nmi: 1, ExtInt: 3 } as const;
const PCI_BUS = 0;
const ISA_BUS = 1;
const ENABLED = 1;
const BOOT_PROCESSOR = 2;
/** Polarity and trigger mode as the bus has them, or active high and level-triggered. */
const AS_BUS = 0;
const LEVEL_HIGH = 0x000d;
const ALL_APICS = 0xff;
const APIC_VERSION = 0x14;
const IO_APIC_VERSION = 0x20;
/** Family 6, and FPU and APIC: the least that can be said of every model. */
const SIGNATURE = 0x600;
const FEATURES = 0x201;
const ISA_INPUTS = 16;
const CASCADE = 2;
const SLOTS = 32;
const PINS = 4;
const MOST_IDS = 0xff;

/** The structures for address `at`, a multiple of 16. The specification knows no APIC ids above 254. */
export function buildMpTables(options: PlatformOptions, at: number): Uint8Array {
  const ids = Array.from({ length: Math.min(options.cpus, MOST_IDS) }, (_, id) => id);
  const ioApic = ioApicId(options.cpus);
  const entries = [
    ...ids.map((id) => processor(id)),
    [Entry.Bus, PCI_BUS, ...ascii('PCI   ')],
    [Entry.Bus, ISA_BUS, ...ascii('ISA   ')],
    [Entry.IoApic, ioApic, IO_APIC_VERSION, ENABLED, ...little(IOAPIC_ADDRESS, 4)],
    ...isaInterrupts(ioApic),
    ...pciInterrupts(ioApic),
    [Entry.LocalInterrupt, Kind.ExtInt, ...little(AS_BUS, 2), ISA_BUS, 0, 0, 0],
    [Entry.LocalInterrupt, Kind.Nmi, ...little(AS_BUS, 2), ISA_BUS, 0, ALL_APICS, 1],
  ];
  const body = joined(...entries);
  const table = [
    ...ascii('PCMP'),
    ...little(HEADER + body.length, 2),
    REVISION,
    0,
    ...ascii('DOORBELL'),
    ...ascii('PC          '),
    ...little(0, 6),
    ...little(entries.length, 2),
    ...little(LOCAL_APIC, 4),
    ...little(0, 4),
  ].concat(body);
  const floating = [...ascii('_MP_'), ...little(at + FLOATING, 4), 1, REVISION, 0, ...little(0, 5)];
  seal(table, 7);
  seal(floating, 10);
  return Uint8Array.from(floating.concat(table));
}

function seal(bytes: number[], checksum: number): void {
  bytes[checksum] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

function processor(id: number): number[] {
  const flags = ENABLED | (id === 0 ? BOOT_PROCESSOR : 0);
  const [signature, features] = [little(SIGNATURE, 4), little(FEATURES, 4)];
  return [Entry.Processor, id, APIC_VERSION, flags, ...signature, ...features, ...little(0, 8)];
}

function ioInterrupt(flags: number, bus: number, source: number, ioApic: number, pin: number): number[] {
  return [Entry.IoInterrupt, Kind.Int, ...little(flags, 2), bus, source, ioApic, pin];
}

/** As in the MADT: the timer is at pin 2, where the second 8259 would be, and the SCI is level-triggered. */
function isaInterrupts(ioApic: number): number[][] {
  const inputs = Array.from({ length: ISA_INPUTS }, (_, irq) => irq).filter((irq) => irq !== CASCADE);
  return inputs.map((irq) => {
    const flags = irq === SCI_GSI ? LEVEL_HIGH : AS_BUS;
    return ioInterrupt(flags, ISA_BUS, irq, ioApic, irq === 0 ? CASCADE : irq);
  });
}

function pciInterrupts(ioApic: number): number[][] {
  const entries = [];
  for (let slot = 1; slot < SLOTS; slot++) {
    for (let pin = 0; pin < PINS; pin++) {
      const wire = InterruptRouter.wireOf(slot, pin + 1);
      entries.push(ioInterrupt(AS_BUS, PCI_BUS, (slot << 2) | pin, ioApic, FIRST_PCI_GSI + wire));
    }
  }
  return entries;
}
