// The image formats: what a good image finds when it starts, and the one clear error that each malformed one gets.
// Multiboot by its specification, 0.6.96; ELF by the System V ABI.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError, loadImage, loaderOf, type BootTarget } from '../../src/machine/loaders/index.js';
import { Vm } from '../../src/vmm/vm.js';
import { boot as bootIn, guarded, imageError, mapFor, readString, type Booted } from './booted.js';
import {
  CODE,
  CONTENT,
  concat,
  elf,
  header,
  kludge,
  MAGIC,
  type ElfOptions,
  type KludgeOptions,
} from './multiboot-image.js';
import { elf64 as elf64With } from './elf64-image.js';
import { linux } from './linux-image.js';
import { multiboot2 } from './multiboot2-image.js';

const MIB = 1024 * 1024;
const RAM = 4 * MIB;
const encoder = new TextEncoder();

type Options = Partial<BootTarget>;
const boot = (image: Uint8Array, options: Options = {}): Promise<Booted> => bootIn(image, options.ram ?? RAM, options);

describe('which format', () => {
  const bios = new Uint8Array(0x1_0000);
  bios.set([0xea, 0x5b, 0xe0, 0x00, 0xf0], 0xfff0);
  const elf64 = elf({ class: 2, content: Uint8Array.of(0xf4) });

  it.each([
    ['any bytes', Uint8Array.of(0xf4), 'flat binary'],
    ['a boot sector', new Uint8Array(512).fill(0x90), 'flat binary'],
    ['64 KiB that do not end like a BIOS', new Uint8Array(0x1_0000), 'flat binary'],
    ['a Multiboot header at an odd place', concat(new Uint8Array(2), kludge()), 'flat binary'],
    ['a Multiboot header beyond 8 KiB', concat(new Uint8Array(8192), kludge()), 'flat binary'],
    ['a Multiboot header', kludge(), 'Multiboot 1'],
    ['the last place for a Multiboot header', concat(new Uint8Array(8180), header(0)), 'Multiboot 1'],
    ['an ELF with a Multiboot header', elf(), 'Multiboot 1'],
    ['an ELF without one', elf({ content: Uint8Array.of(0xf4) }), 'ELF with a PVH entry'],
    ['a 64-bit ELF', elf64, 'ELF with a PVH entry'],
    ['a bzImage', linux(), 'Linux bzImage'],
    ['a Multiboot 2 header', multiboot2(), 'Multiboot 2'],
    ['a Multiboot 2 header beyond 32 KiB', concat(new Uint8Array(32768), multiboot2()), 'flat binary'],
    ['an ELF with Multiboot 1 and PVH', elf64With({ multiboot: true }), 'ELF with a PVH entry'],
    ['a BIOS', bios, 'BIOS ROM'],
  ])('%s', (_what, image, name) => {
    expect(loaderOf(image).name).toBe(name);
  });

  it('refuses an empty image', () => expect(boot(new Uint8Array())).rejects.toThrow(imageError('the image is empty')));
});

describe('flat binaries', () => {
  it('start as boot sectors do: 0000:7C00, real mode, the drive in DL', async () => {
    const image = Uint8Array.from({ length: 600 }, (_, index) => index & 0xff);
    const { vm, vcpu } = await boot(image);
    expect(vm.memory.read(0x7c00, 600)).toEqual(image);
    const { rip, rsp, rdx, rflags } = vcpu.getRegs();
    expect({ rip, rsp, rdx, rflags }).toEqual({ rip: 0x7c00n, rsp: 0x7c00n, rdx: 0x80n, rflags: 2n });
    const { cr0, ...sregs } = vcpu.getSregs();
    expect(cr0 & 0x8000_0001n).toBe(0n);
    for (const name of ['cs', 'ds', 'es', 'ss'] as const) {
      expect([name, sregs[name].selector, sregs[name].base]).toEqual([name, 0, 0n]);
    }
  });

  it('may have 512 KiB and not a byte more', async () => {
    const { vm } = await boot(new Uint8Array(512 * 1024).fill(0x90), { ram: MIB });
    expect(vm.memory.readU8(0x7c00 + 512 * 1024 - 1)).toBe(0x90);
    await expect(boot(new Uint8Array(512 * 1024 + 1))).rejects.toThrow(
      imageError('the flat binary has 524289 bytes; at most 524288 can be loaded'),
    );
  });

  it('cannot take modules', () =>
    expect(
      boot(Uint8Array.of(0xf4), {
        modules: [{ bytes: new Uint8Array(1) }],
      }),
    ).rejects.toThrow(imageError('a flat binary cannot be given modules: it has no boot protocol')));
});

