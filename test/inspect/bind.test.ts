// Values that pass through as-bind, both ways, with today's compiler: strings, all typed arrays, buffers, arrays.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { bind } from '../../src/core/bind.js';
import { root, target } from '../../tools/build.mjs';

let echo: Record<string, (...values: unknown[]) => unknown>;
const call = (name: string, ...values: unknown[]): unknown => {
  const bound = echo[name];
  if (!bound) throw new Error(`the module exports no ${name}`);
  return bound(...values);
};

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bind-'));
  try {
    const asc = join(createRequire(import.meta.url).resolve('assemblyscript/package.json'), '../bin/asc.js');
    const out = join(directory, 'echo.wasm');
    const args = [asc, 'test/inspect/echo.entry.ts', ...target('inspect'), '--outFile', out];
    await promisify(execFile)(process.execPath, args, { cwd: root });
    echo = (await bind(await readFile(out))) as typeof echo;
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe('strings', () => {
  it.each(['', 'x', 'rep movsb', 'Grüße, 世界', '🛎️ and a lone \ud83d', 'a'.repeat(100_000), '\0in\0side'])(
    'come back as they went (%#)',
    (text) => {
      expect(call('echoString', text)).toBe(text);
    },
  );

  it('may be null', () => {
    expect(call('nothing')).toBeNull();
  });

  it('are refused where something else is given', () => {
    expect(() => call('echoString', 5)).toThrow('a string is needed, not number');
    expect(() => call('echoString')).toThrow('Expected 1 arguments');
  });
});

describe('typed arrays', () => {
  it.each([
    ['int8', Int8Array.of(-128, 5, 127)],
    ['uint8', Uint8Array.of(0, 5, 255)],
    ['uint8Clamped', Uint8ClampedArray.of(0, 5, 255)],
    ['int16', Int16Array.of(-32768, 5, 32767)],
    ['uint16', Uint16Array.of(0, 5, 65535)],
    ['int32', Int32Array.of(-(2 ** 31), 5, 2 ** 31 - 1)],
    ['uint32', Uint32Array.of(0, 5, 2 ** 32 - 1)],
    ['int64', BigInt64Array.of(-(2n ** 63n), 5n, 2n ** 63n - 1n)],
    ['uint64', BigUint64Array.of(0n, 5n, 2n ** 64n - 1n)],
    ['float32', Float32Array.of(-0.5, 0.25, Infinity)],
    ['float64', Float64Array.of(-0.1, Math.PI, Number.MAX_VALUE)],
  ])('pass both ways: %s', (name, values) => {
    expect(call(name, values)).toEqual(values.slice().reverse());
    expect(call(name, values.subarray(1))).toEqual(values.slice(1).reverse());
    expect(call(name, values.subarray(3))).toEqual(values.slice(3));
  });

  it('are copies that outlive the next call', () => {
    const first = call('uint8', Uint8Array.of(1, 2, 3));
    for (let round = 0; round < 100; round++) call('uint8', new Uint8Array(10_000).fill(9));
    expect(first).toEqual(Uint8Array.of(3, 2, 1));
  });

  it('may be parts of others', () => {
    expect(call('middle', Uint16Array.of(1, 2, 3, 4))).toEqual(Uint16Array.of(2, 3));
  });

  it('must be of the declared kind', () => {
    expect(() => call('uint16', Uint8Array.of(1))).toThrow('a Uint16Array is needed');
  });
});

describe('buffers, arrays and numbers', () => {
  it('pass', () => {
    expect(new Uint8Array(call('buffer', Uint8Array.of(1, 2, 3).buffer) as ArrayBuffer)).toEqual(Uint8Array.of(2, 3));
    expect(call('sum', [1, -2, 40])).toBe(39);
    expect(call('sum', [])).toBe(0);
    expect(call('doubled', [0.5, -1])).toEqual([1, -2]);
    expect(call('wide', [2n ** 63n])).toEqual([2n ** 63n, 2n ** 64n - 1n]);
    expect(call('negated', [true, false])).toEqual([false, true]);
    expect(call('add64', 2n ** 63n, 1n)).toBe(2n ** 63n + 1n);
  });

  it('pass as arrays of strings', () => {
    expect(call('joined', ['mov', '', 'rax'], ' ')).toBe('mov  rax');
    expect(call('split', 'a,ü,,c', ',')).toEqual(['a', 'ü', '', 'c']);
  });

  it('survive the collector, which runs while many strings are made', () => {
    const words = Array.from({ length: 3000 }, (_, index) => `w${index}`);
    expect(call('joined', words, ',')).toBe(words.join(','));
    const few = words.slice(0, 20);
    expect(call('churned', few)).toBe(few.join('-').toUpperCase());
    expect(call('split', words.join(','), ',')).toEqual(words);
  });

  it('are refused when no converter knows them', () => {
    expect(() => call('nested')).toThrow('cannot cross');
    expect(() => call('sum', 'text')).toThrow('an array is needed');
  });
});

describe('a module that was not described', () => {
  it('is refused', async () => {
    await expect(bind(await readFile(join(root, 'build/core.wasm')))).rejects.toThrow('exportRuntime');
  });
});
