// The 8259As against Intel's datasheet (order number 231468-003); section titles are its own. ELCR: PIIX3 datasheet (290550).

import { describe, expect, it } from 'vitest';
import { PicPair } from '../../../src/machine/devices/irq/pic-pair.js';

/** A pair behind its ports, and everything it says. */
class Bench {
  readonly intr: number[] = [];
  readonly ended: number[] = [];
  readonly pair = new PicPair({
    output: (level) => void this.intr.push(level),
    acknowledged: (irq) => void this.ended.push(irq),
  });

  out(port: number, value: number): void {
    const chip = (port & 0xfe) === 0x20 ? this.pair.master : this.pair.slave;
    chip.write(port & 1, 1, value);
  }
  in(port: number): number {
    const chip = (port & 0xfe) === 0x20 ? this.pair.master : this.pair.slave;
    return chip.read(port & 1);
  }
  set(irq: number, level: 0 | 1): void {
    this.pair.set(irq, level);
  }
  pulse(irq: number): void {
    this.set(irq, 1);
    this.set(irq, 0);
  }
  /** As a BIOS does, all inputs open. `icw4` is each chip's, by default 8086 mode alone. */
  initialise(masterIcw4 = 0x01, slaveIcw4 = 0x01): this {
    for (const [port, base, icw3, icw4] of [
      [0x20, 0x30, 0x04, masterIcw4],
      [0xa0, 0x70, 0x02, slaveIcw4],
    ] as const) {
      this.out(port, 0x11);
      this.out(port + 1, base);
      this.out(port + 1, icw3);
      this.out(port + 1, icw4);
    }
    return this;
  }
  register(port: number, which: 'irr' | 'isr'): number {
    this.out(port, which === 'irr' ? 0x0a : 0x0b);
    return this.in(port);
  }
  get pin(): 0 | 1 {
    return this.pair.output;
  }
  inta(): number {
    return this.pair.acknowledge();
  }
}
const EOI = 0x20;

describe('Initialization Command Words', () => {
  it('asks for nothing before it is initialised, and knows no vector', () => {
    const bench = new Bench();
    bench.set(3, 1);
    expect([bench.pin, bench.inta()]).toEqual([0, -1]);
  });
  it('keeps the upper five bits of ICW2 as the vector base', () => {
    const bench = new Bench();
    bench.out(0x20, 0x11);
    for (const byte of [0x4f, 0x04, 0x01]) bench.out(0x21, byte);
    bench.pulse(5);
    expect(bench.inta()).toBe(0x4d);
  });
  it('ICW1 clears IMR, ISR and the edge latches, gives IR7 the lowest priority, and selects the IRR', () => {
    const bench = new Bench().initialise();
    bench.pulse(1);
    bench.inta();
    bench.pulse(4);
    bench.out(0x21, 0xf0);
    bench.out(0x20, 0xc3);
    bench.out(0x20, 0x0b);
    bench.initialise();
    expect(bench.in(0x20)).toBe(0);
    expect([bench.in(0x21), bench.register(0x20, 'isr'), bench.register(0x20, 'irr')]).toEqual([0, 0, 0]);
    bench.pulse(4);
    bench.pulse(3);
    expect(bench.inta()).toBe(0x33);
  });
  it('an input that stays high over ICW1 must fall and rise before it asks again', () => {
    const bench = new Bench().initialise();
    bench.set(6, 1);
    bench.initialise();
    bench.set(6, 1);
    expect(bench.pin).toBe(0);
    bench.set(6, 0);
    bench.set(6, 1);
    expect(bench.pin).toBe(1);
  });
  it('is silent until the last of its words has come', () => {
    const bench = new Bench();
    bench.out(0x20, 0x11);
    const pins = [0x30, 0x04, 0x01].map((byte) => {
      bench.pulse(3);
      bench.out(0x21, byte);
      return bench.pin;
    });
    expect(pins).toEqual([0, 0, 1]);
  });
  it('SNGL leaves out ICW3, and IC4 = 0 leaves out ICW4, whose functions are then off', () => {
    const bench = new Bench().initialise(0x03);
    bench.out(0x20, 0x12);
    bench.out(0x21, 0x50);
    bench.out(0x21, 0xf7);
    expect(bench.in(0x21)).toBe(0xf7);
    bench.pulse(3);
    expect(bench.inta()).toBe(0x53);
    expect(bench.register(0x20, 'isr')).toBe(0x08);
  });
});

