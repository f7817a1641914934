// A short queue of bytes with an end: what does not fit is lost, as in the devices that have one.

export class ByteQueue {
  #bytes: number[] = [];

  constructor(private readonly size: number) {}

  get length(): number {
    return this.#bytes.length;
  }

  get room(): number {
    return this.size - this.#bytes.length;
  }

  push(...bytes: number[]): void {
    for (const byte of bytes) if (this.#bytes.length < this.size) this.#bytes.push(byte);
  }

  shift(): number | undefined {
    return this.#bytes.shift();
  }

  clear(): void {
    this.#bytes = [];
  }

  save(): readonly number[] {
    return [...this.#bytes];
  }

  restore(bytes: readonly number[]): void {
    this.#bytes = [...bytes];
  }
}
