// REP INS and OUTS whose every element leaves to the user: each counts as an instruction, so that a run with a budget ends.

import { afterEach, describe, expect, it } from 'vitest';
import { ExitReason, Pc, type Exit, type Vm } from '../../src/index.js';
import { realMode } from './guest.js';

const vms: Vm[] = [];
afterEach(() => vms.splice(0).forEach((vm) => vm.close()));

/** Runs `code` with ECX, EDX = 3000h, SI = 4000h and DI = 5000h in slices; the exits to the user, all answered. */
async function run(
  code: number[],
  count: bigint,
  slice: number,
  limit = Infinity,
): Promise<{ exits: Exit[]; retired: number; rcx: bigint }> {
  const { vm, vcpu } = await realMode(code, { clock: 'virtual' });
  vms.push(vm);
  vcpu.setRegs({ ...vcpu.getRegs(), rcx: count, rdx: 0x3000n, rsi: 0x4000n, rdi: 0x5000n });
  const exits: Exit[] = [];
  for (let used = 0; used < limit;) {
    const before = vcpu.retired;
    const exit = vcpu.run({ maxInstructions: Math.min(slice, limit - used) });
    const took = vcpu.retired - before;
    expect(took).toBeLessThanOrEqual(slice);
    used += took;
    if (exit.reason === ExitReason.Hlt) break;
    if (exit.reason === ExitReason.Budget) expect(took).toBe(Math.min(slice, limit - used + took));
    else exits.push(exit);
    if (exit.reason === ExitReason.Io && exit.direction === 'in') exit.data.fill(0x5a);
  }
  return { exits, retired: vcpu.retired, rcx: vcpu.getRegs().rcx };
}

describe.each([
  ['rep outsd', [0x67, 0x66, 0xf3, 0x6f, 0xf4]],
  ['rep insd', [0x67, 0x66, 0xf3, 0x6d, 0xf4]],
])('%s', (_name, code) => {
  it.each([1, 2, 7, 1000])('of 5 elements is 5 exits and, with HLT, 6 instructions, in slices of %i', async (slice) => {
    const { exits, retired, rcx } = await run(code, 5n, slice);
    expect([exits.length, exits.every((exit) => exit.reason === ExitReason.Io), retired, rcx]).toEqual([
      5,
      true,
      6,
      0n,
    ]);
  });
  it('of C0000000h elements ends with its budget', async () => {
    const { retired, rcx } = await run(code, 0xc000_0000n, 100, 1000);
    expect(retired).toBe(1000);
    // an element at which the budget ends may have left, and not be completed
    expect(Number(0xc000_0000n - rcx)).toBeLessThanOrEqual(1000);
    expect(Number(0xc000_0000n - rcx)).toBeGreaterThanOrEqual(999);
  });
});

it('Pc.run() ends with its budget, too', async () => {
  // mov ecx, C0000000h; mov dx, 3000h; rep outsd [esi]
  const kernel = Uint8Array.of(0x66, 0xb9, 0, 0, 0, 0xc0, 0xba, 0, 0x30, 0x67, 0x66, 0xf3, 0x6f, 0xf4);
  const pc = await Pc.create({ kernel, memory: 2 << 20, clock: 'virtual' });
  expect(await pc.run({ maxInstructions: 20_000 })).toMatchObject({ reason: 'budget', instructions: 20_000 });
  pc.close();
});

it.each([
  // from the hole between RAM and the APIC to itself
  ['rep movsb from MMIO to MMIO', [0x67, 0xf3, 0xa4, 0xf4]],
  ['rep stosb to MMIO', [0x67, 0xf3, 0xaa, 0xf4]],
  ['rep insb to MMIO', [0x67, 0xf3, 0x6c, 0xf4]],
  ['rep outsb from MMIO', [0x67, 0xf3, 0x6e, 0xf4]],
])('%s that nobody answers ends with its budget', async (_name, code) => {
  const { vm, vcpu } = await realMode(code, { clock: 'virtual' });
  vms.push(vm);
  const sregs = vcpu.getSregs();
  const flat = { ...sregs.ds, limit: 0xffff_ffff, g: 1 };
  vcpu.setSregs({ ...sregs, ds: flat, es: flat });
  vcpu.setRegs({ ...vcpu.getRegs(), rcx: 0xc000_0000n, rdx: 0x3000n, rsi: 0xd000_0000n, rdi: 0xd100_0000n });
  let exits = 0;
  for (let left = 500; left > 0 && exits < 5000; exits++) {
    const before = vcpu.retired;
    vcpu.run({ maxInstructions: left });
    left -= vcpu.retired - before;
  }
  expect(vcpu.retired).toBe(500);
});
