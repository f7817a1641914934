// The AML writer against what Intel's compiler iasl makes of the same ASL (samples.json; make-samples.mjs renews it).

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import * as aml from '../../../src/machine/acpi/aml.js';
import * as resource from '../../../src/machine/acpi/resources.js';

interface Sample {
  asl: string[];
  aml: string;
}
const samples = JSON.parse(await readFile(new URL('samples.json', import.meta.url), 'utf8')) as Record<string, Sample>;

const { integer, name, named } = aml;
const INTEGERS = [0, 1, 2, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_fffe, 0x1_0000_0000, 0x1234_5678_9abc];
const route = name('\\_SB.PCI0.ISA.PRQA');

const ours: Record<string, aml.Aml> = {
  integers: INTEGERS.flatMap((value, index) => named(`I${index}`, integer(value))),
  'strings and ids': [
    ...named('S', aml.string('ACPI0007')),
    ...named('E', aml.eisaId('PNP0A03')),
    ...named('F', aml.eisaId('PNP0F13')),
    ...named('G', aml.eisaId('ABC9DEF')),
  ],
  packages: [
    ...named('P', aml.package_(integer(0), aml.string('x'), integer(0x1_ffff))),
    ...named('\\_S5', aml.package_(integer(0), integer(0), integer(0), integer(0))),
  ],
  buffer: named('B', aml.buffer([1, 2, 3])),
  'long buffer': named('B', aml.buffer(Array.from({ length: 300 }, (_, index) => index & 0xff))),
  devices: aml.scope(
    '\\_SB',
    aml.device('AB', named('_HID', aml.eisaId('PNP0C02'))),
    aml.device('CDEF', named('_ADR', integer(0x1_0000))),
  ),
  link: aml.scope(
    '\\_SB',
    aml.device(
      'PCI0',
      named('_HID', aml.eisaId('PNP0A03')),
      aml.device(
        'ISA',
        named('_ADR', integer(0x1_0000)),
        aml.operationRegion('ROUT', aml.Space.PciConfig, 0x60, 4),
        aml.byteField('ROUT', 'PRQA', 'PRQB'),
      ),
    ),
    aml.device(
      'LNKA',
      named('_HID', aml.eisaId('PNP0C0F')),
      aml.method(
        '_STA',
        0,
        aml.if_(aml.and(route, integer(0x80)), aml.return_(integer(9))),
        aml.return_(integer(0x0b)),
      ),
      aml.method('_DIS', 0, aml.or(route, integer(0x80), route)),
      named('BUF', resource.resourceTemplate(resource.interrupts(5, 10, 11))),
      aml.createDwordField(name('BUF'), 5, 'IRQN'),
      aml.serializedMethod('_SRS', 1, aml.createDwordField(aml.ARG0, 5, 'IRQS'), aml.store(name('IRQS'), route)),
    ),
  ),
  'ISA resources': named(
    '_CRS',
    resource.resourceTemplate(
      resource.io(0x3f8, 8),
      resource.irqNoFlags(4),
      resource.io(0x510, 12),
      resource.irqNoFlags(12),
      resource.memory32Fixed(0xfed0_0000, 0x400, false),
      resource.memory32Fixed(0xb000_0000, 0x1000_0000),
    ),
  ),
  windows: named(
    '_CRS',
    resource.resourceTemplate(
      resource.wordBusNumbers(0, 256),
      resource.wordIo(0xd00, 0x1_0000),
      resource.dwordMemory(0xa_0000, 0xc_0000, true),
      resource.dwordMemory(0xc000_0000, 0xfec0_0000),
      resource.qwordMemory(0x8_0000_0000, 0xf_0000_0000, true),
    ),
  ),
};

it('there is a test for every sample', () => {
  expect(Object.keys(ours)).toEqual(Object.keys(samples));
});

it.each(Object.keys(ours))('%s: the same as iasl', (what) => {
  expect(Buffer.from(ours[what]!).toString('hex')).toBe(samples[what]!.aml);
});

/** ACPI 20.2.4: bits 7:6 count the bytes that follow; then 4 bits, then 8 bits a byte. */
it.each([
  [0, [0x01]],
  [62, [0x3f]],
  [63, [0x41, 0x04]],
  [0xfff - 2, [0x4f, 0xff]],
  [0xfff - 1, [0x81, 0x00, 0x01]],
  [0xf_ffff - 3, [0x8f, 0xff, 0xff]],
  [0xf_ffff - 2, [0xc1, 0x00, 0x00, 0x01]],
])('a package length behind which there are %i bytes', (length, bytes) => {
  expect(aml.packageLength(length)).toEqual(bytes);
});

it('knows what is no name, and no id', () => {
  for (const bad of ['toolong', 'abc', '1AB', 'A..B', 'A-B']) expect(() => name(bad)).toThrow('no name segment');
  expect(() => aml.eisaId('PNP0a03')).toThrow('no EISA id');
  expect(() => aml.packageLength(2 ** 28)).toThrow('too long');
  expect(name('\\')).toEqual([0x5c, 0]);
  expect(name('^^ABC_')).toEqual([0x5e, 0x5e, 0x41, 0x42, 0x43, 0x5f]);
});
