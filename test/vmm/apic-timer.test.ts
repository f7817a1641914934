// The APIC timer (SDM vol. 3, 12.5.4) by the virtual clock, by which everything is exact: 8 ticks of the TSC an instruction,
// and 112 ticks a period of the 25 MHz crystal that CPUID 15H tells, if the options do not say otherwise.

import { afterEach, describe, expect, it } from 'vitest';
import { EINVAL, ExitReason, Snapshot } from '../../src/index.js';
import {
  apicMachine,
  closeAll,
  IA32_APIC_BASE,
  IA32_TSC_DEADLINE,
  Reg,
  settle,
  x2,
  type ApicOptions,
  type Cpu,
  type Entry,
} from './apic-machine.js';

afterEach(closeAll);

const VECTOR = 0x50;
const PERIODIC = 0x2_0000;
const DEADLINE = 0x4_0000;
const MASKED = 0x1_0000;
const CODE = 0x2000;
/** again: inc rcx; add rsi, rcx; jmp again */
const LOOP = [0x48, 0xff, 0xc1, 0x48, 0x01, 0xce, 0xeb, 0xf8];
/** again: sti; hlt; jmp again */
const HALT = [0xfb, 0xf4, 0xeb, 0xfc];

const tsc = (cpu: Cpu): number => Number(cpu.vcpu.getMsrs([0x10])[0]!.data);

/** Lets the guest loop, interrupts enabled, for so many instructions in slices of the sizes that `next` gives. */
function loop(cpu: Cpu, instructions: number, next: () => number = () => instructions): Entry[] {
  const { vcpu } = cpu;
  const before = cpu.entries().length;
  if (vcpu.getRegs().rip < BigInt(CODE) || vcpu.getRegs().rip >= BigInt(CODE + LOOP.length)) {
    cpu.vm.memory.write(CODE, Uint8Array.from(LOOP));
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rflags: 0x202n });
  }
  for (let left = instructions; left > 0;) {
    const retired = vcpu.retired;
    expect(vcpu.run({ maxInstructions: Math.min(left, next()) }).reason).toBe(ExitReason.Budget);
    left -= vcpu.retired - retired;
  }
  return cpu.entries().slice(before);
}
/** Arms the timer by a store; the TSC when that store was executed. */
function arm(cpu: Cpu, entry: number, initial: number, divide = 0xb): number {
  cpu.write(Reg.Divide, divide);
  cpu.write(Reg.Timer, entry);
  cpu.write(Reg.Initial, initial);
  return tsc(cpu) - 8; // behind the store comes the OUT, which is not retired yet
}
/** The first instruction boundary at or behind a tick, as ticks. */
const boundary = (tick: number): number => Math.ceil(tick / 8) * 8;

describe('one-shot', () => {
  it.each([
    // figure 12-10
    [0b0000, 2],
    [0b0001, 4],
    [0b0010, 8],
    [0b0011, 16],
    [0b1000, 32],
    [0b1001, 64],
    [0b1010, 128],
    [0b1011, 1],
  ])('divide configuration %i divides by %i', async (code, divisor) => {
    const cpu = await apicMachine();
    const start = arm(cpu, VECTOR, 100, code);
    const entries = loop(cpu, 400_000);
    expect(entries).toEqual([{ vector: VECTOR, tsc: boundary(start + 100 * divisor * 112) }]);
    expect([cpu.read(Reg.Current), cpu.read(Reg.Initial)]).toEqual([0, 100]);
  });
  it('counts down from the initial count, and an initial count of 0 stops it', async () => {
    const cpu = await apicMachine();
    const start = arm(cpu, VECTOR, 1000);
    for (let n = 0; n < 40; n++) {
      loop(cpu, 37);
      const count = cpu.read(Reg.Current);
      const read = tsc(cpu) - 8;
      expect(count).toBe(1000 - Math.floor((read - start) / 112));
    }
    cpu.write(Reg.Initial, 0);
    expect([cpu.read(Reg.Current), loop(cpu, 20_000)]).toEqual([0, []]);
  });
  it('runs while masked, and interrupts nobody then', async () => {
    const cpu = await apicMachine();
    arm(cpu, MASKED | VECTOR, 50);
    expect(cpu.read(Reg.Current)).toBeGreaterThan(0);
    expect(loop(cpu, 1000)).toEqual([]);
    expect(cpu.read(Reg.Current)).toBe(0);
    cpu.write(Reg.Timer, VECTOR);
    expect(loop(cpu, 1000)).toEqual([]);
  });
  it('an illegal vector is an error (12.5.3)', async () => {
    const cpu = await apicMachine();
    arm(cpu, 7, 5);
    loop(cpu, 200);
    cpu.write(Reg.Esr, 0);
    expect(cpu.read(Reg.Esr)).toBe(0x40);
  });
});

