// KVM's paravirtual clock as a guest reads it: Linux, Documentation/virt/kvm/x86/msr.rst and cpuid.rst.

import { describe, expect, it, test } from 'vitest';
import { ExitReason, MemoryFlag, type VmOptions, type Vcpu, type Vm } from '../../src/index.js';
import { tickScale } from '../../src/vmm/msr/kvmclock.js';
import { longMode } from './guest.js';

const WALL_CLOCK = 0x4b56_4d00;
const SYSTEM_TIME = 0x4b56_4d01;
const AT = 0x8004;
const TSC = 0x10;

/** Nanoseconds by the formula of msr.rst, from the structure at AT. */
function systemTime(vm: Vm, tsc: bigint): bigint {
  const { memory } = vm;
  const shift = (memory.readU8(AT + 28) << 24) >> 24;
  let delta = tsc - memory.readU64(AT + 8);
  delta = shift >= 0 ? delta << BigInt(shift) : delta >> BigInt(-shift);
  return ((delta * BigInt(memory.readU32(AT + 24))) >> 32n) + memory.readU64(AT + 16);
}
const tsc = (vcpu: Vcpu): bigint => vcpu.getMsrs([TSC])[0]!.data;

/** A guest that counts in a loop, with its clock at AT. */
async function guest(options: VmOptions = {}): Promise<{ vm: Vm; vcpu: Vcpu }> {
  const made = await longMode([0x48, 0xff, 0xc3, 0xeb, 0xfb], options); // inc rbx; jmp
  made.vcpu.setMsrs([{ index: SYSTEM_TIME, data: BigInt(AT) | 1n }]);
  return made;
}

describe('scale of ticks', () => {
  it.each([1000, 25_000, 999_999, 1_000_000, 2_345_678, 2_800_000, 4_294_967_295])('%i kHz', (tscKhz) => {
    const { multiplier, shift } = tickScale(tscKhz);
    expect(multiplier).toBeGreaterThanOrEqual(2 ** 31);
    expect(multiplier).toBeLessThan(2 ** 32);
    // the largest multiplier that is not above a tick's length
    const length = (m: number): number => (m * 2 ** shift) / 2 ** 32;
    expect(length(multiplier)).toBeLessThanOrEqual(1e6 / tscKhz);
    expect(length(multiplier + 1)).toBeGreaterThan((1e6 / tscKhz) * (1 - 2 ** -50));
    // what Linux makes of it (arch/x86/kernel/pvclock.c, pvclock_tsc_khz), which loses the bits that the shift drops
    const khz = Math.floor((1e6 * 2 ** 32) / multiplier) * 2 ** -shift;
    expect(Math.abs(khz - tscKhz)).toBeLessThan(Math.max(1, 2 ** -shift));
  });
});

it('tells nanoseconds since power-on, a day later too within 30 µs', async () => {
  const { vm, vcpu } = await guest();
  expect(vcpu.run({ maxInstructions: 70_000 }).reason).toBe(ExitReason.Budget);
  // 70,000 instructions of 8 ticks at 2.8 GHz
  expect(Number(systemTime(vm, tsc(vcpu)))).toBeGreaterThan(199_990);
  expect(Number(systemTime(vm, tsc(vcpu)))).toBeLessThanOrEqual(200_000);
  vm.skipTime(86_400e9);
  const late = 86_400_000_200_000 - Number(systemTime(vm, tsc(vcpu)));
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(30_000); // the multiplier has 32 bits
});

it('follows a TSC that is written', async () => {
  const { vm, vcpu } = await guest();
  vcpu.run({ maxInstructions: 7000 });
  const version = vm.memory.readU32(AT);
  vcpu.setMsrs([{ index: TSC, data: 0x1234_5678_9abcn }]);
  expect(vm.memory.readU32(AT)).toBeGreaterThan(version);
  expect(vm.memory.readU32(AT) % 2).toBe(0);
  vcpu.run({ maxInstructions: 7000 });
  const now = Number(systemTime(vm, tsc(vcpu)));
  expect(now).toBeGreaterThan(39_990); // 14,000 instructions
  expect(now).toBeLessThanOrEqual(40_000);
});

it('a guest that writes its TSC finds the structure right in the next share of its run', async () => {
  const { vm, vcpu } = await longMode([0x0f, 0x30, 0x48, 0xff, 0xc3, 0xeb, 0xfb]); // wrmsr; inc rbx; jmp
  vcpu.setMsrs([{ index: SYSTEM_TIME, data: BigInt(AT) | 1n }]);
  vcpu.setRegs({ ...vcpu.getRegs(), rcx: 0x10n, rax: 0n, rdx: 0x100n });
  vcpu.run({ maxInstructions: 7000 });
  vcpu.run({ maxInstructions: 7000 });
  const now = Number(systemTime(vm, tsc(vcpu)));
  expect(now).toBeGreaterThan(39_990);
  expect(now).toBeLessThanOrEqual(40_000);
});

