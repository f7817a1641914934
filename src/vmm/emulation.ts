// The slow path after an MMIO exit: the core emulates the instruction, we carry its reads and writes to the buses, and what
// nobody takes to the user, in KVM's order (spec 4.2): reads are answered before anything is written; all writes are
// offered to the buses before the first one goes to the user; an unhandled piece takes the rest of its fragment with it.

import { EmulateResult } from '../core/core.js';
import type { VcpuContext } from './context.js';
import { InternalError, MmioExit } from './exit.js';
import { Fixed } from './nested-table.js';

const UD = 6;
/** One instruction needs a handful of pages of tables and data; more rounds mean that answers do not help. */
const NESTED_FAULTS_MAX = 256;

/** Emulates the instruction at RIP. Returns RESUME or LEAVE. */
export function emulateAccess(context: VcpuContext): number {
  return counted(context, false);
}

/** Goes on with INS to MMIO after the user has answered for the port. */
export function resumeInput(context: VcpuContext, value: number, row: number): number {
  context.row = row;
  context.portAnswer = value;
  return counted(context, false);
}

/** Goes on with an emulation whose read the user has answered. True: it is complete, and context.exit says whether to leave. */
export function resumeEmulation(context: VcpuContext, exit: MmioExit, row: number): number {
  context.row = row;
  answerRead(context, exit.value);
  return counted(context, true);
}

/** Emulates, books decodes and walks to the reason that made them necessary, and sees to it that lent pages are given back. */
function counted(context: VcpuContext, again: boolean): number {
  const { core, shared, row } = context;
  const { u32 } = shared.memory;
  const { stats } = shared;
  const decodesWord = context.word(core.layout.COUNT_DECODES);
  const walksWord = context.word(core.layout.COUNT_WALKS);
  const decodes = u32[decodesWord]!;
  const walks = u32[walksWord]!;
  context.emulating = true;
  try {
    return proceed(context, again ? core.exports.emulateAgain() : core.exports.emulate());
  } finally {
    context.emulating = false;
    context.portAnswer = undefined;
    context.row = row;
    if (shared.scratch.lent) shared.scratch.collect(false);
    const made = (shared.memory.u32[decodesWord]! - decodes) >>> 0;
    if (made > 0) stats.decoded[row]! += 1;
    stats.decodes[row]! += made;
    stats.walks[row]! += (shared.memory.u32[walksWord]! - walks) >>> 0;
  }
}

function proceed(context: VcpuContext, result: number): number {
  const { core } = context;
  for (let faults = 0; ; faults++) {
    switch (result) {
      case EmulateResult.Done:
        // A port access in the middle went to the user, or its device threw: nothing is done yet.
        if (context.exit !== undefined || context.failure !== undefined) return core.layout.LEAVE;
        return deliverWrites(context);
      case EmulateResult.NeedsRead:
        if (!offerRead(context)) return core.layout.LEAVE;
        result = core.exports.emulateAgain();
        break;
      case EmulateResult.Exception:
        return core.layout.RESUME;
      case EmulateResult.NestedFault:
        if (faults >= NESTED_FAULTS_MAX || !fixDuringEmulation(context)) return failed(context);
        // Answered reads are kept, once the instruction has been decoded: no device is read twice.
        result = core.exports.countReads() > 0 ? core.exports.emulateAgain() : core.exports.emulate();
        break;
      default:
        return failed(context);
    }
  }
}

/** KVM's policy: #UD for the guest; when CPL is 0 the user hears of it as well. */
function failed(context: VcpuContext): number {
  const { core, shared } = context;
  core.exports.raiseException(UD, 0, 0);
  if (shared.memory.u32[context.word(core.layout.CPL)] !== 0) return core.layout.RESUME;
  const rip = shared.memory.u64[(core.state + core.layout.RIP) / 8]!;
  return context.internalError(
    InternalError.Emulation,
    [0n],
    `the instruction at RIP 0x${rip.toString(16)} cannot be emulated (code outside memory, or not decodable)`,
  );
}

/** The emulator met a page that the nested table (the EPT under shadow paging, too) does not map so; the exit record says which. */
function fixDuringEmulation(context: VcpuContext): boolean {
  const { core, shared } = context;
  const { layout } = core;
  const { u32, i32 } = shared.memory;
  const error = u32[context.word(layout.EXIT_QUALIFICATION)]!;
  const word = context.word(layout.EXIT_GPA);
  const write = (error & layout.ACCESS_WRITE) !== 0; // bit 1 in EPT qualifications and #NPF error codes alike
  if (shared.nested.fix(i32[word]!, i32[word + 1]!, write) === Fixed.Again) return true;
  const info = u32[context.word(layout.EXIT_INFO)]!;
  const length = (info & layout.INFO_WALK) !== 0 ? 0 : (info >>> layout.INFO_SIZE_SHIFT) & 0xff;
  return shared.scratch.lend(i32[word]!, i32[word + 1]!, length);
}

