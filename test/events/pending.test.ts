// Debug registers and what is delivered before the next instruction.
// Expectations: SDM vol. 3, 17.2 and 17.3 (table 17-2: overlapping breakpoints), 6.8.3 (MOV SS), table 6-2 (priorities).

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AT, Guest, SEL, SP, compileCore, gate } from './machine.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
beforeAll(async () => {
  wasm = await compileCore();
});
beforeEach(() => {
  guest = new Guest(wasm);
  guest.protected32();
  for (let v = 0; v < 0x50; v++) guest.setGate(v, gate(SEL.CODE0, 0x6000 + v, 0x8e));
});
/** Which vector's handler is next, or null. */
function next(): number | null {
  guest.core.serviceEvents();
  const rip = Number(guest.get('RIP'));
  return rip === 0x1234 ? null : rip - 0x6000;
}
const pending = (): number => {
  const bits = guest.get32('PENDING_DEBUG');
  guest.set32('PENDING_DEBUG', 0);
  return bits;
};

describe('breakpoints', () => {
  test('the example of table 17-2', () => {
    // DR0 A0001 len 1 r/w, DR1 A0002 len 1 w, DR2 B0002 len 2 r/w, DR3 C0000 len 4 w
    guest.set('DR', 0xa0001, 0);
    guest.set('DR', 0xa0002, 1);
    guest.set('DR', 0xb0002, 2);
    guest.set('DR', 0xc0000, 3);
    guest.set('DR', 0xd71304aa, 7);
    const hit = (address: number, size: number, write: boolean): boolean => {
      guest.core.debugCheckData(BigInt(address), size, write ? 1 : 0);
      return pending() !== 0;
    };
    const trapping: [number, number, boolean][] = [
      [0xa0001, 1, false],
      [0xa0001, 1, true],
      [0xa0001, 2, false],
      [0xa0001, 2, true],
      [0xa0002, 1, true],
      [0xa0002, 2, true],
      [0xb0001, 4, false],
      [0xb0001, 4, true],
      [0xb0002, 1, false],
      [0xb0002, 2, true],
      [0xc0000, 4, true],
      [0xc0001, 2, true],
      [0xc0003, 1, true],
    ];
    const silent: [number, number, boolean][] = [
      [0xa0000, 1, false],
      [0xa0002, 1, false],
      [0xa0003, 4, true],
      [0xb0000, 2, false],
      [0xc0000, 2, false],
      [0xc0004, 4, true],
    ];
    const wrong = [
      ...trapping.filter(([address, size, write]) => !hit(address, size, write)),
      ...silent.filter(([address, size, write]) => hit(address, size, write)),
    ];
    expect(wrong).toEqual([]);
  });
  test('eight bytes; addresses beyond 4 GiB in IA-32e mode only', () => {
    guest.set('DR', 0x1_0000_0ffcn, 0);
    guest.set('DR', 0x90402, 7); // G0, write, len 10
    guest.core.debugCheckData(0x1_0000_0fffn, 1, 1);
    expect(pending(), 'legacy mode: 32 bits').toBe(1);
    guest.long64();
    guest.core.debugCheckData(0x0fffn, 1, 1);
    expect(pending()).toBe(0);
    guest.core.debugCheckData(0x1_0000_0ff8n, 1, 1);
    expect(pending()).toBe(1);
  });
  test('instructions: the fault, suppressed by RF and behind MOV SS', () => {
    guest.set('DR', 0x1234, 2);
    guest.set('DR', 0x420, 7);
    expect(guest.core.debugCheckExecute(0x1235n)).toBe(0);
    expect(guest.core.debugCheckExecute(0x1234n)).toBe(1);
    expect([guest.fault(), guest.get('DR', 6)]).toEqual([[1, null], 0xffff0ff4n]);
    guest.core.setFlags(0x10002);
    expect(guest.core.debugCheckExecute(0x1234n)).toBe(0);
    guest.core.setFlags(2);
    guest.core.beginStackShadow();
    expect(guest.core.debugCheckExecute(0x1234n)).toBe(0);
  });
  test('ports, with CR4.DE only', () => {
    guest.set('DR', 0x3f8, 1);
    guest.set('DR', 0x200408, 7);
    guest.core.debugCheckPort(0x3f8, 1);
    expect(pending()).toBe(0);
    guest.set('CR4', 8);
    guest.core.debugCheckPort(0x3f6, 2);
    expect(pending()).toBe(0);
    guest.core.debugCheckPort(0x3f6, 4);
    expect(pending()).toBe(2);
  });
  test('general detect: BD, a fault with RF; GD is clear in the handler', () => {
    expect(guest.core.debugGeneralDetect()).toBe(0);
    guest.set('DR', 0x2400, 7);
    expect(guest.core.debugGeneralDetect()).toBe(1);
    guest.core.deliverException();
    expect([guest.get('DR', 6), guest.get('DR', 7), guest.read(AT.STACK0 - 4, 4)]).toEqual([
      0xffff2ff0n,
      0x400n,
      0x10002,
    ]);
  });
});

