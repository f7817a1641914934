// Triggers a device can be given: a pulse on an interrupt line, or a signal of an eventfd that an irqfd turns into one.

import type { EventFd, EventFdContext } from '../eventfd/index.js';
import type { InterruptLine, Trigger } from './device.js';

/** Edge-triggered: raises the line and lets it fall. */
export class LineTrigger implements Trigger {
  constructor(
    private readonly lines: InterruptLine,
    private readonly gsi: number,
  ) {}

  trigger(): void {
    this.lines.set(this.gsi, 1);
    this.lines.set(this.gsi, 0);
  }
}

/** Signals an eventfd; works from any thread. Holds the eventfd until close(). */
export class EventFdTrigger implements Trigger {
  private readonly context: EventFdContext;

  constructor(fd: EventFd) {
    this.context = fd.context;
    this.context.acquire();
  }

  trigger(): void {
    this.context.signal();
  }

  close(): void {
    this.context.release();
  }
}
