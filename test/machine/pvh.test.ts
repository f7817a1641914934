// ELF kernels with a PVH entry: entry state and start information by Xen's docs/misc/pvh.pandoc and
// public/arch-x86/hvm/start_info.h.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError, loadImage } from '../../src/machine/loaders/index.js';
import { Vm } from '../../src/vmm/vm.js';
import { boot, guarded, imageError, mapFor, readString } from './booted.js';
import { elf64, u32, type Elf64Options } from './elf64-image.js';
import { elf } from './multiboot-image.js';

const RAM = 4 * 1024 * 1024;

it('enters 32-bit protected mode with flat segments and paging off', async () => {
  const { vcpu } = await boot(elf64(), RAM);
  const { rip, rflags } = vcpu.getRegs();
  expect([rip, rflags]).toEqual([0x10_0000n, 2n]);
  const { cr0, cr4, efer, cs, tr, ...sregs } = vcpu.getSregs();
  expect([cr0 & 0x8000_0001n, cr4, efer]).toEqual([1n, 0n, 0n]);
  expect(cs).toMatchObject({ base: 0n, limit: 0xffff_ffff, type: 0xb, db: 1, l: 0, s: 1 });
  for (const name of ['ds', 'es', 'ss'] as const) {
    expect(sregs[name]).toMatchObject({ base: 0n, limit: 0xffff_ffff, type: 3, db: 1, s: 1 });
  }
  expect(tr).toMatchObject({ base: 0n, type: 0xb, present: 1 });
});

it('gives the start information: version 1, command line, modules, memory map, ACPI', async () => {
  const modules = [{ bytes: Uint8Array.of(1, 2, 3), cmdline: 'one' }, { bytes: new Uint8Array(5000).fill(9) }];
  const { vm, vcpu } = await boot(elf64(), RAM, { cmdline: 'quiet', modules, acpiRsdp: 0x3e_0000 });
  const { memory } = vm;
  const at = Number(vcpu.getRegs().rbx);
  const address = (offset: number): number => Number(memory.readU64(at + offset));
  expect([0, 4, 8, 12].map((offset) => memory.readU32(at + offset))).toEqual([0x336e_c578, 1, 0, 2]);
  expect(readString(vm, address(24))).toBe('quiet');
  expect(address(32)).toBe(0x3e_0000);
  const list = address(16);
  const [first, second] = [0, 32].map((entry) =>
    [0, 8, 16].map((field) => Number(memory.readU64(list + entry + field))),
  );
  expect(memory.read(first![0]!, first![1]!)).toEqual(modules[0]!.bytes);
  expect(readString(vm, first![2]!)).toBe('one');
  expect(memory.read(second![0]!, second![1]!)).toEqual(modules[1]!.bytes);
  expect(second![2]).toBe(0);
  const map = Array.from({ length: memory.readU32(at + 48) }, (_, index) => {
    const entry = address(40) + index * 24;
    return [Number(memory.readU64(entry)), Number(memory.readU64(entry + 8)), memory.readU32(entry + 16)];
  });
  expect(map).toEqual(mapFor(RAM));
});

it('finds the note behind others, with 4 or 8 bytes of address', async () => {
  const data = new Uint8Array(BigUint64Array.of(0x10_0001n).buffer);
  const notes = [
    { owner: 'Linux', type: 257 },
    { owner: 'Go', type: 18 },
    { type: 6, data: Uint8Array.of(1) },
    { data },
  ];
  const { vcpu } = await boot(elf64({ notes, code: Uint8Array.of(0x90, 0xf4) }), RAM);
  expect(vcpu.getRegs().rip).toBe(0x10_0001n);
  vcpu.run({ maxInstructions: 2 });
  expect(vcpu.halted).toBe(true);
});

const MISSING =
  'ELF image has neither a Multiboot header nor a PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY); a Linux vmlinux has the note ' +
  'if it was built with CONFIG_PVH, else give its bzImage';

describe('refusals', () => {
  it.each<[string, Elf64Options, string | RegExp]>([
    ['no notes', { notes: undefined }, `the 64-bit ${MISSING}`],
    ['other notes', { notes: [{ owner: 'GNU', type: 3 }] }, `the 64-bit ${MISSING}`],
    ['an entry elsewhere', { notes: [{ data: u32(0x20_0000) }] }, 'the PVH entry 0x200000 is outside of what the ELF image loads'],
    ['2 bytes of entry', { notes: [{ data: new Uint8Array(2) }] }, /^ELF notes 1 at offset 4097: the PVH entry note has 2 bytes; it has 4 or 8$/],
    ['a note cut off', { notes: [{ size: 0xffff_fff0 }] }, /^ELF notes 1 at offset 4097: the note at byte 0 is truncated; it has 4 and 4294967280 bytes$/],
    ['another machine', { machine: 183 }, 'the ELF image is for machine 183, not for x86-64 (62)'],
    ['more than RAM', { memorySize: RAM }, /^ELF segment 0 at 0x100000 \(to 0x500000\) is outside of RAM/],
    ['ACPI tables', { memorySize: RAM - 0x10_1000 }, 'ELF segment 0 at 0x100000 (to 0x3ff000) overlaps the ACPI tables at 0x3e0000, the end of RAM'],
    ['the information', { physical: 0x8_0000, notes: [{ data: u32(0x8_0000) }] }, 'ELF segment 0 at 0x80000 (to 0x80001) overlaps the PVH information'],
  ])('%s', (_what, options, message) => expect(boot(elf64(options), RAM)).rejects.toThrow(imageError(message))); // prettier-ignore

  it('a 32-bit ELF without either', () =>
    expect(boot(elf({ content: Uint8Array.of(0xf4), entry: 0x10_0000 }), RAM)).rejects.toThrow(
      imageError(`the 32-bit ${MISSING}`),
    ));
});

it('no ELF64 image does anything but load within RAM or get one ImageError', async () => {
  const vm = await Vm.create({ memory: RAM });
  const target = guarded(vm, vm.createVcpu(), { cmdline: 'a', modules: [{ bytes: Uint8Array.of(1) }] });
  const word = fc.oneof(fc.constantFrom(0, 1, 18, 0x1000, 0x8_0000, 0x10_0000, RAM, 0xffff_ffff), fc.nat(0xffff_ffff));
  const change = fc.record({ at: fc.nat(), value: word, size: fc.constantFrom(1, 2, 4) });
  let [loaded, refused] = [0, 0];
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.nat(), (changes, cut) => {
      const whole = elf64({ sections: true });
      const view = new DataView(whole.buffer);
      for (const { at, value, size } of changes) {
        // The headers, or the notes and section headers.
        const place = at % 2 === 0 ? 4 + (at % 168) : 0x1001 + (at % 200);
        if (size === 1) view.setUint8(place, value);
        else if (size === 2) view.setUint16(place, value, true);
        else view.setUint32(place, value, true);
      }
      try {
        loadImage(cut % 8 === 0 ? whole.subarray(0, cut % whole.length) : whole, target);
        loaded++;
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
        expect((error as ImageError).message).not.toContain('\n');
        refused++;
      }
    }),
    { numRuns: 2000 },
  );
  expect(loaded).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});
