// RDRAND: with the virtual clock a run repeats, random numbers included; with the real clock nobody can foretell them.

import { expect, it } from 'vitest';
import { Vm, type VmOptions } from '../../src/index.js';
import { CODE, realMode } from './guest.js';

/** What RDRAND eax; RDRAND ebx; HLT leave, twice, with a reset between. */
async function draw(options: VmOptions): Promise<bigint[]> {
  const { vcpu } = await realMode([0x66, 0x0f, 0xc7, 0xf0, 0x66, 0x0f, 0xc7, 0xf3, 0xf4], options);
  const drawn: bigint[] = [];
  for (let time = 0; time < 2; time++) {
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE) });
    vcpu.run({ maxInstructions: 3 });
    const { rax, rbx } = vcpu.getRegs();
    drawn.push(rax, rbx);
    const sregs = vcpu.getSregs();
    vcpu.reset();
    vcpu.setSregs(sregs);
  }
  return drawn;
}

it('repeats with the virtual clock, and goes on behind a reset', async () => {
  const first = await draw({ clock: 'virtual' });
  expect(await draw({ clock: 'virtual' })).toEqual(first);
  expect(new Set(first).size).toBe(4);
});

it('does not repeat with the real clock', async () => {
  const all = [...(await draw({ clock: 'real' })), ...(await draw({ clock: 'real' }))];
  expect(new Set(all).size).toBe(8);
});

it('gives each vCPU numbers of its own', async () => {
  const vm = await Vm.create({ clock: 'virtual', memory: 2 ** 20 });
  vm.memory.write(CODE, Uint8Array.of(0x66, 0x0f, 0xc7, 0xf0, 0xf4));
  const drawn = [0, 1].map(() => {
    const vcpu = vm.createVcpu();
    const sregs = vcpu.getSregs();
    vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE) });
    vcpu.run({ maxInstructions: 2 });
    return vcpu.getRegs().rax;
  });
  expect(drawn[0]).not.toBe(drawn[1]);
  expect(drawn).not.toContain(0n);
});
