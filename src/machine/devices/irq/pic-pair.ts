// The PC's two 8259As: the second is on input 2 of the first. Sixteen inputs, IRQ 0 to 15, of which IRQ 2 is not led out.

import type { IoDevice } from '../../../bus/index.js';
import { Pic8259 } from './pic-8259.js';

export const MASTER_PORT = 0x20;
export const SLAVE_PORT = 0xa0;
export const ELCR_PORT = 0x4d0;
export const ELCR_PORTS = 2;

const CASCADE = 2;
/** IRQs 0, 1, 2, 8 and 13 are edge-triggered for good (PIIX3 datasheet, ELCR1 and ELCR2). */
const MASTER_LEVELS = 0xf8;
const SLAVE_LEVELS = 0xde;

export interface PicPairOptions {
  /** INTR, the processor's pin: told of every change. */
  output: (level: 0 | 1) => void;
  /** The guest has ended the interrupt of an IRQ, or will never see it. */
  acknowledged?: (irq: number) => void;
}

export class PicPair {
  readonly master: Pic8259;
  readonly slave: Pic8259;
  /** The edge/level registers, one byte a chip. */
  readonly elcr: IoDevice = {
    name: 'elcr',
    read: (offset, length) => {
      const both = this.master.elcr | (this.slave.elcr << 8);
      return (both >>> (8 * offset)) & (length === 1 ? 0xff : 0xffff);
    },
    write: (offset, length, value) => {
      if (offset === 0) this.master.elcr = value & 0xff;
      if (offset === 1) this.slave.elcr = value & 0xff;
      else if (length > 1) this.slave.elcr = (value >>> 8) & 0xff;
    },
  };

  constructor({ output, acknowledged = () => {} }: PicPairOptions) {
    this.master = new Pic8259({
      name: 'pic-8259-master',
      output,
      acknowledged: (input) => input !== CASCADE && acknowledged(input),
      cascade: CASCADE,
      levelCapable: MASTER_LEVELS,
    });
    this.slave = new Pic8259({
      name: 'pic-8259-slave',
      output: (level) => this.master.set(CASCADE, level),
      acknowledged: (input) => acknowledged(8 + input),
      levelCapable: SLAVE_LEVELS,
    });
  }

  reset(): void {
    this.slave.reset();
    this.master.reset();
  }

  /** The level of INTR. */
  get output(): 0 | 1 {
    return this.master.output;
  }

  set(irq: number, level: 0 | 1): void {
    if (irq >= 8) this.slave.set(irq - 8, level);
    else if (irq !== CASCADE) this.master.set(irq, level);
  }

  /**
   * The processor's two INTA cycles: the vector. With no request left it is that of the first chip's IR7 (or the second's, IRQ 15);
   * -1 while the first chip has not been initialised and knows no vectors.
   */
  acknowledge(): number {
    const { master, slave } = this;
    if (!master.initialised) return -1;
    const input = master.acknowledge();
    if (input !== CASCADE) return master.vector(input);
    return slave.vector(slave.acknowledge());
  }
}
