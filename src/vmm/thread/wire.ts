// What the two threads of a vCPU tell each other by message. Exits are not among it: see mailbox.ts.

import type { MemoryLimits } from '../../core/module.js';
import type { EventFdHandle } from '../../eventfd/index.js';

/** A doorbell as another thread can use it. */
export interface DoorbellThere {
  readonly addr: bigint;
  readonly len: number;
  readonly handle: EventFdHandle;
}

/** The first message. */
export interface ThreadStart {
  readonly kind: 'start';
  readonly module: WebAssembly.Module;
  readonly limits: MemoryLimits;
  readonly memory: WebAssembly.Memory;
  readonly mailbox: SharedArrayBuffer;
  /** Of the vCPU. */
  readonly index: number;
  readonly tscKhz: number;
  /** The owner cannot wait for words (no Atomics.waitAsync): it is told of each call by message, too. */
  readonly byMessage: boolean;
}

export type ToThread =
  | ThreadStart
  /** Go on from the state in memory; `origin` is when the clock stood at 0, by performance.now() of the owner. */
  | { readonly kind: 'run'; readonly origin: number }
  /** A change of the doorbells, the `generation`th. */
  | ({ readonly kind: 'news'; readonly generation: number } & News)
  | { readonly kind: 'end' };

export interface News {
  readonly added?: readonly DoorbellThere[];
  readonly removed?: bigint;
  /** Whether kicks may be answered where the vCPU runs. */
  readonly fast?: boolean;
}

export type FromThread =
  { readonly kind: 'call' } | { readonly kind: 'ended' } | { readonly kind: 'failed'; readonly message: string };
