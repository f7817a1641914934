// How much goes along each edge of the exit path: the machine's rates, smoothed over half a second so that figures can be read.

import type { PagingMode } from '../../../index.js';
import type { ExitRates, Rates } from '../machine/sample.js';
import type { Settings } from '../machine/settings.js';

/**
 * Edges with figures. `marker`: exits for an address with the MMIO marker; they leave `early` at the doorbell bus, or go the `long`
 * way. `map`: pages that had no entry yet. `bus`: what reaches ioeventfds, devices and the user, by MMIO and port I/O.
 */
export const EDGES = ['marker', 'early', 'long', 'map', 'io', 'cpuid', 'vmcall', 'other', 'bus'] as const;
export type Edge = (typeof EDGES)[number];

export interface Figures {
  readonly perSecond: number;
  /** Estimated time in the hypervisor for each; undefined if nothing can be said. */
  readonly ns: number | undefined;
  /** `ns` is no estimate but what there is from one such exit to the next, the guest's part included: it cannot be more. */
  readonly atMost: boolean;
}

const SMOOTH_MS = 500;
/** An edge that so many looks have found empty is empty, whatever the smoothing would say. */
const EMPTY_LOOKS = 3;
/** A way has a time of its own when nearly all exits of its reason go it: time is measured by reason. */
const NEARLY_ALL = 0.98;

/** The exit that an access to MMIO makes in each paging mode. */
export const MARKER_EXIT: Record<PagingMode, string> = { ept: 'EPT_MISCONFIG', npt: 'NPF', shadow: 'PAGE_FAULT' };

export class Flow {
  readonly #rate = new Float64Array(EDGES.length);
  readonly #time = new Float64Array(EDGES.length);
  readonly #timed = new Float64Array(EDGES.length);
  readonly #nowRate = new Float64Array(EDGES.length);
  readonly #nowTime = new Float64Array(EDGES.length);
  readonly #empty = new Uint8Array(EDGES.length);
  #fresh = true;

  take(rates: Rates | undefined, { doorbells, paging }: Settings): void {
    if (rates === undefined) {
      this.#rate.fill(0);
      this.#fresh = true;
      return;
    }
    this.#nowRate.fill(0);
    this.#nowTime.fill(0);
    for (const reason in rates.exits) this.#sort(reason, rates.exits[reason]!, paging, doorbells === 'fast');
    this.#nowRate[EDGES.indexOf('bus')] = this.#now('long') + this.#now('io');
    const weight = this.#fresh ? 1 : 1 - Math.exp(-rates.duration / SMOOTH_MS);
    if (this.#fresh) {
      this.#time.fill(0);
      this.#timed.fill(0);
    }
    this.#fresh = false;
    for (let edge = 0; edge < EDGES.length; edge++) {
      this.#rate[edge]! += (this.#nowRate[edge]! - this.#rate[edge]!) * weight;
      this.#empty[edge] = this.#nowRate[edge] === 0 ? Math.min(this.#empty[edge]! + 1, EMPTY_LOOKS) : 0;
      if (this.#empty[edge] === EMPTY_LOOKS) this.#rate[edge] = 0;
      // Few exits are timed, so times are smoothed over a longer while.
      this.#time[edge]! += (this.#nowTime[edge]! - this.#time[edge]!) * weight * 0.5;
      this.#timed[edge]! += (this.#nowRate[edge]! - this.#timed[edge]!) * weight * 0.5;
    }
  }

  #now(edge: Edge): number {
    return this.#nowRate[EDGES.indexOf(edge)]!;
  }

  #add(edge: Edge, rate: number, time: number): void {
    const index = EDGES.indexOf(edge);
    this.#nowRate[index]! += rate;
    this.#nowTime[index]! += time;
  }

  #sort(reason: string, exits: ExitRates, paging: PagingMode, fast: boolean): void {
    const { perSecond, decodeFreePerSecond, nsPerExit = 0 } = exits;
    switch (reason) {
      case MARKER_EXIT[paging]: {
        // Under npt and shadow the same exit maps pages; with doorbells those cannot be told from kicks, and are few.
        const decoded = perSecond - decodeFreePerSecond;
        if (fast) {
          this.#add('marker', perSecond, perSecond * nsPerExit);
          this.#add('early', decodeFreePerSecond, decodeFreePerSecond * nsPerExit);
        } else {
          this.#add('marker', decoded, decoded * nsPerExit);
          this.#add('map', decodeFreePerSecond, decodeFreePerSecond * nsPerExit);
        }
        this.#add('long', decoded, decoded * nsPerExit);
        return;
      }
      case 'EPT_VIOLATION':
        this.#add('map', perSecond, perSecond * nsPerExit);
        return;
      case 'IO':
      case 'CPUID':
      case 'VMCALL':
        this.#add(reason.toLowerCase() as Edge, perSecond, perSecond * nsPerExit);
        return;
      default:
        this.#add('other', perSecond, perSecond * nsPerExit);
    }
  }

  read(edge: Edge): Figures {
    const index = EDGES.indexOf(edge);
    const perSecond = this.#rate[index]!;
    const timed = this.#timed[index]!;
    const partOfReason = edge === 'early' || edge === 'long';
    const own = !partOfReason || perSecond >= NEARLY_ALL * this.#rate[EDGES.indexOf('marker')]!;
    if (!own || perSecond === 0 || timed === 0 || edge === 'bus') return { perSecond, ns: undefined, atMost: false };
    // Exits are timed one in hundreds, in browsers by a coarse clock, and on a busy machine with what else it did meanwhile.
    const estimate = this.#time[index]! / timed;
    const most = 1e9 / perSecond;
    const atMost = estimate > most;
    return { perSecond, ns: atMost ? most : estimate > 0 ? estimate : undefined, atMost };
  }
}
