// Exits for guest-physical addresses: EPT violations and misconfigurations, nested page faults, and the page faults of
// shadow paging. They map memory, mark MMIO, or carry an MMIO access to the buses.

import type { VcpuContext } from '../context.js';
import { emulateAccess } from '../emulation.js';
import { handleTripleFault } from './control.js';
import { InternalError } from '../exit.js';
import { Fixed } from '../nested-table.js';

const PRESENT_RSVD = 0x9;
const RSVD = 0x8;

/** EPT misconfiguration: the MMIO marker. */
export function handleMisconfig(context: VcpuContext, lo: number, hi: number, info: number): number {
  const { core, shared } = context;
  if ((info & core.layout.INFO_PLAIN_STORE) !== 0 && shared.fastDoorbells && ringDoorbell(context, lo, hi, info)) {
    return core.layout.SKIP;
  }
  if (context.delivering() !== 0) return failedDelivery(context, lo, hi);
  return emulateAccess(context);
}

/** EPT violation: no entry yet, or a write that is logged or refused. */
export function handleViolation(context: VcpuContext, lo: number, hi: number, info: number): number {
  const { core, shared } = context;
  const write = (shared.memory.u32[context.word(core.layout.EXIT_QUALIFICATION)]! & core.layout.ACCESS_WRITE) !== 0;
  return fixNested(context, lo, hi, info, write);
}

/** #NPF: the marker if RSVD is set in EXITINFO1, otherwise as an EPT violation (AMD APM vol. 2, 15.25.6). */
export function handleNpf(context: VcpuContext, lo: number, hi: number, info: number): number {
  const error = context.shared.memory.u32[context.word(context.core.layout.EXIT_QUALIFICATION)]!;
  if ((error & RSVD) !== 0) return handleMisconfig(context, lo, hi, info);
  return fixNested(context, lo, hi, info, (error & 2) !== 0);
}

/** #PF under shadow paging: the marker, or an entry that the shadow table lacks. */
export function handlePageFault(context: VcpuContext, lo: number, hi: number, info: number): number {
  const { core, shared } = context;
  const error = shared.memory.u32[context.word(core.layout.EXIT_QUALIFICATION)]!;
  if ((error & PRESENT_RSVD) === PRESENT_RSVD && mayPass(context, lo, hi, info)) {
    return handleMisconfig(context, lo, hi, info);
  }
  const glaWord = context.word(core.layout.EXIT_GLA);
  const linearLo = shared.memory.i32[glaWord]!;
  const linearHi = shared.memory.i32[glaWord + 1]!;
  if (!context.makesProgress(linearLo, linearHi)) return stuck(context, linearLo, linearHi);
  const outcome = context.shadow!.fix(context, linearLo, linearHi, error);
  if (outcome === Fixed.ReadOnlyWrite) return emulateAccess(context);
  if (outcome === Fixed.TripleFault) return handleTripleFault(context);
  return core.layout.RESUME;
}

/**
 * The marker stops every access, also those that the guest's tables forbid. The emulator will find that out by itself; a
 * doorbell must not be rung before the rights are known.
 */
function mayPass(context: VcpuContext, lo: number, hi: number, info: number): boolean {
  const { core, shared } = context;
  const { layout } = core;
  const plain = (info & layout.INFO_PLAIN_STORE) !== 0 && shared.fastDoorbells;
  if (!plain || shared.doorbells.lookup(lo, hi) < 0) return true;
  const marker = shared.memory.u32[context.word(layout.EXIT_DATA)]!;
  return context.shadow!.grantsStore(context, marker, (info & layout.INFO_USER) !== 0);
}

/** A plain store to a doorbell whose marker has just been met: the short cut that the dispatcher takes when it is not timing. */
function ringDoorbell(context: VcpuContext, lo: number, hi: number, info: number): boolean {
  const length = (info >>> context.core.layout.INFO_SIZE_SHIFT) & 0xff;
  return context.shared.doorbells.kick(lo, hi, length);
}

function fixNested(context: VcpuContext, lo: number, hi: number, info: number, write: boolean): number {
  const { core, shared } = context;
  if (!context.makesProgress(lo, hi)) return stuck(context, lo, hi);
  if (shared.nested.fix(lo, hi, write) === Fixed.Again) return core.layout.RESUME;
  // A write to a read-only slot is the MMIO bus's, at every exit anew (spec 2.9). When the write is the processor's own,
  // to an entry of the guest's tables, there is no instruction to emulate it by; KVM gives up likewise.
  return handleMisconfig(context, lo, hi, info);
}

function failedDelivery(context: VcpuContext, lo: number, hi: number): number {
  const { core, shared } = context;
  const { memory } = shared;
  const gpa = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  return context.internalError(
    InternalError.DeliveryEvent,
    [
      BigInt(context.delivering()),
      BigInt(memory.u32[context.word(core.layout.EXIT_REASON)]!),
      memory.u64[(core.state + core.layout.EXIT_QUALIFICATION) / 8]!,
      gpa,
      0n,
    ],
    `an event cannot be delivered through MMIO at guest-physical address 0x${gpa.toString(16)}`,
  );
}

function stuck(context: VcpuContext, lo: number, hi: number): number {
  const address = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  return context.internalError(
    InternalError.UnexpectedExitReason,
    [address],
    `the access at 0x${address.toString(16)} faults again and again although it was resolved`,
  );
}
