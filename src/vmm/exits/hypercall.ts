// VMCALL and VMMCALL: KVM's calling convention, and one call of our own, the kick that a mail of 2013 wished for.
//
// RAX is the number, RBX RCX RDX RSI the arguments, RAX the result; outside 64-bit mode the low halves are all there is.
// KICK (0x444F4F52, 'DOOR'): RBX guest-physical address, RCX length in bytes (1, 2, 4, 8), RDX value. It does to doorbells
// and ioeventfds what a write would, without an MMIO access to be taken apart: 0 = an eventfd was signalled, -ENOENT = none
// is bound to this write, -EINVAL = no such length.

import { IoEventFdClaim } from '../../bus/ioeventfd-claim.js';
import type { VcpuContext } from '../context.js';

export const HYPERCALL_KICK = 0x444f_4f52;

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const ENOENT = 2;
const EPERM = 1;
const EINVAL = 22;
/** KVM_ENOSYS. */
const ENOSYS = 1000;

export function handleHypercall(context: VcpuContext): number {
  const { core, shared } = context;
  const { layout } = core;
  const { u32, i32 } = shared.memory;
  const gpr = context.word(layout.GPR);
  const wide = (u32[context.word(layout.MODE)]! & 3) === 2;
  const result = u32[context.word(layout.CPL)] !== 0 ? -EPERM : call(context, u32, gpr, wide);
  i32[gpr + RAX * 2] = result;
  i32[gpr + RAX * 2 + 1] = wide && result < 0 ? -1 : 0;
  return layout.SKIP;
}

function call(context: VcpuContext, u32: Uint32Array, gpr: number, wide: boolean): number {
  const high = (register: number): number => (wide ? u32[gpr + register * 2 + 1]! : 0);
  if (u32[gpr + RAX * 2] !== HYPERCALL_KICK || high(RAX) !== 0) return -ENOSYS;
  const length = u32[gpr + RCX * 2]!;
  if (high(RCX) !== 0 || (length !== 1 && length !== 2 && length !== 4 && length !== 8)) return -EINVAL;
  return kick(context, u32[gpr + RBX * 2]!, high(RBX), length, u32[gpr + RDX * 2]!, high(RDX)) ? 0 : -ENOENT;
}

/** Signals what a write would signal; devices on the bus are not asked. */
function kick(context: VcpuContext, lo: number, hi: number, length: number, dataLo: number, dataHi: number): boolean {
  const { doorbells, mmio } = context.shared;
  if (doorbells.kick(lo, hi, length)) return true;
  for (const claim of mmio.startingAt((BigInt(hi) << 32n) | BigInt(lo))) {
    if (claim instanceof IoEventFdClaim && claim.active && claim.offer(length, dataLo, dataHi)) return true;
  }
  return false;
}
