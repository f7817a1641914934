// The VGA's registers besides the CRT controller's, by IBM's PS/2 Hardware Interface Technical Reference (Video Subsystem).

import { describe, expect, it } from 'vitest';
import { VgaRegisters } from '../../src/machine/devices/vga-registers.js';
import { VgaText } from '../../src/machine/devices/vga-text.js';

/** By port. */
function vga(): { registers: VgaRegisters; out: (port: number, value: number) => void; in_: (port: number) => number } {
  const registers = new VgaRegisters();
  const text = new VgaText({ memory: { readInto: () => {} }, statusRead: registers.statusRead });
  return {
    registers,
    out: (port, value) => registers.write(port - 0x3c0, 1, value),
    in_: (port) => (port === 0x3da ? text.read(port - 0x3d4, 1) : registers.read(port - 0x3c0, 1)),
  };
}

describe('sequencer and graphics controller', () => {
  it.each([
    ['sequencer', 0x3c4, [0x03, 0x3d, 0x0f, 0x3f, 0x0e]],
    ['graphics', 0x3ce, [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff]],
  ])('%s: keeps the bits that its registers have', (_, port, bits) => {
    const { registers, out, in_ } = vga();
    for (const [index, mask] of bits.entries()) {
      registers.write(port - 0x3c0, 2, index | 0xff00);
      expect([in_(port), in_(port + 1)]).toEqual([index, mask]);
      out(port + 1, 0);
      expect(in_(port + 1)).toBe(0);
    }
    out(port, bits.length);
    out(port + 1, 1);
    expect(in_(port + 1)).toBe(0xff);
  });
});

describe('attribute controller', () => {
  it('takes index and data in turn at 3C0h; reading the status port begins with the index', () => {
    const { out, in_ } = vga();
    out(0x3c0, 0x10);
    in_(0x3da);
    out(0x3c0, 0x11);
    out(0x3c0, 0x2a);
    out(0x3c0, 0x12);
    expect(in_(0x3c0)).toBe(0x12);
    expect(in_(0x3c1)).toBe(0x0f);
    in_(0x3da);
    out(0x3c0, 0x11);
    expect(in_(0x3c1)).toBe(0x2a);
  });

  it('does not let the palette be written while bit 5 of the index gives it to the picture', () => {
    const { out, in_ } = vga();
    const set = (index: number, value: number): number => {
      in_(0x3da);
      out(0x3c0, index);
      out(0x3c0, value);
      return in_(0x3c1);
    };
    expect(set(0x26, 0x3f)).toBe(0x14);
    expect(set(0x06, 0xff)).toBe(0x3f);
    // the registers behind the palette are open always
    expect(set(0x33, 0x05)).toBe(0x05);
  });
});

describe('DAC', () => {
  it('reads and writes three bytes of six bits a colour, and goes on to the next', () => {
    const { out, in_ } = vga();
    out(0x3c8, 0xff);
    for (const value of [1, 2, 0xff, 4, 5, 6]) out(0x3c9, value);
    expect([in_(0x3c8), in_(0x3c7)]).toEqual([1, 0]);
    out(0x3c7, 0xff);
    expect([1, 2, 3, 4, 5, 6].map(() => in_(0x3c9))).toEqual([1, 2, 0x3f, 4, 5, 6]);
    // whether it is being read or written
    expect(in_(0x3c7)).toBe(3);
  });

  it('has the colours of mode 3 after a reset: those of attributes 6 and 7 are brown and light grey', () => {
    const { out, in_, registers } = vga();
    const colour = (attribute: number): number[] => {
      in_(0x3da);
      out(0x3c0, attribute);
      out(0x3c7, in_(0x3c1));
      return [in_(0x3c9), in_(0x3c9), in_(0x3c9)];
    };
    expect([1, 6, 7, 8, 12].map(colour)).toEqual([
      [0, 0, 42],
      [42, 21, 0],
      [42, 42, 42],
      [21, 21, 21],
      [63, 21, 21],
    ]);
    out(0x3c8, 7);
    out(0x3c9, 0);
    registers.reset();
    expect(colour(7)).toEqual([42, 42, 42]);
  });
});

it('miscellaneous output is written at 3C2h, read at 3CCh; 3C2h says that the monitor has colours', () => {
  const { out, in_ } = vga();
  expect(in_(0x3cc)).toBe(0x67);
  out(0x3c2, 0xe3);
  expect(in_(0x3cc)).toBe(0xe3);
  expect(in_(0x3c2) & 0x10).toBe(0x10);
});

it('is in a snapshot, in the middle of a colour', () => {
  const { registers, out, in_ } = vga();
  out(0x3c8, 9);
  out(0x3c9, 33);
  out(0x3c0, 0x14);
  const state = registers.save();
  registers.reset();
  registers.restore(state);
  out(0x3c0, 0x0a);
  out(0x3c9, 34);
  out(0x3c9, 35);
  out(0x3c7, 9);
  expect([in_(0x3c1), in_(0x3c9), in_(0x3c9), in_(0x3c9)]).toEqual([0x0a, 33, 34, 35]);
});
