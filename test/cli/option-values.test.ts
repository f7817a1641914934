// Values of options that are right; what is wrong with the others is in usage.test.ts.

import { expect, it } from 'vitest';
import { UsageError } from '../../src/cli/failure.js';
import { address, choices, memorySize, seconds, wholeNumber } from '../../src/cli/option-values.js';

it('sizes have binary units', () => {
  expect(memorySize('65536')).toBe(65536);
  expect(memorySize('512K')).toBe(512 * 1024);
  expect(memorySize('256M')).toBe(268_435_456);
  expect(memorySize('1g')).toBe(1_073_741_824);
  for (const wrong of ['', 'M', '1.5M', '-4K', '0', '4097', '1KB', '99999999999G']) {
    expect(() => memorySize(wrong), wrong).toThrow(UsageError);
  }
});

it('seconds may have parts', () => {
  expect(seconds('2')).toBe(2);
  expect(seconds('.25')).toBe(0.25);
  for (const wrong of ['', '-1', '1e3', '1s', '.', 'NaN']) expect(() => seconds(wrong), wrong).toThrow(UsageError);
});

it('whole numbers have both bounds', () => {
  const read = wholeNumber('--n', 1, 64);
  expect([read('1'), read('64')]).toEqual([1, 64]);
  for (const wrong of ['0', '65', '1.0', '0x10', '']) expect(() => read(wrong), wrong).toThrow(/^--n takes/);
});

it('addresses are of 64 bits', () => {
  expect(address('0x7c00')).toBe(0x7c00n);
  expect(address('4096')).toBe(4096n);
  expect(address('0xffffffffffffffff')).toBe(0xffff_ffff_ffff_ffffn);
  for (const wrong of ['7c00', '0x', '18446744073709551616', '1n']) {
    expect(() => address(wrong), wrong).toThrow(UsageError);
  }
});

it('several choices, by commas and by repetition', () => {
  const read = choices('--kick', ['pv', 'cpuid', 'hypercall'] as const);
  expect(read('pv,cpuid', undefined)).toEqual(['pv', 'cpuid']);
  expect(read('hypercall', ['pv'])).toEqual(['pv', 'hypercall']);
  expect(() => read('pv,', undefined)).toThrow(/not ''$/);
});
