// What an exit was, for whoever looks on (Vm.onExit): taken down around the exit's handler, from the exit record and from
// what the emulator has read and written. Nothing here runs unless somebody looks on.

import type { VcpuContext } from './context.js';
import { IoExit, MmioExit } from './exit.js';
import { exitName, HardwareExit, rowOf } from './exit-stats.js';

/** One access that an exit stands for. */
export interface TracedAccess {
  readonly space: 'memory' | 'port' | 'msr';
  readonly direction: 'read' | 'write' | 'fetch';
  /** Guest-physical address, port, or register number. */
  readonly address: bigint;
  /** Bytes; 0 if the exit does not say: a page walk, or memory that the hypervisor maps in. */
  readonly size: number;
  /** Undefined if nobody had to know it (a doorbell), or if the user of the Vm has yet to give it. */
  readonly data: bigint | undefined;
}

export interface TracedExit {
  readonly vcpu: number;
  /** As in Vm.stats(): EPT_MISCONFIG, IO, … */
  readonly reason: string;
  /** RIP of the instruction that left the guest; of HLT and after an OUT to a port, of the one behind it. */
  readonly rip: bigint;
  /** Instructions that the vCPU had retired; of CPUID and the like without those that came before it in its block. */
  readonly retired: number;
  /** performance.now() when the exit came, and how long it took, both in ms. */
  readonly time: number;
  readonly duration: number;
  /** Usually one; several of an instruction that touches devices several times; none of CPUID, HLT and the like. */
  readonly accesses: readonly TracedAccess[];
  /** Of CPUID: the leaf and subleaf asked for, and EAX, EBX, ECX, EDX as answered. */
  readonly cpuid: readonly number[] | undefined;
  /** Instructions decoded and guest page walks made because of this exit. */
  readonly decodes: number;
  readonly walks: number;
  /** The guest goes on with the same instruction (or behind it, if it was emulated), behind it, or run() returns. */
  readonly answer: 'resume' | 'skip' | 'leave';
}

/** Told of every exit after it has been answered, but for those of the write log that snapshots keep. */
export type ExitListener = (exit: TracedExit) => void;

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const MEMORY_ROWS = new Set(
  [HardwareExit.EptMisconfig, HardwareExit.EptViolation, HardwareExit.Npf, HardwareExit.PageFault].map(rowOf),
);
const ROW = { io: rowOf(HardwareExit.Io), cpuid: rowOf(HardwareExit.Cpuid) };
const READ_MSR = rowOf(HardwareExit.Rdmsr);
const WRITE_MSR = rowOf(HardwareExit.Wrmsr);

const join = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** Takes an exit down while `answer` answers it. */
export function traceExit(
  context: VcpuContext,
  row: number,
  lo: number,
  hi: number,
  info: number,
  answer: () => number,
): { exit: TracedExit; answered: number } {
  const { core, shared, index } = context;
  const { layout, exports } = core;
  const { stats } = shared;
  exports.syncExit();
  const before = registers(context);
  const data = shared.memory.u64[(core.state + layout.EXIT_DATA) / 8]!;
  const retired = exports.retired();
  const decodes = stats.decodes[row]!;
  const walks = stats.walks[row]!;
  const time = performance.now();
  const answered = answer();
  const duration = performance.now() - time;
  const made = stats.decodes[row]! - decodes;
  const exit: TracedExit = {
    vcpu: index,
    reason: exitName(row),
    rip: before.rip,
    retired,
    time,
    duration,
    accesses: accessesOf(context, row, lo, hi, info, { answered, data, msr: before.rcx, emulated: made > 0 }),
    cpuid: row === ROW.cpuid ? [before.rax, before.rcx, ...cpuidAnswer(context)] : undefined,
    decodes: made,
    walks: stats.walks[row]! - walks,
    answer: answered === layout.SKIP ? 'skip' : answered === layout.LEAVE ? 'leave' : 'resume',
  };
  return { exit, answered };
}

