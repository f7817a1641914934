// KVM's bus as it is, anomaly included, from the rules in spec 2.8: an oracle for tests, never a way to look things up.

/** One entry of KVM's array. */
export interface KvmEntry {
  name: string;
  addr: number;
  len: number;
  /** A range takes every access inside it; an ioeventfd only one at its address and of its length (0: any). */
  kind: 'range' | 'eventfd';
}

type Span = Pick<KvmEntry, 'addr' | 'len'>;

/** Below, above, or "x is contained in y"; y's length decides. */
function compare(x: Span, y: Span): -1 | 0 | 1 {
  if (x.addr < y.addr) return -1;
  if (y.len === 0) return x.addr > y.addr ? 1 : 0;
  return x.addr + x.len > y.addr + y.len ? 1 : 0;
}

function accepts(entry: KvmEntry, access: Span): boolean {
  return entry.kind === 'range' || (entry.addr === access.addr && (entry.len === 0 || entry.len === access.len));
}

export class KvmBus {
  readonly entries: KvmEntry[] = [];

  insert(entry: KvmEntry): void {
    const at = this.entries.findIndex((other) => compare(other, entry) > 0);
    this.entries.splice(at < 0 ? this.entries.length : at, 0, entry);
  }

  /** The entry that takes a write, or undefined: an exit to user space. */
  write(addr: number, len: number): KvmEntry | undefined {
    const access = { addr, len };
    let index = this.search(access);
    if (index < 0) return undefined;
    while (index > 0 && compare(access, this.entries[index - 1]!) === 0) index--;
    for (; index < this.entries.length && compare(access, this.entries[index]!) === 0; index++) {
      if (accepts(this.entries[index]!, access)) return this.entries[index];
    }
    return undefined;
  }

  private search(access: Span): number {
    let base = 0;
    for (let count = this.entries.length; count > 0; count >>= 1) {
      const pivot = base + (count >> 1);
      const order = compare(access, this.entries[pivot]!);
      if (order === 0) return pivot;
      if (order > 0) {
        base = pivot + 1;
        count--;
      }
    }
    return -1;
  }
}
