// The eventfd behind its handles: what an ioeventfd or irqfd registration holds, and what a kick signals.
//
// As in the kernel there are two kinds of reference. Handles (EventFd) are what users open and close; a context stays alive
// while a handle or a registration uses it, so closing every handle does not silence a registered doorbell. One thread has
// one context per eventfd; contexts of several threads share the slot and count themselves in its Refs word.

import {
  FOLD,
  Slot,
  add,
  assign,
  count,
  fold,
  initialise,
  readiness,
  takeBig,
  takeSmall,
  wakeSleepers,
} from './counter.js';
import { EBADF, EOPNOTSUPP } from './errno.js';
import { EventFdFlag, PollBit } from './flags.js';
import type { EventFdPool } from './pool.js';
import { waitReadableAsync } from './waiting.js';

/** Somebody inside the machine who is called in the signalling thread, like a wait-queue entry. */
export interface EventFdWaiter {
  /** `events` is PollBit.In, PollBit.Hup, or 0 when one of several handles was closed. Returning true ends the wake-up: waiters behind this one are not called. */
  wake(events: number): boolean | void;
}

/** What postMessage carries to another thread so that it can open the same eventfd. */
export interface EventFdHandle {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly idLo: number;
  readonly idHi: number;
}

/** This thread's contexts by identity, so that the same eventfd is the same object however it got here. */
const contexts = new Map<number, EventFdContext>();

/** Depth of wake-ups running in this thread, and how many signals were dropped because of it. */
let waking = 0;
let dropped = 0;

/** How many nested signals this thread has dropped (see EventFdContext.signal). */
export function nestedSignalsDropped(): number {
  return dropped;
}

function dropNested(): void {
  if (dropped++ > 0) return;
  console.warn(
    'doorbell: an eventfd was signalled from inside an eventfd wake-up; the signal is dropped, as KVM does. ' +
      'Signal after the onSignal callback has returned (queueMicrotask), or use write(1n). Further drops are silent.',
  );
}

function incrementIfPositive(words: Int32Array, word: number): boolean {
  let value = Atomics.load(words, word);
  while (value > 0) {
    const seen = Atomics.compareExchange(words, word, value, value + 1);
    if (seen === value) return true;
    value = seen;
  }
  return false;
}

/** One eventfd as this thread sees it. Make one with `new EventFd()`; a registration keeps it with acquire()/release(). */
export class EventFdContext {
  private waiters: readonly EventFdWaiter[] | null = null;
  private uses = 1;
  private readonly key: number;
  /** The slot's words (see counter.ts). */
  readonly words: Int32Array;
  readonly semaphore: boolean;
  readonly nonblock: boolean;

  private constructor(words: Int32Array) {
    this.words = words;
    this.key = (words[Slot.IdHi]! >>> 0) * 0x1_0000_0000 + (words[Slot.IdLo]! >>> 0);
    const flags = Atomics.load(words, Slot.Flags);
    this.semaphore = (flags & EventFdFlag.Semaphore) !== 0;
    this.nonblock = (flags & EventFdFlag.Nonblock) !== 0;
    contexts.set(this.key, this);
  }

  /** A new eventfd with one handle open; the caller holds the first use. */
  static create(initval: number, flags: number, pool: EventFdPool): EventFdContext {
    const words = pool.allocate();
    initialise(words, initval);
    Atomics.store(words, Slot.Flags, flags);
    Atomics.store(words, Slot.IdLo, Math.floor(Math.random() * 0x1_0000_0000));
    Atomics.store(words, Slot.IdHi, Math.floor(Math.random() * 0x10_0000));
    Atomics.store(words, Slot.Handles, 1);
    Atomics.store(words, Slot.Refs, 1);
    return new EventFdContext(words);
  }

  /** This thread's context for a handle from another thread, with one use for the caller. EBADF if it is gone. */
  static attach(handle: EventFdHandle): EventFdContext {
    const key = (handle.idHi >>> 0) * 0x1_0000_0000 + (handle.idLo >>> 0);
    const known = contexts.get(key);
    if (known !== undefined) {
      known.acquire();
      return known;
    }
    const words = new Int32Array(handle.buffer, handle.byteOffset, Slot.Heard + 1);
    if (!incrementIfPositive(words, Slot.Refs)) throw new EBADF('EventFd: the transferred eventfd has been closed');
    if (words[Slot.IdLo] !== (handle.idLo | 0) || words[Slot.IdHi] !== (handle.idHi | 0)) {
      Atomics.sub(words, Slot.Refs, 1);
      throw new EBADF('EventFd: the transferred eventfd has been closed and its slot is used again');
    }
    return new EventFdContext(words);
  }

  /**
   * Adds 1, or nothing at 2^64-1; never waits, never fails, safe from any thread. This is what a kick costs: one atomic add.
   * A signal from inside another eventfd's wake-up is dropped with one warning, as in KVM, so that rings of eventfds end.
   */
  signal(): void {
    if (waking !== 0) {
      dropNested();
      return;
    }
    const old = Atomics.add(this.words, Slot.Count, 1);
    // One comparison for all that is rare: 0 becomes 2^32-1, FOLD stays at the limit, negative values are above it.
    if ((old - 1) >>> 0 >= FOLD - 1) this.edge(old);
    if (this.waiters !== null) this.wake(PollBit.In);
  }

