// EventFd: a handle on an eventfd, with the semantics of eventfd(2), read(2), write(2) and poll(2) on it.

import { EventFdContext } from './context.js';
import type { EventFdHandle, EventFdWaiter } from './context.js';
import { COUNT_MAX } from './counter.js';
import { EAGAIN, EBADF, EINVAL } from './errno.js';
import { EventFdFlag, PollBit } from './flags.js';
import type { EventFdPool } from './pool.js';
import { defaultPool } from './pool.js';
import { addBlocking, waitReadable } from './waiting.js';

const VALID_FLAGS = EventFdFlag.Semaphore | EventFdFlag.Nonblock | EventFdFlag.Cloexec;

/**
 * A 64-bit counter that threads signal and wait for, as eventfd(2) makes one. Every method throws EBADF once this handle
 * is closed. Registrations (ioeventfd, irqfd) hold the eventfd itself and outlive its handles.
 */
export class EventFd {
  private target: EventFdContext | null;

  /**
   * `initval` is a u32; `flags` are EventFdFlag bits; `pool` says in which memory the counter lives.
   * Throws EINVAL for anything else, ENOMEM when the pool is full.
   */
  constructor(initval?: number, flags?: EventFdFlag, pool?: EventFdPool);
  /** @internal a further handle on a context of this thread */
  constructor(context: EventFdContext);
  constructor(first: number | EventFdContext = 0, flags: EventFdFlag = 0, pool: EventFdPool = defaultPool) {
    if (first instanceof EventFdContext) {
      this.target = first;
      return;
    }
    if (!Number.isInteger(first) || first < 0 || first > 0xffff_ffff) {
      throw new EINVAL(`EventFd: initval ${first} is not an unsigned 32-bit number`);
    }
    if (!Number.isInteger(flags) || (flags & ~VALID_FLAGS) !== 0) {
      throw new EINVAL(`EventFd: flags 0x${flags.toString(16)} has bits other than 0x${VALID_FLAGS.toString(16)}`);
    }
    this.target = EventFdContext.create(first, flags, pool);
  }

  /** Opens in this thread the eventfd another thread sent with postMessage. Keep the sender's open until then, or EBADF. */
  static from(handle: EventFdHandle): EventFd {
    const context = EventFdContext.attach(handle);
    if (!context.openHandle()) {
      context.release();
      throw new EBADF('EventFd.from: every handle of the transferred eventfd has been closed');
    }
    return new EventFd(context);
  }

  /** The eventfd itself, for those who register it. Throws EBADF when this handle is closed. */
  get context(): EventFdContext {
    if (this.target === null) throw new EBADF('EventFd: this handle has been closed');
    return this.target;
  }

  /** What to post to another thread for EventFd.from(). EOPNOTSUPP where memory cannot be shared. */
  get handle(): EventFdHandle {
    return this.context.handle;
  }

  get closed(): boolean {
    return this.target === null;
  }

  /** The count now, without taking it. */
  get count(): bigint {
    return this.context.count;
  }

  /**
   * Adds 1 as KVM does for a kick: saturates at 2^64-1, never waits, from any thread.
   * Dropped (one warning) inside an onSignal callback: see EventFdContext.signal.
   */
  signal(): void {
    this.context.signal();
  }

  /**
   * Adds `value`. EINVAL if it is not in 0..2^64-2. If the count would reach 2^64-1: EAGAIN when nonblocking, else blocks
   * until a reader makes room (EDEADLK where blocking is not allowed).
   */
  write(value: bigint): void {
    const { context } = this;
    if (value < 0n || value >= COUNT_MAX) throw new EINVAL(`EventFd.write: ${value} is not in 0..2^64-2`);
    if (context.add(value)) return;
    if (context.nonblock) throw new EAGAIN(`EventFd.write: no room for ${value} above the count ${context.count}`);
    addBlocking(context, value);
  }

  /** Takes the count (1 of it for a semaphore). At 0: EAGAIN when nonblocking, else blocks (EDEADLK where it may not). */
  read(): bigint {
    const { context } = this;
    for (;;) {
      const value = context.take();
      if (value !== 0n) return value;
      if (context.nonblock) throw new EAGAIN('EventFd.read: the count is 0');
      waitReadable(context, Infinity);
    }
  }

  /** read() that never waits: undefined at 0. */
  tryRead(): bigint | undefined {
    const value = this.context.take();
    return value === 0n ? undefined : value;
  }

  /** tryRead() for loops that only ask whether there was a kick: no value, no allocation. */
  drain(): boolean {
    return this.context.drain();
  }

  /** Blocks until a read would succeed: true; false after `timeoutMs`. Takes nothing. EDEADLK where blocking is not allowed. */
  wait(timeoutMs = Infinity): boolean {
    return waitReadable(this.context, timeoutMs);
  }

  /** wait() by promise. False after `timeoutMs`, or when this handle is closed meanwhile. Does not keep Node alive. */
  waitAsync(timeoutMs = Infinity): Promise<boolean> {
    return this.context.waitAsync(timeoutMs, () => this.closed);
  }

  /** Readiness: PollBit.In, Out and Err. */
  poll(): number {
    return this.context.poll();
  }

  /**
   * Calls `callback` inside every signal() and write() of this thread (those of other threads are seen by waitAsync() or
   * read()), until the returned function is called. In it, signal() on any eventfd is dropped: KVM's recursion guard.
   */
  onSignal(callback: () => void): () => void {
    const { context } = this;
    const waiter: EventFdWaiter = {
      wake(events) {
        if ((events & PollBit.In) !== 0) callback();
      },
    };
    context.acquire();
    context.subscribe(waiter);
    let subscribed = true;
    return () => {
      if (!subscribed) return;
      subscribed = false;
      context.unsubscribe(waiter);
      context.release();
    };
  }

  /** Another handle on the same eventfd, as dup(2). */
  dup(): EventFd {
    const { context } = this;
    context.openHandle();
    context.acquire();
    return new EventFd(context);
  }

  /** Closes this handle. Closing the last one detaches irqfds (POLLHUP), never ioeventfds. EBADF if closed already. */
  close(): void {
    const { context } = this;
    this.target = null;
    context.closeHandle();
    context.release();
  }
}

/** The eventfd of an `fd` argument: EBADF if there is none or it is closed, EINVAL if it is something else. */
export function contextOf(fd: unknown, what: string): EventFdContext {
  if (fd === undefined || fd === null) throw new EBADF(`${what}: no eventfd given`);
  if (!(fd instanceof EventFd)) throw new EINVAL(`${what}: that is not an EventFd`);
  if (fd.closed) throw new EBADF(`${what}: the eventfd has been closed`);
  return fd.context;
}