describe('Fully Nested Mode', () => {
  it('answers by priority, and a request of higher priority than all in service only', () => {
    const bench = new Bench().initialise();
    bench.pulse(5);
    bench.pulse(3);
    expect(bench.inta()).toBe(0x33);
    expect(bench.pin).toBe(0);
    bench.pulse(4);
    expect(bench.pin).toBe(0);
    bench.pulse(1);
    expect(bench.pin).toBe(1);
    expect(bench.inta()).toBe(0x31);
    expect(bench.register(0x20, 'isr')).toBe(0x0a);
    bench.out(0x20, EOI);
    expect([bench.register(0x20, 'isr'), bench.pin]).toEqual([0x08, 0]);
    bench.out(0x20, EOI);
    expect([bench.inta(), bench.register(0x20, 'irr')]).toEqual([0x34, 0x20]);
  });
  it('a masked input stays requested and is answered once it is open', () => {
    const bench = new Bench().initialise();
    bench.out(0x21, 0x08);
    bench.set(3, 1);
    expect([bench.pin, bench.register(0x20, 'irr'), bench.in(0x21)]).toEqual([0, 0x08, 0x08]);
    bench.out(0x21, 0x00);
    expect([bench.pin, bench.inta()]).toEqual([1, 0x33]);
  });
  it('INT goes up once for a request and down with its answer', () => {
    const bench = new Bench().initialise();
    bench.set(4, 1);
    bench.inta();
    bench.set(4, 0);
    expect(bench.intr).toEqual([1, 0]);
  });
});

describe('End of Interrupt', () => {
  it('a specific EOI ends the input it names, a non-specific one the highest in service', () => {
    const bench = new Bench().initialise();
    bench.pulse(6);
    bench.inta();
    bench.pulse(2 + 1);
    bench.inta();
    bench.out(0x20, 0x66);
    expect(bench.register(0x20, 'isr')).toBe(0x08);
    bench.out(0x20, EOI);
    expect([bench.register(0x20, 'isr'), bench.ended]).toEqual([0, [6, 3]]);
  });
  it('one that ends nothing tells nobody', () => {
    const bench = new Bench().initialise();
    bench.out(0x20, EOI);
    bench.out(0x20, 0x65);
    expect(bench.ended).toEqual([]);
  });
  it('Automatic EOI: nothing is ever in service', () => {
    const bench = new Bench().initialise(0x03);
    bench.pulse(4);
    expect([bench.inta(), bench.register(0x20, 'isr'), bench.ended]).toEqual([0x34, 0, [4]]);
    bench.pulse(5);
    expect([bench.pin, bench.inta()]).toEqual([1, 0x35]);
  });
  it('an Automatic EOI in the second chip does not swallow the request behind it', () => {
    const bench = new Bench().initialise(0x01, 0x03);
    bench.pulse(9);
    bench.pulse(12);
    expect(bench.inta()).toBe(0x71);
    bench.out(0x20, EOI);
    expect([bench.pin, bench.inta()]).toEqual([1, 0x74]);
  });
});

