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
    [{ cpu: { level: 'v4' } }, /cpu\.level must be 'v1' or 'v2' or 'v3'/],
    [{ cpu: { features: 'avx' } }, /cpu\.features must be an array/],
    [{ cpu: { features: ['avx'] } }, /cpu\.features takes '\+name' and '-name', not 'avx'/],
    [{ cpu: { features: ['+avx512f'] } }, /not '\+avx512f'; names are .*avx2/],
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

  /** SDM vol. 2, CPUID: [leaf, subleaf, register, bit]. */
  const bits = {
    fpu: [1, 0, 'edx', 0],
    sse2: [1, 0, 'edx', 26],
    'sse4.2': [1, 0, 'ecx', 20],
    popcnt: [1, 0, 'ecx', 23],
    cx16: [1, 0, 'ecx', 13],
    aes: [1, 0, 'ecx', 25],
    xsave: [1, 0, 'ecx', 26],
    avx: [1, 0, 'ecx', 28],
    fma: [1, 0, 'ecx', 12],
    bmi1: [7, 0, 'ebx', 3],
    avx2: [7, 0, 'ebx', 5],
    bmi2: [7, 0, 'ebx', 8],
    lzcnt: [0x8000_0001, 0, 'ecx', 5],
    lm: [0x8000_0001, 0, 'edx', 29],
  } as const;
  const claims = (cpu: NonNullable<VmOptions['cpu']>): string[] =>
    Object.entries(bits).flatMap(([name, [leaf, subleaf, register, bit]]) =>
      (table({ cpu }).find(leaf, subleaf)[register] >>> bit) & 1 ? [name] : [],
    );

  it('follows the levels of the x86-64 psABI', () => {
    const v1 = ['fpu', 'sse2', 'lm'];
    const v2 = ['fpu', 'sse2', 'sse4.2', 'popcnt', 'cx16', 'lm'];
    expect(claims({ level: 'v1' })).toEqual(v1);
    expect(claims({ level: 'v2' })).toEqual(v2);
    expect(claims({})).toEqual(Object.keys(bits));
    // AVX-512F and VMX are not there at any level
    expect((table({}).find(7, 0).ebx >>> 16) & 1).toBe(0);
    expect((table({}).find(1, 0).ecx >>> 5) & 1).toBe(0);
  });

  it('adds and takes away features with what they need, and what needs them', () => {
    expect(claims({ level: 'v1', features: ['+avx'] })).toEqual(['fpu', 'sse2', 'sse4.2', 'xsave', 'avx', 'lm']);
    expect(claims({ features: ['-avx'] })).toEqual(
      Object.keys(bits).filter((name) => !['avx', 'avx2', 'fma'].includes(name)),
    );
    expect(claims({ level: 'v1', features: ['-fpu'] })).toEqual(['lm']);
    expect(claims({ features: ['-aes', '+aes'] })).toContain('aes');
  });

  it('has leaf DH with XSAVE alone: offset and size of the upper halves of YMM are 576 and 256', () => {
    expect(table({}).find(0xd, 0)).toMatchObject({ eax: 7, ecx: 832 });
    expect(table({}).find(0xd, 2)).toMatchObject({ eax: 256, ebx: 576 });
    expect(table({ cpu: { features: ['-avx'] } }).find(0xd, 0)).toMatchObject({ eax: 3, ecx: 576 });
    expect(table({ cpu: { level: 'v2' } }).find(0xd, 0)).toMatchObject({ eax: 0, ecx: 0 });
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
