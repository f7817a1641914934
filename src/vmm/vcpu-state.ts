// All that a vCPU is between two runs, for snapshots: its state page, what its instance of the core carries over, pins, and
// the exit that the next run() has to complete.

import type { DeviceState } from '../bus/index.js';
import type { VcpuContext, Unfinished } from './context.js';
import type { ExitReason, IoExit, MmioExit } from './exit.js';

/** An exit that waits to be completed, and its bytes: complete() changes those of the exit itself. */
interface ExitThen {
  exit: IoExit | MmioExit;
  data: Uint8Array;
}

export interface VcpuState {
  /** The state page. */
  page: Uint8Array;
  /** Model-specific registers outside it, and what the paravirtual clock is. */
  registers: DeviceState;
  kvmclock: { at: number | null; offset: bigint };
  /** The emulator's lists and the instruction it is in the middle of; only with an unfinished read. */
  emulation: Uint8Array | undefined;
  lastReason: ExitReason;
  interruptLine: boolean;
  wantsWindow: boolean;
  unfinished: Unfinished | undefined;
  exits: ExitThen[];
}

/** What a run changes that is no state of the processor: caches, counters, the hypervisor's tables. Start and end in the page. */
function* otherFields({ core: { layout } }: VcpuContext): Generator<[number, number]> {
  yield [layout.EPOCH, layout.EPOCH + 4];
  yield [layout.SEEN_DROPS, layout.SEEN_DROPS + 4];
  yield [layout.TSC_PER_INSN, layout.RAISED_VECTOR];
  yield [layout.COUNT_WALKS, layout.COUNT_CODE_DROPS + 8];
}

/** The emulator's part of the arena: its lists, and the instruction. */
function emulatorParts({ core: { arena, layout } }: VcpuContext): [number, number][] {
  return [
    [arena + layout.ARENA_READS, arena + layout.ARENA_UNIMPLEMENTED],
    [arena + layout.ARENA_EMULATE, arena + layout.ARENA_EMULATE + layout.SCRATCH_SIZE],
  ];
}

export function saveVcpu(context: VcpuContext): VcpuState {
  const { core, shared, unfinished } = context;
  const { u8 } = shared.memory;
  core.exports.saveVcpu();
  return {
    page: u8.slice(core.state, core.state + core.layout.STATE_SIZE),
    registers: context.registers.save(),
    kvmclock: context.kvmclock.save(),
    emulation: unfinished?.kind === 'read' ? saveEmulator(context) : undefined,
    lastReason: context.lastReason,
    interruptLine: context.interruptLine,
    wantsWindow: context.wantsWindow,
    unfinished,
    exits: exitsOf(unfinished).map((exit) => ({ exit, data: exit.data.slice() })),
  };
}

/** The TLBs are left to be flushed. */
export function restoreVcpu(context: VcpuContext, state: VcpuState): void {
  const { core, shared } = context;
  const { u8 } = shared.memory;
  let from = 0;
  for (const [start, end] of otherFields(context)) {
    u8.set(state.page.subarray(from, start), core.state + from);
    from = end;
  }
  u8.set(state.page.subarray(from), core.state + from);
  core.exports.loadVcpu();
  context.registers.restore(state.registers);
  context.kvmclock.restore(state.kvmclock);
  if (state.emulation !== undefined) restoreEmulator(context, state.emulation);
  for (const { exit, data } of state.exits) exit.data.set(data);
  context.exit = undefined;
  context.failure = undefined;
  context.unfinished = state.unfinished;
  context.lastReason = state.lastReason;
  context.interruptLine = state.interruptLine;
  context.wantsWindow = state.wantsWindow;
  context.resetProgress();
}

function saveEmulator(context: VcpuContext): Uint8Array {
  const { u8 } = context.shared.memory;
  const parts = emulatorParts(context).map(([start, end]) => u8.subarray(start, end));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function restoreEmulator(context: VcpuContext, bytes: Uint8Array): void {
  let at = 0;
  for (const [start, end] of emulatorParts(context)) {
    context.shared.memory.u8.set(bytes.subarray(at, (at += end - start)), start);
  }
}

function exitsOf(unfinished: Unfinished | undefined): (IoExit | MmioExit)[] {
  if (unfinished === undefined) return [];
  return unfinished.kind === 'writes' ? unfinished.exits : [unfinished.exit];
}