describe('Automatic Rotation and Specific Rotation', () => {
  it('rotation on a non-specific EOI gives the input served the lowest priority (figure 10)', () => {
    const bench = new Bench().initialise();
    bench.pulse(6);
    bench.inta();
    bench.pulse(4);
    bench.inta();
    bench.out(0x20, 0xa0);
    expect(bench.register(0x20, 'isr')).toBe(0x40);
    // IR5 is now the highest, IR4 the lowest: IR6 in service lets 5 through, not 7 nor 4.
    for (const irq of [7, 4]) bench.pulse(irq);
    expect(bench.pin).toBe(0);
    bench.pulse(5);
    expect(bench.inta()).toBe(0x35);
  });
  it('Set Priority makes an input the lowest, the next the highest', () => {
    const bench = new Bench().initialise();
    bench.out(0x20, 0xc5);
    for (const irq of [0, 5, 6]) bench.pulse(irq);
    const order = [0, 1, 2].map(() => {
      const vector = bench.inta();
      bench.out(0x20, EOI);
      return vector;
    });
    expect(order).toEqual([0x36, 0x30, 0x35]);
  });
  it('rotation on a specific EOI does both', () => {
    const bench = new Bench().initialise();
    bench.pulse(3);
    bench.inta();
    bench.out(0x20, 0xe3);
    expect(bench.register(0x20, 'isr')).toBe(0);
    for (const irq of [3, 4]) bench.pulse(irq);
    expect(bench.inta()).toBe(0x34);
  });
  it('rotation in Automatic EOI mode, set and cleared', () => {
    const bench = new Bench().initialise(0x03);
    bench.out(0x20, 0x80);
    bench.set(1, 1);
    bench.inta();
    bench.set(1, 0);
    for (const irq of [1, 3]) bench.pulse(irq);
    expect(bench.inta()).toBe(0x33);
    bench.out(0x20, 0x00);
    expect(bench.inta()).toBe(0x31);
    for (const irq of [1, 3]) bench.pulse(irq);
    // IR3 is still the lowest of all: the last that rotated.
    expect(bench.inta()).toBe(0x31);
  });
});

describe('Special Mask Mode', () => {
  it('what is in service and masked holds up nothing, and a non-specific EOI passes it over', () => {
    const bench = new Bench().initialise();
    bench.pulse(1);
    bench.inta();
    bench.pulse(6);
    expect(bench.pin).toBe(0);
    bench.out(0x21, 0x02);
    expect(bench.pin).toBe(0);
    bench.out(0x20, 0x68);
    expect([bench.pin, bench.inta()]).toEqual([1, 0x36]);
    bench.out(0x20, EOI);
    expect(bench.register(0x20, 'isr')).toBe(0x02);
    bench.out(0x20, EOI);
    expect(bench.register(0x20, 'isr')).toBe(0x02);
    bench.out(0x20, 0x48);
    bench.out(0x20, EOI);
    expect(bench.register(0x20, 'isr')).toBe(0);
  });
  it('ESMM = 0 makes SMM a "don\'t care"', () => {
    const bench = new Bench().initialise();
    bench.out(0x20, 0x68);
    bench.out(0x20, 0x2b);
    bench.pulse(1);
    bench.inta();
    bench.out(0x21, 0x02);
    bench.pulse(6);
    expect(bench.pin).toBe(1);
  });
});

describe('Poll Command', () => {
  it('the next read is an INTA: I and the binary code of the input', () => {
    const bench = new Bench().initialise();
    bench.pulse(5);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20)).toBe(0x85);
    expect([bench.pin, bench.register(0x20, 'isr'), bench.register(0x20, 'irr')]).toEqual([0, 0x20, 0]);
  });
  it('only the next; I = 0 if nothing asks', () => {
    const bench = new Bench().initialise();
    bench.out(0x21, 0x40);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20) & 0x80).toBe(0);
    expect(bench.in(0x21)).toBe(0x40);
  });
  it('polling both chips reaches the second without an INTA', () => {
    const bench = new Bench().initialise();
    bench.pulse(11);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20)).toBe(0x82);
    bench.out(0xa0, 0x0c);
    expect(bench.in(0xa0)).toBe(0x83);
  });
});

describe('Reading the 8259A Status', () => {
  it('remembers which register OCW3 chose, over other commands', () => {
    const bench = new Bench().initialise();
    bench.pulse(4);
    bench.inta();
    bench.pulse(6);
    bench.out(0x20, 0x0b);
    bench.out(0x20, 0x68);
    expect([bench.in(0x20), bench.in(0x20)]).toEqual([0x10, 0x10]);
    bench.out(0x20, 0x0a);
    expect(bench.in(0x20)).toBe(0x40);
  });
});