describe('the state at the entry (3.2)', () => {
  it.each([
    ['load addresses', kludge(), 0x10_0020n],
    ['ELF', elf(), 0x10_000cn],
  ])('%s', async (_what, image, entry) => {
    const { vm, vcpu } = await boot(image);
    const { rax, rbx, rip, rflags } = vcpu.getRegs();
    expect({ rax, rip, rflags }).toEqual({ rax: 0x2bad_b002n, rip: entry, rflags: 2n });
    expect(rbx).toBeGreaterThanOrEqual(0x8_0000n);
    expect(rbx).toBeLessThan(0x9_f000n);
    const { cr0, cr4, efer, cs, gdt, ...sregs } = vcpu.getSregs();
    expect(cr0 & 0x8000_0001n).toBe(1n);
    expect([cr4, efer]).toEqual([0n, 0n]);
    const flat = { base: 0n, limit: 0xffff_ffff, dpl: 0, db: 1, s: 1, l: 0, g: 1, present: 1 };
    expect(cs).toMatchObject({ ...flat, type: 0xb });
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) expect(sregs[name]).toMatchObject({ ...flat, type: 3 });
    // Reloading a selector finds the same segment.
    expect(vm.memory.readU64(gdt.base + BigInt(cs.selector))).toBe(0x00cf_9b00_0000_ffffn);
    expect(vm.memory.readU64(gdt.base + BigInt(sregs.ds.selector))).toBe(0x00cf_9300_0000_ffffn);
    expect(gdt.limit).toBe(23);
  });

  it('runs: a segment register reloaded, and a far jump through the GDT', async () => {
    // mov ax, 0x10; mov ss, ax; jmp 0x08:0x10002B; hlt
    const code = Uint8Array.of(0x66, 0xb8, 0x10, 0, 0x8e, 0xd0, 0xea, 0x2d, 0, 0x10, 0, 0x08, 0, 0xf4);
    const { vcpu } = await boot(kludge({ code }));
    vcpu.run({ maxInstructions: 10 });
    expect([vcpu.halted, vcpu.getRegs().rip]).toEqual([true, 0x10_002en]);
  });
});

describe('the information block (3.3)', () => {
  const modules = [
    { bytes: encoder.encode('first'), cmdline: 'one a=1' },
    { bytes: new Uint8Array(4096).fill(2) },
    { bytes: encoder.encode('third'), cmdline: 'three' },
  ];

  async function info(): Promise<{ vm: Vm; field: (offset: number) => number }> {
    const { vm, vcpu } = await boot(kludge(), { cmdline: 'quiet n=1', modules });
    const at = Number(vcpu.getRegs().rbx);
    return { vm, field: (offset) => vm.memory.readU32(at + offset) };
  }

  it('has memory, command line, modules, memory map and the loader', async () => {
    const { vm, field } = await info();
    expect(field(0)).toBe(0x1 | 0x4 | 0x8 | 0x40 | 0x200);
    expect([field(4), field(8)]).toEqual([639, (RAM - MIB) / 1024 - 128]);
    expect(readString(vm, field(16))).toBe('quiet n=1');
    expect(readString(vm, field(64))).toBe('doorbell');
  });

  it('lists the modules, each on a page behind the kernel', async () => {
    const { vm, field } = await info();
    expect(field(20)).toBe(3);
    let end = 0x10_0021;
    for (const [index, { bytes, cmdline = '' }] of modules.entries()) {
      const entry = field(24) + index * 16;
      const start = vm.memory.readU32(entry);
      expect(start % 4096).toBe(0);
      expect(start).toBeGreaterThanOrEqual(end);
      end = vm.memory.readU32(entry + 4);
      expect(end - start).toBe(bytes.length);
      expect(vm.memory.read(start, bytes.length)).toEqual(bytes);
      expect(readString(vm, vm.memory.readU32(entry + 8))).toBe(cmdline);
      expect(vm.memory.readU32(entry + 12)).toBe(0);
    }
  });

  it('maps the memory: conventional, reserved, and from 1 MiB to the end', async () => {
    const { vm, field } = await info();
    const ranges: [number, number, number][] = [];
    for (let at = field(48); at < field(48) + field(44); at += vm.memory.readU32(at) + 4) {
      const [base, length] = [vm.memory.readU64(at + 4), vm.memory.readU64(at + 12)];
      ranges.push([Number(base), Number(length), vm.memory.readU32(at + 20)]);
    }
    expect(ranges).toEqual(mapFor(RAM));
  });

  it('has room for a long command line, and says when it is too long', async () => {
    const cmdline = 'x'.repeat(100_000);
    const { vm, vcpu } = await boot(kludge(), { cmdline });
    expect(readString(vm, vm.memory.readU32(Number(vcpu.getRegs().rbx) + 16))).toBe(cmdline);
    await expect(
      boot(kludge(), {
        cmdline: 'x'.repeat(200_000),
      }),
    ).rejects.toThrow(
      imageError(/^the command line does not fit in the 126976 bytes of Multiboot information: 200001 bytes$/),
    );
    await expect(boot(kludge(), { cmdline: 'a\0b' })).rejects.toThrow(
      imageError('the command line has a NUL character in it'),
    );
  });
});