describe('periodic', () => {
  it.each([
    // kHz, initial count, divisor's code, divisor: periods that are no whole number of ticks, too
    [2_800_000, 25, 0xb, 1],
    [2_800_000, 3, 0x3, 16],
    [3_000_001, 17, 0xb, 1],
    [1_193_182, 5, 0x0, 2],
    [999_999, 7, 0x3, 16],
  ])('does not drift: TSC of %i kHz, count %i', async (tscKhz, initial, code, divisor) => {
    const cpu = await apicMachine({ tscKhz, eoi: true });
    const start = arm(cpu, PERIODIC | VECTOR, initial, code);
    const entries = loop(cpu, 200_000);
    const period = (initial * divisor * tscKhz) / 25_000;
    expect(entries.length).toBeGreaterThan(200);
    // rounded down to a tick, then up to an instruction; the log has room for 8,192
    const due = entries.map((_, n) => boundary(start + Math.floor((n + 1) * period)));
    expect(entries.map((entry) => entry.tsc)).toEqual(due);
    expect(new Set(entries.map(({ vector }) => vector))).toEqual(new Set([VECTOR]));
  });
  it('periods that pass while it is pending come as one', async () => {
    const cpu = await apicMachine();
    arm(cpu, PERIODIC | VECTOR, 10);
    cpu.do(Array(120).fill(0x90)); // interrupts off
    cpu.do(Array(120).fill(0x90));
    expect(cpu.vectors(Reg.Irr)).toEqual([VECTOR]);
    expect(cpu.open().length).toBe(1);
  });
  it('becomes one-shot at the end of its period when the entry is rewritten', async () => {
    const cpu = await apicMachine({ eoi: true });
    arm(cpu, PERIODIC | VECTOR, 100);
    expect(loop(cpu, 3500).length).toBe(2);
    cpu.write(Reg.Timer, VECTOR);
    expect(loop(cpu, 5000).length).toBe(1);
  });
});

describe('TSC deadline (12.5.4.1)', () => {
  async function armed(options: ApicOptions = {}): Promise<Cpu> {
    const cpu = await apicMachine({ eoi: true, ...options });
    cpu.write(Reg.Timer, DEADLINE | VECTOR);
    return cpu;
  }
  it.each([800, 801, 807, 808, 12_345])(
    'comes at the first instruction whose TSC is not below now + %i',
    async (wait) => {
      const cpu = await armed();
      const deadline = tsc(cpu) + wait;
      cpu.wrmsr(IA32_TSC_DEADLINE, deadline);
      expect(cpu.rdmsr(IA32_TSC_DEADLINE)).toBe(BigInt(deadline));
      expect(loop(cpu, 5000)).toEqual([{ vector: VECTOR, tsc: boundary(deadline) }]);
      expect(cpu.rdmsr(IA32_TSC_DEADLINE)).toBe(0n);
    },
  );
  it('one that is past comes at once, 0 disarms', async () => {
    const cpu = await armed();
    cpu.wrmsr(IA32_TSC_DEADLINE, 1n);
    expect(cpu.open().length).toBe(1);
    cpu.wrmsr(IA32_TSC_DEADLINE, tsc(cpu) + 2000);
    cpu.wrmsr(IA32_TSC_DEADLINE, 0n);
    expect(loop(cpu, 5000)).toEqual([]);
  });
  it('has no counts, and the other modes have no deadline', async () => {
    const cpu = await armed();
    cpu.write(Reg.Initial, 77);
    expect([cpu.read(Reg.Initial), cpu.read(Reg.Current)]).toEqual([0, 0]);
    cpu.wrmsr(IA32_TSC_DEADLINE, tsc(cpu) + 20_000);
    cpu.write(Reg.Timer, VECTOR); // a change of the mode disarms
    expect(cpu.rdmsr(IA32_TSC_DEADLINE)).toBe(0n);
    cpu.wrmsr(IA32_TSC_DEADLINE, tsc(cpu) + 100);
    expect([cpu.rdmsr(IA32_TSC_DEADLINE), loop(cpu, 5000)]).toEqual([0n, []]);
    arm(cpu, VECTOR, 10_000);
    cpu.write(Reg.Timer, DEADLINE | VECTOR);
    expect(loop(cpu, 300_000)).toEqual([]);
  });
  it('follows the TSC when the guest moves it, by the counter or by its adjustment', async () => {
    const cpu = await armed();
    cpu.wrmsr(0x10, 1_000_000n);
    cpu.wrmsr(IA32_TSC_DEADLINE, 1_080_000n);
    cpu.wrmsr(0x10, 1_079_000n);
    expect(loop(cpu, 300)).toEqual([{ vector: VECTOR, tsc: 1_080_000 }]);
    const adjust = cpu.rdmsr(0x3b)!;
    cpu.wrmsr(IA32_TSC_DEADLINE, tsc(cpu) + 1_000_000);
    const deadline = Number(cpu.rdmsr(IA32_TSC_DEADLINE));
    cpu.wrmsr(0x3b, BigInt.asUintN(64, adjust + 1_000_000n - 900n));
    expect(loop(cpu, 300)).toEqual([
      { vector: VECTOR, tsc: boundary(deadline - 4) + ((tsc(cpu) - boundary(deadline - 4)) & 7) },
    ]);
  });
  it('setMsrs() arms it, and not in another mode', async () => {
    const cpu = await armed();
    const deadline = tsc(cpu) + 4000;
    cpu.vcpu.setMsrs([{ index: IA32_TSC_DEADLINE, data: BigInt(deadline) }]);
    cpu.vcpu.setMsrs(cpu.vcpu.getMsrs());
    expect(loop(cpu, 1000)).toEqual([{ vector: VECTOR, tsc: boundary(deadline) }]);
    const start = arm(cpu, VECTOR, 100);
    cpu.vcpu.setMsrs([{ index: IA32_TSC_DEADLINE, data: BigInt(tsc(cpu) + 80) }]);
    expect(cpu.vcpu.getMsrs([IA32_TSC_DEADLINE])[0]!.data).toBe(0n);
    expect(loop(cpu, 3000)).toEqual([{ vector: VECTOR, tsc: boundary(start + 100 * 112) }]);
  });
});

