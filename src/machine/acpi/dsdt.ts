// The differentiated description table: what devices the PC has that do not tell of themselves (ACPI Specification 6.3,
// chapters 5 to 7). Device ids are those of the PNP specification (devids.txt).

import { HPET_ADDRESS, HPET_SIZE } from '../devices/clock/hpet.js';
import { FW_CFG_PORT, FW_CFG_PORTS } from '../devices/fw-cfg.js';
import { IOAPIC_ADDRESS, IOAPIC_SIZE } from '../devices/irq/ioapic.js';
import { PM_PORTS, SLEEP_TYPE_S5 } from '../devices/power/acpi-pm.js';
import { SYSTEM_CONTROL_PORT } from '../devices/power/reset-ports.js';
import { ECAM_SIZE, ECAM_START, hasEcam } from '../memory-map.js';
import { HIGH_WINDOW, memoryWindow } from '../devices/pci/place-bars.js';
import { FIRST_PCI_GSI, InterruptRouter, NOT_ROUTED, PIRQS } from '../devices/pci/interrupt-router.js';
import {
  and,
  ARG0,
  byteField,
  createDwordField,
  device,
  eisaId,
  if_,
  integer,
  joined,
  method,
  name,
  named,
  operationRegion,
  or,
  package_,
  return_,
  scope,
  serializedMethod,
  Space,
  store,
  string,
  type Aml,
} from './aml.js';
import {
  dwordMemory,
  interrupts,
  io,
  irqNoFlags,
  memory32Fixed,
  qwordMemory,
  resourceTemplate,
  wordBusNumbers,
  wordIo,
} from './resources.js';
import { LOCAL_APIC, PM_BASE, type PlatformOptions } from './platform.js';

const SLOTS = 32;
const PINS = 4;
/** The inputs that a PCI interrupt wire can be led to, for choosing another. */
const LINK_INPUTS = [5, 10, 11];
const LINK_NAMES = ['LNKA', 'LNKB', 'LNKC', 'LNKD'];
const ROUTE_FIELDS = ['PRQA', 'PRQB', 'PRQC', 'PRQD'];
/** Present, enabled, shown, functioning (6.3.7); the link is disabled when its register's bit 7 is set. */
const PRESENT = 0x0f;
const DISABLED = 0x09;
const HIDDEN = 0x0b;
const VGA_MEMORY = { start: 0xa_0000, end: 0xc_0000 };

export function dsdtBody(options: PlatformOptions): Aml {
  return joined(
    interruptModel(),
    scope('\\_SB', pciRoot(options), links(), motherboard(options), hpet(), ...processors(options)),
    named('\\_S5', package_(integer(SLEEP_TYPE_S5), integer(0), integer(0), integer(0))),
  );
}

/** The operating system tells by _PIC whether it uses the I/O APIC (5.8.1). */
function interruptModel(): Aml {
  return [...named('\\PICM', integer(0)), ...method('\\_PIC', 1, store(ARG0, name('\\PICM')))];
}

function pciRoot({ memory }: PlatformOptions): Aml {
  const low = memoryWindow(memory);
  const resources = resourceTemplate(
    wordBusNumbers(0, 256),
    io(0xcf8, 8),
    wordIo(0, 0xcf8),
    wordIo(0xd00, 0x1_0000),
    dwordMemory(VGA_MEMORY.start, VGA_MEMORY.end, true),
    dwordMemory(low.start, low.end),
    qwordMemory(HIGH_WINDOW.start, HIGH_WINDOW.end, true),
  );
  return device(
    'PCI0',
    named('_HID', eisaId('PNP0A03')),
    named('_UID', integer(0)),
    named('_CRS', resources),
    named(
      'PRTP',
      routes((wire) => [name(`\\_SB.${LINK_NAMES[wire]!}`), integer(0)]),
    ),
    named(
      'PRTA',
      routes((wire) => [integer(0), integer(FIRST_PCI_GSI + wire)]),
    ),
    method('_PRT', 0, if_(name('\\PICM'), return_(name('PRTA'))), return_(name('PRTP'))),
    isaBridge(),
  );
}

/** The routing table (6.2.13): an entry for each pin of each slot but the host bridge's. */
function routes(sourceOf: (wire: number) => readonly Aml[]): Aml {
  const sources = Array.from({ length: PINS }, (_, wire) => sourceOf(wire));
  const pins = Array.from({ length: PINS }, (_, pin) => integer(pin));
  const entries = [];
  for (let slot = 1; slot < SLOTS; slot++) {
    const address = integer(slot * 0x1_0000 + 0xffff);
    for (let pin = 0; pin < PINS; pin++) {
      entries.push(package_(address, pins[pin]!, ...sources[InterruptRouter.wireOf(slot, pin + 1)]!));
    }
  }
  return package_(...entries);
}

