// CPUID, from the Vm's table.

import type { VcpuContext } from '../context.js';

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;

export function handleCpuid(context: VcpuContext): number {
  const { core, shared } = context;
  const { u32 } = shared.memory;
  const gpr = context.word(core.layout.GPR);
  const leaf = u32[gpr + RAX * 2]!;
  const { eax, ebx, ecx, edx } = shared.cpuid.find(leaf, u32[gpr + RCX * 2]!);
  put(u32, gpr + RAX * 2, eax);
  // The initial APIC id is the one thing in which the vCPUs differ.
  put(u32, gpr + RBX * 2, leaf === 1 ? (ebx & 0xff_ffff) | (context.index << 24) : ebx);
  put(u32, gpr + RCX * 2, ecx);
  put(u32, gpr + RDX * 2, edx);
  return core.layout.SKIP;
}

/** CPUID clears the upper halves in 64-bit mode, and nobody sees them elsewhere. */
function put(u32: Uint32Array, word: number, value: number): void {
  u32[word] = value;
  u32[word + 1] = 0;
}
