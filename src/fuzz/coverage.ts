// What the inputs of a target have reached so far. Two kinds of things count: places in the core's code, which an
// instrumented build keeps count of in its memory (instrument.ts), and features, numbers that a target makes of what it
// has seen: an operation in a mode, an exit reason, an outcome.

const FEATURES = 1 << 16;

export class Coverage {
  readonly #seen = new Uint8Array(FEATURES);
  #features = 0;
  readonly #counters: (() => number)[] = [];

  /** Counts the places reached in an instrumented core, too. */
  watch(counter: () => number): void {
    this.#counters.push(counter);
  }

  /** A feature was seen. Numbers are hashed into 65,536: two may rarely be taken for one. */
  feature(kind: number, detail = 0): void {
    let hash = Math.imul(kind ^ 0x2545f491, 0x9e3779b1) ^ Math.imul(detail, 0x85ebca6b);
    hash ^= hash >>> 15;
    const index = (Math.imul(hash, 0x735a2d97) >>> 16) & (FEATURES - 1);
    if (this.#seen[index] === 0) {
      this.#seen[index] = 1;
      this.#features++;
    }
  }

  get features(): number {
    return this.#features;
  }

  /** Places reached in instrumented cores. */
  get places(): number {
    let sum = 0;
    for (const counter of this.#counters) sum += counter();
    return sum;
  }

  /** Grows whenever anything new is reached, and never otherwise. */
  get total(): number {
    return this.#features + this.places;
  }
}