describe('load addresses in the header (3.1.3)', () => {
  it('load from where the header says, to where it says, behind anything in front', async () => {
    const code = encoder.encode('0123456789');
    const image = kludge({ before: 64, load: 0x20_0000, loadEnd: 0x20_0000 + 64 + 32 + 4, bssEnd: 0x20_1000, code });
    const { vm } = await boot(image);
    expect(vm.memory.read(0x20_0000, 100)).toEqual(image.subarray(0, 100));
    expect(vm.memory.readU8(0x20_0000 + 100)).toBe(0);
  });

  it('may leave out what is before load_addr', async () => {
    const image = kludge({ before: 64, load: 0x20_0000, headerAddr: 0x20_0000 });
    const { vm } = await boot(image);
    expect(vm.memory.readU32(0x20_0000)).toBe(MAGIC);
  });

  const at = 'the Multiboot header at offset 0x0: ';
  it.each<[string, KludgeOptions, string | RegExp]>([
    ['load_addr above header_addr', { headerAddr: 0xf_f000 }, `${at}load_addr 0x100000 is above header_addr 0xff000`],
    ['before the file', { headerAddr: 0x10_0010 }, `${at}load_addr 0x100000 is 16 bytes before the image's first byte`],
    ['load_end below load', { loadEnd: 0xf_0000 }, `${at}load_end_addr 0xf0000 is below load_addr 0x100000`],
    ['file too short', { loadEnd: 0x10_1000 }, `${at}4096 bytes are to be loaded from offset 0, but the image has 33`],
    ['bss below data', { bssEnd: 0x10_0010 }, `${at}bss_end_addr 0x100010 is below the end of the data 0x100021`],
    ['entry before', { entry: 0xf_ffff }, `${at}entry_addr 0xfffff is outside of what is loaded, 0x100000…0x100020`],
    ['entry behind', { entry: 0x10_0021 }, `${at}entry_addr 0x100021 is outside of what is loaded, 0x100000…0x100020`],
    ['outside RAM', { load: RAM }, 'the image at 0x400000 (to 0x400021) is outside of RAM, which ends at 0x400000'],
    ['bss outside RAM', { bssEnd: 0xffff_ffff }, /^the image at 0x100000 \(to 0xffffffff\) is outside of RAM/],
    [
      'over the hole',
      { load: 0xa_0000 },
      /^the image at 0xa0000 .* overlaps 0x9fc00…0xfffff, which is not RAM on a PC$/,
    ],
    [
      'over the information',
      { load: 0x8_0000 },
      'the image at 0x80000 (to 0x80021) overlaps the Multiboot information',
    ],
  ])('%s', (_what, options, message) => expect(boot(kludge(options))).rejects.toThrow(imageError(message)));
});

