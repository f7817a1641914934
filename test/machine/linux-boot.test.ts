// Linux images: entry states, zero page and refusals by Documentation/arch/x86/boot.rst and zero-page.rst; screen_info by
// include/uapi/linux/screen_info.h.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError, loaderOf, loadImage } from '../../src/machine/loaders/index.js';
import { Vm } from '../../src/vmm/vm.js';
import { boot, guarded, imageError, mapFor, readString } from './booted.js';
import { linux, type LinuxOptions } from './linux-image.js';

const MIB = 1024 * 1024;
const RAM = 8 * MIB;
const encoder = new TextEncoder();
const PROTOCOL_200: LinuxOptions = { version: 0x200, headerEnd: 0x224 };

describe('the state at the entry', () => {
  it('64-bit: at 0x200, identity page tables, the selectors 10h and 18h, the zero page in RSI', async () => {
    const { vm, vcpu } = await boot(linux(), RAM);
    const { rip, rflags } = vcpu.getRegs();
    expect([rip, rflags]).toEqual([0x20_0200n, 2n]);
    const { cr0, cr4, efer, cs, gdt, ...sregs } = vcpu.getSregs();
    expect([cr0 & 0x8000_0001n, cr4 & 0x20n, efer & 0x500n]).toEqual([0x8000_0001n, 0x20n, 0x500n]);
    expect(cs).toMatchObject({ selector: 0x10, type: 0xb, l: 1, db: 0, dpl: 0, present: 1 });
    for (const name of ['ds', 'es', 'ss'] as const) {
      expect(sregs[name]).toMatchObject({ selector: 0x18, type: 3, base: 0n, limit: 0xffff_ffff, present: 1 });
    }
    expect(vm.memory.readU64(gdt.base + 0x10n)).toBe(0x00af_9b00_0000_ffffn);
    expect(vm.memory.readU64(gdt.base + 0x18n)).toBe(0x00cf_9300_0000_ffffn);
    for (const address of [0n, 0x9_0000n, 0x20_0200n, 0x7f_ffffn, 0xffff_ffffn]) {
      expect(vcpu.translate(address)).toBe(address);
    }
    expect(vcpu.translate(0x1_0000_0000n)).toBe(undefined);
  });

  it('32-bit: at the first byte, paging off, EBP, EDI and EBX zero', async () => {
    const { vm, vcpu } = await boot(linux({ xloadflags: 0 }), RAM);
    const { rip, rflags, rbp, rdi, rbx } = vcpu.getRegs();
    expect({ rip, rflags, rbp, rdi, rbx }).toEqual({ rip: 0x20_0000n, rflags: 2n, rbp: 0n, rdi: 0n, rbx: 0n });
    const { cr0, efer, cs, ds, gdt } = vcpu.getSregs();
    expect([cr0 & 0x8000_0001n, efer]).toEqual([1n, 0n]);
    expect(cs).toMatchObject({ selector: 0x10, base: 0n, limit: 0xffff_ffff, db: 1, l: 0, type: 0xb });
    expect(ds).toMatchObject({ selector: 0x18, base: 0n, limit: 0xffff_ffff, type: 3 });
    expect(vm.memory.readU64(gdt.base + 0x10n)).toBe(0x00cf_9b00_0000_ffffn);
  });

  it.each([0, 1])('runs: segment registers reloaded, xloadflags %d', async (xloadflags) => {
    // mov eax, 0x18; mov ss, eax; hlt, at both entries
    const code = new Uint8Array(0x400);
    for (const at of [0, 0x200]) code.set([0xb8, 0x18, 0, 0, 0, 0x8e, 0xd0, 0xf4], at);
    const { vcpu } = await boot(linux({ xloadflags, code }), RAM);
    vcpu.run({ maxInstructions: 10 });
    expect([vcpu.halted, vcpu.getRegs().rip & 0x1ffn]).toEqual([true, 8n]);
  });
});