describe('a run cut into slices', () => {
  const sizes = (most: number): (() => number) => {
    let state = most;
    return () => 1 + (((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16) % most);
  };
  const OPTIONS: ApicOptions[] = [
    {},
    { ticksPerInstruction: 0.37 },
    { ticksPerInstruction: 3.000_05, tscKhz: 1_234_567 },
    { ticksPerInstruction: 60_000 },
  ];
  it.each(OPTIONS)('sees the same interrupts at the same instructions: %j', async (options) => {
    const stories: unknown[] = [];
    for (const most of [1, 2, 3, 7, 33, 100, 5000, 1e6]) {
      const cpu = await apicMachine({ eoi: true, ...options });
      // the code of the self-IPI and of the deadline in the middle of a block: see the loop's body
      const body = [
        ...[0xc7, 0x85, 0x00, 0x03, 0, 0, 0x41, 0, 4, 0], // mov dword [rbp+300h], 40041h
        ...[0x48, 0xff, 0xc1, 0x48, 0xff, 0xc1], // inc rcx; inc rcx
        ...[0xc7, 0x85, 0x80, 0, 0, 0, 0x60, 0, 0, 0], // mov dword [rbp+80h], 60h: TPR
        ...[0xc7, 0x85, 0x00, 0x03, 0, 0, 0x42, 0, 4, 0],
        ...[0x48, 0xff, 0xc1],
        ...[0xc7, 0x85, 0x80, 0, 0, 0, 0, 0, 0, 0], // TPR 0
        ...[0x48, 0xff, 0xc1, 0x48, 0xff, 0xc1],
        ...[0xc7, 0x85, 0x80, 0x03, 0, 0, 5, 0, 0, 0], // initial count 5
        ...[0x48, 0xff, 0xc1, 0x48, 0xff, 0xc1, 0x48, 0xff, 0xc1],
      ];
      cpu.write(Reg.Divide, 0xb);
      cpu.write(Reg.Timer, VECTOR);
      const code = [...body, 0xeb, 0x100 - body.length - 2];
      cpu.vm.memory.write(CODE, Uint8Array.from(code));
      cpu.vcpu.setRegs({ ...cpu.vcpu.getRegs(), rip: BigInt(CODE), rflags: 0x202n });
      const next = sizes(most);
      for (let left = 6000; left > 0;) {
        const retired = cpu.vcpu.retired;
        const slice = Math.min(left, next());
        expect(cpu.vcpu.run({ maxInstructions: slice }).reason).toBe(ExitReason.Budget);
        expect(cpu.vcpu.retired - retired).toBe(slice);
        left -= slice;
      }
      const { rip, rcx, rsp } = cpu.vcpu.getRegs();
      stories.push({ entries: cpu.entries(), rip, rcx, rsp });
    }
    expect((stories[0] as { entries: Entry[] }).entries.length).toBeGreaterThan(200);
    for (const story of stories) expect(story).toEqual(stories[0]);
  });
  it('a snapshot and its file in the middle, too', async () => {
    const run = async (cut: number): Promise<Entry[]> => {
      let cpu = await apicMachine({ eoi: true, tscKhz: 3_000_001 });
      arm(cpu, PERIODIC | VECTOR, 17);
      loop(cpu, cut);
      const snapshot = cpu.vm.snapshot();
      const first = loop(cpu, 5000 - cut);
      cpu.vm.restore(snapshot);
      expect(loop(cpu, 5000 - cut)).toEqual(first);
      cpu = await apicMachine({ eoi: true, tscKhz: 3_000_001 });
      cpu.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
      expect(loop(cpu, 5000 - cut)).toEqual(first);
      return cpu.entries();
    };
    const whole = await run(1);
    for (const cut of [2, 100, 1017, 4999]) expect(await run(cut)).toEqual(whole);
  });
});

describe('a halted processor', () => {
  it('is woken at the time exactly, however far away, once the clock has been put there', async () => {
    const cpu = await apicMachine({ eoi: true });
    const { vm, vcpu } = cpu;
    vm.memory.write(CODE, Uint8Array.from(HALT));
    const start = arm(cpu, PERIODIC | VECTOR, 25_000_000);
    vm.memory.write(CODE, Uint8Array.from(HALT));
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE) });
    for (let second = 1; second <= 100; second++) {
      expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
      expect(vcpu.halted).toBe(true);
      expect(vm.nextTimer).toBe(((start + second * 2_800_000_000) * 1e6) / 2_800_000);
      expect(vm.skipToTimer()).toBe(true);
      const { rbx } = vcpu.getRegs();
      vcpu.run({ maxInstructions: 1 }); // the handler's RDTSC
      expect(vcpu.getRegs().rbx).toBe(rbx);
      const { rax, rdx } = vcpu.getRegs();
      expect(Number((rdx << 32n) | rax)).toBe(start + second * 2_800_000_000);
    }
  });
  it('is not put forward beyond the end of the virtual clock, 2^53 ticks', async () => {
    const cpu = await apicMachine();
    const { vm, vcpu } = cpu;
    arm(cpu, MASKED | PERIODIC | VECTOR, 0xffff_ffff, 0xa);
    vm.memory.write(CODE, Uint8Array.from(HALT));
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE) });
    const period = 0xffff_ffff * 128 * 112;
    let skips = 0;
    while (skips < 1000 && vcpu.run({ maxInstructions: 100 }).reason === ExitReason.Hlt && vm.skipToTimer()) skips++;
    expect(skips).toBe(Math.floor(2 ** 53 / period));
    expect(vm.nextTimer).toBe(Infinity);
    expect(() => vm.skipTime(40 * 86_400e9)).toThrow(EINVAL);
  });
  it('stays halted without anything that wakes it; interrupts that are masked do not', async () => {
    const cpu = await apicMachine();
    const { vm, vcpu } = cpu;
    arm(cpu, MASKED | VECTOR, 50);
    vm.memory.write(CODE, Uint8Array.from(HALT));
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE) });
    for (let n = 0; n < 3; n++) {
      expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
      vm.skipTime(1e6);
    }
    expect(vm.skipToTimer()).toBe(false);
    vcpu.injectNmi();
    vcpu.run({ maxInstructions: 10 });
    expect(cpu.entries().map(({ vector }) => vector)).toEqual([2]);
  });
});

it('the deadline works by the MSRs of x2APIC mode alone', async () => {
  const cpu = await apicMachine();
  settle(cpu);
  cpu.wrmsr(IA32_APIC_BASE, 0xfee0_0d00n);
  cpu.wrmsr(x2(Reg.Timer), DEADLINE | VECTOR);
  const deadline = tsc(cpu) + 900;
  cpu.wrmsr(IA32_TSC_DEADLINE, deadline);
  expect(loop(cpu, 1000)).toEqual([{ vector: VECTOR, tsc: boundary(deadline) }]);
});
