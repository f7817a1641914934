// What a snapshot file says, and the comparison of it with a Vm that is to become like it.

import type { DeviceState } from '../bus/index.js';
import { EBUSY, EINVAL } from '../eventfd/index.js';
import type { ClockState } from './clock.js';
import type { Unfinished } from './context.js';
import type { CpuidEntry } from './cpuid.js';
import { IoExit, MmioExit, type ExitReason } from './exit.js';
import type { CheckedOptions } from './options.js';
import type { VcpuState } from './vcpu-state.js';

/** What a Vm is made with: a snapshot is good for another only if this is the same, less what is POLICY. */
export interface MachineKind {
  /** Fingerprint of the core's state layout. */
  layout: string;
  options: Omit<CheckedOptions, 'core'>;
  cpuid: readonly CpuidEntry[];
  slots: readonly { slot: number; address: number; size: number; readOnly: boolean }[];
  vcpus: number;
}

export interface SavedMachine {
  kind: MachineKind;
  clock: ClockState;
  vcpus: readonly SavedVcpu[];
  /** In the order in which they stand on the buses. */
  devices: readonly { name: string; state: DeviceState }[];
  counts: readonly { bus: string; addr: bigint; len: number; datamatch: bigint | null; count: bigint }[];
  /** Per slot: numbers of the pages that are not empty, as u32, and their contents one after the other. */
  pages: readonly { slot: number; numbers: Uint8Array; contents: Uint8Array }[];
}

export interface SavedVcpu {
  page: Uint8Array;
  registers: DeviceState;
  kvmclock: { at: number | null; offset: bigint };
  lastReason: ExitReason;
  interruptLine: boolean;
  wantsWindow: boolean;
  unfinished: SavedUnfinished | null;
}

type SavedIo = { direction: 'in' | 'out'; port: number; size: number; data: Uint8Array };
type SavedUnfinished =
  | { kind: 'io'; exit: SavedIo }
  | { kind: 'emulated-in'; exit: SavedIo; rip: bigint; row: number }
  | { kind: 'writes'; exits: readonly { physAddr: bigint; data: Uint8Array }[] };

/** Options that are the hypervisor's policy, of which a machine keeps no trace: Vm.setPaging(), Vm.setDoorbells(). And the date, which goes with the clock. */
const POLICY: readonly (keyof MachineKind['options'])[] = ['paging', 'doorbells', 'startTime'];

/** Throws EINVAL naming the first thing in which a snapshot's Vm is not like this one. */
export function checkKind(theirs: MachineKind, ours: MachineKind): void {
  const differ = (what: string, their: unknown, our: unknown): void => {
    if (text(their) === text(our)) return;
    throw new EINVAL(`restore: the snapshot is of a Vm with ${what} ${text(their)}, this one has ${text(our)}`);
  };
  if (theirs.layout !== ours.layout) {
    throw new EINVAL(
      `restore: the snapshot was made by another version of Doorbell (state layout ${theirs.layout}, here ${ours.layout})`,
    );
  }
  for (const name of Object.keys(ours.options) as (keyof MachineKind['options'])[]) {
    if (!POLICY.includes(name)) differ(name, theirs.options[name], ours.options[name]);
  }
  differ('vCPUs:', theirs.vcpus, ours.vcpus);
  differ('memory slots', theirs.slots, ours.slots);
  if (text(theirs.cpuid) !== text(ours.cpuid)) {
    throw new EINVAL('restore: the snapshot is of a Vm with another CPUID table');
  }
}

/** For comparing and for people. The order of an object's fields is that in which they were written down, on both sides. */
function text(value: unknown): string {
  return JSON.stringify(value);
}

/** EBUSY in the middle of an MMIO read: half an instruction has no form that another build would understand. */
export function describeVcpu(state: VcpuState, index: number): SavedVcpu {
  const { page, registers, kvmclock, lastReason, interruptLine, wantsWindow } = state;
  const unfinished = describeUnfinished(state, index);
  return { page, registers, kvmclock, lastReason, interruptLine, wantsWindow, unfinished };
}

function describeUnfinished({ unfinished, exits }: VcpuState, index: number): SavedUnfinished | null {
  if (unfinished === undefined) return null;
  switch (unfinished.kind) {
    case 'read':
      throw new EBUSY(
        `toBytes: vCPU ${index} is in the middle of an MMIO read; answer it and run() with immediateExit first`,
      );
    case 'writes':
      return {
        kind: 'writes',
        exits: exits.map(({ exit, data }) => ({ physAddr: (exit as MmioExit).physAddr, data })),
      };
    default: {
      const { direction, port, size } = unfinished.exit;
      const exit = { direction, port, size, data: exits[0]!.data };
      if (unfinished.kind === 'io') return { kind: 'io', exit };
      return { kind: 'emulated-in', exit, rip: unfinished.rip, row: unfinished.row };
    }
  }
}

export function reviveVcpu(saved: SavedVcpu): VcpuState {
  const { page, registers, kvmclock, lastReason, interruptLine, wantsWindow } = saved;
  const unfinished = saved.unfinished === null ? undefined : reviveUnfinished(saved.unfinished);
  const exits = unfinished === undefined ? [] : unfinished.kind === 'writes' ? unfinished.exits : [unfinished.exit];
  return {
    page,
    registers,
    kvmclock,
    emulation: undefined,
    lastReason,
    interruptLine,
    wantsWindow,
    unfinished,
    exits: exits.map((exit) => ({ exit, data: exit.data.slice() })),
  };
}

function reviveUnfinished(saved: SavedUnfinished): Unfinished {
  if (saved.kind === 'writes') {
    const exits = saved.exits.map(({ physAddr, data }) => {
      const exit = new MmioExit(physAddr, data.length, true, 0n);
      exit.complete(data);
      return exit;
    });
    return { kind: 'writes', exits };
  }
  const { direction, port, size, data } = saved.exit;
  const exit = new IoExit(direction, port, size, 0);
  exit.complete(data);
  if (saved.kind === 'io') return { kind: 'io', exit };
  return { kind: 'emulated-in', exit, rip: saved.rip, row: saved.row };
}
