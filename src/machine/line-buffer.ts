// Collects the bytes of a serial line, so that whoever prints them is called once a line and not once a character.

const CAPACITY = 1024;
const LINE_FEED = 10;

export class LineBuffer {
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #bytes = new Uint8Array(CAPACITY);
  #length = 0;

  /** `sink` gets a copy of its own. */
  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Passes on what there is at a line feed, and when the buffer is full. */
  readonly push = (byte: number): void => {
    this.#bytes[this.#length++] = byte;
    if (byte === LINE_FEED || this.#length === CAPACITY) this.flush();
  };

  /** Passes on the beginning of a line, too. */
  flush(): void {
    if (this.#length === 0) return;
    const line = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    this.#sink(line);
  }
}
