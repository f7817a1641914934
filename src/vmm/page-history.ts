// Guest memory as it was when snapshots were taken. A snapshot costs nothing until a page is written; then the page's old
// contents are kept once, by the snapshot whose contents they are, and going back copies just the pages that were written.
//
// Snapshots form a tree: each one's parent is the one that memory stood at, plus writes, when it was taken. `delta` are the
// pages written in between, so those in which it may differ from its parent. Memory itself is always the `base` plus the
// pages in `#written`. Invariant: a snapshot has the contents of every page that was written while it was the base, so of
// #written and of the delta of each child; going up an edge keeps the child's contents of its delta before it restores the
// parent's, so that the way back down is always there.

import type { CoreMemory } from '../core/memory.js';
import type { Layout } from '../core/layout.js';
import { EBADF, EINVAL } from '../eventfd/index.js';
import { PAGE_SIZE } from './memory-slot.js';
import type { Slots } from './slots.js';

const PAGE_SHIFT = 12;
/** A bit of the code map stands for so many bytes. */
const GRANULE_SHIFT = 6;

/** Guest memory at one moment. Pages are named by their host address. */
export class PagesThen {
  readonly delta = new Set<number>();
  readonly kept = new Map<number, Uint8Array>();
  /** Snapshots whose parent this is. */
  children = 0;
  closed = false;

  constructor(
    public parent: PagesThen | undefined,
    /** Slots.generation: the host addresses mean something only while slots stay where they are. */
    readonly generation: number,
  ) {
    if (parent !== undefined) parent.children++;
  }
}

export class PageHistory {
  #base: PagesThen | undefined;
  /** Pages that were written since memory was as at #base; their bytes in WRITE_LOG are set. */
  #written: number[] = [];
  /** Pages that somebody has a view of. */
  readonly #exposed = new Set<number>();

  /** `codeChanged`: the code that was decoded from these bytes is out of date. */
  constructor(
    private readonly memory: CoreMemory,
    private readonly layout: Layout,
    private readonly slots: Slots,
    private readonly codeChanged: (host: number, length: number) => void,
  ) {}

  /** Pages written since the last snapshot or restore. */
  get written(): number {
    return this.#written.length;
  }

