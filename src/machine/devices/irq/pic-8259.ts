// One interrupt controller: Intel's 8259A (datasheet 231468), in 8086 mode, with the edge/level register that PC chipsets add (PIIX3
// datasheet 290550, ELCR1 and ELCR2). pic-pair.ts joins two of them as in a PC.
//
// One deliberate difference: an edge is a request until it is answered, even if its input has fallen by then, as in KVM and QEMU. The
// real chip would answer with a spurious IR7; but our devices may pulse a line for no time at all. Level inputs, and the one the
// second chip is on, are requests only while they are high.

import type { DeviceState, IoDevice, Stateful } from '../../../bus/index.js';

export const PIC_PORTS = 2;

const ICW1 = 0x10;
const ICW1_NEEDS_ICW4 = 0x01;
const ICW1_SINGLE = 0x02;
const ICW4_AUTO_EOI = 0x02;
const ICW4_SPECIAL_FULLY_NESTED = 0x10;
const OCW3 = 0x08;

/** Where the chip is in its initialisation (figure 7). */
const Step = { Ready: 0, Icw2: 1, Icw3: 2, Icw4: 3, PowerOn: 4 } as const;
/** The input of IR7, which the chip claims when asked for a request that is not there. */
const SPURIOUS = 7;
const POLL_INTERRUPT = 0x80;

export interface PicOptions {
  name: string;
  /** The INT pin. Told of every change; not of the state after power-on (low) or a restore. */
  output: (level: 0 | 1) => void;
  /** The guest has ended the interrupt of an input, or will never see it. */
  acknowledged?: (input: number) => void;
  /** The input another 8259A is on, if one is. */
  cascade?: number;
  /** Inputs that can be switched to level-triggered. */
  levelCapable: number;
}

type PicState = {
  lines: number;
  irr: number;
  isr: number;
  imr: number;
  elcr: number;
  base: number;
  lowest: number;
  step: number;
  single: boolean;
  needsIcw4: boolean;
  autoEoi: boolean;
  rotateOnAutoEoi: boolean;
  specialMask: boolean;
  specialFullyNested: boolean;
  readIsr: boolean;
  poll: boolean;
  int: 0 | 1;
};

const POWER_ON: PicState = {
  lines: 0,
  irr: 0,
  isr: 0,
  imr: 0,
  elcr: 0,
  base: 0,
  lowest: 7,
  step: Step.PowerOn,
  single: false,
  needsIcw4: false,
  autoEoi: false,
  rotateOnAutoEoi: false,
  specialMask: false,
  specialFullyNested: false,
  readIsr: false,
  poll: false,
  int: 0,
};

export class Pic8259 implements IoDevice, Stateful {
  readonly name: string;
  readonly #output: (level: 0 | 1) => void;
  readonly #acknowledged: (input: number) => void;
  readonly #cascade: number;
  readonly #levelCapable: number;
  #s: PicState = { ...POWER_ON };

  constructor({ name, output, acknowledged = () => {}, cascade, levelCapable }: PicOptions) {
    this.name = name;
    this.#output = output;
    this.#acknowledged = acknowledged;
    this.#cascade = cascade === undefined ? 0 : 1 << cascade;
    this.#levelCapable = levelCapable;
  }

  /** Power-on state. Until it is initialised the chip asks for nothing. What comes in on its inputs stays as it is. */
  reset(): void {
    const { lines, int } = this.#s;
    this.#s = { ...POWER_ON, lines, int };
    this.#update();
  }

  /** The level of the INT pin. */
  get output(): 0 | 1 {
    return this.#s.int;
  }

  get initialised(): boolean {
    return this.#s.step === Step.Ready;
  }