describe('where the kernel goes', () => {
  it.each<[string, LinuxOptions, bigint]>([
    ['its preferred address', { prefAddress: 0x30_0000, alignment: 0x10_0000 }, 0x30_0200n],
    ['the next aligned one', { prefAddress: 0x21_0000, alignment: 0x20_0000 }, 0x40_0200n],
    ['1 MiB if it cannot be relocated', { relocatable: 0 }, 0x10_0200n],
    ['1 MiB before protocol 2.10', { version: 0x209, headerEnd: 0x258, xloadflags: 0 }, 0x10_0000n],
    ['64 KiB for a zImage', { ...PROTOCOL_200, loadflags: 0 }, 0x1_0000n],
    ['1 MiB for the first bzImages', PROTOCOL_200, 0x10_0000n],
  ])('%s', async (_what, options, rip) => {
    const code = Uint8Array.from({ length: 0x400 }, (_, index) => index * 7);
    const { vm, vcpu } = await boot(linux({ ...options, code }), RAM);
    expect(vcpu.getRegs().rip).toBe(rip);
    expect(vm.memory.read(rip & ~0xfffn, code.length)).toEqual(code);
  });

  it('leaves out what follows syssize, as signatures do', async () => {
    const code = new Uint8Array(0x400).fill(0x90);
    const { vm } = await boot(linux({ code, sysSize: 0x300 }), RAM);
    expect([vm.memory.readU8(0x20_02ff), vm.memory.readU8(0x20_0300)]).toEqual([0x90, 0]);
  });
});

describe('the zero page', () => {
  const modules = [{ bytes: encoder.encode('initramfs') }];

  async function page(options: LinuxOptions = {}, given: Parameters<typeof boot>[2] = {}) {
    const booted = await boot(linux(options), RAM, { cmdline: 'quiet n=1', modules, acpiRsdp: 0x7e_0010, ...given });
    return { ...booted, view: new DataView(booted.vm.memory.read(booted.vcpu.getRegs().rsi, 4096).buffer) };
  }

  it('has the setup header, with the loader, the command line and the initrd filled in', async () => {
    const { vm, view } = await page();
    const image = linux();
    expect(view.getUint32(0x202, true)).toBe(0x5372_6448);
    expect([...new Uint8Array(view.buffer, 0x230, 0x3c)]).toEqual([...image.subarray(0x230, 0x26c)]);
    expect([view.getUint8(0x1ef), view.getUint8(0x26c)]).toEqual([0, 0]);
    expect([view.getUint8(0x210), view.getUint8(0x211), view.getUint16(0x1fa, true)]).toEqual([0xff, 1, 0xffff]);
    expect(view.getUint32(0x214, true)).toBe(0x20_0000);
    expect(readString(vm, view.getUint32(0x228, true))).toBe('quiet n=1');
    const [start, size] = [view.getUint32(0x218, true), view.getUint32(0x21c, true)];
    expect(vm.memory.read(start, size)).toEqual(modules[0]!.bytes);
    expect([start % 4096, start]).toEqual([0, RAM - 0x2_1000]);
  });

  it('tells of memory, ACPI and the screen', async () => {
    const { view } = await page();
    const map = Array.from({ length: view.getUint8(0x1e8) }, (_, index) => {
      const at = 0x2d0 + index * 20;
      const [start, length] = [view.getBigUint64(at, true), view.getBigUint64(at + 8, true)];
      return [Number(start), Number(length), view.getUint32(at + 16, true)];
    });
    expect(map).toEqual(mapFor(RAM));
    expect(view.getBigUint64(0x70, true)).toBe(0x7e_0010n);
    expect([view.getUint16(2, true), view.getUint32(0x1e0, true)]).toEqual([6 * 1024 + 896, 6 * 1024 + 896]);
    const screen = { mode: view.getUint8(6), columns: view.getUint8(7), lines: view.getUint8(0xe) };
    expect({ ...screen, vga: view.getUint8(0xf), points: view.getUint16(0x10, true) }).toEqual({
      mode: 3,
      columns: 80,
      lines: 25,
      vga: 1,
      points: 16,
    });
  });

  it('joins several initramfs images on 4-byte boundaries', async () => {
    const { vm, view, notes } = await page({}, { modules: [...modules, { bytes: Uint8Array.of(7), cmdline: 'x' }] });
    const bytes = vm.memory.read(view.getUint32(0x218, true), view.getUint32(0x21c, true));
    expect([...bytes]).toEqual([...encoder.encode('initramfs'), 0, 0, 0, 7, 0, 0, 0]);
    expect(notes).toEqual(['Linux gets its initrd without a command line of its own']);
  });

  it('has the command line where protocol 2.00 looks for it', async () => {
    const { vm, vcpu, view } = await page(PROTOCOL_200);
    expect([view.getUint16(0x20, true), view.getUint32(0x228, true)]).toEqual([0xa33f, 0]);
    expect(readString(vm, Number(vcpu.getRegs().rsi) + view.getUint16(0x22, true))).toBe('quiet n=1');
  });

  it('keeps the initrd below initrd_addr_max', async () => {
    const { view } = await page({ initrdMax: 0x4f_ffff });
    expect(view.getUint32(0x218, true)).toBe(0x4f_f000);
  });
});

