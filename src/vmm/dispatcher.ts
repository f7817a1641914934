// Where every exit of a vCPU arrives. A plain store to a doorbell ends here: one lookup, one signal, step over it.
// Everything else goes to the handler of its reason.

import type { ExitHandler } from '../core/core.js';
import type { VcpuContext } from './context.js';
import { DeviceError } from './device-error.js';
import { InternalError } from './exit.js';
import { timedExit } from './exit-timer.js';
import { traceExit, type ExitListener } from './exit-trace.js';
import { HardwareExit, ROWS, TIMED_EVERY, TIMED_FIRST, rowOf } from './exit-stats.js';
import {
  handleControl,
  handleEoi,
  handleHalt,
  handleInterruptWindow,
  handleNothing,
  handleTripleFault,
} from './exits/control.js';
import { handleCpuid } from './exits/cpuid.js';
import { handleHypercall } from './exits/hypercall.js';
import { handleIo } from './exits/io.js';
import { handleMisconfig, handleNpf, handlePageFault, handleViolation } from './exits/memory.js';
import { handleRdmsr, handleUnknownRegister, handleWrmsr } from './exits/msr.js';

/** Answers an exit with RESUME, SKIP or LEAVE. For memory exits the halves are of the GPA, for port I/O of the port. */
export type Handler = (context: VcpuContext, lo: number, hi: number, info: number) => number;

const HANDLERS: Handler[] = Array.from({ length: ROWS }, (_, row) => unexpected(row));
for (const [reason, handler] of [
  [HardwareExit.EptMisconfig, handleMisconfig],
  [HardwareExit.EptViolation, handleViolation],
  [HardwareExit.Npf, handleNpf],
  [HardwareExit.PageFault, handlePageFault],
  [HardwareExit.Io, handleIo],
  [HardwareExit.Cpuid, handleCpuid],
  [HardwareExit.Rdmsr, handleRdmsr],
  [HardwareExit.Wrmsr, handleWrmsr],
  [HardwareExit.Rdpmc, handleUnknownRegister],
  [HardwareExit.Xsetbv, handleUnknownRegister],
  [HardwareExit.Vmcall, handleHypercall],
  [HardwareExit.Hlt, handleHalt],
  [HardwareExit.EoiInduced, handleEoi],
  [HardwareExit.InterruptWindow, handleInterruptWindow],
  [HardwareExit.TripleFault, handleTripleFault],
  [HardwareExit.CrAccess, handleControl],
  [HardwareExit.Invlpg, handleControl],
  [HardwareExit.Invd, handleNothing],
  [HardwareExit.Wbinvd, handleNothing],
] as const satisfies readonly (readonly [number, Handler])[]) {
  HANDLERS[rowOf(reason)] = handler;
}

function unexpected(row: number): Handler {
  return (context) =>
    context.internalError(
      InternalError.UnexpectedExitReason,
      [BigInt(row)],
      `the CPU left the guest for a reason nobody expects (row ${row})`,
    );
}

/** The first write to a page since a snapshot (page-history.ts). */
const LOG_FULL = rowOf(HardwareExit.LogFull);

/** What the guest was doing, for a message. */
function describe(row: number, lo: number, hi: number): string {
  if (row === rowOf(HardwareExit.Io)) return `port 0x${(lo >>> 0).toString(16)}`;
  const gpa = (hi >>> 0) * 2 ** 32 + (lo >>> 0);
  return gpa === 0 ? `an exit of row ${row}` : `guest-physical address 0x${gpa.toString(16)}`;
}

/** The function the core of this vCPU calls at an exit. */
export function makeExitHandler(context: VcpuContext): ExitHandler {
  const { shared } = context;
  const { doorbells, stats } = shared;
  const { count } = stats;
  // Known only when the core exists, which needs this function first; 0 sends the first exit the long way.
  let kick = 0;
  let sizeShift = 0;
  let skip = 1;
  context.doorbellsChanged = () => {
    kick = sizeShift = 0;
  };

  return (reason, lo, hi, info) => {
    const row = reason & (ROWS - 1);
    const n = count[row]!;
    count[row] = n + 1;
    // The core says what hardware cannot: a plain store, to MMIO, that the guest's tables allow. Then the address is enough.
    if ((info & kick) !== 0 && (n & (TIMED_EVERY - 1)) !== 0) {
      if (doorbells.kick(lo, hi, (info >>> sizeShift) & 0xff)) return skip;
    }
    const timed = n < TIMED_FIRST || (n & (TIMED_EVERY - 1)) === 0;
    return handle(row, n, timed, lo, hi, info);
  };

  function handle(row: number, n: number, timed: boolean, lo: number, hi: number, info: number): number {
    if (row === LOG_FULL) {
      // In the middle of an instruction or of an emulation, of which nothing else may be touched.
      context.shared.pages.keep(lo >>> 0);
      return context.core.layout.RESUME;
    }
    if (sizeShift === 0) {
      // with somebody looking on, it stays so: every exit comes here
      if (shared.exitListener !== undefined) return watched(shared.exitListener, row, n, timed, lo, hi, info);
      const { layout } = context.core;
      kick = shared.fastDoorbells ? layout.INFO_KICK : 0;
      sizeShift = layout.INFO_SIZE_SHIFT;
      skip = layout.SKIP;
    }
    return attend(row, n, timed, lo, hi, info);
  }

  /** Tells of the exit. What the listener throws ends the run, as what a device throws. */
  function watched(
    listener: ExitListener,
    row: number,
    n: number,
    timed: boolean,
    lo: number,
    hi: number,
    info: number,
  ): number {
    const { exit, answered } = traceExit(context, row, lo, hi, info, () => attend(row, n, timed, lo, hi, info));
    try {
      listener(exit);
    } catch (error) {
      context.failure ??= new DeviceError('the listener of Vm.onExit', error);
      return context.core.layout.LEAVE;
    }
    return answered;
  }

  function attend(row: number, n: number, timed: boolean, lo: number, hi: number, info: number): number {
    const start = timed ? performance.now() : 0;
    if (timed && (info & kick) !== 0 && doorbells.kick(lo, hi, (info >>> sizeShift) & 0xff)) {
      stats.ns[row]! += timedExit(start, n, stats.ns[row]!);
      return skip;
    }
    if ((info & context.core.layout.INFO_KICK) !== 0) context.core.exports.syncExit(); // the record is made on demand
    context.row = row;
    let answer: number;
    try {
      answer = HANDLERS[row]!(context, lo, hi, info);
    } catch (error) {
      // Nothing may unwind through the core, which would not know how far it had come.
      context.failure = new DeviceError(describe(row, lo, hi), error);
      answer = context.core.layout.LEAVE;
    }
    if (timed) {
      stats.ns[row]! += timedExit(start, n, stats.ns[row]!);
    }
    return answer;
  }
}
