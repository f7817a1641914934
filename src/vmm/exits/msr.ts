// RDMSR and WRMSR of registers that the CPU does not know; and registers that nobody knows.

import type { VcpuContext } from '../context.js';

const RCX = 1;
const GP = 13;

export function handleRdmsr(context: VcpuContext): number {
  const { core, shared } = context;
  const index = shared.memory.u32[context.word(core.layout.GPR) + RCX * 2]!;
  const value = shared.msrs.read(index) ?? context.registers.read(index);
  if (value === undefined) return handleUnknownRegister(context);
  shared.memory.u64[(core.state + core.layout.EXIT_DATA) / 8] = value;
  return core.layout.SKIP;
}

export function handleWrmsr(context: VcpuContext): number {
  const { core, shared } = context;
  const index = shared.memory.u32[context.word(core.layout.GPR) + RCX * 2]!;
  const value = shared.memory.u64[(core.state + core.layout.EXIT_DATA) / 8]!;
  const taken = shared.msrs.has(index) ? shared.msrs.write(index, value) : context.registers.write(index, value);
  return taken ? core.layout.SKIP : handleUnknownRegister(context);
}

/** #GP(0): what a processor says to a register that it does not have (SDM vol. 2, RDMSR, RDPMC, XSETBV). */
export function handleUnknownRegister(context: VcpuContext): number {
  context.core.exports.raiseException(GP, 0, 1);
  return context.core.layout.RESUME;
}
