// The end of a kick lane's thread that does the work, in whatever kind of thread: makes the lane and answers requests for
// runs. KickThread is the end that asks.

import { BenchError } from './bench-error.js';
import type { GuestFiles } from './host.js';
import { KickLane, type KickRun, type LaneOptions, type LaneRun } from './kick-lane.js';

export type LaneRequest = LaneRun;

/** `measurement`: the failure is a BenchError. */
export type LaneAnswer = { runs: KickRun[] } | { failure: string; measurement: boolean };

/** Starts a lane at once; what goes wrong with that is told to whoever asks for the first run. */
export function serveLane(options: LaneOptions, guestFile: GuestFiles): (request: LaneRequest) => Promise<LaneAnswer> {
  const lane = guestFile('vmexit/vmexit.bin').then((image) => KickLane.create(options, image));
  lane.catch(() => {});
  return async (request) => {
    try {
      return { runs: await (await lane).run(request) };
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      return { failure, measurement: error instanceof BenchError };
    }
  };
}
