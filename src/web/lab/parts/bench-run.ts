// The benchmark as the kick table needs it: rows as they come, a line that says how far it is, start and stop.

import { batch, signal, type ReadonlySignal } from '@preact/signals';
import {
  LIVE,
  runBenchInWorker,
  type BenchResult,
  type BenchStage,
  type Kick,
  type KickRow,
} from '../../../bench/web-bench.js';
import type { PagingMode } from '../../../index.js';
import type { Session } from '../machine/session.js';

/** What names a row. */
export function keyOf(paging: PagingMode, kick: Kick): string {
  return `${paging}/${kick}`;
}

function isRunning({ status }: Session): boolean {
  return status.value === 'running';
}

export class BenchRun {
  readonly #rows = signal<ReadonlyMap<string, KickRow>>(new Map());
  readonly #crossingNs = signal<number | undefined>(undefined);
  readonly #progress = signal('');
  readonly #share = signal(0);
  readonly #running = signal(false);
  #stop: AbortController | undefined;

  /** By keyOf(). */
  get rows(): ReadonlySignal<ReadonlyMap<string, KickRow>> {
    return this.#rows;
  }
  /** The bare crossing that rows are compared with. */
  get crossingNs(): ReadonlySignal<number | undefined> {
    return this.#crossingNs;
  }
  get progress(): ReadonlySignal<string> {
    return this.#progress;
  }
  /** How much of it is done, 0 to 1. */
  get share(): ReadonlySignal<number> {
    return this.#share;
  }
  get running(): ReadonlySignal<boolean> {
    return this.#running;
  }

  /** Measures while the page's own guest stands: it would have the processor that is measured. */
  async start(session: Session, paging: readonly PagingMode[]): Promise<void> {
    if (this.#stop !== undefined) return;
    const stop = (this.#stop = new AbortController());
    const ran = isRunning(session);
    batch(() => {
      this.#running.value = true;
      this.#rows.value = new Map();
      this.#crossingNs.value = undefined;
      this.#share.value = 0;
      this.#progress.value = ran ? 'the guest is paused' : 'starting';
    });
    try {
      if (ran) await session.pause();
      const result = await runBenchInWorker({
        ...LIVE,
        paging,
        signal: stop.signal,
        progress: (what) => (this.#progress.value = what),
        update: (soFar, stage) => this.#take(soFar, stage),
      });
      this.#take(result, undefined);
      this.#progress.value = `done: the fastest of ${result.settings.repetitions} repetitions`;
    } catch (error) {
      if (stop.signal.aborted) this.#progress.value = 'stopped';
      else this.#progress.value = `failed: ${error instanceof Error ? error.message : String(error)}`;
    } finally {
      this.#stop = undefined;
      this.#running.value = false;
      // the user may have done something else meanwhile
      if (ran && session.status.value === 'paused') await session.run();
    }
  }

  stop(): void {
    this.#stop?.abort();
  }

  #take({ rows, baseline }: BenchResult, stage: BenchStage | undefined): void {
    batch(() => {
      this.#rows.value = new Map(rows.map((row) => [keyOf(row.paging, row.kick), row]));
      this.#crossingNs.value = baseline.crossingNs;
      if (stage === undefined) this.#share.value = 1;
      else {
        this.#share.value = stage.repetition / stage.repetitions;
        this.#progress.value = `repetition ${stage.repetition} of ${stage.repetitions}`;
      }
    });
  }
}