describe('ELF', () => {
  it('loads segments where their physical addresses say, and zeroes nothing but memory that is zero', async () => {
    const content = concat(header(0), encoder.encode('hello'));
    const { vm } = await boot(
      elf({
        content,
        segments: [
          { physical: 0x10_0000 },
          { physical: 0x20_0000, offset: CONTENT + 12, fileSize: 5, memorySize: 4096 },
        ],
      }),
    );
    expect(vm.memory.read(0x10_0000, content.length)).toEqual(content);
    expect(readString(vm, 0x20_0000)).toBe('hello');
  });

  it('enters at the physical address of a virtual entry', async () => {
    const { vcpu } = await boot(
      elf({ entry: 0xc010_0000 + CODE, segments: [{ physical: 0x10_0000, virtual: 0xc010_0000 }] }),
    );
    expect(vcpu.getRegs().rip).toBe(0x10_000cn);
  });

  it('passes over headers that load nothing', async () => {
    const { vcpu } = await boot(
      elf({ segments: [{ type: 4, physical: 0 }, { physical: 0x10_0000 }, { physical: 0, fileSize: 0 }] }),
    );
    expect(vcpu.getRegs().rip).toBe(0x10_000cn);
  });

  it.each<[string, ElfOptions, string | RegExp]>([
    [
      '64-bit',
      { class: 2 },
      'the image is a 64-bit ELF; Multiboot 1 takes 32-bit ELF, or load addresses in its header',
    ],
    ['big-endian', { data: 2 }, 'the ELF image is not 32-bit little-endian'],
    ['relocatable', { type: 1 }, 'the ELF image is of type 1, not an executable (2)'],
    ['ARM', { machine: 40 }, 'the ELF image is for machine 40, not for the 80386 (3)'],
    ['small headers', { phentsize: 16 }, 'ELF program headers of 16 bytes are too small; they have 32'],
    ['headers cut off', { phoff: 0x1000 }, /^the ELF program headers are truncated: 1 of 32 bytes at offset 4096, but/],
    [
      'too many headers',
      { phnum: 0xffff },
      /^the ELF program headers are truncated: 65535 of 32 bytes at offset 52, but/,
    ],
    ['no headers', { phnum: 0 }, 'the ELF image has nothing to load (no PT_LOAD program header)'],
    ['entry elsewhere', { entry: 0x20_0000 }, 'the entry 0x200000 is outside of what the ELF image loads'],
    [
      'segment cut off',
      { segments: [{ physical: 0x10_0000, fileSize: 14 }] },
      "ELF segment 0 at 0x100000 is truncated: its 14 bytes at offset 4096 reach past the image's 4109",
    ],
    [
      'segment offset beyond the file',
      { segments: [{ physical: 0x10_0000, offset: 0xffff_ffff, fileSize: 0xffff_ffff }] },
      /^ELF segment 0 at 0x100000 is truncated: /,
    ],
    [
      'more in the file than in memory',
      { segments: [{ physical: 0x10_0000, fileSize: 13, memorySize: 12 }] },
      'ELF segment 0 at 0x100000 has 13 bytes in the file, but only 12 in memory',
    ],
    [
      'overlapping segments',
      { segments: [{ physical: 0x10_0000 }, { physical: 0x10_0008 }] },
      'ELF segment 1 at 0x100008 (to 0x100015) overlaps ELF segment 0 at 0x100000',
    ],
    [
      'outside RAM',
      { segments: [{ physical: 0x10_0000 }, { physical: 0xffff_f000, memorySize: 0x2000 }] },
      'ELF segment 1 at 0xfffff000 (to 0x100001000) is outside of RAM, which ends at 0x400000',
    ],
    [
      'over the information block',
      { segments: [{ physical: 0x10_0000 }, { physical: 0x7_ffff }] },
      'ELF segment 1 at 0x7ffff (to 0x8000c) overlaps the Multiboot information',
    ],
    [
      'over the hole',
      { segments: [{ physical: 0x10_0000 }, { physical: 0x9_f000, memorySize: 0x1000 }] },
      /^ELF segment 1 at 0x9f000 \(to 0xa0000\) overlaps 0x9fc00…0xfffff, which is not RAM on a PC$/,
    ],
  ])('%s', (_what, options, message) => expect(boot(elf(options))).rejects.toThrow(imageError(message)));

  it('a header and nothing of the ELF behind it', () => {
    const image = concat(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0), header(0));
    return expect(boot(image)).rejects.toThrow(imageError('the ELF header is truncated: 20 bytes of 52'));
  });
});

