// The numbers of eventfd(2) and poll(2) that an EventFd speaks.

/** Flags of `new EventFd(initval, flags)`, with Linux's values; any other bit is EINVAL. */
export const EventFdFlag = {
  /** Each read takes 1 instead of the whole count. */
  Semaphore: 0x1,
  /** read() and write() throw EAGAIN instead of waiting. */
  Nonblock: 0x800,
  /** Accepted for the field's sake: there is no exec here. */
  Cloexec: 0x80000,
} as const;
export type EventFdFlag = number;

/** Readiness bits of `poll()`, with Linux's values. */
export const PollBit = {
  /** The count is above zero: a read succeeds. */
  In: 0x1,
  /** A write of 1 succeeds. */
  Out: 0x4,
  /** The count has saturated at 2^64-1, which only signals can do. */
  Err: 0x8,
  /** The last handle was closed; only waiters inside the machine (irqfd) see it. */
  Hup: 0x10,
} as const;
