// Giving the host its turn: timers, I/O and eventfd waiters run between two slices of guest time.

declare const setImmediate: ((callback: () => void) => unknown) | undefined;

/** Resolves after the event loop has gone round once; without the delay that setTimeout() has in browsers. */
export function hostTurn(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => void setImmediate!(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