  set(input: number, level: 0 | 1): void {
    const s = this.#s;
    const bit = 1 << input;
    if (level === 0) {
      s.lines &= ~bit;
      s.irr &= ~(bit & this.#following());
    } else {
      if ((s.lines & bit) === 0 || (bit & this.#following()) !== 0) s.irr |= bit;
      s.lines |= bit;
    }
    this.#update();
  }

  /** The level of an input as the chip sees it. */
  level(input: number): 0 | 1 {
    return ((this.#s.lines >>> input) & 1) as 0 | 1;
  }

  /** An INTA cycle: the input that is now in service, IR7 if none asks. */
  acknowledge(): number {
    const input = this.#request();
    if (input < 0) return SPURIOUS;
    const s = this.#s;
    const bit = 1 << input;
    // INT falls with INTA, so that a request that is left makes an edge at the chip this one is cascaded to.
    this.#drive(0);
    s.irr &= ~(bit & ~s.elcr);
    if (s.autoEoi) {
      if (s.rotateOnAutoEoi) s.lowest = input;
      this.#acknowledged(input);
    } else {
      s.isr |= bit;
    }
    this.#update();
    return input;
  }

  /** The vector of an input (ICW2). */
  vector(input: number): number {
    return this.#s.base | input;
  }

  /** The edge/level register. */
  get elcr(): number {
    return this.#s.elcr;
  }
  set elcr(value: number) {
    const s = this.#s;
    s.elcr = value & this.#levelCapable;
    s.irr = (s.irr & ~s.elcr) | (s.lines & s.elcr);
    this.#update();
  }

  read(offset: number): number {
    const s = this.#s;
    if (s.poll) {
      s.poll = false;
      if (this.#request() < 0) return 0;
      return POLL_INTERRUPT | this.acknowledge();
    }
    if (offset === 1) return s.imr;
    return s.readIsr ? s.isr : s.irr;
  }

  write(offset: number, _length: number, value: number): void {
    const byte = value & 0xff;
    if (offset === 1) this.#writeData(byte);
    else if ((byte & ICW1) !== 0) this.#initialise(byte);
    else if ((byte & OCW3) !== 0) this.#control(byte);
    else this.#endOfInterrupt(byte);
    this.#update();
  }

  /** ICW1: "automatically, the following occur" (datasheet, Initialization Command Words). LTIM gave way to the ELCR. */
  #initialise(byte: number): void {
    const s = this.#s;
    const lost = (s.irr | s.isr) & ~s.elcr;
    const { lines, elcr, base, int } = s;
    this.#s = { ...POWER_ON, lines, elcr, base, int, irr: lines & elcr };
    this.#s.step = Step.Icw2;
    this.#s.single = (byte & ICW1_SINGLE) !== 0;
    this.#s.needsIcw4 = (byte & ICW1_NEEDS_ICW4) !== 0;
    for (let input = 0; input < 8; input++) if ((lost & (1 << input)) !== 0) this.#acknowledged(input);
  }

  #writeData(byte: number): void {
    const s = this.#s;
    switch (s.step) {
      case Step.Icw2:
        s.base = byte & 0xf8;
        s.step = s.single ? (s.needsIcw4 ? Step.Icw4 : Step.Ready) : Step.Icw3;
        break;
      case Step.Icw3:
        // Who is cascaded to whom is wired on the board.
        s.step = s.needsIcw4 ? Step.Icw4 : Step.Ready;
        break;
      case Step.Icw4:
        s.autoEoi = (byte & ICW4_AUTO_EOI) !== 0;
        s.specialFullyNested = (byte & ICW4_SPECIAL_FULLY_NESTED) !== 0;
        s.step = Step.Ready;
        break;
      default:
        s.imr = byte;
    }
  }

  /** OCW3: special mask mode, poll, which register is read; each only where its enabling bit says so. */
  #control(byte: number): void {
    const s = this.#s;
    if ((byte & 0x40) !== 0) s.specialMask = (byte & 0x20) !== 0;
    if ((byte & 0x04) !== 0) s.poll = true;
    if ((byte & 0x02) !== 0) s.readIsr = (byte & 0x01) !== 0;
  }

  /** OCW2, by its bits R, SL and EOI. */
  #endOfInterrupt(byte: number): void {
    const s = this.#s;
    const level = byte & 7;
    switch (byte >>> 5) {
      case 0b000:
        s.rotateOnAutoEoi = false;
        break;
      case 0b100:
        s.rotateOnAutoEoi = true;
        break;
      case 0b001:
        this.#end(this.#endable());
        break;
      case 0b101: {
        const input = this.#endable();
        if (input >= 0) s.lowest = input;
        this.#end(input);
        break;
      }
      case 0b011:
        this.#end(level);
        break;
      case 0b111:
        s.lowest = level;
        this.#end(level);
        break;
      case 0b110:
        s.lowest = level;
        break;
    }
  }

  #end(input: number): void {
    if (input < 0 || (this.#s.isr & (1 << input)) === 0) return;
    this.#s.isr &= ~(1 << input);
    this.#acknowledged(input);
  }

  /** What a non-specific EOI ends; in special mask mode a masked input is not ended by one. -1: nothing. */
  #endable(): number {
    const { isr, imr, specialMask } = this.#s;
    return this.#highest(specialMask ? isr & ~imr : isr);
  }

  /** Inputs that are requests only while they are high. */
  #following(): number {
    return this.#s.elcr | this.#cascade;
  }

  /** The input of highest priority among bits; -1 if there are none. */
  #highest(bits: number): number {
    if (bits === 0) return -1;
    const { lowest } = this.#s;
    for (let step = 1; step <= 8; step++) {
      const input = (lowest + step) & 7;
      if ((bits & (1 << input)) !== 0) return input;
    }
    return -1;
  }

  /**
   * The input that would be acknowledged now, -1 if none: unmasked, and of higher priority than all in service. In special mask
   * mode what is in service and masked holds nothing up; in the special fully nested mode the other chip may ask again while an
   * interrupt of its own is in service.
   */
  #request(): number {
    const { irr, imr, isr, lowest, step, specialMask, specialFullyNested } = this.#s;
    if (step !== Step.Ready) return -1;
    const input = this.#highest(irr & ~imr);
    if (input < 0) return -1;
    const serving = this.#highest(specialMask ? isr & ~imr : isr);
    if (serving < 0) return input;
    if (input === serving) return specialFullyNested && (this.#cascade & (1 << input)) !== 0 ? input : -1;
    return ((input - lowest - 1) & 7) < ((serving - lowest - 1) & 7) ? input : -1;
  }

  #update(): void {
    this.#drive(this.#request() >= 0 ? 1 : 0);
  }

  #drive(level: 0 | 1): void {
    if (this.#s.int === level) return;
    this.#s.int = level;
    this.#output(level);
  }

  save(): DeviceState {
    return { ...this.#s };
  }

  restore(state: DeviceState): void {
    this.#s = { ...(state as PicState) };
  }
}