function lastRead(context: VcpuContext): number {
  const { core } = context;
  return (core.arena + core.layout.ARENA_READS + (core.exports.countReads() - 1) * core.layout.MMIO_ENTRY) >>> 2;
}

function answerRead(context: VcpuContext, value: bigint): void {
  const word = lastRead(context);
  context.shared.memory.u64[(word + 2) >>> 1] = value;
}

/** Entries are { gpa u64, data u64, length u32 }. */
function offerRead(context: VcpuContext): boolean {
  const { memory, mmio } = context.shared;
  const word = lastRead(context);
  const lo = memory.u32[word]!;
  const hi = memory.u32[word + 1]!;
  const length = memory.u32[word + 4]!;
  if (mmio.read(lo, hi, length)) {
    memory.u32[word + 2] = mmio.dataLo;
    memory.u32[word + 3] = mmio.dataHi;
    return true;
  }
  const exit = new MmioExit(join(lo, hi), length, false, 0n);
  context.unfinished = { kind: 'read', exit, row: context.row };
  context.exit = exit;
  return false;
}

/** The instruction is done and RIP past it; its writes go out in order. */
function deliverWrites(context: VcpuContext): number {
  const { core, shared } = context;
  const count = core.exports.countWrites();
  const first = (core.arena + core.layout.ARENA_WRITES) >>> 2;
  if (count === 1 && !shared.scratch.lent) {
    // what nearly every instruction does: one write that a bus takes
    const { u32 } = shared.memory;
    const lo = u32[first]!;
    const hi = u32[first + 1]!;
    if (offerWrite(context, lo, hi, u32[first + 4]!, u32[first + 2]!, u32[first + 3]!)) return core.layout.RESUME;
    context.exit = new MmioExit(join(lo, hi), u32[first + 4]!, true, join(u32[first + 2]!, u32[first + 3]!));
    return core.layout.LEAVE;
  }
  const step = core.layout.MMIO_ENTRY >>> 2;
  const left: MmioExit[] = [];
  const caught = shared.scratch.lent ? shared.scratch.collect(true) : [];
  // Where the fragment goes on whose pieces the user gets from now on.
  let forUserLo = -1;
  let forUserHi = -1;
  const offer = (lo: number, hi: number, length: number, dataLo: number, dataHi: number): void => {
    const continues = (lo & 0xfff) !== 0 && lo === forUserLo && hi === forUserHi;
    if (!continues && offerWrite(context, lo, hi, length, dataLo, dataHi)) return;
    forUserLo = (lo + length) >>> 0;
    forUserHi = hi;
    left.push(new MmioExit(join(lo, hi), length, true, join(dataLo, dataHi)));
  };
  const offerCaught = (leading: boolean): void => {
    for (const { lo, hi, length, dataLo, dataHi, leads } of caught) {
      if (leads === leading) offer(lo, hi, length, dataLo, dataHi);
    }
  };
  offerCaught(true);
  for (let index = 0; index < count; index++) {
    const { u32 } = shared.memory;
    const word = first + index * step;
    const lo = u32[word]!;
    const hi = u32[word + 1]!;
    const dataLo = u32[word + 2]!;
    const dataHi = u32[word + 3]!;
    const length = u32[word + 4]!;
    offer(lo, hi, length, dataLo, dataHi);
  }
  offerCaught(false);
  if (left.length === 0) return core.layout.RESUME;
  context.exit = left.shift()!;
  if (left.length > 0) context.unfinished = { kind: 'writes', exits: left };
  return core.layout.LEAVE;
}

/** The doorbell bus first, then the MMIO bus: as at the exit itself, so that the fast and the slow way do not differ. */
function offerWrite(
  context: VcpuContext,
  lo: number,
  hi: number,
  length: number,
  dataLo: number,
  dataHi: number,
): boolean {
  const { doorbells, mmio } = context.shared;
  if (!doorbells.empty && doorbells.kick(lo, hi, length)) return true;
  return mmio.write(lo, hi, length, dataLo, dataHi);
}

function join(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
