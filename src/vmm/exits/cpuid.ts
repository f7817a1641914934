// CPUID, from the Vm's table.

import type { VcpuContext } from '../context.js';
import { xsaveSize } from '../cpuid.js';

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const CR4_OSXSAVE = 1 << 18;
const OSXSAVE = 1 << 27;
const EXTENDED_TOPOLOGY = 0xb;
const AMD_TOPOLOGY = 0x8000_001e;

export function handleCpuid(context: VcpuContext): number {
  const { core, shared } = context;
  const { u32 } = shared.memory;
  const gpr = context.word(core.layout.GPR);
  const leaf = u32[gpr + RAX * 2]!;
  const subleaf = u32[gpr + RCX * 2]!;
  const { eax, ebx, ecx, edx } = shared.cpuid.find(leaf, subleaf);
  put(u32, gpr + RAX * 2, eax);
  put(u32, gpr + RBX * 2, ownEbx(context, leaf, subleaf, ebx));
  put(u32, gpr + RCX * 2, leaf === 1 ? ownFeatures(context, ecx) : ecx);
  put(u32, gpr + RDX * 2, edx);
  if (leaf === EXTENDED_TOPOLOGY || leaf === AMD_TOPOLOGY) ownTopology(context, leaf, subleaf, gpr);
  return core.layout.SKIP;
}

/** The initial APIC id; the size of an XSAVE area with what XCR0 enables. */
function ownEbx(context: VcpuContext, leaf: number, subleaf: number, ebx: number): number {
  if (leaf === 1) return (ebx & 0xff_ffff) | (context.index << 24);
  if (leaf !== 0xd || subleaf > 1 || ebx === 0) return ebx;
  const { core, shared } = context;
  return xsaveSize(shared.memory.u64[(core.state + core.layout.XCR0) / 8]!);
}

/** The vCPU's x2APIC id, whatever the subleaf; AMD's leaf has the core's id beside it. */
function ownTopology(context: VcpuContext, leaf: number, subleaf: number, gpr: number): void {
  const { memory, cpuid } = context.shared;
  if (leaf === AMD_TOPOLOGY) {
    put(memory.u32, gpr + RAX * 2, context.index);
    put(memory.u32, gpr + RBX * 2, context.index);
  } else if (cpuid.find(leaf, 0).ebx !== 0) {
    put(memory.u32, gpr + RDX * 2, context.index);
    // a level that is not there: its number and nothing else (SDM vol. 2, CPUID leaf 0BH)
    memory.u32[gpr + RCX * 2] = (memory.u32[gpr + RCX * 2]! & ~0xff) | (subleaf & 0xff);
  }
}

/** OSXSAVE repeats CR4.OSXSAVE (SDM vol. 2, CPUID, table 3-10). */
function ownFeatures(context: VcpuContext, ecx: number): number {
  const { core, shared } = context;
  const cr4 = shared.memory.u32[context.word(core.layout.CR4)]!;
  return cr4 & CR4_OSXSAVE ? ecx | OSXSAVE : ecx;
}

/** CPUID clears the upper halves in 64-bit mode, and nobody sees them elsewhere. */
function put(u32: Uint32Array, word: number, value: number): void {
  u32[word] = value;
  u32[word + 1] = 0;
}
