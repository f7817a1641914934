// Who answers an access, by brute force, from the rules of KVM's buses (spec section 2): what src/bus/ is compared with.

export interface ModelEntry {
  addr: bigint;
  len: number;
  pio: boolean;
  user: boolean;
  fd?: number;
  datamatch?: bigint | undefined;
  device?: number;
}

/** Every entry in the order it is asked: a flat list, searched from end to end. */
export class Model {
  entries: ModelEntry[] = [];

  insert(entry: ModelEntry): void {
    // the order of entries on the other bus is no matter, and they must not decide
    const behind = (other: ModelEntry): boolean =>
      other.pio === entry.pio &&
      ((other.user && !entry.user) ||
        (other.user === entry.user &&
          (other.addr > entry.addr || (other.addr === entry.addr && entry.len > 0 && other.len > entry.len))));
    const at = this.entries.findIndex(behind);
    this.entries.splice(at < 0 ? this.entries.length : at, 0, entry);
  }

  collides(entry: ModelEntry): boolean {
    return this.entries.some(
      (other) =>
        other.fd !== undefined &&
        other.pio === entry.pio &&
        other.addr === entry.addr &&
        (entry.len === 0 ||
          other.len === 0 ||
          (entry.len === other.len &&
            (entry.datamatch === undefined || other.datamatch === undefined || entry.datamatch === other.datamatch))),
    );
  }

  taker(addr: bigint, length: number, pio: boolean, value: bigint | undefined): ModelEntry | undefined {
    return this.entries.find((entry) => {
      if (entry.pio !== pio) return false;
      if (entry.fd === undefined) {
        return addr >= entry.addr && addr + BigInt(length) <= entry.addr + BigInt(entry.len);
      }
      if (value === undefined || addr !== entry.addr) return false;
      if (entry.len === 0) return true;
      const seen = BigInt.asUintN(length * 8, value);
      return entry.len === length && (entry.datamatch === undefined || entry.datamatch === seen);
    });
  }
}
