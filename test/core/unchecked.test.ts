// What looks at no segment: INVLPG's address, though it is computed as every other (SDM vol. 2, INVLPG names #UD and #GP by level).

import { describe, expect, it } from 'vitest';
import { CODE, HANDLERS, RAX, realGuest } from './flat.js';
import { LEFT, Machine, REASON } from './machine.js';

const HLT = 0xf4;
const GP = 13;
const NO_FAULT = CODE + 4 + 1;
/** The handler's HLT is in a segment over CODE. */
const handler = (vector: number): number => HANDLERS - CODE + vector * 16 + 1;

/** Where `bytes` ends in real mode with EAX = 10000h, one beyond every limit. */
function endOf(bytes: number[]): number {
  const machine = new Machine();
  realGuest(machine, [...bytes, HLT]);
  for (let vector = 0; vector < 256; vector++) machine.write(HANDLERS + vector * 16, [HLT]);
  machine.setReg(RAX, 0x1_0000);
  machine.changed();
  expect(machine.run(100)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  return Number(machine.get('RIP'));
}

describe('beyond the limit of 64 KiB', () => {
  it('INVLPG [EAX] comes through', () => {
    expect(endOf([0x67, 0x0f, 0x01, 0x38])).toBe(NO_FAULT - CODE);
  });
  it.each([
    ['MOV [EAX], BX', [0x67, 0x89, 0x18]],
    ['LGDT [EAX]', [0x67, 0x0f, 0x01, 0x10]],
    ['CLFLUSH [EAX]', [0x67, 0x0f, 0xae, 0x38]],
  ])('%s raises #GP', (_, bytes) => {
    expect(endOf(bytes)).toBe(handler(GP));
  });
});
