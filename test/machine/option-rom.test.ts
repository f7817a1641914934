// Which files are taken for a screen's option ROM: BIOS Boot Specification 1.01, 3.3.

import { describe, expect, it } from 'vitest';
import { EINVAL } from '../../src/eventfd/index.js';
import { checkOptionRom } from '../../src/machine/option-rom.js';
import { Pc } from '../../src/machine/pc.js';

function rom(change: (bytes: Uint8Array) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(1024);
  bytes.set([0x55, 0xaa, 2, 0xcb]);
  bytes[1023] = -(0x55 + 0xaa + 2 + 0xcb) & 0xff;
  change(bytes);
  return bytes;
}

describe('an option ROM', () => {
  it('is one with its mark, its length and a sum of zero', () => {
    expect(checkOptionRom(rom())).toHaveLength(1024);
  });

  it.each([
    ['without 55 AA', rom((bytes) => (bytes[0] = 0)), /does not begin with 55 AA/],
    ['empty', new Uint8Array(), /does not begin with 55 AA/],
    ['cut off', rom().subarray(0, 1000), /says that it has 1024 bytes, and has 1000/],
    ['of length 0', rom((bytes) => (bytes[2] = 0)), /says that it has 0 bytes/],
    ['changed', rom((bytes) => (bytes[500] = 1)), /add up to 1,/],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => checkOptionRom(bytes)).toThrow(message);
    expect(() => checkOptionRom(bytes)).toThrow(EINVAL);
  });

  it('needs a firmware', async () => {
    await expect(Pc.create({ image: Uint8Array.of(0xf4), vgaRom: rom() })).rejects.toThrow(/for a firmware/);
  });
});
