// Model-specific registers that operating systems and firmware use, by the rules of the manuals; seen from a guest.

import { describe, expect, it, test } from 'vitest';
import { ExitReason, Snapshot, Vm, type CpuOptions } from '../../src/index.js';
import { firmwareMtrrs } from '../../src/vmm/msr/mtrr.js';
import { longMode } from './guest.js';

const RDMSR = [0x0f, 0x32];
const WRMSR = [0x0f, 0x30];
const HLT = 0xf4;

/** What the guest reads; 'GP' = an exception, which without an IDT is a triple fault. */
async function guestReads(index: number, cpu: CpuOptions = {}): Promise<bigint | 'GP'> {
  const { vcpu } = await longMode([...RDMSR, HLT], { cpu });
  vcpu.setRegs({ ...vcpu.getRegs(), rcx: BigInt(index) });
  if (vcpu.run({ maxInstructions: 10 }).reason !== ExitReason.Hlt) return 'GP';
  const { rax, rdx } = vcpu.getRegs();
  return rax | (rdx << 32n);
}

/** What it reads after it has written a value. */
async function guestWrites(index: number, value: bigint, cpu: CpuOptions = {}): Promise<bigint | 'GP'> {
  const { vcpu } = await longMode([...WRMSR, ...RDMSR, HLT], { cpu });
  vcpu.setRegs({ ...vcpu.getRegs(), rcx: BigInt(index), rax: value & 0xffff_ffffn, rdx: value >> 32n });
  if (vcpu.run({ maxInstructions: 10 }).reason !== ExitReason.Hlt) return 'GP';
  const { rax, rdx } = vcpu.getRegs();
  return rax | (rdx << 32n);
}

describe('MTRRs (SDM vol. 3, 12.11)', () => {
  it('tell of 8 pairs, fixed ranges and write-combining', async () => {
    expect(await guestReads(0xfe)).toBe(0x508n);
    expect(await guestWrites(0xfe, 0x508n)).toBe('GP');
  });

  it.each([
    ['default type: WB, both enabled', 0x2ff, 0xc06n],
    ['fixed: WB and UC', 0x258, 0x0606_0606_0000_0000n],
    ['base: an address of 40 bits, WC', 0x200, 0xff_c000_0001n],
    ['mask: valid', 0x20f, 0xff_c000_0800n],
  ])('keep %s', async (_what, index, value) => {
    expect(await guestReads(index)).toBe(0n);
    expect(await guestWrites(index, value)).toBe(value);
  });

  // Memory types 2, 3 and 7 on are reserved (table 12-8), as are other bits (figures 12-7 and 12-8)
  it.each([
    ['default type 2', 0x2ff, 0xc02n],
    ['bit 9 of the default type', 0x2ff, 0x206n],
    ['fixed type 7', 0x26f, 0x0700_0000_0000_0000n],
    ['a base beyond 40 bits', 0x200, 0x100_0000_0006n],
    ['bit 8 of a base', 0x200, 0x106n],
    ['bit 10 of a mask', 0x201, 0xc00n],
    ['a ninth pair', 0x210, 0n],
  ])('refuse %s: #GP', async (_what, index, value) => {
    expect(await guestWrites(index, value)).toBe('GP');
  });

  it('are not there without the feature', async () => {
    expect(await guestReads(0x2ff, { features: ['-mtrr'] })).toBe('GP');
  });

  it('can be set as firmware leaves them: 3 GiB of RAM and devices above', async () => {
    const { vcpu } = await longMode([HLT]);
    vcpu.setMsrs(firmwareMtrrs(0xc000_0000, 40));
    const value = (index: number): bigint => vcpu.getMsrs([index])[0]!.data;
    // an address is in the range if address & mask = base & mask (SDM vol. 3, 12.11.3)
    const [base, mask] = [value(0x200), value(0x201)];
    const uncacheable = (at: bigint): boolean => (at & mask & ~0xfffn) === (base & mask & ~0xfffn);
    expect([base & 0xffn, mask & 0x800n, value(0x2ff)]).toEqual([0n, 0x800n, 0xc06n]);
    expect([0n, 0xbfff_f000n, 0x1_0000_0000n, 0xff_ffff_f000n].map(uncacheable)).toEqual([false, false, false, false]);
    expect([0xc000_0000n, 0xfee0_0000n, 0xffff_f000n].map(uncacheable)).toEqual([true, true, true]);
    expect([value(0x250), value(0x259)]).toEqual([0x0606_0606_0606_0606n, 0n]);
  });
});

