// What the benchmark needs from where it runs: guests' bytes, a thread for each kick lane, a clock, and a name for the
// result. What is measured is the same everywhere; node-host.ts and web-host.ts are the two places there are.

import type { LaneOptions } from './kick-lane.js';
import type { LoopName } from './loops.js';
import type { LaneAnswer, LaneRequest } from './lane-server.js';
import type { HostDescription } from './result.js';

/** A file below guests/ that the benchmark uses. */
export type GuestPath = 'vmexit/vmexit.bin' | 'bench/expected.json' | `bench/${LoopName}.bin`;

/** The bytes of a guest's file. Throws BenchError if it is not there. */
export type GuestFiles = (path: GuestPath) => Promise<Uint8Array>;

/** A thread that serves one kick lane: see lane-server.ts for its other end. */
export interface LaneThread {
  /** Who is told of answers, and of the thread's end when it was not closed. Called once, before the first request. */
  listen(answered: (answer: LaneAnswer) => void, ended: (error: Error) => void): void;
  request(request: LaneRequest): void;
  /** Ends the thread, whatever it is doing. */
  close(): Promise<void>;
}

export interface BenchHost {
  readonly guestFile: GuestFiles;
  startLane(options: LaneOptions): LaneThread;
  /** Milliseconds between two values that performance.now() can have; 0 if they are finer than anything measured here. */
  clockStep(): number;
  describe(): HostDescription;
}
