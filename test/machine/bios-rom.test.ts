// BIOS ROMs: mapped up to 4 GiB, read-only (a write is MMIO, as KVM's for KVM_MEM_READONLY), their end shadowed below
// 1 MiB, the processor in its reset state (SDM vol. 3, table 10-1).

import { describe, expect, it } from 'vitest';
import { biosLoader } from '../../src/machine/loaders/index.js';
import { Pc } from '../../src/machine/pc.js';
import { ExitReason } from '../../src/vmm/exit.js';
import { Vm } from '../../src/vmm/vm.js';
import { boot, imageError, targetOf } from './booted.js';

const KIB = 1024;
const RAM = 2 * 1024 * KIB;

/** Filled with a pattern; far jump to F000:E05B at the reset vector, where the code lies. */
function rom(size: number, code: readonly number[] = [0xf4], vector = [0xea, 0x5b, 0xe0, 0x00, 0xf0]): Uint8Array {
  const image = Uint8Array.from({ length: size }, (_, index) => (index >> 10) & 0x7f);
  if (size < 0x1_0000) return image;
  image.set(code, size - 0x1_0000 + 0xe05b);
  image.set(vector, size - 16);
  return image;
}

it.each([64 * KIB, 128 * KIB, 256 * KIB, 16384 * KIB])(
  'of %d bytes: at the top of 4 GiB, and 128 KiB below 1 MiB',
  async (size) => {
    const image = rom(size);
    const { vm, vcpu } = await boot(image, RAM);
    expect(Buffer.compare(vm.memory.read(0x1_0000_0000 - size, size), image)).toBe(0);
    const shadow = Math.min(size, 128 * KIB);
    expect(Buffer.compare(vm.memory.read(0x10_0000 - shadow, shadow), image.subarray(size - shadow))).toBe(0);
    expect(vm.memory.readU8(0x10_0000 - shadow - 1)).toBe(0);
    const { rip, rflags } = vcpu.getRegs();
    const { cs, cr0 } = vcpu.getSregs();
    expect([rip, rflags, cs.selector, cs.base, cr0]).toEqual([0xfff0n, 2n, 0xf000, 0xffff_0000n, 0x6000_0010n]);
    vcpu.run({ maxInstructions: 2 });
    // The far jump has loaded CS: the code runs in the shadow.
    expect([vcpu.halted, vcpu.getSregs().cs.base, vcpu.getRegs().rip]).toEqual([true, 0xf_0000n, 0xe05cn]);
  },
);

it('cannot be written, unlike its shadow', async () => {
  // mov byte [cs:5], 1; hlt
  const image = rom(64 * KIB, [0x2e, 0xc6, 0x06, 0x05, 0x00, 0x01, 0xf4]);
  const pc = await Pc.create({ firmware: image });
  expect((await pc.run({ maxInstructions: 100 })).reason).toBe('halted');
  expect(pc.vm.memory.readU8(0xf_0005)).toBe(1);
  const before = pc.vm.memory.readU8(0xffff_0005);
  // The same code in the ROM itself.
  pc.vcpu.mpState = 'runnable';
  const sregs = pc.vcpu.getSregs();
  pc.vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0xffff_0000n } });
  pc.vcpu.setRegs({ ...pc.vcpu.getRegs(), rip: 0xe05bn });
  const exit = pc.vcpu.run({ maxInstructions: 1 });
  expect(exit).toMatchObject({ reason: ExitReason.Mmio, isWrite: true, physAddr: 0xffff_0005n });
  expect(pc.vm.memory.readU8(0xffff_0005)).toBe(before);
  pc.close();
});

describe('refusals', () => {
  const load = async (image: Uint8Array, options: Parameters<typeof targetOf>[2] = {}): Promise<void> => {
    const vm = await Vm.create({ memory: RAM });
    biosLoader.load(image, targetOf(vm, vm.createVcpu(), options));
  };
  const size = (bytes: number): string =>
    `the BIOS ROM has ${bytes} bytes; it must have a multiple of 65536, up to 16777216`;

  it.each([0, 1, 65535, 65536 + 512, 16 * 1024 * KIB + 65536])('%d bytes', (bytes) =>
    expect(load(new Uint8Array(bytes))).rejects.toThrow(imageError(size(bytes))),
  );

  it.each([0x00, 0xff, 0x90])('a reset vector of %d', (byte) => {
    const message = `the BIOS ROM has no jump at its reset vector, offset 0xfff0: ${Array.from({ length: 16 }, () => byte.toString(16).padStart(2, '0')).join(' ')}`;
    return expect(
      load(
        rom(
          64 * KIB,
          [],
          Array.from({ length: 16 }, () => byte),
        ),
      ),
    ).rejects.toThrow(imageError(message));
  });

  it('what only a kernel takes', async () => {
    const image = rom(64 * KIB);
    await expect(load(image, { modules: [{ bytes: image }] })).rejects.toThrow(imageError(/cannot be given modules/));
    await expect(load(image, { cmdline: 'a' })).rejects.toThrow(imageError(/cannot be given a command line/));
  });

  it('a machine without a place for it', async () => {
    const vm = await Vm.create({ memory: RAM });
    const { mapRom: _, ...target } = targetOf(vm, vm.createVcpu());
    expect(() => biosLoader.load(rom(64 * KIB), target)).toThrow(
      imageError('this machine has no place for a BIOS ROM'),
    );
  });
});

describe('a PC', () => {
  it('takes as firmware what does not look like one', async () => {
    // NOP, NOP, a near jump to itself: no jump into segment F000.
    const pc = await Pc.create({ firmware: rom(64 * KIB, [], [0x90, 0x90, 0xe9, 0xfb, 0xff]) });
    expect(pc.format).toBe('BIOS ROM');
    expect((await pc.run({ maxInstructions: 100 })).reason).toBe('budget');
    pc.close();
  });

  it('starts with one of kernel and firmware', async () => {
    const bytes = rom(64 * KIB);
    await expect(Pc.create({ firmware: bytes, kernel: bytes })).rejects.toThrow(
      /with a kernel or with a firmware, not with both/,
    );
    await expect(Pc.create({})).rejects.toThrow(/no image given \(kernel or firmware\)/);
    await expect(Pc.create({ firmware: 'x' as unknown as Uint8Array })).rejects.toThrow(
      /firmware must be a Uint8Array/,
    );
  });

  it('keeps the ROM through a snapshot', async () => {
    const pc = await Pc.create({ firmware: rom(64 * KIB) });
    const snapshot = pc.snapshot();
    expect((await pc.run()).reason).toBe('halted');
    pc.restore(snapshot);
    expect((await pc.run()).reason).toBe('halted');
    pc.close();
  });
});