describe('speculation', () => {
  it('is not there: IA32_ARCH_CAPABILITIES says so (SDM vol. 4, table 2-2)', async () => {
    const value = (await guestReads(0x10a)) as bigint;
    const has = (bit: number): boolean => ((value >> BigInt(bit)) & 1n) === 1n;
    // RDCL_NO, IBRS_ALL, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO
    expect([0, 1, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27].filter((bit) => !has(bit))).toEqual([]);
    // RSBA, TSX_CTRL, FB_CLEAR, RRSBA, RFDS_CLEAR: things to be defended against, or means that are not there
    expect([2, 7, 17, 19, 28].filter(has)).toEqual([]);
    expect(await guestWrites(0x10a, value)).toBe('GP');
    expect(((await guestReads(0x10a, { features: ['-spec_ctrl'] })) as bigint) & 2n).toBe(0n);
  });

  it('IA32_SPEC_CTRL takes IBRS and STIBP, IA32_PRED_CMD only writes of IBPB', async () => {
    expect(await guestWrites(0x48, 1n)).toBe(1n);
    expect(await guestWrites(0x48, 4n)).toBe('GP'); // SSBD is not announced
    const { vcpu } = await longMode([...WRMSR, HLT]);
    vcpu.setRegs({ ...vcpu.getRegs(), rcx: 0x49n, rax: 1n, rdx: 0n });
    expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    expect(await guestReads(0x49)).toBe('GP');
  });

  it.each([0x48, 0x49, 0x10a])('MSR %i is not there on AMD, which did not announce it', async (index) => {
    expect(await guestReads(index, { vendor: 'amd' })).toBe('GP');
  });
});

describe('registers of a vendor', () => {
  it('Intel: microcode revision in the upper half whatever is written; locked features; no SMI; fast strings', async () => {
    expect(await guestWrites(0x8b, 0n)).toBe(0x49_0000_0000n);
    expect(await guestReads(0x3a)).toBe(1n);
    expect(await guestWrites(0x3a, 5n)).toBe('GP');
    expect(await guestReads(0x34)).toBe(0n);
    expect(await guestReads(0xce)).toBe((28n << 8n) | (28n << 40n)); // 2.8 GHz at 100 MHz
    expect(((await guestReads(0x1a0)) as bigint) & 1n).toBe(1n);
  });

  it('AMD: the TSC counts at P0 (HWCR bit 24), LFENCE serialises (DE_CFG bit 1), the rest is off', async () => {
    const amd = { vendor: 'amd' } as const;
    expect((((await guestReads(0xc001_0015, amd)) as bigint) >> 24n) & 1n).toBe(1n);
    expect(await guestWrites(0xc001_1029, 2n, amd)).toBe(2n);
    expect(await guestReads(0xc001_0010, amd)).toBe(0n);
    // Linux sets bit 46, EnableCf8ExtCfg, unasked
    expect(await guestWrites(0xc001_001f, 1n << 46n, amd)).toBe(0n);
    expect(await guestWrites(0x8b, 0n, amd)).toBe('GP');
    expect(await guestReads(0x3a, amd)).toBe('GP');
    expect(await guestReads(0xc001_0015)).toBe('GP');
  });

  it('machine checks: no bank, no control register', async () => {
    expect(await guestReads(0x179)).toBe(0n);
    expect(await guestWrites(0x17a, 0n)).toBe(0n);
    expect(await guestReads(0x17b)).toBe('GP');
    expect(await guestReads(0x400)).toBe('GP');
  });

  it('what nobody announced is #GP: IA32_PMC0, MISC_FEATURES_ENABLES, IA32_VMX_BASIC', async () => {
    expect(await Promise.all([0xc1, 0x140, 0x480].map((index) => guestReads(index)))).toEqual(['GP', 'GP', 'GP']);
  });
});

test('they are part of a snapshot and of its file, and gone after a reset', async () => {
  const { vm, vcpu } = await longMode([HLT]);
  vcpu.setMsrs([{ index: 0x2ff, data: 0xc06n }, { index: 0x200, data: 0xc000_0000n }]); // prettier-ignore
  const snapshot = vm.snapshot();
  const file = snapshot.toBytes();
  vcpu.setMsrs([{ index: 0x2ff, data: 0n }]);
  vm.restore(snapshot);
  expect(vcpu.getMsrs([0x2ff, 0x200]).map(({ data }) => data)).toEqual([0xc06n, 0xc000_0000n]);
  const other = await longMode([HLT]);
  other.vm.restore(Snapshot.fromBytes(file));
  expect(other.vcpu.getMsrs()).toEqual(vcpu.getMsrs());
  expect(other.vcpu.getMsrs([0x2ff])[0]!.data).toBe(0xc06n);
  vcpu.reset();
  expect(vcpu.getMsrs([0x2ff])[0]!.data).toBe(0n);
});

test('a handler of the user comes first', async () => {
  const vm = await Vm.create();
  vm.claimMsr(0x2ff, { read: () => 7n });
  const vcpu = vm.createVcpu();
  expect(vcpu.getMsrs([0x2ff])[0]!.data).toBe(7n);
  expect(() => vcpu.setMsrs([{ index: 0x2ff, data: 0n }])).toThrow(/EINVAL/);
});