  private edge(old: number): void {
    if (old === 0) wakeSleepers(this.words);
    else fold(this.words, old);
  }

  /** Adds a writer's value; false if it does not fit. Waiters are called even for 0, as in the kernel. */
  add(value: bigint): boolean {
    if (!add(this.words, value)) return false;
    if (this.waiters !== null) this.wake(PollBit.In);
    return true;
  }

  /** What a read takes (the count, or 1 for a semaphore); 0n if there is nothing. */
  take(): bigint {
    for (;;) {
      const small = takeSmall(this.words, this.semaphore);
      if (small >= 0) return BigInt(small);
      const big = takeBig(this.words, this.semaphore);
      if (big >= 0n) return big;
    }
  }

  /** take() without the value, and without allocating: was there anything? */
  drain(): boolean {
    const small = takeSmall(this.words, this.semaphore);
    return small >= 0 ? small !== 0 : this.take() !== 0n;
  }

  /** Makes the count `value`, 0..2^64-1, without a signal: for a machine that is put back to an earlier moment. */
  assign(value: bigint): void {
    assign(this.words, value);
  }

  get count(): bigint {
    return count(this.words);
  }

  poll(): number {
    return readiness(this.words);
  }

  /** Somebody, in whatever thread, is called when that thread signals: a signal from another one does not reach him. */
  get heard(): boolean {
    return Atomics.load(this.words, Slot.Heard) !== 0;
  }

  /** Whether other threads can see the counter at all. */
  get shared(): boolean {
    return typeof SharedArrayBuffer !== 'undefined' && this.words.buffer instanceof SharedArrayBuffer;
  }

  /** Throws EOPNOTSUPP where memory cannot be shared (a page that is not cross-origin isolated). */
  get handle(): EventFdHandle {
    const { buffer, byteOffset } = this.words;
    if (!this.shared) {
      throw new EOPNOTSUPP('EventFd.handle: this counter is not in shared memory, so no other thread can use it');
    }
    const [idLo, idHi] = [this.words[Slot.IdLo]!, this.words[Slot.IdHi]!];
    return { buffer: buffer as SharedArrayBuffer, byteOffset, idLo, idHi };
  }

  /** Adds a waiter; an exclusive one (irqfd) goes to the front. */
  subscribe(waiter: EventFdWaiter, exclusive = false): void {
    const others = this.waiters ?? [];
    this.waiters = exclusive ? [waiter, ...others] : [...others, waiter];
    if (!others.includes(waiter)) Atomics.add(this.words, Slot.Heard, 1);
  }

  unsubscribe(waiter: EventFdWaiter): void {
    const before = this.waiters ?? [];
    const left = before.filter((other) => other !== waiter);
    if (left.length < before.length) Atomics.sub(this.words, Slot.Heard, 1);
    this.waiters = left.length === 0 ? null : left;
  }

  private wake(events: number): void {
    const waiters = this.waiters;
    if (waiters === null) return;
    waking++;
    try {
      for (const waiter of waiters) if (waiter.wake(events) === true) break;
    } finally {
      waking--;
    }
  }

  /** Resolves true when there is something to take; false after `timeoutMs`, or when `ended` says so after a wake-up. */
  waitAsync(timeoutMs: number, ended: () => boolean): Promise<boolean> {
    return waitReadableAsync(this, timeoutMs, ended);
  }

  /** Makes everybody who sleeps on the count look again. */
  wakeSleepers(): void {
    wakeSleepers(this.words);
  }

  /** Takes the place of the one irqfd an eventfd can serve, among all threads; false if it is taken. */
  bind(): boolean {
    return Atomics.compareExchange(this.words, Slot.Bound, 0, 1) === 0;
  }

  unbind(): void {
    Atomics.store(this.words, Slot.Bound, 0);
  }

  /** True once the last handle in any thread was closed. */
  get hungUp(): boolean {
    return Atomics.load(this.words, Slot.Handles) === 0;
  }

  /** Opens one more handle; false after the last one was closed. */
  openHandle(): boolean {
    return incrementIfPositive(this.words, Slot.Handles);
  }

  /** Closes one handle; the last one hangs up on the waiters. */
  closeHandle(): void {
    const last = Atomics.sub(this.words, Slot.Handles, 1) === 1;
    Atomics.notify(this.words, Slot.Count);
    for (const waiter of this.waiters ?? []) waiter.wake(last ? PollBit.Hup : 0);
  }

  /** One more user in this thread: the eventfd lives until each has called release(). */
  acquire(): void {
    this.uses++;
  }

  /** The last release in the last thread frees the slot. */
  release(): void {
    if (--this.uses > 0) return;
    contexts.delete(this.key);
    Atomics.sub(this.words, Slot.Refs, 1);
  }
}
