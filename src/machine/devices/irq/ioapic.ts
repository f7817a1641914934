// The I/O APIC: Intel's 82093AA (datasheet 290566) with the EOI register of its successors (ICH9 datasheet 316972, "EOI register"): version 20h.
//
// Inputs are 1 while asserted, whatever an entry says of their polarity: as in KVM. A guest takes the
// polarity from tables that we write, so that there is nothing to be learned from it.

import type { DeviceState, IoDevice, Stateful } from '../../../bus/index.js';
import { DeliveryMode, type Deliver, type InterruptMessage } from '../../../vmm/interrupt-message.js';

export const IOAPIC_ADDRESS = 0xfec0_0000;
export const IOAPIC_SIZE = 0x1000;
export const IOAPIC_PINS = 24;

/** Offsets; what is between them is nothing. */
const IOREGSEL = 0x00;
const IOWIN = 0x10;
const EOI = 0x40;

/** Registers behind IOWIN. */
const ID = 0x00;
const VERSION = 0x01;
const ARBITRATION = 0x02;
const TABLE = 0x10;
const VERSION_VALUE = ((IOAPIC_PINS - 1) << 16) | 0x20;
const ID_BITS = 0x0f00_0000;

/** The low half of a redirection entry (3.2.4). */
const LOGICAL = 1 << 11;
const REMOTE_IRR = 1 << 14;
const LEVEL = 1 << 15;
const MASKED = 1 << 16;
const LOW_WRITABLE = 0x1afff;
/** Delivery status (a message is on its way) is always 0 here: sending takes no time. */
const LOW_RESET = MASKED;
const HIGH_WRITABLE = 0xff00_0000;

export interface IoApicOptions {
  deliver: Deliver;
  /** The guest has ended the interrupt of a pin. */
  acknowledged?: (pin: number) => void;
  id?: number;
}

type IoApicState = { select: number; id: number; lines: number; low: readonly number[]; high: readonly number[] };

export class IoApic implements IoDevice, Stateful {
  readonly name = 'ioapic';
  readonly #deliver: Deliver;
  readonly #acknowledged: (pin: number) => void;
  readonly #firstId: number;
  #select = 0;
  #id: number;
  /** Levels of the pins, a bit each. */
  #lines = 0;
  readonly #low = new Uint32Array(IOAPIC_PINS).fill(LOW_RESET);
  readonly #high = new Uint32Array(IOAPIC_PINS);
  /** What each pin sends, made when its entry is written. */
  readonly #messages: InterruptMessage[];

  constructor({ deliver, acknowledged = () => {}, id = 0 }: IoApicOptions) {
    this.#deliver = deliver;
    this.#acknowledged = acknowledged;
    this.#firstId = this.#id = (id << 24) & ID_BITS;
    this.#messages = Array.from(this.#low, (_, pin) => this.#message(pin));
  }

  /** Power-on state. What comes in on its pins stays as it is. */
  reset(): void {
    this.#select = 0;
    this.#id = this.#firstId;
    this.#low.fill(LOW_RESET);
    this.#high.fill(0);
    for (let pin = 0; pin < IOAPIC_PINS; pin++) this.#messages[pin] = this.#message(pin);
  }

  set(pin: number, level: 0 | 1): void {
    const bit = 1 << pin;
    const was = this.#lines & bit;
    if (level === 0) {
      this.#lines &= ~bit;
      return;
    }
    this.#lines |= bit;
    // An edge at a masked pin is neither delivered nor remembered (3.2.4, bit 16).
    if (this.#messages[pin]!.level) this.#serve(pin);
    else if (was === 0 && (this.#low[pin]! & MASKED) === 0) this.#deliver(this.#messages[pin]!);
  }

  /**
   * A local APIC's EOI of a vector, or the guest's at the EOI register: level-triggered pins that sent it are open again, and send
   * again if they are still asserted. Who asked is told first, so that a resampled line has its new level by then.
   */
  eoi(vector: number): void {
    for (let pin = 0; pin < IOAPIC_PINS; pin++) {
      if ((this.#low[pin]! & 0xff) !== vector) continue;
      this.#acknowledged(pin);
      if ((this.#low[pin]! & REMOTE_IRR) === 0) continue;
      this.#low[pin]! &= ~REMOTE_IRR;
      this.#serve(pin);
    }
  }

  /** Sends for a level-triggered pin that is asserted, open and not in service already. */
  #serve(pin: number): void {
    const message = this.#messages[pin]!;
    if (!message.level || (this.#low[pin]! & (MASKED | REMOTE_IRR)) !== 0 || (this.#lines & (1 << pin)) === 0) return;
    // Set first, for the local APIC may end the interrupt before deliver() returns.
    this.#low[pin]! |= REMOTE_IRR;
    if (!this.#deliver(message)) this.#low[pin]! &= ~REMOTE_IRR;
  }

  read(offset: number, _length: number): number {
    const at = offset & 0xff;
    if (at === IOREGSEL) return this.#select;
    return at === IOWIN ? this.#readRegister() : 0;
  }

  write(offset: number, _length: number, value: number): void {
    const at = offset & 0xff;
    if (at === IOREGSEL) this.#select = value & 0xff;
    else if (at === IOWIN) this.#writeRegister(value);
    else if (at === EOI) this.eoi(value & 0xff);
  }

  #readRegister(): number {
    const select = this.#select;
    switch (select) {
      case ID:
      case ARBITRATION:
        return this.#id;
      case VERSION:
        return VERSION_VALUE;
    }
    const pin = (select - TABLE) >> 1;
    if (pin < 0 || pin >= IOAPIC_PINS) return 0;
    return (select & 1) === 0 ? this.#low[pin]! : this.#high[pin]!;
  }

  #writeRegister(value: number): void {
    const select = this.#select;
    if (select === ID) this.#id = value & ID_BITS;
    const pin = (select - TABLE) >> 1;
    if (pin < 0 || pin >= IOAPIC_PINS) return;
    if ((select & 1) === 0) {
      // Edge-triggered pins have no remote IRR: software without an EOI register clears it by switching there and back.
      const kept = (value & LEVEL) === 0 ? 0 : this.#low[pin]! & REMOTE_IRR;
      this.#low[pin] = (value & LOW_WRITABLE) | kept;
    } else {
      this.#high[pin] = value & HIGH_WRITABLE;
    }
    this.#messages[pin] = this.#message(pin);
    this.#serve(pin);
  }

  #message(pin: number): InterruptMessage {
    const low = this.#low[pin]!;
    const mode = (low >>> 8) & 7;
    // SMI, NMI, INIT and ExtINT are edges, however the entry is programmed (3.2.4, bits 10:8).
    const ends = mode === DeliveryMode.Fixed || mode === DeliveryMode.LowestPriority;
    return {
      destination: this.#high[pin]! >>> 24,
      logical: (low & LOGICAL) !== 0,
      mode,
      vector: low & 0xff,
      level: ends && (low & LEVEL) !== 0,
      redirectionHint: false,
    };
  }

  save(): DeviceState {
    return { select: this.#select, id: this.#id, lines: this.#lines, low: [...this.#low], high: [...this.#high] };
  }

  restore(state: DeviceState): void {
    const { select, id, lines, low, high } = state as IoApicState;
    this.#select = select;
    this.#id = id;
    this.#lines = lines;
    this.#low.set(low);
    this.#high.set(high);
    for (let pin = 0; pin < IOAPIC_PINS; pin++) this.#messages[pin] = this.#message(pin);
  }
}
