// A seeded stream of random numbers: whatever is made of it can be made again from the seed.

export class Random {
  #state: number;

  /** @param seed any 32-bit number; neighbours give unrelated streams. */
  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1);
  }

  /** 32 random bits, unsigned. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  /** 0 … limit-1. */
  below(limit: number): number {
    return this.next() % limit;
  }
  /** True once in `n`. */
  oneIn(n: number): boolean {
    return this.next() % n === 0;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length]!;
  }
  /** Fills a range with random bytes. */
  fill(bytes: Uint8Array, from = 0, to = bytes.length): void {
    for (let at = from; at < to; at += 4) {
      const word = this.next();
      for (let i = 0; i < 4 && at + i < to; i++) bytes[at + i] = word >>> (i * 8);
    }
  }
  quad(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}
