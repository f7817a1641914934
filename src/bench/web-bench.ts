// The benchmark's entrance for web pages: runs it in a Web Worker, so that the page stays alive, and tells what was found as
// it goes. (The kick lanes have workers of their own below that one.)

import { BenchError } from './bench-error.js';
import type { BenchOptions } from './bench.js';
import type { BenchResult, BenchStage } from './result.js';

export { BenchError } from './bench-error.js';
export { FULL, LIVE, QUICK, type BenchOptions } from './bench.js';
export { KICKS, PAGING_MODES, type BenchResult, type BenchStage, type Kick, type KickRow } from './result.js';

/** The options that can be sent: all but callbacks and signal. */
export type BenchRequest = Omit<BenchOptions, 'progress' | 'update' | 'signal'>;

/** What the worker says. */
export type BenchNews =
  | { progress: string }
  | { soFar: BenchResult; stage: BenchStage }
  | { result: BenchResult }
  | { failure: string; measurement: boolean };

/** As runBench(), without keeping this thread. Aborting ends all workers at once. */
export function runBenchInWorker({ progress, update, signal, ...request }: BenchOptions): Promise<BenchResult> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const worker = new Worker(new URL('./web-bench-worker.js', import.meta.url), {
      type: 'module',
      name: 'doorbell bench',
    });
    const end = (): void => {
      worker.terminate();
      signal?.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      end();
      reject(signal!.reason as Error);
    };
    signal?.addEventListener('abort', abort);
    worker.addEventListener('error', ({ message }) => {
      end();
      reject(new Error(`the benchmark's worker has failed: ${message || 'it cannot be loaded'}`));
    });
    worker.addEventListener('message', ({ data }: MessageEvent<BenchNews>) => {
      if ('progress' in data) progress?.(data.progress);
      else if ('soFar' in data) update?.(data.soFar, data.stage);
      else {
        end();
        if ('result' in data) resolve(data.result);
        else reject(data.measurement ? new BenchError(data.failure) : new Error(data.failure));
      }
    });
    worker.postMessage(request satisfies BenchRequest);
  });
}
