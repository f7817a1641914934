// The VGA's registers besides those of the CRT controller: attribute controller, sequencer, graphics controller, the palette's
// DAC, and what stands between (IBM, PS/2 Hardware Interface Technical Reference, Video Subsystem). A video BIOS programs them
// for its modes, and reads some of them back. They keep what is written; the picture (vga-text.ts) is mode 3's whatever they say.

import type { IoDevice } from '../../bus/device.js';
import type { Stateful } from '../../bus/device-state.js';

export const VGA_REGISTERS_PORT = 0x3c0;
export const VGA_REGISTERS_PORTS = 16;

/** From 3C0h. */
const ATTRIBUTE = 0x0;
const ATTRIBUTE_READ = 0x1;
/** Written: miscellaneous output; read: input status 0. */
const MISCELLANEOUS = 0x2;
const ENABLE = 0x3;
const SEQUENCER = 0x4;
const SEQUENCER_DATA = 0x5;
const DAC_MASK = 0x6;
/** Written: the colour to be read next; read: whether the last index was for reading or for writing. */
const DAC_READ_INDEX = 0x7;
const DAC_WRITE_INDEX = 0x8;
const DAC_DATA = 0x9;
const FEATURE_CONTROL_READ = 0xa;
const MISCELLANEOUS_READ = 0xc;
const GRAPHICS = 0xe;
const GRAPHICS_DATA = 0xf;

const ATTRIBUTE_INDEX_BITS = 0x3f;
/** Of the attribute controller's index: which register, and that the picture is shown and the palette closed to writes. */
const ATTRIBUTE_REGISTER = 0x1f;
const PALETTE_CLOSED = 0x20;
const PALETTE = 16;
/** Bits that a register has; there are no registers behind the last one. */
const ATTRIBUTE_BITS = [...Array<number>(PALETTE).fill(0x3f), 0xef, 0xff, 0x3f, 0x0f, 0x0f];
const SEQUENCER_BITS = [0x03, 0x3d, 0x0f, 0x3f, 0x0e];
const GRAPHICS_BITS = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff];
const DAC_BITS = 0x3f;
const DAC_READING = 0x03;
const DAC_WRITING = 0x00;
/** Of input status 0: the comparator says that there is a monitor in colour. */
const MONITOR = 0x10;

/** What a BIOS leaves for mode 3: the table of the reference's appendix on modes. */
const MODE_3_ATTRIBUTES = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f,
  0x08, 0x00,
];
const MODE_3_SEQUENCER = [0x03, 0x00, 0x03, 0x00, 0x02];
const MODE_3_GRAPHICS = [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff];
const MODE_3_MISCELLANEOUS = 0x67;
const COLOURS = 256;

export type VgaRegistersState = {
  attributeIndex: number;
  attributeData: boolean;
  miscellaneous: number;
  enable: number;
  sequencerIndex: number;
  graphicsIndex: number;
  attributes: Uint8Array;
  sequencer: Uint8Array;
  graphics: Uint8Array;
  dac: Uint8Array;
  dacMask: number;
  dacReading: boolean;
  dacAt: number;
};

export class VgaRegisters implements IoDevice, Stateful {
  readonly name = 'vga-registers';
  readonly #attributes = new Uint8Array(ATTRIBUTE_BITS.length);
  readonly #sequencer = new Uint8Array(SEQUENCER_BITS.length);
  readonly #graphics = new Uint8Array(GRAPHICS_BITS.length);
  /** Red, green, blue of each colour, six bits each. */
  readonly #dac = new Uint8Array(COLOURS * 3);
  #attributeIndex = 0;
  /** The next write to the attribute controller's port is data, not an index. */
  #attributeData = false;
  #miscellaneous = 0;
  #enable = 0;
  #sequencerIndex = 0;
  #graphicsIndex = 0;
  #dacMask = 0;
  #dacReading = false;
  /** The next byte of the DAC to be read or written. */
  #dacAt = 0;

  constructor() {
    this.reset();
  }

  /** The status port has been read: the attribute controller takes an index next. */
  readonly statusRead = (): void => {
    this.#attributeData = false;
  };

