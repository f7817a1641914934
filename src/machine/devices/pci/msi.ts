// Message signalled interrupts (PCI Local Bus Specification 3.0, 6.8.1): the capability with a 64-bit address and a mask bit
// for each vector.

import type { ConfigSpace } from './config-space.js';

/** Carries a message, a write of 32 bits that an interrupt controller understands. */
export type MessageSink = (addressLo: number, addressHi: number, data: number) => void;

const ID = 0x05;
const LENGTH = 24;
const CONTROL = 2;
const ADDRESS = 4;
const ADDRESS_HIGH = 8;
const DATA = 12;
const MASK = 16;
const PENDING = 20;

const ENABLE = 0x0001;
const MULTIPLE_ENABLED = 0x0070;
const WIDE = 0x0080;
const MASKABLE = 0x0100;

export class Msi {
  readonly #at: number;

  /** `vectors` is a power of two, up to 32. */
  constructor(
    private readonly space: ConfigSpace,
    vectors: number,
    private readonly send: MessageSink,
  ) {
    const at = space.addCapability(ID, LENGTH);
    const log = Math.log2(vectors);
    if (!Number.isInteger(log) || log < 0 || log > 5) {
      throw new RangeError(`MSI: ${vectors} vectors; there can be 1, 2, 4, 8, 16 or 32`);
    }
    space.define(at + CONTROL, 2, WIDE | MASKABLE | (log << 1), ENABLE | MULTIPLE_ENABLED);
    space.define(at + ADDRESS, 4, 0, 0xffff_fffc);
    space.define(at + ADDRESS_HIGH, 4, 0, 0xffff_ffff);
    space.define(at + DATA, 4, 0, 0xffff);
    space.define(at + MASK, 4, 0, vectors === 32 ? 0xffff_ffff : (1 << vectors) - 1);
    this.#at = at;
  }

  get enabled(): boolean {
    return (this.space.get16(this.#at + CONTROL) & ENABLE) !== 0;
  }

  /** Vectors that software has allotted; it may write any number of them, and gets no more than there are. */
  get #allotted(): number {
    const control = this.space.get16(this.#at + CONTROL);
    return 1 << Math.min((control & MULTIPLE_ENABLED) >>> 4, (control >>> 1) & 7);
  }

  /** Sends a vector's message, or remembers it while it is masked. Does nothing while MSI is off. */
  signal(vector: number): void {
    if (!this.enabled) return;
    const { space } = this;
    const at = this.#at;
    const allotted = this.#allotted;
    const number = vector & (allotted - 1);
    const bit = 1 << number;
    if ((space.get32(at + MASK) & bit) !== 0) {
      space.set32(at + PENDING, space.get32(at + PENDING) | bit);
      return;
    }
    const data = (space.get16(at + DATA) & ~(allotted - 1)) | number;
    this.send(space.get32(at + ADDRESS), space.get32(at + ADDRESS_HIGH), data);
  }

  /** Software has written configuration space: what waits and is no longer masked goes out. */
  written(register: number, length: number): void {
    const at = this.#at;
    if (register + length <= at || register >= at + LENGTH || !this.enabled) return;
    const ready = this.space.get32(at + PENDING) & ~this.space.get32(at + MASK);
    if (ready === 0) return;
    this.space.set32(at + PENDING, this.space.get32(at + PENDING) & ~ready);
    for (let vector = 0; vector < 32; vector++) if ((ready >>> vector) & 1) this.signal(vector);
  }
}