function registers({ core, shared }: VcpuContext): { rip: bigint; rax: number; rcx: number } {
  const { layout, state } = core;
  const low = (register: number): number => shared.memory.u32[(state + layout.GPR + register * 8) >>> 2]!;
  return { rip: shared.memory.u64[(state + layout.RIP) / 8]!, rax: low(RAX), rcx: low(RCX) };
}

function cpuidAnswer({ core, shared }: VcpuContext): number[] {
  const { layout, state } = core;
  return [RAX, RBX, RCX, RDX].map((register) => shared.memory.u32[(state + layout.GPR + register * 8) >>> 2]!);
}

interface Outcome {
  answered: number;
  /** EXIT_DATA before the exit was answered. */
  data: bigint;
  /** ECX. */
  msr: number;
  emulated: boolean;
}

function accessesOf(
  context: VcpuContext,
  row: number,
  lo: number,
  hi: number,
  info: number,
  { answered, data, msr, emulated }: Outcome,
): TracedAccess[] {
  const { core, shared, exit } = context;
  const { layout } = core;
  const size = (info >>> layout.INFO_SIZE_SHIFT) & 0xff;
  const now = (): bigint => shared.memory.u64[(core.state + layout.EXIT_DATA) / 8]!;
  const done = answered === layout.SKIP;
  if (row === ROW.io) {
    const input = (info & layout.ACCESS_READ) !== 0;
    const value = input ? (done ? now() : undefined) : data;
    const cut = value === undefined || size === 0 ? undefined : BigInt.asUintN(size * 8, value);
    return [{ space: 'port', direction: input ? 'read' : 'write', address: BigInt(lo >>> 0), size, data: cut }];
  }
  if (row === READ_MSR || row === WRITE_MSR) {
    const direction = row === READ_MSR ? 'read' : 'write';
    const value = direction === 'write' ? data : done ? now() : undefined;
    return [{ space: 'msr', direction, address: BigInt(msr), size: 8, data: value }];
  }
  if (!MEMORY_ROWS.has(row)) return [];
  const made = emulated ? emulatedAccesses(context) : [];
  if (made.length > 0) return made;
  if (answered === layout.LEAVE && exit instanceof MmioExit) {
    const direction = exit.isWrite ? 'write' : 'read';
    const value = exit.isWrite ? exit.value : undefined;
    return [{ space: 'memory', direction, address: exit.physAddr, size: exit.length, data: value }];
  }
  // an INS or OUTS with an operand in MMIO: its port
  if (answered === layout.LEAVE && exit instanceof IoExit) {
    const direction = exit.direction === 'in' ? 'read' : 'write';
    return [{ space: 'port', direction, address: BigInt(exit.port), size: exit.size, data: undefined }];
  }
  const direction = (info & layout.ACCESS_EXEC) !== 0 ? 'fetch' : (info & layout.ACCESS_WRITE) !== 0 ? 'write' : 'read';
  const walk = (info & layout.INFO_WALK) !== 0;
  return [{ space: 'memory', direction, address: join(lo, hi), size: walk ? 0 : size, data: undefined }];
}

/** What the emulator's lists have: reads first, as they came. The last read may still want an answer from the user. */
function emulatedAccesses({ core, shared, unfinished }: VcpuContext): TracedAccess[] {
  const { exports, layout, arena } = core;
  const { u32 } = shared.memory;
  const step = layout.MMIO_ENTRY >>> 2;
  const waiting = unfinished?.kind === 'read';
  const list = (offset: number, count: number, direction: 'read' | 'write'): TracedAccess[] =>
    Array.from({ length: count }, (_, at) => {
      const word = ((arena + offset) >>> 2) + at * step;
      const size = u32[word + 4]!;
      const open = direction === 'read' && waiting && at === count - 1;
      const data = open ? undefined : BigInt.asUintN(size * 8, join(u32[word + 2]!, u32[word + 3]!));
      return { space: 'memory', direction, address: join(u32[word]!, u32[word + 1]!), size, data };
    });
  return [
    ...list(layout.ARENA_READS, exports.countReads(), 'read'),
    ...list(layout.ARENA_WRITES, waiting ? 0 : exports.countWrites(), 'write'),
  ];
}
