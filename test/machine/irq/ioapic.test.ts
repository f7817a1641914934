// The I/O APIC against Intel's 82093AA datasheet (290566-001), and its EOI register against that of ICH9 (316972).

import { describe, expect, it } from 'vitest';
import { IoApic } from '../../../src/machine/devices/irq/ioapic.js';
import type { InterruptMessage } from '../../../src/vmm/interrupt-message.js';

class Bench {
  readonly sent: InterruptMessage[] = [];
  readonly ended: number[] = [];
  /** Whether local APICs take what is sent. */
  taken = true;
  onEnd: (pin: number) => void = () => {};
  readonly chip = new IoApic({
    id: 5,
    deliver: (message) => {
      this.sent.push(message);
      return this.taken;
    },
    acknowledged: (pin) => {
      this.ended.push(pin);
      this.onEnd(pin);
    },
  });

  read(register: number): number {
    this.chip.write(0x00, 4, register);
    return this.chip.read(0x10, 4);
  }
  write(register: number, value: number): void {
    this.chip.write(0x00, 4, register);
    this.chip.write(0x10, 4, value);
  }
  entry(pin: number, low: number, high = 0): void {
    this.write(0x11 + 2 * pin, high);
    this.write(0x10 + 2 * pin, low);
  }
  get vectors(): number[] {
    return this.sent.map(({ vector }) => vector);
  }
}
const LEVEL = 0x8000;
const MASKED = 0x1_0000;
const REMOTE_IRR = 0x4000;

describe('registers', () => {
  it('ID, version with 24 entries, arbitration ID (3.2.1 to 3.2.3)', () => {
    const bench = new Bench();
    expect([0, 1, 2].map((register) => bench.read(register))).toEqual([0x0500_0000, 0x0017_0020, 0x0500_0000]);
    bench.write(0, 0xffff_ffff);
    bench.write(1, 0xffff_ffff);
    bench.write(2, 0);
    expect([0, 1, 2].map((register) => bench.read(register))).toEqual([0x0f00_0000, 0x0017_0020, 0x0f00_0000]);
  });
  it('entries are masked at power-on; delivery status and remote IRR are read-only (3.2.4)', () => {
    const bench = new Bench();
    for (let pin = 0; pin < 24; pin++) {
      expect([bench.read(0x10 + 2 * pin), bench.read(0x11 + 2 * pin)]).toEqual([MASKED, 0]);
    }
    bench.entry(23, 0xffff_ffff, 0xffff_ffff);
    expect([bench.read(0x3e), bench.read(0x3f)]).toEqual([0x1_afff, 0xff00_0000]);
  });
  it('IOREGSEL is read back; registers beyond the table are not there', () => {
    const bench = new Bench();
    bench.write(0x40, 0);
    expect(bench.chip.read(0, 4)).toBe(0x40);
    for (const register of [0x03, 0x0f, 0x40, 0xff]) expect(bench.read(register)).toBe(0);
    expect(bench.read(0x10)).toBe(MASKED);
  });
});

describe('edge-triggered pins', () => {
  it('send what the entry says, once a rise', () => {
    const bench = new Bench();
    bench.entry(4, 0x0931, 0xab00_0000);
    bench.chip.set(4, 1);
    bench.chip.set(4, 1);
    bench.chip.set(4, 0);
    expect(bench.sent).toEqual([
      { destination: 0xab, logical: true, mode: 1, vector: 0x31, level: false, redirectionHint: false },
    ]);
    expect(bench.read(0x18)).toBe(0x0931);
    bench.chip.set(4, 1);
    expect(bench.sent.length).toBe(2);
  });
  it('an edge at a masked pin is not held pending (3.2.4, bit 16)', () => {
    const bench = new Bench();
    bench.entry(4, MASKED | 0x31);
    bench.chip.set(4, 1);
    bench.entry(4, 0x31);
    expect(bench.sent).toEqual([]);
  });
  it.each([
    ['SMI', 2],
    ['NMI', 4],
    ['INIT', 5],
    ['ExtINT', 7],
  ])('%s is an edge even if programmed as level', (_, mode) => {
    const bench = new Bench();
    bench.entry(3, LEVEL | (mode << 8));
    bench.chip.set(3, 1);
    bench.chip.set(3, 1);
    expect(bench.sent.map(({ mode, level }) => [mode, level])).toEqual([[mode, false]]);
    expect(bench.read(0x16) & REMOTE_IRR).toBe(0);
  });
});

