// Multiboot 2 images, by the specification 2.0: header (3.1), entry state (3.3), information (3.6).

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError, loadImage } from '../../src/machine/loaders/index.js';
import { Vm } from '../../src/vmm/vm.js';
import { boot, guarded, imageError, mapFor, type Booted } from './booted.js';
import { CODE_AT, elf64 } from './elf64-image.js';
import { concat } from './multiboot-image.js';
import { header2, LOAD, multiboot2, tag } from './multiboot2-image.js';

const RAM = 4 * 1024 * 1024;

/** The information's tags: what is in them, by type, in order. */
function informationOf({ vm, vcpu }: Booted): Map<number, Uint8Array[]> {
  const start = Number(vcpu.getRegs().rbx);
  expect(start % 8).toBe(0);
  const total = vm.memory.readU32(start);
  const tags = new Map<number, Uint8Array[]>();
  for (let at = start + 8; ; at += (vm.memory.readU32(at + 4) + 7) & ~7) {
    const [type, size] = [vm.memory.readU32(at), vm.memory.readU32(at + 4)];
    tags.set(type, [...(tags.get(type) ?? []), vm.memory.read(at + 8, size - 8)]);
    if (type !== 0) continue;
    expect([size, at + 8 - start]).toEqual([8, total]);
    return tags;
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const wordsOf = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.slice().buffer)];

it('enters 32-bit protected mode with the magic in EAX', async () => {
  const image = multiboot2();
  const { vcpu } = await boot(image, RAM);
  const { rax, rip, rflags } = vcpu.getRegs();
  expect({ rax, rip, rflags }).toEqual({ rax: 0x36d7_6289n, rip: BigInt(LOAD + image.length - 1), rflags: 2n });
  const { cr0, efer, cs, ds } = vcpu.getSregs();
  expect([cr0 & 0x8000_0001n, efer]).toEqual([1n, 0n]);
  expect([cs.type, cs.limit, cs.db, ds.type, ds.limit]).toEqual([0xb, 0xffff_ffff, 1, 3, 0xffff_ffff]);
  vcpu.run({ maxInstructions: 1 });
  expect(vcpu.halted).toBe(true);
});

describe('the information', () => {
  const rsdp = new Uint8Array(36).map((_, index) => (index === 15 ? 2 : index + 1));
  const modules = [{ bytes: Uint8Array.of(1, 2), cmdline: 'one' }, { bytes: new Uint8Array(5000).fill(3) }];

  async function booted(image: Uint8Array, revision: number): Promise<Booted> {
    const vm = await Vm.create({ memory: RAM });
    const vcpu = vm.createVcpu();
    vm.memory.write(0x3e_0000, rsdp);
    vm.memory.writeU8(0x3e_000f, revision);
    const { notes } = loadImage(image, guarded(vm, vcpu, { cmdline: 'a b', modules, acpiRsdp: 0x3e_0000 }));
    return { vm, vcpu, notes };
  }

  it('has command line, loader, memory, screen and ACPI', async () => {
    const tags = informationOf(await booted(multiboot2(), 2));
    expect(textOf(tags.get(1)![0]!)).toBe('a b\0');
    expect(textOf(tags.get(2)![0]!)).toBe('doorbell\0');
    expect(wordsOf(tags.get(4)![0]!)).toEqual([639, 3 * 1024 - 128]);
    const [entrySize, version, ...entries] = wordsOf(tags.get(6)![0]!);
    expect([entrySize, version]).toEqual([24, 0]);
    const map = mapFor(RAM).flatMap(([start, length, type]) => [start, 0, length, 0, type, 0]);
    expect(entries).toEqual(map);
    // 80x25 of EGA text (type 2) at B8000h, 160 bytes a line, 16 bits a character.
    expect(wordsOf(tags.get(8)![0]!)).toEqual([0xb_8000, 0, 160, 80, 25, 16 | (2 << 8)]);
    expect(tags.get(14)).toEqual([rsdp.subarray(0, 20)]);
    expect(tags.get(15)).toEqual([rsdp]);
    expect([tags.has(9), tags.has(21)]).toEqual([false, false]);
  });

  it('has the old root pointer alone when that is all there is', async () => {
    const tags = informationOf(await booted(multiboot2(), 0));
    expect([tags.has(14), tags.has(15)]).toEqual([true, false]);
  });

  it('lists modules, each on a page behind the kernel', async () => {
    const machine = await booted(multiboot2([tag(6)]), 2);
    const list = informationOf(machine).get(3)!;
    expect(list.map((bytes) => textOf(bytes.subarray(8)))).toEqual(['one\0', '\0']);
    for (const [index, bytes] of list.entries()) {
      const [start, end] = wordsOf(bytes.subarray(0, 8)) as [number, number];
      expect(start % 4096).toBe(0);
      expect(machine.vm.memory.read(start, end - start)).toEqual(modules[index]!.bytes);
    }
  });

  it("has an ELF image's section headers, and its load address if it could have been moved", async () => {
    const code = concat(header2([tag(10, [0, 0xffff_ffff, 4096, 0])]), Uint8Array.of(0xf4));
    const image = elf64({
      code,
      notes: undefined,
      sections: true,
      entry: 0xffff_ffff_8010_0000n + BigInt(code.length - 1),
    });
    const machine = await booted(image, 2);
    expect(machine.vcpu.getRegs().rip).toBe(BigInt(LOAD + code.length - 1));
    const tags = informationOf(machine);
    const sections = tags.get(9)![0]!;
    expect(wordsOf(sections.subarray(0, 12))).toEqual([3, 64, 2]);
    // The same but for the address of the symbols, which are in memory now.
    const symbols = Number(new DataView(sections.buffer, sections.byteOffset + 12 + 64).getBigUint64(16, true));
    expect(symbols).toBeGreaterThanOrEqual(LOAD + code.length);
    expect(machine.vm.memory.read(symbols, 24)).toEqual(image.subarray(0, 24));
    const headers = sections.slice(12);
    headers.fill(0, 64 + 16, 64 + 24);
    expect(headers).toEqual(image.subarray(CODE_AT + code.length));
    expect(wordsOf(tags.get(21)![0]!)).toEqual([LOAD]);
  });
});

