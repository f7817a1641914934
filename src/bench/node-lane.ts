// The main module of a kick lane's worker thread in Node.

import { parentPort, workerData } from 'node:worker_threads';
import type { LaneRequest } from './lane-server.js';
import { serveLane } from './lane-server.js';
import { guestFile, type LaneData } from './node-host.js';

const port = parentPort!;
const answer = serveLane((workerData as LaneData).kickLane, guestFile);
port.on('message', (request: LaneRequest) => {
  void answer(request).then((message) => port.postMessage(message));
});
