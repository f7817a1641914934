// The public door of eventfd/: EventFd, where its counter lives, and the errors everybody above throws.

export * from './errno.js';
export { EventFdContext, nestedSignalsDropped } from './context.js';
export type { EventFdHandle, EventFdWaiter } from './context.js';
export { COUNT_MAX, SLOT_BYTES } from './counter.js';
export { EventFd, contextOf } from './eventfd.js';
export { EventFdFlag, PollBit } from './flags.js';
export { EventFdPool } from './pool.js';
export type { EventFdPoolOptions } from './pool.js';
