// What the tests of the buses share.

import { EventFd, EventFdFlag } from '../../src/eventfd/index.js';

export { Buses, outcome, Recorder } from '../../src/fuzz/bus/buses.js';

export function newFd(flags = 0): EventFd {
  return new EventFd(0, EventFdFlag.Nonblock | flags);
}