describe('the header (3.1)', () => {
  it.each([
    ['magic only', header(0).subarray(0, 4), 'is truncated: it has 4 bytes of 12'],
    ['no checksum', header(0).subarray(0, 8), 'is truncated: it has 8 bytes of 12'],
    ['addresses cut off', kludge().subarray(0, 31), 'is truncated: it has 31 bytes of 32'],
  ])('%s', (_what, image, message) =>
    expect(boot(image)).rejects.toThrow(
      imageError(`the Multiboot header at offset 0x0 ${message} in the image's first 8 KiB`),
    ),
  );

  it('that reaches beyond 8 KiB', () =>
    expect(boot(kludge({ before: 8176, load: 0x10_0000 }))).rejects.toThrow(
      imageError(
        "the Multiboot header at offset 0x1ff0 is truncated: it has 16 bytes of 32 in the image's first 8 KiB",
      ),
    ));

  it('with a wrong checksum', () => {
    const image = kludge();
    image[8]! ^= 1;
    return expect(boot(image)).rejects.toThrow(
      imageError(
        /^the Multiboot header at offset 0x0 has a wrong checksum: magic, flags and checksum add up to 0x(1|ffffffff), not 0$/,
      ),
    );
  });

  it('is the first one whose checksum is right', async () => {
    const decoy = new Uint8Array(16);
    new DataView(decoy.buffer).setUint32(0, MAGIC, true);
    const { vcpu } = await boot(concat(decoy, kludge({ headerAddr: 0x10_0010 })));
    expect(vcpu.getRegs().rip).toBe(0x10_0030n);
  });

  it.each([3, 4, 8, 15])('requires feature bit %i, which is not known', (bit) =>
    expect(boot(kludge({ flags: 1 << bit }))).rejects.toThrow(
      imageError(
        `the Multiboot header at offset 0x0 requires features that are not known here (flags 0x${(1 << bit).toString(16)})`,
      ),
    ),
  );

  it('may want page alignment and memory information; bits from 17 on mean nothing to anybody', async () => {
    const { notes } = await boot(kludge({ flags: 0x3 | 0xfffe_0000 }));
    expect(notes).toEqual([]);
  });

  it('may ask for a video mode, which is noted', async () => {
    const { notes } = await boot(kludge({ flags: 4 }));
    expect(notes).toEqual(['the image asks for a video mode; this machine has no display']);
  });

  it('without addresses, in front of what is no ELF', () =>
    expect(boot(concat(header(0), Uint8Array.of(0xf4)))).rejects.toThrow(
      imageError(
        'the Multiboot header has no load addresses (flags bit 16), and the image is no ELF that would give them',
      ),
    ));
});

describe('modules', () => {
  it('that are too large', () =>
    expect(
      boot(kludge(), { modules: [{ bytes: new Uint8Array(1) }, { bytes: new Uint8Array(3 * MIB - 4095) }] }),
    ).rejects.toThrow(
      imageError(
        'module 1 (3141633 bytes) does not fit in RAM behind the kernel: from 0x102000 there are 3006464 bytes',
      ),
    ));

  it('that fill RAM to the last byte before the ACPI tables', async () => {
    const end = RAM - 0x2_0000;
    const bytes = new Uint8Array(end - 0x10_1000).fill(0x77);
    const { vm } = await boot(kludge(), { modules: [{ bytes }] });
    expect([vm.memory.readU8(end - 1), vm.memory.readU8(end)]).toEqual([0x77, 0]);
  });

  it('without RAM above 1 MiB', () =>
    expect(
      boot(kludge({ load: 0x1_0000 }), {
        ram: MIB,
        modules: [{ bytes: new Uint8Array(1) }],
      }),
    ).rejects.toThrow(imageError(/^module 0 \(1 bytes\) does not fit in RAM .* there are 0 bytes$/)));

  it('that are too many for the information block', () =>
    expect(
      boot(kludge(), {
        ram: 64 * MIB,
        modules: Array.from({ length: 8000 }, () => ({ bytes: new Uint8Array(1) })),
      }),
    ).rejects.toThrow(
      imageError('the table of 8000 modules does not fit in the 126976 bytes of Multiboot information: 128000 bytes'),
    ));
});

it('no image does anything but load or get one ImageError', async () => {
  const vm = await Vm.create({ memory: RAM });
  const target = guarded(vm, vm.createVcpu(), { cmdline: 'a', modules: [{ bytes: Uint8Array.of(1) }] });
  const word = fc.oneof(
    fc.constantFrom(0, 1, 0x1000, 0x8_0000, 0x9_fc00, 0x10_0000, RAM - 1, RAM, 0x7fff_ffff, 0xffff_ffff),
    fc.nat(0xffff_ffff),
  );
  const change = fc.record({ at: fc.nat(), value: word, size: fc.constantFrom(1, 2, 4) });
  let loaded = 0;
  let refusals = 0;
  fc.assert(
    fc.property(fc.boolean(), fc.array(change, { maxLength: 4 }), fc.nat(), (asElf, changes, cut) => {
      const image = asElf ? elf() : kludge({ before: 4 });
      const view = new DataView(image.buffer);
      // The first hundred bytes hold every header field but the ELF image's Multiboot header.
      for (const { at, value, size } of changes) {
        const place = at % (Math.min(image.length, 100) - 3);
        if (size === 1) view.setUint8(place, value & 0xff);
        else if (size === 2) view.setUint16(place, value & 0xffff, true);
        else view.setUint32(place, value, true);
      }
      try {
        loadImage(cut % 8 === 0 ? image.subarray(0, cut % image.length) : image, target);
        loaded++;
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
        expect((error as ImageError).message).not.toContain('\n');
        refusals++;
      }
    }),
    { numRuns: 3000 },
  );
  expect(loaded).toBeGreaterThan(100);
  expect(refusals).toBeGreaterThan(100);
});
