// The tables as a kernel finds and reads them: by the ACPI Specification 6.3 (5.2), the MultiProcessor Specification 1.4, and
// QEMU's table loader. Where iasl is installed, it has to take the AML apart and to put it together again too.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildTables } from '../../../src/machine/acpi/build-tables.js';
import { firmwareFiles } from '../../../src/machine/acpi/loader-commands.js';
import { placeTables, TablesError } from '../../../src/machine/acpi/place-tables.js';
import { Vm } from '../../../src/vmm/vm.js';

const MIB = 2 ** 20;
const RSDP_FIRST = 0xe_0000;

let vm: Vm;
beforeEach(async () => {
  vm = await Vm.create({ memory: 2 * MIB });
});

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Searches as a kernel does: the first of the 16-byte steps that has the signature. */
function search(memory: Uint8Array, start: number, signature: string): number {
  for (let at = start; at < MIB; at += 16)
    if (text(memory.subarray(at, at + signature.length)) === signature) return at;
  throw new Error(`no ${signature}`);
}

interface Found {
  at: number;
  bytes: Uint8Array;
  view: DataView;
}

/** Follows the pointers from the root pointer; every checksum on the way has to be right. */
function walk(memory: Uint8Array): Map<string, Found> {
  const root = new DataView(memory.buffer);
  const found = new Map<string, Found>();
  const add = (at: number): Found => {
    const bytes = memory.slice(at, at + root.getUint32(at + 4, true));
    const table = { at, bytes, view: new DataView(bytes.buffer) };
    const signature = text(bytes.subarray(0, 4));
    found.set(signature, table);
    if (signature !== 'FACS') expect([signature, sum(bytes)]).toEqual([signature, 0]);
    return table;
  };
  const rsdp = search(memory, RSDP_FIRST, 'RSD PTR ');
  expect([root.getUint8(rsdp + 15), root.getUint32(rsdp + 20, true)]).toEqual([2, 36]);
  expect([sum(memory.subarray(rsdp, rsdp + 20)), sum(memory.subarray(rsdp, rsdp + 36))]).toEqual([0, 0]);
  const rsdt = add(root.getUint32(rsdp + 16, true));
  const xsdt = add(Number(root.getBigUint64(rsdp + 24, true)));
  const short = Array.from({ length: (rsdt.bytes.length - 36) / 4 }, (_, i) => rsdt.view.getUint32(36 + i * 4, true));
  const long = Array.from({ length: (xsdt.bytes.length - 36) / 8 }, (_, i) => xsdt.view.getBigUint64(36 + i * 8, true));
  expect(long.map(Number)).toEqual(short);
  for (const at of short) add(at);
  const { view } = found.get('FACP')!;
  expect(Number(view.getBigUint64(140, true))).toBe(view.getUint32(40, true));
  add(view.getUint32(40, true));
  expect(add(view.getUint32(36, true)).at % 64).toBe(0);
  return found;
}

