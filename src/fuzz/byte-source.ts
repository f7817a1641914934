// Structured values out of an input's bytes, for targets whose inputs are lists of commands or tables. Behind the end
// there are zeros, so that an input may be cut anywhere, and zero stands for the plainest value.

export class ByteSource {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Nothing but zeros is left. */
  get empty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
  word(): number {
    return this.byte() | (this.byte() << 8);
  }
  long(): number {
    return (this.word() | (this.word() << 16)) >>> 0;
  }
  quad(): bigint {
    return BigInt(this.long()) | (BigInt(this.long()) << 32n);
  }
  boolean(): boolean {
    return (this.byte() & 1) === 1;
  }
  /** 0 … limit-1, for limits up to 256. */
  below(limit: number): number {
    return this.byte() % limit;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.byte() % from.length]!;
  }
}
