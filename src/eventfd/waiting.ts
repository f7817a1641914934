// Waiting on a counter: blocking where a thread may block, by promise where it may not.

import { Slot } from './counter.js';
import type { EventFdContext } from './context.js';
import { EDEADLK } from './errno.js';

/** Atomics.waitAsync as the platform has it; TypeScript knows it only from the ES2024 library on. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
  timeout: number,
) => { async: boolean; value: string | Promise<string> };

/** How often a platform with shared memory but no Atomics.waitAsync looks for signals of other threads. */
const LOOK_AGAIN_MS = 4;

/** setTimeout treats anything longer as 1 ms; the loop around it waits again. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

function blockOn(words: Int32Array, word: number, value: number, timeoutMs: number, what: string): void {
  try {
    Atomics.wait(words, word, value, timeoutMs);
  } catch {
    throw new EDEADLK(
      `${what}: this thread may not block, or the counter is not shared and nobody could wake it; use waitAsync()`,
    );
  }
}

/** Blocks until the count is above 0: true; false after `timeoutMs`. EDEADLK where blocking is not allowed. */
export function waitReadable(context: EventFdContext, timeoutMs: number): boolean {
  const { words } = context;
  if (Atomics.load(words, Slot.Count) !== 0) return true;
  if (timeoutMs <= 0) return false;
  const end = performance.now() + timeoutMs;
  Atomics.add(words, Slot.Sleepers, 1);
  try {
    while (Atomics.load(words, Slot.Count) === 0) {
      const left = end - performance.now();
      if (left <= 0) return false;
      blockOn(words, Slot.Count, 0, left, 'EventFd.wait');
    }
    return true;
  } finally {
    Atomics.sub(words, Slot.Sleepers, 1);
  }
}

/** Adds `value`, blocking until readers have made room for it. */
export function addBlocking(context: EventFdContext, value: bigint): void {
  const { words } = context;
  Atomics.add(words, Slot.Writers, 1);
  try {
    for (;;) {
      const room = Atomics.load(words, Slot.Room);
      if (context.add(value)) return;
      blockOn(words, Slot.Room, room, Infinity, 'EventFd.write');
    }
  } finally {
    Atomics.sub(words, Slot.Writers, 1);
  }
}

/**
 * Resolves true when the count is above 0, false after `timeoutMs` or when `ended()` says so after a wake-up.
 * The waiter keeps the context alive. A pending wait does not keep Node's event loop alive.
 */
export async function waitReadableAsync(
  context: EventFdContext,
  timeoutMs: number,
  ended: () => boolean,
): Promise<boolean> {
  const { words } = context;
  const waitAsync = (Atomics as { waitAsync?: WaitAsync }).waitAsync;
  const end = performance.now() + timeoutMs;
  context.acquire();
  Atomics.add(words, Slot.Sleepers, 1);
  try {
    while (!ended()) {
      if (Atomics.load(words, Slot.Count) !== 0) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      if (context.shared && waitAsync !== undefined) await waitAsync(words, Slot.Count, 0, left).value;
      else await inThreadWake(context, left);
    }
    return false;
  } finally {
    Atomics.sub(words, Slot.Sleepers, 1);
    context.release();
  }
}

/** Until a signal or hang-up in this thread, a timer, or (when the counter is shared) it is time to look again. */
function inThreadWake(context: EventFdContext, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const waiter = {
      wake(): void {
        clearTimeout(timer);
        context.unsubscribe(waiter);
        resolve();
      },
    };
    const delay = context.shared ? Math.min(timeoutMs, LOOK_AGAIN_MS) : timeoutMs;
    const timer = delay === Infinity ? undefined : setTimeout(() => waiter.wake(), Math.min(delay, LONGEST_TIMER_MS));
    context.subscribe(waiter);
  });
}