/** The ISA bridge with its router's registers, and what is behind it. */
function isaBridge(): Aml {
  return device(
    'ISA_',
    named('_ADR', integer(0x1_0000)),
    operationRegion('ROUT', Space.PciConfig, 0x60, PIRQS),
    byteField('ROUT', ...ROUTE_FIELDS),
    isaDevice('COM1', 'PNP0501', [io(0x3f8, 8), irqNoFlags(4)]),
    isaDevice('RTC_', 'PNP0B00', [io(0x70, 2), irqNoFlags(8)]),
    isaDevice('KBD_', 'PNP0303', [io(0x60, 1), io(0x64, 1), irqNoFlags(1)]),
    isaDevice('MOU_', 'PNP0F13', [irqNoFlags(12)]),
    isaDevice('TIMR', 'PNP0100', [io(0x40, 4), irqNoFlags(0)]),
    isaDevice('PIC_', 'PNP0000', [io(0x20, 2), io(0xa0, 2), io(0x4d0, 2), irqNoFlags(2)]),
    isaDevice('SPKR', 'PNP0800', [io(0x61, 1)]),
    isaDevice('FPU_', 'PNP0C04', [io(0xf0, 1), irqNoFlags(13)]),
  );
}

function isaDevice(path: string, id: string, resources: readonly Aml[]): Aml {
  const uid = path === 'COM1' ? named('_UID', integer(1)) : [];
  return device(path, named('_HID', eisaId(id)), uid, named('_CRS', resourceTemplate(...resources)));
}

/** The interrupt links of the 8259 mode (6.2.13.1): each reads and writes its register of the router. */
function links(): Aml {
  const devices = LINK_NAMES.map((link, wire) => {
    const field = name(`\\_SB.PCI0.ISA_.${ROUTE_FIELDS[wire]!}`);
    // The interrupt number of the descriptor in the buffer is its bytes 5 to 8.
    const number = 5;
    return device(
      link,
      named('_HID', eisaId('PNP0C0F')),
      named('_UID', integer(wire)),
      named('_PRS', resourceTemplate(interrupts(...LINK_INPUTS))),
      method('_STA', 0, if_(and(field, integer(NOT_ROUTED)), return_(integer(DISABLED))), return_(integer(HIDDEN))),
      method('_DIS', 0, or(field, integer(NOT_ROUTED), field)),
      named('BUF_', resourceTemplate(interrupts(0))),
      // Inside of methods, though it would do outside: SeaBIOS's parser knows no field of a buffer.
      serializedMethod(
        '_CRS',
        0,
        createDwordField(name('BUF_'), number, 'IRQN'),
        store(and(field, integer(0x0f)), name('IRQN')),
        return_(name('BUF_')),
      ),
      serializedMethod('_SRS', 1, createDwordField(ARG0, number, 'IRQS'), store(name('IRQS'), field)),
    );
  });
  return joined(...devices);
}

/** Addresses that are taken by what no other device tells of (PNP0C02). */
function motherboard(options: PlatformOptions): Aml {
  const ecam = hasEcam(options.memory) ? [memory32Fixed(ECAM_START, ECAM_SIZE)] : [];
  const resources = resourceTemplate(
    io(PM_BASE, PM_PORTS),
    io(0x80, 1),
    io(SYSTEM_CONTROL_PORT, 1),
    io(FW_CFG_PORT, FW_CFG_PORTS),
    memory32Fixed(IOAPIC_ADDRESS, IOAPIC_SIZE),
    memory32Fixed(LOCAL_APIC, 0x1000),
    ...ecam,
  );
  return device('MB__', named('_HID', eisaId('PNP0C02')), named('_UID', integer(0)), named('_CRS', resources));
}

function hpet(): Aml {
  const resources = resourceTemplate(memory32Fixed(HPET_ADDRESS, HPET_SIZE, false));
  return device('HPET', named('_HID', eisaId('PNP0103')), named('_UID', integer(0)), named('_CRS', resources));
}

/** Processor devices; _UID is what the local APIC's entry in the MADT calls the processor (8.4). */
function processors({ cpus }: PlatformOptions): Aml[] {
  return Array.from({ length: cpus }, (_, index) => {
    const path = `C${index.toString(16).toUpperCase().padStart(3, '0')}`;
    return device(
      path,
      named('_HID', string('ACPI0007')),
      named('_UID', integer(index)),
      named('_STA', integer(PRESENT)),
    );
  });
}