  /** Remembers memory as it is. The TLBs must be flushed: nothing may be written inline before it is seen here. */
  mark(): PagesThen {
    const generation = this.slots.generation;
    const parent = this.#base?.generation === generation ? this.#base : undefined;
    const then = new PagesThen(parent, generation);
    if (parent !== undefined) for (const page of this.#written) then.delta.add(page);
    this.#follow(then);
    return then;
  }

  /** Memory as it was then. The TLBs must be flushed, as for mark(). Throws EBADF or EINVAL before anything is changed. */
  restore(then: PagesThen): void {
    this.check(then);
    const base = this.#base!;
    for (const page of this.#written) this.#put(page, base.kept.get(page)!);
    this.#markDirty(this.#written);
    if (base !== then) this.#travel(base, then);
    this.#follow(then);
  }

  /** Whether memory can be made as it was then. */
  check(then: PagesThen): void {
    if (then.closed) throw new EBADF('restore: the snapshot has been closed');
    if (this.#base === undefined || then.generation !== this.slots.generation) {
      throw new EINVAL('restore: memory slots were made, deleted or moved since the snapshot was taken');
    }
  }

  /** The contents of pages that are not now as they were then. */
  difference(then: PagesThen): Map<number, Uint8Array> {
    this.check(then);
    const contents = new Map<number, Uint8Array>();
    const base = this.#base!;
    for (const page of this.#written) contents.set(page, base.kept.get(page)!);
    const { up, down } = route(base, then);
    for (const node of up) for (const page of node.delta) contents.set(page, node.parent!.kept.get(page)!);
    for (const node of down) for (const page of node.delta) contents.set(page, node.kept.get(page)!);
    return contents;
  }

  /** Gives the contents of a snapshot back. Those that others stand on stay until these are closed, too. */
  close(then: PagesThen): void {
    if (then.closed) return;
    then.closed = true;
    this.#reap(then);
  }

  /** A page is about to be written for the first time since mark() or restore(): called by the core's write log. */
  keep(page: number): void {
    const base = this.#base;
    // Not guest memory: the page that a write to a read-only slot is caught on.
    if (base === undefined || this.slots.findHost(page) === undefined) return;
    this.#written.push(page);
    this.#keepIn(base, page);
  }

  /** The same for whoever writes from outside the CPU. */
  willWrite(host: number, length: number): void {
    if (this.#base === undefined || length === 0) return;
    const { WRITE_LOG } = this.layout;
    for (let page = host - (host % PAGE_SIZE); page < host + length; page += PAGE_SIZE) {
      const logged = WRITE_LOG + page / PAGE_SIZE;
      if (this.memory.u8[logged] !== 0) continue;
      this.memory.u8[logged] = 1;
      this.keep(page);
    }
  }

  /** The bytes may be written at any time from now on, unseen. */
  exposed(host: number, length: number): void {
    for (let page = host - (host % PAGE_SIZE); page < host + length; page += PAGE_SIZE) this.#exposed.add(page);
    this.willWrite(host, length);
  }

  /** Memory is as it was then; what is written from now on is told apart from it. */
  #follow(then: PagesThen | undefined): void {
    const { u8, u32 } = this.memory;
    const { WRITE_LOG, LOG_WRITES } = this.layout;
    for (const page of this.#written) u8[WRITE_LOG + (page >>> PAGE_SHIFT)] = 0;
    this.#written.length = 0;
    const left = this.#base;
    this.#base = then;
    u32[LOG_WRITES >>> 2] = then === undefined ? 0 : 1;
    for (const page of this.#exposed) {
      if (this.slots.findHost(page) === undefined) this.#exposed.delete(page);
      else this.willWrite(page, PAGE_SIZE);
    }
    if (left?.closed === true && left !== then) this.#reap(left);
  }

  #travel(base: PagesThen, then: PagesThen): void {
    const { up, down } = route(base, then);
    for (const node of up) {
      for (const page of node.delta) {
        this.#keepIn(node, page);
        this.#put(page, node.parent!.kept.get(page)!);
      }
      this.#markDirty(node.delta);
    }
    for (const node of down) {
      for (const page of node.delta) this.#put(page, node.kept.get(page)!);
      this.#markDirty(node.delta);
    }
  }

  #keepIn(then: PagesThen, page: number): void {
    if (!then.kept.has(page)) then.kept.set(page, this.memory.u8.slice(page, page + PAGE_SIZE));
  }

  /** Puts contents in place; code that was decoded from bytes which thereby change is dropped, other code stays. */
  #put(page: number, contents: Uint8Array): void {
    const { u8, u32 } = this.memory;
    const word = (this.layout.CODE_MAP + (page >>> PAGE_SHIFT) * 8) >>> 2;
    const codeChanges =
      (u32[word]! !== 0 && this.#differs(page, contents, u32[word]!, 0)) ||
      (u32[word + 1]! !== 0 && this.#differs(page, contents, u32[word + 1]!, 32));
    u8.set(contents, page);
    if (codeChanges) this.codeChanged(page, PAGE_SIZE);
  }

  #differs(page: number, contents: Uint8Array, granules: number, first: number): boolean {
    const { u8 } = this.memory;
    for (let granule = 0; granule < 32; granule++) {
      if ((granules & (1 << granule)) === 0) continue;
      const start = (first + granule) << GRANULE_SHIFT;
      const end = start + (1 << GRANULE_SHIFT);
      for (let at = start; at < end; at++) if (u8[page + at] !== contents[at]) return true;
    }
    return false;
  }

  /** For who copies dirty pages somewhere, these are. */
  #markDirty(pages: Iterable<number>): void {
    if (!this.slots.list().some((slot) => slot.logsDirty)) return;
    for (const page of pages) {
      const slot = this.slots.findHost(page);
      slot?.markDirty(slot.base + page - slot.host, 1);
    }
  }

  /** Takes a closed snapshot out of the tree, if its place can be filled. */
  #reap(node: PagesThen): void {
    const { parent } = node;
    if (node === this.#base) {
      if (node.children > 0) return;
      if (parent === undefined) {
        this.#follow(undefined);
        return;
      }
      // Memory now stands at the parent, plus what it was away from this one, plus what this one was away from the parent.
      hand(node, parent);
      const written = new Set(this.#written);
      for (const page of node.delta) written.add(page);
      this.#written = [...written];
      for (const page of node.delta) this.memory.u8[this.layout.WRITE_LOG + (page >>> PAGE_SHIFT)] = 1;
      this.#base = parent;
      this.#detach(node, parent);
      return;
    }
    if (node.children === 0) {
      if (parent !== undefined) this.#detach(node, parent);
      return;
    }
    const child = node.children === 1 ? this.#onlyChild(node) : undefined;
    if (child === undefined) return;
    child.parent = parent;
    if (parent === undefined) child.delta.clear();
    else {
      for (const page of node.delta) child.delta.add(page);
      hand(node, parent);
    }
  }

  #detach(node: PagesThen, parent: PagesThen): void {
    node.parent = undefined;
    parent.children--;
    if (parent.closed) this.#reap(parent);
  }

  /** The child of a snapshot with one, if memory stands there or further down: others nobody here knows. */
  #onlyChild(node: PagesThen): PagesThen | undefined {
    for (let at = this.#base; at !== undefined; at = at.parent) if (at.parent === node) return at;
    return undefined;
  }
}

/** Contents that `node` has and its parent lacks are of pages in which the two do not differ. */
function hand(node: PagesThen, parent: PagesThen): void {
  for (const [page, contents] of node.kept) if (!parent.kept.has(page)) parent.kept.set(page, contents);
}

/** The snapshots to leave upwards, and those to enter downwards, in order. */
function route(from: PagesThen, to: PagesThen): { up: PagesThen[]; down: PagesThen[] } {
  const above = new Set<PagesThen>();
  for (let at: PagesThen | undefined = to; at !== undefined; at = at.parent) above.add(at);
  const up: PagesThen[] = [];
  let meeting: PagesThen | undefined = from;
  for (; meeting !== undefined && !above.has(meeting); meeting = meeting.parent) up.push(meeting);
  if (meeting === undefined) throw new EINVAL('restore: the snapshot is of another history of this memory');
  const down: PagesThen[] = [];
  for (let at = to; at !== meeting; at = at.parent!) down.unshift(at);
  return { up, down };
}
