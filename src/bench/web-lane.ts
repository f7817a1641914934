// The main module of a kick lane's Web Worker.

import { serveLane, type LaneAnswer, type LaneRequest } from './lane-server.js';
import { guestFile, type LaneStart } from './web-host.js';

/** The worker's own scope; TypeScript's DOM library describes a page's. */
const scope = globalThis as unknown as {
  addEventListener(type: 'message', listener: (event: MessageEvent<LaneStart | LaneRequest>) => void): void;
  postMessage(message: LaneAnswer): void;
};

let answer: ReturnType<typeof serveLane> | undefined;
scope.addEventListener('message', ({ data }) => {
  if ('kickLane' in data) answer = serveLane(data.kickLane, guestFile);
  else void answer?.(data).then((message) => scope.postMessage(message));
});