describe('level-triggered pins', () => {
  it('send once and set remote IRR; after the EOI again if still asserted', () => {
    const bench = new Bench();
    bench.entry(16, LEVEL | 0x51);
    bench.chip.set(16, 1);
    bench.chip.set(16, 1);
    expect([bench.vectors, bench.read(0x30) & REMOTE_IRR, bench.sent[0]!.level]).toEqual([[0x51], REMOTE_IRR, true]);
    bench.chip.eoi(0x51);
    expect([bench.vectors, bench.read(0x30) & REMOTE_IRR]).toEqual([[0x51, 0x51], REMOTE_IRR]);
    bench.chip.set(16, 0);
    bench.chip.eoi(0x51);
    expect([bench.vectors.length, bench.read(0x30) & REMOTE_IRR, bench.ended]).toEqual([2, 0, [16, 16]]);
  });
  it('asserted while masked, send when opened', () => {
    const bench = new Bench();
    bench.entry(16, MASKED | LEVEL | 0x51);
    bench.chip.set(16, 1);
    expect(bench.vectors).toEqual([]);
    bench.entry(16, LEVEL | 0x51);
    expect(bench.vectors).toEqual([0x51]);
  });
  it('an EOI while masked sends nothing until opened', () => {
    const bench = new Bench();
    bench.entry(16, LEVEL | 0x51);
    bench.chip.set(16, 1);
    bench.entry(16, MASKED | LEVEL | 0x51);
    expect(bench.read(0x30) & REMOTE_IRR).toBe(REMOTE_IRR);
    bench.chip.eoi(0x51);
    expect(bench.vectors).toEqual([0x51]);
    bench.entry(16, LEVEL | 0x51);
    expect(bench.vectors).toEqual([0x51, 0x51]);
  });
  it('the polarity changes nothing: a pin is told whether it is asserted', () => {
    const bench = new Bench();
    bench.entry(16, 0x2000 | LEVEL | 0x51);
    expect(bench.vectors).toEqual([]);
    bench.chip.set(16, 1);
    expect([bench.vectors, bench.read(0x30)]).toEqual([[0x51], 0x2000 | REMOTE_IRR | LEVEL | 0x51]);
  });
  it('two pins of one vector are both ended by its EOI, others are not', () => {
    const bench = new Bench();
    for (const pin of [16, 17]) bench.entry(pin, LEVEL | 0x51);
    bench.entry(18, LEVEL | 0x52);
    for (const pin of [16, 17, 18]) bench.chip.set(pin, 1);
    bench.chip.set(16, 0);
    bench.chip.eoi(0x51);
    expect([bench.vectors, bench.ended]).toEqual([
      [0x51, 0x51, 0x52, 0x51],
      [16, 17],
    ]);
    expect([16, 17, 18].map((pin) => bench.read(0x10 + 2 * pin) & REMOTE_IRR)).toEqual([0, REMOTE_IRR, REMOTE_IRR]);
  });
  it('the EOI register does what a local APIC does', () => {
    const bench = new Bench();
    bench.entry(16, LEVEL | 0x51);
    bench.chip.set(16, 1);
    bench.chip.write(0x40, 4, 0x51);
    expect([bench.vectors, bench.ended]).toEqual([[0x51, 0x51], [16]]);
  });
  it('switching to edge and back clears remote IRR', () => {
    const bench = new Bench();
    bench.entry(16, LEVEL | 0x51);
    bench.chip.set(16, 1);
    bench.entry(16, MASKED | 0x51);
    bench.entry(16, LEVEL | 0x51);
    expect([bench.vectors, bench.read(0x30) & REMOTE_IRR]).toEqual([[0x51, 0x51], REMOTE_IRR]);
  });
  it('what no local APIC takes is not in service, and is sent when the pin is asserted again', () => {
    const bench = new Bench();
    bench.taken = false;
    bench.entry(16, LEVEL | 0x51);
    bench.chip.set(16, 1);
    expect(bench.read(0x30) & REMOTE_IRR).toBe(0);
    bench.taken = true;
    bench.chip.set(16, 1);
    expect([bench.vectors, bench.read(0x30) & REMOTE_IRR]).toEqual([[0x51, 0x51], REMOTE_IRR]);
  });
  it('who asked is told before the pin is looked at: what falls then is not sent', () => {
    const bench = new Bench();
    bench.onEnd = (pin) => bench.chip.set(pin, 0);
    bench.entry(16, LEVEL | 0x51);
    bench.chip.set(16, 1);
    bench.chip.eoi(0x51);
    expect(bench.vectors).toEqual([0x51]);
  });
});

describe('reset', () => {
  it('masks all, and keeps what comes in', () => {
    const bench = new Bench();
    bench.write(0, 0x0200_0000);
    bench.chip.set(16, 1);
    bench.entry(16, LEVEL | 0x51);
    bench.chip.reset();
    expect([bench.read(0), bench.read(0x30)]).toEqual([0x0500_0000, MASKED]);
    bench.entry(16, LEVEL | 0x52);
    expect(bench.vectors).toEqual([0x51, 0x52]);
  });
});
