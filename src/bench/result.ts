// What a benchmark run found. `doorbell bench --json` prints a BenchResult as it is, so its fields stay as they are.

import { KICKS, type Kick } from '../machine/devices/kick.js';
import type { PagingMode } from '../vmm/options.js';

/** The kicks of guests/vmexit, in its order. */
export { KICKS, type Kick };

export const PAGING_MODES = ['ept', 'npt', 'shadow'] as const satisfies readonly PagingMode[];

/** One kind of kick in one paging mode. */
export interface KickRow {
  kick: Kick;
  paging: PagingMode;
  /** Ticks of the guest's TSC (2.8 GHz) a kick, the two instructions of the loop around it included: the fastest repetition. */
  cycles: number;
  /** The same in nanoseconds of the host's clock, which is what the TSC follows. */
  ns: number;
  /** Median of the repetitions, in nanoseconds. */
  medianNs: number;
  /** Instructions that the hypervisor decoded, and page walks that it made, per kick. First touch of the page is warm-up. */
  decodesPerExit: number;
  walksPerExit: number;
  /** `ns` over that of pio-wildcard in the same paging mode. */
  ratioToPio: number;
  /** `ns` over the baseline's crossing. */
  ratioToCrossing: number;
  /** Kicks in all repetitions; each was counted at its other end, too. */
  kicks: number;
}

/** The PV kick with so many doorbells registered. */
export interface DoorbellsRow {
  doorbells: number;
  paging: PagingMode;
  ns: number;
  medianNs: number;
}

/** A guest that writes to so many pages, and Vm.restore() after it. */
export interface ResetRow {
  paging: PagingMode;
  pages: number;
  /** Runs with a restore, a second: by the fastest window. */
  perSecond: number;
  /** Nanoseconds of a run and a restore; of the restore alone; of copying that many pages and nothing else. */
  ns: number;
  medianNs: number;
  restoreNs: number;
  copyNs: number;
  /** `restoreNs` over `copyNs`; null when there is nothing to copy. */
  ratioToCopy: number | null;
}

/** One loop of guests/bench. */
export interface CpuRow {
  name: string;
  /** Millions of guest instructions a second: the fastest repetition. */
  mips: number;
  medianMips: number;
  /** Instructions that a repetition retired. */
  instructions: number;
}

export interface Baseline {
  /** A call from Wasm to JavaScript that does one atomic add to shared memory: the fastest window of 20,000. */
  crossingNs: number;
  crossingMedianNs: number;
  /** Millions of operations a second of a bare loop of pre-decoded operations: see dispatch.ts. */
  dispatchMips: number;
  dispatchMedianMips: number;
  /** The guest's loop without a kick in it: what of a kick's time is none of the kick's. */
  emptyLoopNs: number;
}

export interface BenchResult {
  rows: KickRow[];
  baseline: Baseline;
  cpu: CpuRow[];
  /** Geometric mean of the integer loops of `cpu`; null if no loop was run. */
  cpuGeometricMean: number | null;
  doorbells: DoorbellsRow[];
  resets: ResetRow[];
  settings: BenchSettings;
  host: HostDescription;
}

/** Where it ran. */
export type HostDescription = NodeDescription | WebDescription;

export interface NodeDescription {
  node: string;
  v8: string;
  platform: string;
  processor: string;
  processors: number;
}

export interface WebDescription {
  /** As the browser calls itself. */
  browser: string;
  platform: string;
  processors: number;
  /** Whether the page is cross-origin isolated. */
  isolated: boolean;
  /** Whether eventfds, the guest's memory and the counter of the crossing were in shared memory; plain memory if not. */
  sharedMemory: boolean;
  /** The step of performance.now(), as measured. The guest's TSC advances by it, too. */
  clockStepNs: number;
}

/** How far a run is: what was measured last, and in which repetition. */
export interface BenchStage {
  what: 'kicks' | 'resets' | 'cpu';
  repetition: number;
  repetitions: number;
}

export interface BenchSettings {
  /** Each sub-test ran for at least 2^goal ticks: what was asked for, or what the clock's step needs. */
  goal: number;
  repetitions: number;
  tscKhz: number;
}