describe('in memory', () => {
  const placed = (cpus = 2, memory = 64 * MIB): Map<string, Found> => {
    placeTables(vm.memory, { cpus, memory });
    return walk(vm.memory.read(0, MIB));
  };

  it('are found from the root pointer, with right checksums', () => {
    expect([...placed().keys()].toSorted()).toEqual(['APIC', 'DSDT', 'FACP', 'FACS', 'HPET', 'MCFG', 'RSDT', 'XSDT']);
  });

  it('go where the memory map has room for them', () => {
    const area = { start: 2 * MIB - 0x2_0000, size: 0x2_0000 };
    placeTables(vm.memory, { cpus: 4, memory: 2 * MIB }, area);
    const memory = vm.memory.read(0, 2 * MIB);
    for (const [signature, { at }] of walk(memory)) expect([signature, at >= area.start]).toEqual([signature, true]);
  });

  it('do not overflow their place', () => {
    expect(() => placeTables(vm.memory, { cpus: 2000, memory: 64 * MIB })).toThrow(TablesError);
    const before = vm.memory.read(0xf_0000, 16);
    expect([...before].every((byte) => byte === 0)).toBe(true);
    placed(255);
  });

  it('FADT: SCI 9, PM block of the PIIX4 at 600h, reset by port CF9h, not hardware-reduced', () => {
    const { bytes, view } = placed().get('FACP')!;
    expect([bytes.length, bytes[8], view.getUint16(46, true)]).toEqual([268, 5, 9]);
    expect([56, 64, 76].map((at) => view.getUint32(at, true))).toEqual([0x600, 0x604, 0x608]);
    expect([88, 89, 91, 92].map((at) => bytes[at])).toEqual([4, 2, 4, 4]);
    expect([view.getUint32(48, true), bytes[52], bytes[53], view.getUint32(80, true)]).toEqual([
      0xb2, 0xf1, 0xf0, 0x60c,
    ]);
    expect([148, 172, 208].map((at) => [bytes[at], Number(view.getBigUint64(at + 4, true))])).toEqual([
      [1, 0x600],
      [1, 0x604],
      [1, 0x608],
    ]);
    expect([bytes[116], view.getUint32(120, true), bytes[128]]).toEqual([1, 0xcf9, 6]);
    const flags = view.getUint32(112, true);
    expect([(flags >>> 10) & 1, (flags >>> 20) & 1, (flags >>> 4) & 1]).toEqual([1, 0, 0]);
    expect(view.getUint16(109, true)).toBe(3);
  });

  it('MADT: the processors, the I/O APIC, IRQ 0 at GSI 2, IRQ 9 level and high, NMI at LINT1', () => {
    const { bytes, view } = placed(3).get('APIC')!;
    expect([view.getUint32(36, true), view.getUint32(40, true)]).toEqual([0xfee0_0000, 1]);
    const entries = [];
    for (let at = 44; at < bytes.length; at += bytes[at + 1]!)
      entries.push([...bytes.subarray(at, at + bytes[at + 1]!)]);
    expect(entries).toEqual([
      [0, 8, 0, 0, 1, 0, 0, 0],
      [0, 8, 1, 1, 1, 0, 0, 0],
      [0, 8, 2, 2, 1, 0, 0, 0],
      [1, 12, 3, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
      [2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
      [2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0],
      [4, 6, 0xff, 0, 0, 1],
    ]);
  });

  it('MCFG: buses 0 to 255 at B0000000h, where RAM leaves room', () => {
    const { view, bytes } = placed().get('MCFG')!;
    expect([Number(view.getBigUint64(44, true)), bytes[54], bytes[55]]).toEqual([0xb000_0000, 0, 255]);
    expect(placed(1, 0xb000_1000).has('MCFG')).toBe(false);
  });

  it('HPET: at FED00000h', () => {
    expect(Number(placed().get('HPET')!.view.getBigUint64(44, true))).toBe(0xfed0_0000);
  });
});

describe('MP tables (1.4)', () => {
  const INTERRUPT = 3;
  function entries(cpus: number): number[][] {
    placeTables(vm.memory, { cpus, memory: 64 * MIB });
    const memory = vm.memory.read(0, MIB);
    const view = new DataView(memory.buffer);
    const floating = search(memory, 0xf_0000, '_MP_');
    expect([sum(memory.subarray(floating, floating + 16)), memory[floating + 8], memory[floating + 9]]).toEqual([
      0, 1, 4,
    ]);
    const at = view.getUint32(floating + 4, true);
    const length = view.getUint16(at + 4, true);
    expect([text(memory.subarray(at, at + 4)), sum(memory.subarray(at, at + length))]).toEqual(['PCMP', 0]);
    const list = [];
    for (let next = at + 44; next < at + length;) {
      const size = memory[next] === 0 ? 20 : 8;
      list.push([...memory.subarray(next, next + size)]);
      next += size;
    }
    expect(list.length).toBe(view.getUint16(at + 34, true));
    return list;
  }

  it('list the processors, the first as the one that boots', () => {
    const processors = entries(3).filter(([kind]) => kind === 0);
    expect(processors.map((entry) => [entry[1], entry[3]])).toEqual([
      [0, 3],
      [1, 1],
      [2, 1],
    ]);
  });

  it('lead the interrupts to the pins of the MADT and of the DSDT', () => {
    const list = entries(1).filter(([kind]) => kind === INTERRUPT);
    const pins = new Map(list.map((entry) => [`${entry[4]}:${entry[5]}`, [entry[7], entry[2]]]));
    expect(pins.get('1:0')).toEqual([2, 0]);
    expect(pins.get('1:9')).toEqual([9, 0x0d]);
    expect(pins.get('1:14')).toEqual([14, 0]);
    expect(pins.has('1:2')).toBe(false);
    // Slot 1, INTA#: PIRQA#; slot 3, INTD#: (3 + 4 - 2) mod 4.
    expect([pins.get('0:4')![0], pins.get(`0:${(3 << 2) | 3}`)![0]]).toEqual([16, 17]);
  });
});

describe('for a firmware', () => {
  /** Does what a firmware does with etc/table-loader, on its own reading of the format. */
  function load(files: Map<string, Uint8Array>): Uint8Array {
    const memory = new Uint8Array(MIB);
    const places = new Map<string, number>();
    const next = { 1: 0x8_0000, 2: 0xf_5000 };
    const script = files.get('etc/table-loader')!;
    expect(script.length % 128).toBe(0);
    for (let at = 0; at < script.length; at += 128) {
      const view = new DataView(script.buffer, at, 128);
      const name = (offset: number): string => text(script.subarray(at + offset, at + offset + 56)).split('\0')[0]!;
      const base = places.get(name(4))!;
      const command = view.getUint32(0, true);
      if (command === 1) {
        const [align, zone] = [view.getUint32(60, true), view.getUint8(64) as 1 | 2];
        const place = Math.ceil(next[zone] / align) * align;
        const bytes = files.get(name(4))!;
        memory.set(bytes, place);
        next[zone] = place + bytes.length;
        places.set(name(4), place);
      } else if (command === 2) {
        const [offset, size] = [view.getUint32(116, true), view.getUint8(120)];
        const field = new DataView(memory.buffer, base + offset, size);
        if (size === 4) field.setUint32(0, field.getUint32(0, true) + places.get(name(60))!, true);
        else field.setBigUint64(0, field.getBigUint64(0, true) + BigInt(places.get(name(60))!), true);
      } else {
        expect(command).toBe(3);
        const [offset, start, length] = [60, 64, 68].map((field) => view.getUint32(field, true)) as [
          number,
          number,
          number,
        ];
        memory[base + offset]! -= sum(memory.subarray(base + start, base + start + length));
      }
    }
    return memory;
  }

  it('come out the same as in memory, but for where they are', () => {
    const options = { cpus: 2, memory: 64 * MIB };
    const found = walk(load(firmwareFiles(buildTables(options))));
    placeTables(vm.memory, options);
    const ours = walk(vm.memory.read(0, MIB));
    expect([...found.keys()]).toEqual([...ours.keys()]);
    for (const same of ['DSDT', 'APIC', 'MCFG', 'HPET', 'FACS']) {
      expect([...found.get(same)!.bytes]).toEqual([...ours.get(same)!.bytes]);
    }
  });
});

function iasl(directory: string, ...args: string[]): string {
  return execFileSync('iasl', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
}
function hasIasl(): boolean {
  try {
    return iasl('.', '-v').includes('ASL');
  } catch {
    return false;
  }
}

it.skipIf(!hasIasl())(
  'iasl takes the DSDT apart and puts it together again (skipped without acpica-tools)',
  { timeout: 60_000 },
  () => {
    placeTables(vm.memory, { cpus: 4, memory: 64 * MIB });
    const { bytes } = walk(vm.memory.read(0, MIB)).get('DSDT')!;
    const directory = mkdtempSync(join(tmpdir(), 'dsdt-'));
    try {
      writeFileSync(join(directory, 'dsdt.dat'), bytes);
      iasl(directory, '-d', 'dsdt.dat');
      expect(iasl(directory, '-oa', '-we', 'dsdt.dsl')).toContain('0 Errors, 0 Warnings');
      // The same again, less the comment with file names and the line with the compiler's name: nothing was lost on the way.
      iasl(directory, '-p', 'again', '-d', 'dsdt.aml');
      const source = (file: string): string => readFileSync(join(directory, file), 'utf8').split('DefinitionBlock')[1]!;
      expect(source('again.dsl')).toBe(source('dsdt.dsl'));
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
