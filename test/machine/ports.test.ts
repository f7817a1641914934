// The ports that only test machines have.

import { describe, expect, it } from 'vitest';
import { DebugConsole } from '../../src/machine/devices/debug-console.js';
import { DebugExit, statusOf } from '../../src/machine/devices/debug-exit.js';

describe('debug exit', () => {
  it('hands on the value, whatever the width and the port of the four', () => {
    const values: number[] = [];
    const device = new DebugExit({ exit: (value) => values.push(value) });
    device.write(0, 1, 0x10);
    device.write(0, 2, 0x1234);
    device.write(0, 4, 0xffff_ffff);
    device.write(2, 1, 3);
    expect(values).toEqual([0x10, 0x1234, 0xffff_ffff, 3]);
    expect(device.read()).toBe(0);
  });

  it.each([
    [0, 1],
    [1, 3],
    [0x10, 33],
    [0x3f, 127],
    [0x7f, 255],
    [0x80, 1],
    [0xffff_ffff, 255],
  ])('value %i is status %i: (V << 1) | 1, of which a process keeps 8 bits', (value, status) => {
    expect(statusOf(value)).toBe(status);
  });
});

it('the debug console prints what is written, and says that it is there', () => {
  const bytes: number[] = [];
  const device = new DebugConsole({ output: (byte) => bytes.push(byte) });
  device.write(0, 1, 0x41);
  expect(bytes).toEqual([0x41]);
  expect(device.read()).toBe(0xe9);
});
