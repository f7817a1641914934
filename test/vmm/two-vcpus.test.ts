// Two vCPUs of one Vm, run in turn: what one writes the other executes, also where it has run before.
import { expect, test } from 'vitest';
import { ExitReason, Vm } from '../../src/index.js';

const CODE = 0x1000;
const PATCH = 0x3000;

test.each(['ept', 'npt', 'shadow'] as const)('code that another vCPU has patched is seen, under %s', async (paging) => {
  const vm = await Vm.create({ memory: 8 << 20, paging });
  const runner = vm.createVcpu();
  const patcher = vm.createVcpu();
  // mov al, 1 ; hlt
  vm.memory.write(CODE, Uint8Array.of(0xb0, 1, 0xf4));
  // mov [0x1001], bl ; hlt
  vm.memory.write(PATCH, Uint8Array.of(0x88, 0x1e, 0x01, 0x10, 0xf4));
  const run = (vcpu: typeof runner, at: number, rbx: bigint): bigint => {
    const sregs = vcpu.getSregs();
    const flat = { selector: 0, base: 0n };
    vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, ...flat }, ds: { ...sregs.ds, ...flat } });
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(at), rbx });
    expect(vcpu.run({ maxInstructions: 10 }).reason).toBe(ExitReason.Hlt);
    return vcpu.getRegs().rax & 0xffn;
  };
  // more patches in a row than are remembered one by one, too
  for (const patches of [1, 2, 1, 100]) {
    for (let value = 1; value <= patches; value++) run(patcher, PATCH, BigInt(value + 10));
    expect(run(runner, CODE, 0n)).toBe(BigInt(patches + 10));
  }
  vm.close();
});