it('says that the TSC is stable with one vCPU, or with the real clock; not with several that count their own instructions', async () => {
  const flags = async (options: VmOptions, vcpus: number): Promise<number> => {
    const { vm, vcpu } = await longMode([0xf4], options);
    for (let made = 1; made < vcpus; made++) vm.createVcpu();
    vcpu.setMsrs([{ index: SYSTEM_TIME, data: BigInt(AT) | 1n }]);
    return vm.memory.readU8(AT + 29);
  };
  expect(await flags({}, 1)).toBe(1);
  expect(await flags({}, 2)).toBe(0);
  expect(await flags({ clock: 'real' }, 2)).toBe(1);
});

it('names the date at power-on', async () => {
  const wall = async (options: VmOptions): Promise<number[]> => {
    const { vm, vcpu } = await longMode([0xf4], options);
    vm.skipTime(5e9); // the wall clock is that of power-on nevertheless
    vcpu.setMsrs([{ index: WALL_CLOCK, data: BigInt(AT) }]);
    return [0, 4, 8].map((offset) => vm.memory.readU32(AT + offset));
  };
  const [version, seconds, nanoseconds] = await wall({ startTime: 1_234_567_890_250 });
  expect([version! % 2, seconds, nanoseconds]).toEqual([0, 1_234_567_890, 250_000_000]);
  expect((await wall({}))[1]).toBe(Date.parse('2026-01-01T00:00:00Z') / 1000);
});

it('is in snapshots: the guest reads on, and a later TSC write reaches the structure', async () => {
  const { vm, vcpu } = await guest();
  vcpu.run({ maxInstructions: 7000 });
  const snapshot = vm.snapshot();
  const then = systemTime(vm, tsc(vcpu));
  vcpu.setMsrs([{ index: SYSTEM_TIME, data: 0n }, { index: TSC, data: 0n }]); // prettier-ignore
  vcpu.run({ maxInstructions: 7000 });
  vm.restore(snapshot);
  expect(systemTime(vm, tsc(vcpu))).toBe(then);
  const version = vm.memory.readU32(AT);
  vcpu.setMsrs([{ index: TSC, data: 1n << 40n }]);
  expect(vm.memory.readU32(AT)).toBeGreaterThan(version);
});

it.each([
  ['beyond RAM', 0xffff_ffff_ffff_f001n],
  ['unaligned', BigInt(AT) | 3n],
  ['off', BigInt(AT)],
])('tells nothing to a structure that is %s', async (_what, data) => {
  const { vm, vcpu } = await longMode([0x0f, 0x30, 0xf4]); // wrmsr; hlt
  const before = vm.memory.read(0x8000, 0x1000);
  vcpu.setRegs({ ...vcpu.getRegs(), rcx: BigInt(SYSTEM_TIME), rax: data & 0xffff_ffffn, rdx: data >> 32n });
  expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
  expect(vm.memory.read(0x8000, 0x1000)).toEqual(before);
  expect(vcpu.getMsrs([SYSTEM_TIME])[0]!.data).toBe(data);
});

it('writes a structure across two slots, but neither a read-only one nor one that is gone', async () => {
  const { vm, vcpu } = await longMode([0xf4]);
  vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x8000_0000n, memorySize: 4096 });
  vm.setMemoryRegion({ slot: 2, guestPhysAddr: 0x8000_1000n, memorySize: 4096 });
  const at = 0x8000_0fec; // of the 8 bytes of system_time, 4 lie in each
  vm.skipTime(1e12);
  vcpu.setMsrs([{ index: SYSTEM_TIME, data: BigInt(at) | 1n }]);
  expect(vm.memory.readU32(at)).toBe(2);
  // nothing has run: 10^12 ns
  expect([vm.memory.readU32(at + 16), vm.memory.readU32(at + 20)]).toEqual([
    1e12 % 2 ** 32,
    Math.floor(1e12 / 2 ** 32),
  ]);
  vm.setMemoryRegion({ slot: 2, guestPhysAddr: 0x8000_1000n, memorySize: 0 });
  vcpu.setMsrs([{ index: TSC, data: 1n }]);
  expect(vm.memory.readU32(at)).toBe(2);
  vm.setMemoryRegion({ slot: 2, guestPhysAddr: 0x8000_1000n, memorySize: 4096, flags: MemoryFlag.ReadOnly });
  vcpu.setMsrs([{ index: TSC, data: 2n }]);
  expect(vm.memory.readU32(at)).toBe(2);
});

test('without kvmclock, or without the hypervisor leaves, there are no such registers', async () => {
  for (const cpu of [{ kvmclock: false }, { hypervisor: false }]) {
    const { vcpu } = await longMode([0xf4], { cpu });
    for (const index of [0x11, 0x12, WALL_CLOCK, SYSTEM_TIME]) expect(() => vcpu.getMsrs([index])).toThrow(/EINVAL/);
  }
});