  /** Wider accesses are an ISA bus's: one byte after the other. */
  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.#readPort(offset + byte) << (byte * 8);
    return value;
  }

  #readPort(port: number): number {
    switch (port) {
      case ATTRIBUTE:
        return this.#attributeIndex;
      case ATTRIBUTE_READ:
        return this.#attributes[this.#attributeIndex & ATTRIBUTE_REGISTER] ?? 0xff;
      case MISCELLANEOUS:
        return MONITOR;
      case ENABLE:
        return this.#enable;
      case SEQUENCER:
        return this.#sequencerIndex;
      case SEQUENCER_DATA:
        return this.#sequencer[this.#sequencerIndex] ?? 0xff;
      case DAC_MASK:
        return this.#dacMask;
      case DAC_READ_INDEX:
        return this.#dacReading ? DAC_READING : DAC_WRITING;
      case DAC_WRITE_INDEX:
        return Math.floor(this.#dacAt / 3);
      case DAC_DATA:
        return this.#dac[this.#nextDac()]!;
      case FEATURE_CONTROL_READ:
        return 0;
      case MISCELLANEOUS_READ:
        return this.#miscellaneous;
      case GRAPHICS:
        return this.#graphicsIndex;
      case GRAPHICS_DATA:
        return this.#graphics[this.#graphicsIndex] ?? 0xff;
      default:
        return 0xff;
    }
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.#writePort(offset + byte, (value >>> (byte * 8)) & 0xff);
  }

  #writePort(port: number, value: number): void {
    switch (port) {
      case ATTRIBUTE:
        this.#writeAttribute(value);
        break;
      case MISCELLANEOUS:
        this.#miscellaneous = value;
        break;
      case ENABLE:
        this.#enable = value & 1;
        break;
      case SEQUENCER:
        this.#sequencerIndex = value & 7;
        break;
      case SEQUENCER_DATA:
        keep(this.#sequencer, SEQUENCER_BITS, this.#sequencerIndex, value);
        break;
      case DAC_MASK:
        this.#dacMask = value;
        break;
      case DAC_READ_INDEX:
      case DAC_WRITE_INDEX:
        this.#dacReading = port === DAC_READ_INDEX;
        this.#dacAt = value * 3;
        break;
      case DAC_DATA:
        this.#dac[this.#nextDac()] = value & DAC_BITS;
        break;
      case GRAPHICS:
        this.#graphicsIndex = value & 0xf;
        break;
      case GRAPHICS_DATA:
        keep(this.#graphics, GRAPHICS_BITS, this.#graphicsIndex, value);
        break;
      default:
    }
  }

  /** Index and data alternate at one port. */
  #writeAttribute(value: number): void {
    if (this.#attributeData) {
      const index = this.#attributeIndex & ATTRIBUTE_REGISTER;
      const closed = index < PALETTE && (this.#attributeIndex & PALETTE_CLOSED) !== 0;
      if (!closed) keep(this.#attributes, ATTRIBUTE_BITS, index, value);
    } else {
      this.#attributeIndex = value & ATTRIBUTE_INDEX_BITS;
    }
    this.#attributeData = !this.#attributeData;
  }

  /** Each third access goes on to the next colour. */
  #nextDac(): number {
    const at = this.#dacAt;
    this.#dacAt = (at + 1) % this.#dac.length;
    return at;
  }

  save(): VgaRegistersState {
    return {
      attributeIndex: this.#attributeIndex,
      attributeData: this.#attributeData,
      miscellaneous: this.#miscellaneous,
      enable: this.#enable,
      sequencerIndex: this.#sequencerIndex,
      graphicsIndex: this.#graphicsIndex,
      attributes: this.#attributes.slice(),
      sequencer: this.#sequencer.slice(),
      graphics: this.#graphics.slice(),
      dac: this.#dac.slice(),
      dacMask: this.#dacMask,
      dacReading: this.#dacReading,
      dacAt: this.#dacAt,
    };
  }

  restore(state: VgaRegistersState): void {
    this.#attributeIndex = state.attributeIndex;
    this.#attributeData = state.attributeData;
    this.#miscellaneous = state.miscellaneous;
    this.#enable = state.enable;
    this.#sequencerIndex = state.sequencerIndex;
    this.#graphicsIndex = state.graphicsIndex;
    this.#attributes.set(state.attributes);
    this.#sequencer.set(state.sequencer);
    this.#graphics.set(state.graphics);
    this.#dac.set(state.dac);
    this.#dacMask = state.dacMask;
    this.#dacReading = state.dacReading;
    this.#dacAt = state.dacAt;
  }

  /** As a BIOS leaves them. */
  reset(): void {
    this.restore({
      attributeIndex: PALETTE_CLOSED,
      attributeData: false,
      miscellaneous: MODE_3_MISCELLANEOUS,
      enable: 1,
      sequencerIndex: 0,
      graphicsIndex: 0,
      attributes: Uint8Array.from(MODE_3_ATTRIBUTES),
      sequencer: Uint8Array.from(MODE_3_SEQUENCER),
      graphics: Uint8Array.from(MODE_3_GRAPHICS),
      dac: egaColours(),
      dacMask: 0xff,
      dacReading: false,
      dacAt: 0,
    });
  }
}

function keep(registers: Uint8Array, bits: readonly number[], index: number, value: number): void {
  if (index < registers.length) registers[index] = value & bits[index]!;
}

/** The 64 colours of the EGA: bits 2:0 are red, green and blue at two thirds, bits 5:3 the same at one third. */
function egaColours(): Uint8Array {
  const dac = new Uint8Array(COLOURS * 3);
  for (let colour = 0; colour < 64; colour++) {
    for (let part = 0; part < 3; part++) {
      const bit = 2 - part;
      dac[colour * 3 + part] = 0x2a * ((colour >> bit) & 1) + 0x15 * ((colour >> (bit + 3)) & 1);
    }
  }
  return dac;
}
