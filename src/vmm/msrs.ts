// Model-specific registers: those the CPU keeps in its state, and those that devices answer for.

import type { Core } from '../core/core.js';
import type { LayoutName } from '../core/layout.js';
import { EBUSY, EINVAL } from '../eventfd/index.js';
import type { VcpuContext } from './context.js';

/** One register, as getMsrs() and setMsrs() pass it. */
export interface Msr {
  index: number;
  data: bigint;
}

/** Answers RDMSR and WRMSR of a register that the CPU does not know. A missing half, or `false`, is #GP in the guest. */
export interface MsrHandler {
  read?(): bigint;
  write?(value: bigint): boolean | void;
}

const TSC = 0x10;
const APIC_BASE = 0x1b;
const FS_BASE = 0xc000_0100;
const GS_BASE = 0xc000_0101;

/** SDM vol. 4, table 2-2. */
const IN_STATE = new Map<number, LayoutName>([
  [APIC_BASE, 'MSR_APIC_BASE'],
  [0x3b, 'MSR_TSC_ADJUST'],
  [0x174, 'MSR_SYSENTER_CS'],
  [0x175, 'MSR_SYSENTER_ESP'],
  [0x176, 'MSR_SYSENTER_EIP'],
  [0x1a0, 'MSR_MISC_ENABLE'],
  [0x6e0, 'APIC_TSC_DEADLINE'],
  [0x277, 'MSR_PAT'],
  [0xc000_0080, 'EFER'],
  [0xc000_0081, 'MSR_STAR'],
  [0xc000_0082, 'MSR_LSTAR'],
  [0xc000_0083, 'MSR_CSTAR'],
  [0xc000_0084, 'MSR_SFMASK'],
  [0xc000_0102, 'MSR_KERNEL_GS_BASE'],
  [0xc000_0103, 'MSR_TSC_AUX'],
]);

/** The registers of a Vm that devices and the user answer for, by index: before those of src/vmm/msr/, which they may take over. */
export class MsrTable {
  readonly #handlers = new Map<number, MsrHandler>();

  /** EBUSY if somebody has the index, or the CPU itself. */
  claim(index: number, handler: MsrHandler): void {
    const taken = this.#handlers.has(index) || IN_STATE.has(index) || [TSC, FS_BASE, GS_BASE].includes(index);
    if (taken) throw new EBUSY(`MSR 0x${index.toString(16)} is answered already`);
    this.#handlers.set(index, handler);
  }

  release(index: number): void {
    this.#handlers.delete(index);
  }

  has(index: number): boolean {
    return this.#handlers.has(index);
  }

  /** Undefined: no such register. */
  read(index: number): bigint | undefined {
    return this.#handlers.get(index)?.read?.();
  }

  /** False: no such register, or not this value. */
  write(index: number, value: bigint): boolean {
    const handler = this.#handlers.get(index);
    return handler?.write !== undefined && handler.write(value) !== false;
  }
}

/** Indexes getMsrs() returns when asked for none in particular. */
export const STATE_MSRS: readonly number[] = [TSC, ...IN_STATE.keys(), FS_BASE, GS_BASE];

/** Word address in state of a register, or undefined. */
function place(core: Core, index: number): number | undefined {
  const { layout } = core;
  if (index === FS_BASE || index === GS_BASE) {
    const segment = index === FS_BASE ? layout.SEG_FS : layout.SEG_GS;
    return core.state + layout.SEGMENTS + segment * layout.SEGMENT_SIZE + layout.SEGMENT_BASE;
  }
  const name = IN_STATE.get(index);
  return name && core.state + layout[name];
}

/** `ticks` is the clock that the TSC counts by. Throws EINVAL for an unknown index. */
export function readMsr({ core, shared, registers }: VcpuContext, ticks: bigint, index: number): bigint {
  const { memory, msrs } = shared;
  if (index === TSC) return BigInt.asUintN(64, ticks + memory.u64[(core.state + core.layout.TSC_OFFSET) / 8]!);
  const at = place(core, index);
  const value = at === undefined ? (msrs.read(index) ?? registers.read(index)) : memory.u64[at / 8]!;
  if (value === undefined) throw new EINVAL(`MSR 0x${index.toString(16)} does not exist or cannot be read`);
  return value;
}

/** The caller tells the core afterwards that its state has changed. Throws EINVAL for an unknown index or a refused value. */
export function writeMsr({ core, shared, registers }: VcpuContext, ticks: bigint, { index, data }: Msr): void {
  const { memory, msrs } = shared;
  const at = index === TSC ? core.state + core.layout.TSC_OFFSET : place(core, index);
  if (at === undefined) {
    if (msrs.has(index) ? msrs.write(index, data) : registers.write(index, data)) return;
    throw new EINVAL(`MSR 0x${index.toString(16)} does not exist or refuses 0x${data.toString(16)}`);
  }
  if (index === APIC_BASE) {
    if (core.exports.setApicBase(data)) return;
    throw new EINVAL(`MSR 0x1b refuses 0x${data.toString(16)}`);
  }
  memory.u64[at / 8] = index === TSC ? data - ticks : data;
}
