// MSI-X (PCI Local Bus Specification 3.0, 6.8.2): a table of messages and their pending bits, in a BAR of their own.

import type { IoDevice } from '../../../bus/device.js';
import type { PciBar } from './bars.js';
import type { ConfigSpace } from './config-space.js';
import type { MessageSink } from './msi.js';

const ID = 0x11;
const LENGTH = 12;
const CONTROL = 2;
const TABLE = 4;
const PENDING = 8;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const MOST_VECTORS = 2048;

const ENTRY = 16;
const ENTRY_ADDRESS = 0;
const ENTRY_ADDRESS_HIGH = 4;
const ENTRY_DATA = 8;
const ENTRY_CONTROL = 12;
const MASKED = 1;
/** What software can write in an entry, by dword: the address is a multiple of 4, and the control dword has one bit. */
const ENTRY_WRITABLE = Uint32Array.of(0xffff_fffc, 0xffff_ffff, 0xffff_ffff, MASKED);
const SMALLEST_BAR = 4096;

export type MsiXState = { table: Uint8Array; pending: Uint8Array };

export interface MsiXOptions {
  readonly bar: number;
  /** 1…2048. */
  readonly vectors: number;
}

export class MsiX implements IoDevice {
  readonly name = 'msi-x';
  readonly bar: PciBar;
  readonly #vectors: number;
  readonly #table: Uint8Array;
  readonly #pending: Uint8Array;
  readonly #view: DataView;
  readonly #pendingAt: number;
  #space: ConfigSpace | undefined;
  #at = 0;

  constructor(
    { bar, vectors }: MsiXOptions,
    private readonly send: MessageSink,
  ) {
    if (!(Number.isInteger(vectors) && vectors >= 1 && vectors <= MOST_VECTORS)) {
      throw new RangeError(`MSI-X: ${vectors} vectors; there can be 1…${MOST_VECTORS}`);
    }
    // The table has the lower half of the BAR, the pending bits the upper.
    const size = Math.max(SMALLEST_BAR, 2 ** Math.ceil(Math.log2(vectors * ENTRY)) * 2);
    this.bar = { index: bar, kind: 'memory', size, registers: this };
    this.#vectors = vectors;
    this.#pendingAt = size / 2;
    this.#table = new Uint8Array(vectors * ENTRY);
    this.#view = new DataView(this.#table.buffer);
    this.#pending = new Uint8Array(Math.ceil(vectors / 64) * 8);
    this.reset();
  }

  /** Puts the capability into a function's configuration space. */
  attach(space: ConfigSpace): void {
    const at = space.addCapability(ID, LENGTH);
    space.define(at + CONTROL, 2, this.#vectors - 1, ENABLE | FUNCTION_MASK);
    space.define(at + TABLE, 4, this.bar.index);
    space.define(at + PENDING, 4, this.#pendingAt | this.bar.index);
    this.#space = space;
    this.#at = at;
  }

  get #control(): number {
    return this.#space?.get16(this.#at + CONTROL) ?? 0;
  }

  get enabled(): boolean {
    return (this.#control & ENABLE) !== 0;
  }

  /** Sends a vector's message, or remembers it while the vector or the function is masked. Nothing while MSI-X is off. */
  signal(vector: number): void {
    const control = this.#control;
    if ((control & ENABLE) === 0 || vector < 0 || vector >= this.#vectors) return;
    const entry = vector * ENTRY;
    if ((control & FUNCTION_MASK) !== 0 || (this.#table[entry + ENTRY_CONTROL]! & MASKED) !== 0) {
      this.#pending[vector >>> 3]! |= 1 << (vector & 7);
      return;
    }
    const view = this.#view;
    this.send(
      view.getUint32(entry + ENTRY_ADDRESS, true),
      view.getUint32(entry + ENTRY_ADDRESS_HIGH, true),
      view.getUint32(entry + ENTRY_DATA, true),
    );
  }

  /** Software has written configuration space. */
  written(register: number, length: number): void {
    if (register + length <= this.#at || register >= this.#at + LENGTH) return;
    for (let vector = 0; vector < this.#vectors; vector++) this.#release(vector);
  }

  /** Sends what waits for a vector, if nothing masks it any more. */
  #release(vector: number): void {
    const bit = 1 << (vector & 7);
    if ((this.#pending[vector >>> 3]! & bit) === 0 || !this.enabled) return;
    this.#pending[vector >>> 3]! &= ~bit;
    this.signal(vector);
  }

  read(offset: number, length: number): number {
    const from = offset < this.#pendingAt ? this.#table : this.#pending;
    const start = offset < this.#pendingAt ? offset : offset - this.#pendingAt;
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= (from[start + byte] ?? 0) << (byte * 8);
    return value;
  }

  /** Pending bits are not for software to write. */
  write(offset: number, length: number, value: number): void {
    if (offset >= this.#table.length) return;
    for (let byte = 0; byte < length && offset + byte < this.#table.length; byte++) {
      const at = offset + byte;
      const writable = ENTRY_WRITABLE[(at & 15) >>> 2]! >>> ((at & 3) * 8);
      this.#table[at] = (value >>> (byte * 8)) & writable;
    }
    this.#release(Math.floor(offset / ENTRY));
  }

  save(): MsiXState {
    return { table: this.#table.slice(), pending: this.#pending.slice() };
  }

  restore({ table, pending }: MsiXState): void {
    this.#table.set(table);
    this.#pending.set(pending);
  }

  /** Every vector is masked after a reset (6.8.2.9). */
  reset(): void {
    this.#table.fill(0);
    this.#pending.fill(0);
    for (let vector = 0; vector < this.#vectors; vector++) this.#table[vector * ENTRY + ENTRY_CONTROL] = MASKED;
  }
}