describe('before the next instruction', () => {
  test('a single step: DR6.BS, RIP behind the instruction, RF as it was, TF off in the handler', () => {
    guest.core.setFlags(0x102);
    guest.set('DR', 0xffff0ff3, 6);
    guest.core.debugStep();
    expect(next()).toBe(1);
    expect(guest.items(AT.STACK0 - 12, 3, 4)).toEqual([0x1234, SEL.CODE0, 0x102]);
    expect([guest.get('DR', 6), guest.flags, guest.get32('PENDING_DEBUG')]).toEqual([0xffff4ff0n, 2, 0]);
  });
  test('order: injected event, trap, NMI, interrupt', () => {
    const arm = (): void => {
      guest.protected32();
      guest.core.setFlags(0x202);
      guest.set32('INTERRUPTIBILITY', 0);
    };
    guest.set32('INJECT_INFO', 0x80000045);
    guest.set32('NMI_PENDING', 1);
    guest.set32('IRQ_VECTOR', 0x46);
    guest.core.debugStep();
    const order: (number | null)[] = [];
    for (let i = 0; i < 5; i++) {
      arm();
      order.push(next());
      if (i === 2) expect([guest.get32('INTERRUPTIBILITY'), guest.get32('REQUEST') & 1]).toEqual([8, 1]);
    }
    expect(order).toEqual([0x45, 1, 2, 0x46, null]);
    expect([guest.get32('IRQ_VECTOR'), guest.get32('REQUEST')]).toEqual([0xffffffff, 0]);
  });
  test('interrupts wait for IF and for the shadows of STI and MOV SS', () => {
    guest.set32('IRQ_VECTOR', 0x46);
    expect(next()).toBe(null);
    guest.core.setFlags(0x202);
    for (const shadow of [1, 2]) {
      guest.set32('INTERRUPTIBILITY', shadow);
      expect([guest.core.interruptWindowOpen(), next()]).toEqual([0, null]);
    }
    guest.set32('INTERRUPTIBILITY', 8);
    expect(guest.get32('REQUEST') & 1, 'looked at again').toBe(1);
    expect(next()).toBe(0x46);
    expect(guest.get32('INTERRUPTIBILITY')).toBe(8);
  });
  test('NMIs wait for the end of the last one, and behind MOV SS', () => {
    guest.set32('NMI_PENDING', 1);
    for (const blocked of [2, 8]) {
      guest.set32('INTERRUPTIBILITY', blocked);
      expect([guest.core.nmiWindowOpen(), next()]).toEqual([0, null]);
    }
    guest.set32('INTERRUPTIBILITY', 0);
    expect(next()).toBe(2);
  });
  test('MOV SS holds debug traps back, STI does not', () => {
    guest.core.debugStep();
    guest.core.beginStackShadow();
    expect(next()).toBe(null);
    guest.set32('INTERRUPTIBILITY', 0);
    guest.core.beginStiShadow();
    expect(next()).toBe(1);
  });
  test('a halted processor wakes', () => {
    guest.set32('ACTIVITY', 1);
    guest.set32('IRQ_VECTOR', 0x46);
    expect([next(), guest.get32('ACTIVITY')]).toEqual([null, 1]);
    guest.core.setFlags(0x202);
    expect([next(), guest.get32('ACTIVITY')]).toEqual([0x46, 0]);
  });
  test('an interrupt whose delivery exits is not lost', () => {
    guest.core.setFlags(0x202);
    guest.set32('IRQ_VECTOR', 0x46);
    guest.mapPage(AT.STACK0 - 0x1000, false);
    guest.core.flushAll();
    expect(next()).toBe(null);
    expect([guest.fault(), guest.get32('INJECT_INFO'), guest.get32('REQUEST') & 1]).toEqual(['exit', 0x80000046, 1]);
    guest.mapPage(AT.STACK0 - 0x1000, true);
    expect([next(), guest.gpr(SP)]).toEqual([0x46, BigInt(AT.STACK0 - 12)]);
  });
  test('the interrupt window: exit 7 once an interrupt could be taken', () => {
    guest.set32('REQUEST', 4);
    expect([next(), guest.fault()]).toEqual([null, null]);
    guest.core.setFlags(0x202);
    expect([next(), guest.fault(), guest.get32('EXIT_REASON')]).toEqual([null, 'exit', 7]);
    guest.set32('IRQ_VECTOR', 0x46);
    expect([next(), guest.fault()]).toEqual([0x46, null]);
  });
});
