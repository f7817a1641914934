// The reset control register (Intel PIIX3, 290550, 2.5.5), port 92h and gate A20.

import { beforeEach, describe, expect, it } from 'vitest';
import { A20Gate } from '../../../src/machine/devices/power/a20-gate.js';
import {
  ResetControl,
  RESET_PORT,
  RESET_VALUE,
  SystemControl,
} from '../../../src/machine/devices/power/reset-ports.js';
import { TestBoard } from '../board.js';

let resets: number;
const reset = (): void => void resets++;
beforeEach(() => {
  resets = 0;
});

describe('CF9h', () => {
  it('resets when bit 2 rises, and keeps bits 2:1', () => {
    const port = new ResetControl(reset);
    port.write(0, 1, 0xfa);
    expect([resets, port.read()]).toEqual([0, 2]);
    port.write(0, 1, 6);
    expect([resets, port.read()]).toEqual([1, 6]);
    port.write(0, 1, 6);
    expect(resets).toBe(1);
    port.write(0, 1, 0);
    port.write(0, 1, 4);
    expect(resets).toBe(2);
    port.reset();
    expect(port.read()).toBe(0);
  });

  it('is beside the configuration address: a byte goes to it, a dword does not', async () => {
    const board = await TestBoard.create();
    board.vm.pio.claim({ addr: BigInt(RESET_PORT), len: 1, device: new ResetControl(reset) });
    board.out(0xcf8, 0x8000_0600);
    expect(resets).toBe(0);
    expect(board.in(0xcf8)! >>> 0).toBe(0x8000_0600);
    board.out(RESET_PORT, RESET_VALUE, 1);
    expect(resets).toBe(1);
    board.vm.close();
  });
});

describe('port 92h', () => {
  it('resets when bit 0 rises; bit 1 opens gate A20, if the keyboard controller has it shut', () => {
    const changes: boolean[] = [];
    const gate = new A20Gate((open) => changes.push(open));
    const port = new SystemControl(gate, reset);
    expect(gate.open).toBe(true);
    gate.controller = false;
    expect(gate.open).toBe(false);
    port.write(0, 1, 2);
    expect(gate.open).toBe(true);
    gate.controller = true;
    port.write(0, 1, 0);
    expect(gate.open).toBe(true);
    expect(changes).toEqual([false, true]);
    port.write(0, 1, 1);
    port.write(0, 1, 1);
    expect(resets).toBe(1);
    gate.controller = false;
    gate.reset();
    expect(gate.open).toBe(true);
  });

  it('restores the gate and resets nothing', () => {
    const gate = new A20Gate();
    const port = new SystemControl(gate, reset);
    port.restore({ value: 3 });
    gate.controller = false;
    expect([gate.open, port.read(), resets]).toEqual([true, 3, 0]);
  });
});
