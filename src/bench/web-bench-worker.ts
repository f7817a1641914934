// The main module of the Web Worker that measures for a page: see web-bench.ts.

import { BenchError } from './bench-error.js';
import { runBench } from './bench.js';
import type { BenchNews, BenchRequest } from './web-bench.js';
import { webHost } from './web-host.js';

/** The worker's own scope; TypeScript's DOM library describes a page's. */
const scope = globalThis as unknown as {
  addEventListener(type: 'message', listener: (event: MessageEvent<BenchRequest>) => void): void;
  postMessage(message: BenchNews): void;
};

scope.addEventListener('message', ({ data }) => {
  runBench(
    {
      ...data,
      progress: (what) => scope.postMessage({ progress: what }),
      update: (soFar, stage) => scope.postMessage({ soFar, stage }),
    },
    webHost,
  )
    .then((result): BenchNews => ({ result }))
    .catch((error: unknown): BenchNews => {
      const failure = error instanceof Error ? error.message : String(error);
      return { failure, measurement: error instanceof BenchError };
    })
    .then((news) => scope.postMessage(news))
    .catch((error: unknown) => {
      throw error;
    });
});
