// What CPUID says of caches, topology, clocks and the hypervisor: forms and values from the manuals.

import { describe, expect, it, test } from 'vitest';
import { ExitReason, Vm, type CpuOptions, type VmOptions } from '../../src/index.js';
import { Cpuid, defaultCpuid, type CpuidEntry } from '../../src/vmm/cpuid.js';
import { checkOptions } from '../../src/vmm/options.js';
import { CODE, MIB } from './guest.js';

const table = (cpu: CpuOptions = {}, options: VmOptions = {}): Cpuid => {
  const checked = checkOptions({ cpu, ...options });
  return new Cpuid(defaultCpuid(checked.cpu, checked.tscKhz));
};
const field = (word: number, high: number, low: number): number => (word >>> low) & (2 ** (high - low + 1) - 1);
const VENDORS = [
  ['intel', 4, [32, 32, 256, 8192]],
  ['amd', 0x8000_001d, [32, 32, 512, 16384]],
] as const;

describe.each(VENDORS)('caches of %s', (vendor, leaf, sizes) => {
  const caches = (cores: number): CpuidEntry[] =>
    [0, 1, 2, 3, 4].map((subleaf) => table({ vendor, cores }).find(leaf, subleaf));

  it('are data, instructions, L2, L3 and no more', () => {
    // SDM vol. 2, CPUID leaf 4; AMD APM vol. 3, E.4.15: type in EAX[4:0], level in EAX[7:5]
    expect(caches(1).map(({ eax }) => field(eax, 4, 0))).toEqual([1, 2, 3, 3, 0]);
    expect(caches(1).map(({ eax }) => field(eax, 7, 5))).toEqual([1, 1, 2, 3, 0]);
  });

  it('have their sizes: ways × partitions × line × sets', () => {
    const kib = caches(1)
      .slice(0, 4)
      .map(
        ({ ebx, ecx }) =>
          ((field(ebx, 31, 22) + 1) * (field(ebx, 21, 12) + 1) * (field(ebx, 11, 0) + 1) * (ecx + 1)) / 1024,
      );
    expect(kib).toEqual(sizes);
  });

  it('L3 is shared by all cores, the others by none', () => {
    expect(caches(4).map(({ eax }) => field(eax, 25, 14) + 1)).toEqual([1, 1, 1, 4, 1]);
    expect(caches(1).map(({ eax }) => field(eax, 25, 14) + 1)).toEqual([1, 1, 1, 1, 1]);
  });
});

test('AMD: L1 and L2 in the old form (APM vol. 3, E.4.4, E.4.5)', () => {
  const amd = table({ vendor: 'amd' });
  const { ecx, edx } = amd.find(0x8000_0005, 0);
  expect([ecx, edx].map((word) => [field(word, 31, 24), field(word, 23, 16), field(word, 7, 0)])).toEqual([
    [32, 8, 64],
    [32, 8, 64],
  ]);
  const { ecx: l2, edx: l3 } = amd.find(0x8000_0006, 0);
  expect([field(l2, 31, 16), field(l2, 15, 12), field(l2, 7, 0)]).toEqual([512, 6, 64]);
  expect([field(l3, 31, 18) * 512, field(l3, 15, 12), field(l3, 7, 0)]).toEqual([16384, 8, 64]);
});

describe('topology', () => {
  it('one core: no HTT; several: HTT, their number, and on AMD CmpLegacy and NC', () => {
    for (const vendor of ['intel', 'amd'] as const) {
      const one = table({ vendor }).find(1, 0);
      expect([field(one.edx, 28, 28), field(one.ebx, 23, 16)]).toEqual([0, 1]);
      const six = table({ vendor, cores: 6 }).find(1, 0);
      expect([field(six.edx, 28, 28), field(six.ebx, 23, 16)]).toEqual([1, 6]);
    }
    const amd = table({ vendor: 'amd', cores: 6 });
    expect(field(amd.find(0x8000_0001, 0).ecx, 1, 1)).toBe(1);
    const { ecx } = amd.find(0x8000_0008, 0);
    expect([field(ecx, 7, 0), field(ecx, 15, 12)]).toEqual([5, 3]);
    expect(field(table({ cores: 6 }).find(4, 0).eax, 31, 26)).toBe(7); // ids, rounded up to a power of two
  });

  it('leaf 0BH: a thread a core, cores in the package; not without a local APIC', () => {
    const cpuid = table({ apic: true, cores: 6 });
    // SDM vol. 2: shift in EAX[4:0], processors in EBX[15:0], type of level in ECX[15:8]: 1 SMT, 2 core
    const level = (subleaf: number): number[] => {
      const { eax, ebx, ecx } = cpuid.find(0xb, subleaf);
      return [field(eax, 4, 0), field(ebx, 15, 0), field(ecx, 15, 8)];
    };
    expect([level(0), level(1), level(2)]).toEqual([[0, 1, 1], [3, 6, 2], [0, 0, 0]]); // prettier-ignore
    expect(table({ cores: 6 }).find(0xb, 0).ebx).toBe(0);
  });

  it('each vCPU finds its id', async () => {
    const code = [0x66, 0x0f, 0xa2, 0xf4].slice(1); // cpuid; hlt
    for (const [vendor, leaf] of [
      ['intel', 0xb],
      ['amd', 0xb],
      ['amd', 0x8000_001e],
    ] as const) {
      // prettier-ignore
      const vm = await Vm.create({ memory: MIB, cpu: { vendor, apic: false, cores: 3, features: ['+apic'] } });
      vm.memory.write(CODE, Uint8Array.from(code));
      for (let index = 0; index < 3; index++) {
        const vcpu = vm.createVcpu();
        const sregs = vcpu.getSregs();
        vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
        vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rax: BigInt(leaf), rcx: 2n });
        expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
        const { rax, rbx, rcx, rdx } = vcpu.getRegs();
        // 0BH: EDX, also of a level that is not there, whose number ECX repeats; 8000001EH: EAX, and the core in EBX[7:0]
        if (leaf === 0xb) expect([rdx, rcx]).toEqual([BigInt(index), 2n]);
        else expect([rax, rbx & 0xffn]).toEqual([BigInt(index), BigInt(index)]);
      }
    }
  });
});

