// The 256 bytes of a function's configuration space (PCI Local Bus Specification 3.0, chapter 6): what each register holds
// after a reset, which of its bits software can write, and the list of capabilities (6.7).

const SIZE = 256;
const STATUS = 0x06;
const STATUS_CAPABILITIES = 0x10;
const CAPABILITIES = 0x34;
/** The header ends here. */
const FIRST_CAPABILITY = 0x40;

export class ConfigSpace {
  readonly #bytes = new Uint8Array(SIZE);
  readonly #initial = new Uint8Array(SIZE);
  /** Bits that the guest can set and clear. */
  readonly #writable = new Uint8Array(SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  #lastCapability = 0;
  #free = FIRST_CAPABILITY;

  /** Gives a register of 1, 2 or 4 bytes its value after a reset, and the bits that software can write. */
  define(register: number, length: number, value: number, writable = 0): void {
    for (let byte = 0; byte < length; byte++) {
      this.#bytes[register + byte] = this.#initial[register + byte] = value >>> (byte * 8);
      this.#writable[register + byte] = writable >>> (byte * 8);
    }
  }

  /** Puts `length` bytes at the end of the list of capabilities; their first two are set. Returns where they are. */
  addCapability(id: number, length: number, at = this.#free): number {
    if (at < FIRST_CAPABILITY || at + length > SIZE) {
      throw new RangeError(`PCI configuration space has no room for capability 0x${id.toString(16)}`);
    }
    this.define(at, 2, id);
    this.define(this.#lastCapability === 0 ? CAPABILITIES : this.#lastCapability + 1, 1, at);
    this.define(STATUS, 1, this.#initial[STATUS]! | STATUS_CAPABILITIES, this.#writable[STATUS]);
    this.#lastCapability = at;
    this.#free = Math.max(this.#free, (at + length + 3) & ~3);
    return at;
  }

  /** 1, 2 or 4 bytes, within one dword. */
  read(register: number, length: number): number {
    let value = 0;
    for (let byte = length - 1; byte >= 0; byte--) value = (value << 8) | this.#bytes[register + byte]!;
    return value >>> 0;
  }

  /** A write by software: it reaches the writable bits only. */
  write(register: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) {
      const at = register + byte;
      const mask = this.#writable[at]!;
      this.#bytes[at] = (this.#bytes[at]! & ~mask) | ((value >>> (byte * 8)) & mask);
    }
  }

  get16(register: number): number {
    return this.#view.getUint16(register, true);
  }

  get32(register: number): number {
    return this.#view.getUint32(register, true);
  }

  /** Sets a register from the device's side, whatever software may write. */
  set32(register: number, value: number): void {
    this.#view.setUint32(register, value, true);
  }

  /** Sets or clears bits of a byte from the device's side. */
  setBits(register: number, bits: number, on: boolean): void {
    if (on) this.#bytes[register]! |= bits;
    else this.#bytes[register]! &= ~bits;
  }

  save(): Uint8Array {
    return this.#bytes.slice();
  }

  restore(bytes: Uint8Array): void {
    this.#bytes.set(bytes);
  }

  reset(): void {
    this.#bytes.set(this.#initial);
  }
}
