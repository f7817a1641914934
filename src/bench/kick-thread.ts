// A kick lane in a thread of its own: this file is both its two ends. Where it is the main module of a worker it serves the
// lane; KickThread, in the thread that measures, asks for runs.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { BenchError } from './bench-error.js';
import { KickLane, type KickRun, type LaneOptions, type LaneRun } from './kick-lane.js';

/** What a worker of this kind is started with; others are none of ours. */
interface ThreadData {
  kickLane: LaneOptions;
}

type Answer = { runs: KickRun[] } | { failure: string; measurement: boolean };

export class KickThread {
  readonly #worker: Worker;
  #ended: Error | undefined;
  #settle: { resolve: (runs: KickRun[]) => void; reject: (error: Error) => void } | undefined;

  constructor(options: LaneOptions) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { kickLane: options } satisfies ThreadData });
    this.#worker.on('message', (answer: Answer) => {
      const settle = this.#settle;
      this.#settle = undefined;
      if ('runs' in answer) settle?.resolve(answer.runs);
      else settle?.reject(answer.measurement ? new BenchError(answer.failure) : new Error(answer.failure));
    });
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error(`the thread that measures ${options.paging} has ended`)));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#settle?.reject(this.#ended);
  }

  /** One run; only one at a time. Rejects as KickLane.run() does. */
  run(request: LaneRun): Promise<KickRun[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#settle = { resolve, reject };
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

if (!isMainThread && parentPort !== null && (workerData as Partial<ThreadData> | null)?.kickLane !== undefined) {
  const port = parentPort;
  const lane = KickLane.create((workerData as ThreadData).kickLane);
  // Told to whoever asks for the first run.
  lane.catch(() => {});
  port.on('message', (request: LaneRun) => {
    lane
      .then((ready) => ready.run(request))
      .then((runs): Answer => ({ runs }))
      .catch((error: unknown): Answer => {
        const failure = error instanceof Error ? error.message : String(error);
        return { failure, measurement: error instanceof BenchError };
      })
      .then((answer) => port.postMessage(answer))
      .catch((error: unknown) => {
        throw error;
      });
  });
}
