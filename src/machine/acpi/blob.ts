// Tables before they have an address: bytes in one or several blobs, and what is to be done to them once it is known where
// each blob lies. These are the steps of QEMU's linker/loader (docs/specs of QEMU, hw/acpi/bios-linker-loader.c), so that a
// firmware can do them as well as we.

/** A pointer of `size` bytes at `offset` in blob `blob`, which holds an offset in blob `to`: add where that is. */
export interface Pointer {
  readonly kind: 'pointer';
  readonly blob: string;
  readonly to: string;
  readonly offset: number;
  readonly size: 4 | 8;
}

/** The byte at `offset` makes the bytes of a range add up to 0. */
export interface Checksum {
  readonly kind: 'checksum';
  readonly blob: string;
  readonly offset: number;
  readonly start: number;
  readonly length: number;
}

/** Steps, in the order in which they have to be done. */
export type Link = Pointer | Checksum;

export class Blob {
  #bytes = new Uint8Array(0);
  readonly links: Link[] = [];

  constructor(
    readonly name: string,
    readonly align: number,
  ) {}

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Puts bytes at the end, at a multiple of `align`; returns where. */
  append(bytes: ArrayLike<number>, align = 1): number {
    const at = Math.ceil(this.#bytes.length / align) * align;
    const grown = new Uint8Array(at + bytes.length);
    grown.set(this.#bytes);
    grown.set(bytes, at);
    this.#bytes = grown;
    return at;
  }

  pointer(offset: number, size: 4 | 8, to: Blob, value: number): void {
    const view = new DataView(this.#bytes.buffer);
    view.setUint32(offset, value, true);
    if (size === 8) view.setUint32(offset + 4, 0, true);
    this.links.push({ kind: 'pointer', blob: this.name, to: to.name, offset, size });
  }

  checksum(offset: number, start: number, length: number): void {
    this.links.push({ kind: 'checksum', blob: this.name, offset, start, length });
  }
}