describe('Edge and Level Triggered Modes', () => {
  it('an edge asks once, however long the input stays high', () => {
    const bench = new Bench().initialise();
    bench.set(5, 1);
    bench.inta();
    bench.out(0x20, EOI);
    bench.set(5, 1);
    expect([bench.pin, bench.register(0x20, 'irr')]).toEqual([0, 0]);
  });
  it('a level asks until it falls', () => {
    const bench = new Bench().initialise();
    bench.pair.elcr.write(0, 1, 0x20);
    bench.set(5, 1);
    expect(bench.inta()).toBe(0x35);
    expect([bench.pin, bench.register(0x20, 'irr')]).toEqual([0, 0x20]);
    bench.out(0x20, EOI);
    expect(bench.pin).toBe(1);
    bench.set(5, 0);
    expect([bench.pin, bench.register(0x20, 'irr')]).toEqual([0, 0]);
  });
  it('IR7 is the answer when a level has gone by the time of INTA; nothing is in service then', () => {
    const bench = new Bench().initialise();
    bench.pair.elcr.write(0, 1, 0x20);
    bench.set(5, 1);
    bench.set(5, 0);
    expect([bench.inta(), bench.register(0x20, 'isr')]).toEqual([0x37, 0]);
  });
  it('the second chip answers with its own IR7, IRQ 15', () => {
    const { slave } = new Bench().initialise().pair;
    expect(slave.vector(slave.acknowledge())).toBe(0x77);
  });
  it('a level that goes before INTA leaves no request in the first chip', () => {
    const bench = new Bench().initialise();
    bench.pair.elcr.write(1, 1, 0x04);
    bench.set(10, 1);
    expect([bench.pin, bench.register(0x20, 'irr')]).toEqual([1, 0x04]);
    bench.set(10, 0);
    expect([bench.pin, bench.register(0x20, 'irr')]).toEqual([0, 0]);
  });
  it('IRQs 0, 1, 2, 8 and 13 cannot be levels', () => {
    const { elcr } = new Bench().pair;
    elcr.write(0, 2, 0xffff);
    expect([elcr.read(0, 1), elcr.read(1, 1), elcr.read(0, 2)]).toEqual([0xf8, 0xde, 0xdef8]);
  });
});

describe('The Cascade Mode', () => {
  it('both chips are in service, and both need an EOI', () => {
    const bench = new Bench().initialise();
    bench.pulse(12);
    expect(bench.inta()).toBe(0x74);
    expect([bench.register(0x20, 'isr'), bench.register(0xa0, 'isr')]).toEqual([0x04, 0x10]);
    bench.out(0xa0, EOI);
    bench.out(0x20, EOI);
    expect([bench.register(0x20, 'isr'), bench.register(0xa0, 'isr'), bench.ended]).toEqual([0, 0, [12]]);
  });
  it('IRQ 2 is not led out', () => {
    const bench = new Bench().initialise();
    bench.set(2, 1);
    expect([bench.pin, bench.register(0x20, 'irr')]).toEqual([0, 0]);
  });
  it('outside the Special Fully Nested Mode the second chip waits for its own EOI at the first', () => {
    const bench = new Bench().initialise();
    bench.pulse(14);
    bench.inta();
    bench.pulse(8);
    expect(bench.pin).toBe(0);
    bench.out(0x20, EOI);
    expect([bench.pin, bench.inta()]).toEqual([1, 0x70]);
  });
  it('in it a request of higher priority in the second chip comes through, one of lower priority in the first does not', () => {
    const bench = new Bench().initialise(0x11);
    bench.pulse(14);
    bench.inta();
    bench.pulse(5);
    expect(bench.pin).toBe(0);
    bench.pulse(15);
    expect(bench.pin).toBe(0);
    bench.pulse(8);
    expect([bench.pin, bench.inta()]).toEqual([1, 0x70]);
    expect([bench.register(0x20, 'isr'), bench.register(0xa0, 'isr')]).toEqual([0x04, 0x41]);
  });
});
