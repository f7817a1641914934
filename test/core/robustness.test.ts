// No guest input makes Wasm trap, memory outside guest RAM change, or run() hold on to its budget (promise 3 of the
// design): noise as code, and guests that do nothing but fault.
import { describe, expect, it } from 'vitest';
import { AT } from './code.js';
import { CODE, flatGuest, HANDLERS, realGuest } from './flat.js';
import { caseOf, runCase } from './drive.js';
import { buildGuest, MODES } from './guest.js';
import { BUDGET_USED, LEAVE, LEFT, Machine, REASON, RESUME, SKIP } from './machine.js';
import { Random } from '../../src/fuzz/random.js';

const NOISE_PER_MODE = process.env.CI ? 60 : 12;
const machine = new Machine();

describe('noise as code', () => {
  it.each(MODES.map((mode, index) => [mode, index] as const))('%s', (mode, index) => {
    for (let n = 0; n < NOISE_PER_MODE; n++) {
      const seed = 70_000 + n * 16 + index;
      const random = new Random(seed);
      machine.reset((['ept', 'npt', 'shadow'] as const)[n % 3]!);
      buildGuest(machine, seed, { mode, system: true, wild: true });
      for (let at = AT.code; at < AT.code + AT.codeSize; at += 4) {
        machine.view.setUint32(machine.ram + at, random.next(), true);
      }
      machine.changed();
      let exits = 0;
      machine.hook = () => (++exits > 300 ? LEAVE : undefined);
      for (let left = 3000; left > 0 && exits < 300;) {
        const before = machine.core.retired!();
        const result = machine.core.run!(left);
        const used = machine.core.retired!() - before;
        expect(used).toBeLessThanOrEqual(left);
        if (result === BUDGET_USED) expect(used).toBe(left);
        left -= used;
        if (result === LEFT && machine.get32('EXIT_REASON') !== REASON.io) break;
        machine.core.completeIo!();
      }
    }
    expect(machine.guardsIntact()).toBe(true);
  });
});

describe('random guests with a long way to go', () => {
  it('keep to their budget and to their memory', () => {
    for (let seed = 90_000; seed < 90_000 + 2 * MODES.length; seed++) {
      expect(runCase(machine, caseOf(seed, MODES), 30_000, 30_000).wrong).toEqual([]);
    }
    expect(machine.guardsIntact()).toBe(true);
  });
});

describe('a guest that only faults', () => {
  it('uses up its budget: #UD whose handler begins with UD2, on a stack of its own', () => {
    flatGuest(machine, [0x0f, 0x0b]);
    machine.write(HANDLERS + 6 * 16, [0x0f, 0x0b]);
    // IST1, so that the stack never runs out
    machine.write(0x9000 + 6 * 16 + 4, [1]);
    machine.write64(0xa000 + 36, 0x4_0000n);
    machine.changed();
    expect(machine.core.run!(1000)).toBe(BUDGET_USED);
  });
  it('uses up its budget in real mode, where SP only wraps', () => {
    realGuest(machine, [0x0f, 0x0b]);
    machine.write(0x1_8000 + 6 * 16, [0x0f, 0x0b]);
    expect(machine.core.run!(100_000)).toBe(BUDGET_USED);
  });
  it('uses up its budget when the page of its #PF handler is not there', () => {
    flatGuest(machine, [0x0f, 0x0b]);
    machine.write(0x9000 + 14 * 16 + 4, [1]);
    machine.write64(0xa000 + 36, 0x4_0000n);
    for (const page of [CODE, HANDLERS]) machine.write64(0x4000 + (page >> 12) * 8, 0n);
    machine.changed();
    expect(machine.core.run!(1_000_000)).toBe(BUDGET_USED);
    expect(machine.get('CR2')).toBe(BigInt(HANDLERS + 14 * 16));
  });
  it('and a handler of exits that never helps: the host stack does not grow', () => {
    flatGuest(machine, [0x90]);
    let exits = 0;
    machine.hook = () => (++exits === 1_000_000 ? LEAVE : RESUME);
    expect(machine.core.run!(10)).toBe(LEFT);
    expect(machine.core.retired!()).toBe(0);
  });
  it('is a triple fault when no handler can be entered (SDM vol. 3, 6.15, interrupt 8)', () => {
    flatGuest(machine, [0x0f, 0x0b]);
    machine.set('IDTR_LIMIT', 0);
    machine.changed();
    const reasons: number[] = [];
    machine.hook = ({ reason }) => {
      reasons.push(reason);
      return reason === REASON.tripleFault ? LEAVE : undefined;
    };
    expect(machine.core.run!(1000)).toBe(LEFT);
    expect(reasons.at(-1)).toBe(REASON.tripleFault);
    expect(machine.get32('EXIT_LENGTH')).toBe(0);
  });
});

describe('an answer that makes no sense', () => {
  it('SKIP of an exit between two instructions steps over nothing', () => {
    flatGuest(machine, [0x90, 0x90, 0xf4]);
    let skipped = 0;
    machine.hook = ({ reason, lo }) => {
      if (reason === REASON.hlt) return LEAVE;
      // the fetch of the first instruction: the page is mapped when it exits for the second time
      if (reason === REASON.eptViolation && lo === CODE && skipped++ === 0) return SKIP;
      return undefined;
    };
    expect(machine.core.run!(100)).toBe(LEFT);
    expect(machine.get('RIP')).toBe(BigInt(CODE + 3));
    expect(machine.core.retired!()).toBe(3);
  });
});

describe('the record of an exit', () => {
  it('names the event whose delivery it interrupted, and none once that is delivered (SDM vol. 3, 25.9.3)', () => {
    flatGuest(machine, [0x0f, 0x0b]);
    machine.write(HANDLERS + 6 * 16, [0x8b, 0x04, 0x25, 0x00, 0x00, 0x03, 0x00, 0xf4]); // MOV EAX, [30000]; HLT
    const vectoring = new Map<number, number>();
    machine.hook = ({ reason, lo }) => {
      if (reason === REASON.hlt) return LEAVE;
      vectoring.set(lo, machine.get32('EXIT_VECTORING'));
      return undefined;
    };
    machine.core.run!(100);
    expect(vectoring.get(0x9060)! >>> 0).toBe(0x8000_0306);
    expect(vectoring.get(0x3_0000)).toBe(0);
  });
});
