// The benchmark in Node: guests from files, lanes in worker threads. This file and node-lane.ts are all of it that is
// Node's.

import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import { BenchError } from './bench-error.js';
import type { BenchHost, LaneThread } from './host.js';
import type { LaneOptions } from './kick-lane.js';
import type { LaneAnswer } from './lane-server.js';

const GUESTS = new URL('../../guests/', import.meta.url);

/** The bytes of a file below guests/ of the project, which the package carries. Throws BenchError if it is not there. */
export async function guestFile(path: string): Promise<Uint8Array> {
  const url = new URL(path, GUESTS);
  const bytes = await readFile(url).catch(() => {
    throw new BenchError(`the guest ${url.pathname} is missing; 'guests/build.sh' makes it`);
  });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a lane's worker is started with. */
export interface LaneData {
  kickLane: LaneOptions;
}

function startLane(options: LaneOptions): LaneThread {
  const worker = new Worker(new URL('./node-lane.js', import.meta.url), {
    workerData: { kickLane: options } satisfies LaneData,
  });
  return {
    listen: (answered, ended) => {
      worker.on('message', (answer: LaneAnswer) => answered(answer));
      worker.on('error', ended);
      worker.on('exit', () => ended(new Error(`the thread that measures ${options.paging} has ended`)));
    },
    request: (request) => worker.postMessage(request),
    close: async () => void (await worker.terminate()),
  };
}

export const nodeHost: BenchHost = {
  guestFile,
  startLane,
  clockStep: () => 0, // nanoseconds
  describe: () => {
    const processors = cpus();
    return {
      node: process.version,
      v8: process.versions.v8,
      platform: `${process.platform} ${process.arch}`,
      processor: processors[0]?.model.trim() ?? 'unknown',
      processors: processors.length,
    };
  },
};