describe('refusals', () => {
  const setup = 'the Linux setup header: ';
  it.each<[string, LinuxOptions, string | RegExp]>([
    ['an unknown protocol', { version: 0x301 }, `${setup}boot protocol 3.01 at offset 0x206 is not known; 2.00 to 2.15 are`],
    ['a header that is too long', { headerEnd: 0x291 }, /it ends at 0x291 by the jump at offset 0x200/],
    ['a header that is too short', { headerEnd: 0x210 }, /it ends at 0x210 by the jump at offset 0x200/],
    ['no code', { code: new Uint8Array() }, /^the Linux setup header: truncated setup: 2 sectors are 1024 bytes/],
    ['code cut off', { sysSize: 0x410 }, 'the Linux kernel is truncated: 1040 bytes from offset 0x400 on by syssize, but there are 1024'],
    ['no room for the entry', { code: new Uint8Array(0x200) }, `${setup}the kernel's 512 bytes do not reach to its 64-bit entry, 0x200`],
    ['a bad alignment', { alignment: 0x30_0000 }, `${setup}kernel_alignment 0x300000 at offset 0x230 is not a power of two`],
    ['a kernel for more RAM', { prefAddress: 0x100_0000 }, 'the Linux kernel at 0x1000000 (to 0x1000400) is outside of RAM, which ends at 0x800000'],
    ['init_size', { initSize: 0x60_0000 }, 'the Linux kernel needs 6291456 bytes at 0x200000 to start (init_size), but RAM for it ends at 0x7e0000; give the machine more memory'],
    ['pref_address of all ones', { relocatable: 0, prefAddress: 2 ** 60 }, /^the Linux kernel needs 1048576 bytes at 0x1000000000000000 to start/],
    ['a zImage over the zero page', { ...PROTOCOL_200, loadflags: 0, code: new Uint8Array(0x8_0010) }, /^the Linux kernel at 0x10000 \(to 0x90010\) overlaps the boot parameters$/],
    ['64 bits in low memory', { loadflags: 0 }, /64-bit entry \(xloadflags bit 0\), but is not loaded high/],
  ])('%s', (_what, options, message) => expect(boot(linux(options), RAM)).rejects.toThrow(imageError(message))); // prettier-ignore

  it.each<[string, LinuxOptions, number, RegExp]>([
    ['for RAM', {}, 5 * MIB, /^the initrd \(5242880 bytes\) does not fit between the kernel's end, 0x300000, and 0x7e0000, the end of RAM$/],
    ['for initrd_addr_max', { initrdMax: 0x3f_ffff }, 2 * MIB, /^the initrd .* 0x300000, and 0x400000, the highest address this kernel takes/],
  ])('an initrd too large %s', (_what, options, size, message) =>
    expect(boot(linux(options), RAM, { modules: [{ bytes: new Uint8Array(size) }] })).rejects.toThrow(imageError(message))); // prettier-ignore

  it('a command line that is too long', async () => {
    const { vm, vcpu } = await boot(linux({ cmdlineSize: 10 }), RAM, { cmdline: '0123456789' });
    expect(readString(vm, vm.memory.readU32(vcpu.getRegs().rsi + 0x228n))).toBe('0123456789');
    await expect(boot(linux({ cmdlineSize: 10 }), RAM, { cmdline: '0123456789a' })).rejects.toThrow(
      imageError('the command line has 11 bytes; this kernel (boot protocol 2.15) takes 10'),
    );
    await expect(boot(linux(), RAM, { cmdline: 'a\0b' })).rejects.toThrow(imageError(/NUL/));
  });
});

it('no Linux image does anything but load within RAM or get one ImageError', async () => {
  const vm = await Vm.create({ memory: RAM });
  const target = guarded(vm, vm.createVcpu(), { cmdline: 'a', modules: [{ bytes: Uint8Array.of(1) }] });
  const word = fc.oneof(
    fc.constantFrom(0, 1, 0x200, 0x1_0000, 0x9_0000, 0x10_0000, RAM - 1, RAM, 0xffff_ffff),
    fc.nat(),
  );
  const change = fc.record({ at: fc.integer({ min: 0x1f0, max: 0x264 }), value: word, size: fc.constantFrom(1, 2, 4) });
  let [loaded, refused] = [0, 0];
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.nat(), (changes, cut) => {
      const whole = linux();
      const view = new DataView(whole.buffer);
      for (const { at, value, size } of changes) {
        if (size === 1) view.setUint8(at, value);
        else if (size === 2) view.setUint16(at, value, true);
        else view.setUint32(at, value, true);
      }
      const image = cut % 8 === 0 ? whole.subarray(0, cut % whole.length) : whole;
      if (image.length > 0 && loaderOf(image).name !== 'Linux bzImage') return;
      try {
        loadImage(image, target);
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
