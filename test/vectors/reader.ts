// Cursors over the three streams of a vector file.

/** Reads bytes, varints and little-endian values in sequence. */
export class Reader {
  private at: number;

  constructor(
    private readonly bytes: Uint8Array,
    start: number,
    private readonly end: number,
    private readonly what: string,
  ) {
    this.at = start;
  }

  byte(): number {
    if (this.at >= this.end) throw new VectorFileError(`${this.what}: the stream ends early at byte ${this.at}`);
    return this.bytes[this.at++]!;
  }

  /** A copy of the next `length` bytes. */
  take(length: number): Uint8Array {
    if (this.at + length > this.end)
      throw new VectorFileError(`${this.what}: the stream ends early at byte ${this.at}`);
    const part = this.bytes.slice(this.at, this.at + length);
    this.at += length;
    return part;
  }

  /** LEB128, up to 53 bits. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** LEB128, 64 bits. */
  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }

  /** Zigzag-coded signed varint. */
  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Puts `length` little-endian bytes at `to`, xor-ing them in or replacing all eight bytes there. */
  value(length: number, to: Uint8Array, at: number, differs: boolean): void {
    if (!differs) to.fill(0, at, at + 8);
    for (let i = 0; i < length; i++) to[at + i]! ^= this.byte();
  }

  get atEnd(): boolean {
    return this.at === this.end;
  }
}

/** A vector file that cannot be what the generator wrote; the message names the file and what is wrong. */
export class VectorFileError extends Error {
  override name = 'VectorFileError';
}
