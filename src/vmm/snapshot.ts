// A moment of a Vm, to which it can be put back: what Vm.snapshot() gives and Vm.restore() takes.

import { EBADF } from '../eventfd/index.js';
import { decodeFile, encodeFile } from './snapshot-file.js';
import type { SavedMachine } from './saved-machine.js';
import type { MachineThen, Snapshots } from './snapshots.js';

/** Of a Vm that lives: its memory is told by what has changed since. */
interface Live {
  readonly owner: Snapshots;
  readonly moment: MachineThen;
}

export class Snapshot {
  readonly #live: Live | undefined;
  readonly #saved: SavedMachine | undefined;
  /** A snapshot from bytes is one like any other to a Vm that was once made like it. */
  readonly #adopted = new Map<Snapshots, MachineThen>();
  #closed = false;

  /** Made by Vm.snapshot() and Snapshot.fromBytes(). */
  constructor(source: Live | SavedMachine) {
    if ('owner' in source) this.#live = source;
    else this.#saved = source;
  }

  /**
   * The snapshot that toBytes() made these bytes of, for any Vm with the same options (less paging and doorbells), memory slots, CPUID table, vCPUs and
   * devices. EINVAL for bytes that are none, or damaged. Only what the bytes are is checked: take them from where you would
   * take a program from.
   */
  static fromBytes(bytes: Uint8Array): Snapshot {
    return new Snapshot(decodeFile(bytes) as unknown as SavedMachine);
  }

  /**
   * All of the moment in one piece, guest memory less its empty pages included. EBADF once closed; EBUSY if a vCPU is in the
   * middle of an MMIO read that the user has not answered, EINVAL if memory slots have changed since.
   */
  toBytes(): Uint8Array {
    this.#checkOpen('toBytes');
    const saved = this.#saved ?? this.#live!.owner.describe(this.#live!.moment);
    return encodeFile(saved as never);
  }

  /** Lets go of the memory it holds; restoring it is EBADF from now on. Unclosed, it goes with the Vm. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#live?.owner.close(this.#live.moment);
    for (const [owner, then] of this.#adopted) owner.close(then);
    this.#adopted.clear();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @internal for Vm.restore(): the moment as the Vm knows it, or what it can be made from */
  of(owner: Snapshots): MachineThen | SavedMachine | undefined {
    this.#checkOpen('restore');
    if (this.#live !== undefined) return this.#live.owner === owner ? this.#live.moment : undefined;
    const adopted = this.#adopted.get(owner);
    return adopted !== undefined && owner.holds(adopted) ? adopted : this.#saved;
  }

  /** @internal the Vm is now as the bytes said, and knows this moment as `then` */
  adopt(owner: Snapshots, then: MachineThen): void {
    this.#adopted.set(owner, then);
  }

  #checkOpen(what: string): void {
    if (this.#closed) throw new EBADF(`${what}: the snapshot has been closed`);
  }
}
