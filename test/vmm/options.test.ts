// Vm.create(): one clear error for each thing that can be wrong; and what CPUID then says.

import { describe, expect, it, test } from 'vitest';
import { EBADF, EventFd, Vm, type VmOptions } from '../../src/index.js';
import { Cpuid, defaultCpuid } from '../../src/vmm/cpuid.js';
import { checkOptions } from '../../src/vmm/options.js';

describe('options', () => {
  it.each<[unknown, RegExp]>([
    [{ memory: 5000 }, /memory must be .* not 5000/],
    [{ memory: -4096 }, /memory must be/],
    [{ memory: '64M' }, /memory must be .* not 64M/],
    [{ paging: 'tdp' }, /paging must be 'ept' or 'npt' or 'shadow', not "tdp"/],
    [{ clock: 'utc' }, /clock must be 'virtual' or 'real'/],
    [{ doorbells: 'slow' }, /doorbells must be 'fast' or 'emulate'/],
    [{ tscKhz: 0 }, /tscKhz must be/],
    [{ ticksPerInstruction: 0 }, /ticksPerInstruction must be/],
    [{ cpu: { vendor: 'via' } }, /cpu\.vendor must be 'intel' or 'amd'/],
    [{ cpu: { physicalBits: 52 } }, /cpu\.physicalBits must be 36…46/],
    [{ cpu: { fpu: true } }, /no cpu option is called "fpu"/],
    [{ memroy: 4096 }, /no option is called "memroy"/],
  ])('%o', async (options, message) => {
    const made = Vm.create(options as VmOptions);
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('has eight vCPUs at most', async () => {
    const vm = await Vm.create();
    for (let index = 0; index < 8; index++) expect(vm.createVcpu().index).toBe(index);
    expect(() => vm.createVcpu()).toThrow(/at most 8/);
  });
});

describe('CPUID', () => {
  const table = (options: VmOptions): Cpuid => {
    const { cpu, tscKhz } = checkOptions(options);
    return new Cpuid(defaultCpuid(cpu, tscKhz));
  };
  /** EBX, EDX, ECX as the vendor string has them (SDM vol. 2, CPUID, leaf 0). */
  const text = (...words: number[]): string =>
    words.map((word) => String.fromCharCode(...[0, 8, 16, 24].map((shift) => (word >>> shift) & 255))).join('');

  it.each([
    ['intel', 'GenuineIntel'],
    ['amd', 'AuthenticAMD'],
  ] as const)('names its vendor: %s', (vendor, name) => {
    const { ebx, ecx, edx } = table({ cpu: { vendor } }).find(0, 0);
    expect(text(ebx, edx, ecx)).toBe(name);
  });

  it('does not claim what is not implemented', () => {
    const { ecx, edx } = table({}).find(1, 0);
    // SDM vol. 2, tables 3-10 and 3-11: FPU 0, MMX 23, FXSR 24, SSE 25, SSE2 26; SSE3 0, VMX 5, SSSE3 9, SSE4 19 and 20, XSAVE 26, AVX 28.
    for (const bit of [0, 23, 24, 25, 26]) expect((edx >>> bit) & 1).toBe(0);
    for (const bit of [0, 5, 9, 19, 20, 26, 28]) expect((ecx >>> bit) & 1).toBe(0);
    // TSC 4, MSR 5, PAE 6, CX8 8, CMOV 15; CX16 13, POPCNT 23, hypervisor 31.
    for (const bit of [4, 5, 6, 8, 15]) expect((edx >>> bit) & 1).toBe(1);
    for (const bit of [13, 23, 31]) expect((ecx >>> bit) & 1).toBe(1);
    expect((table({}).find(0x8000_0001, 0).edx >>> 29) & 1).toBe(1); // long mode
  });

  it('tells the frequency: TSC = crystal × EBX / EAX (SDM vol. 2, leaf 15H)', () => {
    const { eax, ebx, ecx } = table({ tscKhz: 2_345_678 }).find(0x15, 0);
    expect((ecx * ebx) / eax).toBe(2_345_678_000);
    expect(table({ tscKhz: 2_345_678 }).find(0x4000_0010, 0).eax).toBe(2_345_678);
  });

  it('tells the address widths, and 57 linear bits only with LA57', () => {
    expect(table({ cpu: { physicalBits: 39 } }).find(0x8000_0008, 0).eax).toBe(39 | (48 << 8));
    expect(table({ cpu: { la57: true } }).find(0x8000_0008, 0).eax).toBe(40 | (57 << 8));
    expect((table({ cpu: { la57: true } }).find(7, 0).ecx >>> 16) & 1).toBe(1);
    expect((table({}).find(7, 0).ecx >>> 16) & 1).toBe(0);
  });

  it('knows leaves by subleaf, and zeros otherwise', () => {
    expect(table({}).find(7, 0).ebx).not.toBe(0);
    expect(table({}).find(7, 1)).toMatchObject({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
    expect(table({ cpu: { hypervisor: false } }).find(0x4000_0000, 0).ebx).toBe(0);
    const { ebx, ecx, edx } = table({}).find(0x4000_0000, 0);
    expect(text(ebx, ecx, edx)).toBe('KVMKVMKVM\0\0\0');
  });
});

test('a closed Vm refuses what it could not undo', async () => {
  const vm = await Vm.create({ memory: 1 << 20 });
  const vcpu = vm.createVcpu();
  vm.close();
  const fd = new EventFd();
  expect(() => vm.ioeventfd({ fd, addr: 0xfe00_0000n, len: 4 })).toThrow(EBADF);
  expect(() => vm.createVcpu()).toThrow(EBADF);
  expect(() => vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x10_0000n, memorySize: 4096 })).toThrow(EBADF);
  expect(() => vcpu.run({ maxInstructions: 1 })).toThrow(/run: the Vm is closed$/);
});