describe('clocks', () => {
  it('a crystal of 25 MHz, and the ratio in lowest terms: Linux multiplies kHz by EBX in 32 bits', () => {
    expect(table().find(0x15, 0)).toMatchObject({ eax: 1, ebx: 112, ecx: 25_000_000 });
    expect(table({}, { tscKhz: 2_310_000 }).find(0x15, 0)).toMatchObject({ eax: 5, ebx: 462, ecx: 25_000_000 });
    expect(table().find(0x16, 0)).toMatchObject({ eax: 2800, ecx: 100 });
  });

  it('ARAT, x2APIC and the TSC deadline come with the local APIC, and may be left out', () => {
    const flags = (cpu: CpuOptions): number[] => {
      const cpuid = table(cpu);
      const { ecx, edx } = cpuid.find(1, 0);
      return [field(edx, 9, 9), field(ecx, 21, 21), field(ecx, 24, 24), field(cpuid.find(6, 0).eax, 2, 2)];
    };
    expect(flags({})).toEqual([0, 0, 0, 0]);
    expect(flags({ apic: true })).toEqual([1, 1, 1, 1]);
    expect(flags({ apic: true, vendor: 'amd' })).toEqual([1, 1, 1, 1]);
    expect(flags({ apic: true, features: ['-x2apic'] })).toEqual([1, 0, 1, 1]);
    expect(flags({ apic: true, features: ['-apic'] })).toEqual([0, 0, 0, 0]);
  });

  it('the TSC is invariant, and adjustable', () => {
    expect(field(table().find(0x8000_0007, 0).edx, 8, 8)).toBe(1);
    expect(field(table().find(7, 0).ebx, 1, 1)).toBe(1);
  });
});

test('there is no performance monitoring, MWAIT, SGX or memory encryption', () => {
  for (const leaf of [5, 0xa, 0x12, 0x14, 0x8000_001f]) {
    for (const vendor of ['intel', 'amd'] as const) {
      expect(table({ vendor }).find(leaf, 0)).toMatchObject({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
    }
  }
});

test('no speculation: each vendor says it in its own bits', () => {
  const intel = table();
  const amd = table({ vendor: 'amd' });
  // SDM vol. 2, leaf 7 EDX: 26 IBRS and IBPB, 29 ARCH_CAPABILITIES
  expect([26, 29].map((bit) => field(intel.find(7, 0).edx, bit, bit))).toEqual([1, 1]);
  expect(amd.find(7, 0).edx).toBe(0);
  // AMD APM vol. 3, E.4.8: 26 SsbNotRequired, 29 BTC_NO; E.4.18: LFENCE, null selectors, 29 SRSO_NO; TSA guidance: ECX 1, 2
  expect([26, 29].map((bit) => field(amd.find(0x8000_0008, 0).ebx, bit, bit))).toEqual([1, 1]);
  expect(amd.find(0x8000_0021, 0)).toMatchObject({ eax: 0x2000_0044, ecx: 6 });
  expect(amd.find(0x8000_0000, 0).eax).toBeGreaterThanOrEqual(0x8000_0021);
  expect(intel.find(0x8000_0008, 0).ebx).toBe(0);
});

test("a feature of the other vendor's is refused by name", async () => {
  const made = Vm.create({ cpu: { vendor: 'amd', features: ['+spec_ctrl'] } });
  await expect(made).rejects.toThrow(/not '\+spec_ctrl'; names are (?!.*spec_ctrl).*topoext/);
  await expect(Vm.create({ cpu: { vendor: 'intel', features: ['-topoext'] } })).resolves.toBeDefined();
});

describe("KVM's leaves (Documentation/virt/kvm/x86/cpuid.rst)", () => {
  it('announce the clocks and that I/O needs no delay', () => {
    expect(table().find(0x4000_0001, 0).eax).toBe((1 << 0) | (1 << 1) | (1 << 3) | (1 << 24));
    expect(table({ kvmclock: false }).find(0x4000_0001, 0).eax).toBe(1 << 1);
    expect(table({ hypervisor: false }).find(0x4000_0001, 0).eax).toBe(0);
  });

  it('tell the frequencies of TSC and APIC timer in kHz', () => {
    expect(table().find(0x4000_0010, 0)).toMatchObject({ eax: 2_800_000, ebx: 25_000 });
    expect(table().find(0x4000_0000, 0).eax).toBe(0x4000_0010);
  });
});

describe('options', () => {
  it.each<[VmOptions, RegExp]>([
    [{ startTime: -1 }, /startTime must be 0…2147483647000 ms since 1970, not -1/],
    [{ startTime: Number.NaN }, /startTime must be/],
    [{ cpu: { cores: 9 } }, /cpu\.cores must be 1…8, not 9/],
    [{ cpu: { kvmclock: 1 as unknown as boolean } }, /cpu\.kvmclock must be true or false, not 1/],
  ])('%o', async (options, message) => {
    await expect(Vm.create(options)).rejects.toThrow(message);
  });
});
