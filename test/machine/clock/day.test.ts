// A day of guest time: guests/clocks has all timers interrupt a halted processor, and ends with the RTC's 86,400th second. Every
// other clock then says the same, and no timer has had an interrupt too many or too few.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Pc, type Vm } from '../../../src/index.js';

const IMAGE = new URL('../../../guests/clocks/clocks.bin', import.meta.url);
/** The dword of the image that says how many seconds it runs; its counts (guests/clocks/clocks.asm). */
const SECONDS_AT = 4;
const COUNTS = 0x7000;
const DAY = 86_400;
const TSC_HZ = 2_800_000_000;
const PIT_HZ = 1_193_182;
const PIT_PERIOD = 65_536;
const PM_TIMER_HZ = 3_579_545;
/** The guest sets its timers up within this time, in seconds, and needs no more for the handler that ends it. */
const SETUP = 2e-4;

const KVM_SYSTEM_TIME = 0x4b56_4d01;
const KVM_CLOCK = 0x8004;

/** Nanoseconds by the structure at KVM_CLOCK (Linux, Documentation/virt/kvm/x86/msr.rst). */
function kvmTime({ memory }: Vm, tsc: bigint): number {
  const shift = (memory.readU8(KVM_CLOCK + 28) << 24) >> 24;
  let delta = tsc - memory.readU64(KVM_CLOCK + 8);
  delta = shift >= 0 ? delta << BigInt(shift) : delta >> BigInt(-shift);
  return Number(((delta * BigInt(memory.readU32(KVM_CLOCK + 24))) >> 32n) + memory.readU64(KVM_CLOCK + 16));
}
function port(vm: Vm, number: number, length: number): number {
  expect(vm.pio.read(number, 0, length)).toBe(true);
  return vm.pio.dataLo;
}
function cmos(vm: Vm, register: number): number {
  vm.pio.write(0x70, 0, 1, register, 0);
  return port(vm, 0x71, 1);
}

it('24 hours without drift', { timeout: 240_000 }, async () => {
  const kernel = Uint8Array.from(readFileSync(IMAGE));
  new DataView(kernel.buffer).setUint32(SECONDS_AT, DAY, true);
  const pc = await Pc.create({ kernel, memory: 2 << 20, clock: 'virtual', startTime: Date.UTC(2027, 11, 31) });
  const { vm, vcpu } = pc;
  vcpu.setMsrs([{ index: KVM_SYSTEM_TIME, data: BigInt(KVM_CLOCK) | 1n }]);
  // some hundred instructions a second, for its interrupts: what is between them passes at once
  const end = await pc.run({ maxInstructions: DAY * 400 });
  expect(end.reason).toBe('debug-exit');

  // The TSC. The RTC's update, 244 µs after the second begins, is what interrupts (MC146818A, "update cycle": 248 + 1984 µs at most).
  const ticks = vcpu.getMsrs([0x10])[0]!.data;
  const seconds = Number(ticks) / TSC_HZ;
  expect(seconds).toBeGreaterThanOrEqual(DAY);
  expect(seconds).toBeLessThan(DAY + 0.003 + SETUP);
  expect(vm.clock.nanoseconds()).toBeCloseTo(seconds * 1e9, -1);

  // What has a clock of its own to read.
  expect(kvmTime(vm, ticks)).toBeGreaterThan(seconds * 1e9 * (1 - 2 ** -31)); // its multiplier has 32 bits
  expect(kvmTime(vm, ticks)).toBeLessThanOrEqual(seconds * 1e9);
  expect(port(vm, 0x608, 4)).toBe(Math.floor(seconds * PM_TIMER_HZ) % 2 ** 24);
  expect(vm.mmio.read(0xfed0_00f0, 0, 8)).toBe(true);
  const hpet = (vm.mmio.dataHi * 2 ** 32 + vm.mmio.dataLo) * 1e-8;
  expect(hpet).toBeGreaterThan(seconds - SETUP);
  expect(hpet).toBeLessThanOrEqual(seconds);
  // 2028-01-01 00:00:00, BCD
  expect([9, 8, 7, 4, 2, 0].map((register) => cmos(vm, register))).toEqual([0x28, 1, 1, 0, 0, 0]);

  // What has only interrupted. The PIT's first is that of its output, which mode 2 sets high (8254 data sheet, "Mode 2").
  const [pit, rtc, apic, hpetTimer, ipis] = new Uint32Array(vm.memory.read(COUNTS, 20).slice().buffer);
  const between = (count: number, hz: number): void => {
    expect(count).toBeGreaterThanOrEqual(Math.floor((seconds - SETUP) * hz));
    expect(count).toBeLessThanOrEqual(Math.floor(seconds * hz));
  };
  expect(rtc).toBe(DAY);
  between(pit! - 1, PIT_HZ / PIT_PERIOD);
  between(apic!, 1);
  between(hpetTimer!, 1);
  expect(ipis).toBe(apic);
  pc.close();
});
