// Drawing what the machine does: at most once a frame, and not while nobody can see the page.

import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Rates } from '../machine/sample.js';
import type { Session } from '../machine/session.js';

/** Collapses many requests into one drawing in the next frame. Browsers hold frames back while a page is hidden. */
export class NextFrame {
  readonly #draw: () => void;
  #requested = 0;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  request(): void {
    if (this.#requested !== 0) return;
    this.#requested = requestAnimationFrame(() => {
      this.#requested = 0;
      this.#draw();
    });
  }

  cancel(): void {
    cancelAnimationFrame(this.#requested);
    this.#requested = 0;
  }
}

/** Calls `take` with every look at the counters, then `draw` in the frame after it. Neither may be another function each time. */
export function useRates(session: Session, take: (rates: Rates | undefined) => void, draw: () => void): void {
  useEffect(() => {
    const frame = new NextFrame(draw);
    const dispose = effect(() => {
      take(session.rates.value);
      frame.request();
    });
    return () => {
      dispose();
      frame.cancel();
    };
  }, [session, take, draw]);
}