describe('header tags', () => {
  const at = 'the Multiboot 2 header at offset 0x0: ';
  const efi = 'which this machine does not have';
  it.each<[string, Uint8Array, string]>([
    ['EFI boot services', tag(7), `it requires EFI (tag 7), ${efi}`],
    ['an EFI i386 entry', tag(8, [0]), `it requires EFI (tag 8), ${efi}`],
    ['an EFI amd64 entry', tag(9, [0]), `it requires EFI (tag 9), ${efi}`],
    ['an unknown tag', tag(99), 'it requires tag 99, which is not known here'],
    ['unknown information', tag(1, [6, 22]), 'it requires information of type 22, not known here'],
    [
      'a graphics mode',
      tag(5, [1024, 768, 32]),
      'it requires a graphics mode, 1024x768x32; this machine has VGA text only',
    ],
    [
      'a console that is no text',
      tag(4, [1]),
      'it requires a console other than VGA text, which this machine does not have',
    ],
  ])('%s, refused when required and passed over when optional', async (_what, bytes, message) => {
    await expect(boot(multiboot2([bytes]), RAM)).rejects.toThrow(imageError(at + message));
    const optional = bytes.slice();
    optional[2] = 1;
    const { vcpu } = await boot(multiboot2([optional]), RAM);
    expect(vcpu.getRegs().rax).toBe(0x36d7_6289n);
  });

  it.each([
    ['information', tag(1, [1, 3, 6, 9, 14, 15])],
    ['a text console', tag(4, [3])],
    ['a text screen', tag(5, [80, 25, 0])],
  ])('requires %s, which there is', async (_what, bytes) => {
    expect((await boot(multiboot2([bytes]), RAM)).notes).toEqual([]);
  });

  it("loads from the file's beginning for load_addr -1", async () => {
    const image = concat(
      new Uint8Array(64).fill(0x90),
      header2([tag(2, [LOAD + 64, 0xffff_ffff, 0, 0]), tag(3, [LOAD])]),
    );
    const { vm } = await boot(image, RAM);
    expect(vm.memory.read(LOAD, image.length)).toEqual(image);
  });

  it.each<[string, Uint8Array, string | RegExp]>([
    ['checksum', header2([], { wrong: 1 }), `${at}wrong checksum: magic, architecture, length and checksum add up to 0x1, not 0`],
    ['architecture', header2([], { architecture: 4 }), `${at}it is for architecture 4, not for i386 (0)`],
    ['length', header2([], { length: 4096 }), `${at}its 4096 bytes do not fit in the image's first 24`],
    ['no end tag', header2([tag(6)], { length: 24 }), `${at}it has no end tag`],
    ['tag size', header2([Uint8Array.of(6, 0, 0, 0, 4, 0, 0, 0)]), `${at}the tag of type 6 at offset 0x10 has 4 bytes, and 16 are left`],
    ['short tag', header2([tag(2, [0])]), `${at}the tag of type 2 at offset 0x10 is too short: 12 bytes`],
    ['no entry', header2([tag(2, [LOAD, LOAD, 0, 0])]), `${at}it has load addresses (tag 2), but no entry address (tag 3)`],
    ['no addresses', header2([]), 'the Multiboot 2 header at offset 0x0 has no load addresses (tag 2), and the image is no ELF that would give them'],
    ['entry elsewhere', header2([tag(2, [LOAD, LOAD, 0, 0]), tag(3, [0])]), `${at}entry_addr 0x0 is outside of what is loaded, 0x100000…0x10003f`],
    ['outside RAM', header2([tag(2, [RAM, RAM, 0, 0]), tag(3, [RAM])]), /^the image at 0x400000 \(to 0x400040\) is outside of RAM/],
  ])('malformed: %s', (_what, image, message) => expect(boot(image, RAM)).rejects.toThrow(imageError(message))); // prettier-ignore
});

it('no Multiboot 2 image does anything but load within RAM or get one ImageError', async () => {
  const vm = await Vm.create({ memory: RAM });
  const target = guarded(vm, vm.createVcpu(), { cmdline: 'a', modules: [{ bytes: Uint8Array.of(1) }] });
  const word = fc.oneof(fc.constantFrom(0, 1, 2, 8, 0x8_0000, LOAD, RAM, 0xffff_ffff), fc.nat(0xffff_ffff));
  const types = fc.record({
    type: fc.nat(12),
    fields: fc.array(word, { maxLength: 5 }),
    flags: fc.constantFrom(0, 1, 1),
  });
  let [loaded, refused] = [0, 0];
  fc.assert(
    fc.property(fc.array(types, { maxLength: 3 }), fc.nat(), fc.boolean(), (list, cut, asElf) => {
      const tags = list.map(({ type, fields, flags }) => tag(type, fields, flags));
      const whole = asElf ? elf64({ code: header2(tags), notes: undefined, sections: true }) : multiboot2(tags);
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
