// The interrupt controllers beside QEMU's: the answers in qemu-recording.json, which record-qemu.mjs made of random doings.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IoApic } from '../../../src/machine/devices/irq/ioapic.js';
import { PicPair } from '../../../src/machine/devices/irq/pic-pair.js';

type Step = [what: 'out' | 'in' | 'line' | 'write' | 'read', place: number, value: number];
const recording = JSON.parse(readFileSync(new URL('qemu-recording.json', import.meta.url), 'utf8')) as {
  qemu: string;
  master: Step[][];
  slave: Step[][];
  ioapic: Step[][];
};

/** For a test that fails: what was done before. */
function context(run: number, steps: Step[], seen: Step[], at: number): string {
  const before = JSON.stringify(steps.slice(Math.max(0, at - 20), at + 1));
  return `${recording.qemu}, run ${run}, step ${at}: ${before}, here ${seen[at]?.[2]}`;
}

describe('beside QEMU', () => {
  it.each(['master', 'slave'] as const)('8259, %s', (which) => {
    for (const [run, steps] of recording[which].entries()) {
      const pair = new PicPair({ output: () => {} });
      const chip = pair[which];
      const seen = steps.map(([what, place, value]): Step => {
        if (what === 'line') chip.set(place, value as 0 | 1);
        else if (what === 'in') return [what, place, chip.read(place & 1)];
        else if (place >= 0x4d0) pair.elcr.write(place & 1, 1, value);
        else chip.write(place & 1, 1, value);
        return [what, place, value];
      });
      const at = seen.findIndex((step, index) => step[2] !== steps[index]![2]);
      expect(at, context(run, steps, seen, at)).toBe(-1);
    }
  });
  it('I/O APIC', () => {
    for (const [run, steps] of recording.ioapic.entries()) {
      const chip = new IoApic({ deliver: () => true });
      const seen = steps.map(([what, place, value]): Step => {
        if (what === 'line') chip.set(place, value as 0 | 1);
        else if (what === 'write') chip.write(place, 4, value);
        else {
          chip.write(0, 4, place);
          return [what, place, chip.read(0x10, 4)];
        }
        return [what, place, value];
      });
      const at = seen.findIndex((step, index) => step[2] !== steps[index]![2]);
      expect(at, context(run, steps, seen, at)).toBe(-1);
    }
  });
});
