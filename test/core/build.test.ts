// The built core: what tools/check-core.mjs asserts holds, and each of its checks finds what it looks for in a module
// that was made wrong on purpose.

import { beforeAll, describe, expect, it } from 'vitest';
import binaryen from 'assemblyscript/binaryen';
import {
  addressesWritten,
  checkCore,
  disassemble,
  dispatchCases,
  memoryFree,
  readModule,
} from '../../tools/check-core.mjs';
import { coreFaults, unshare } from '../../tools/wasm.mjs';

const ENTRY = '(import "env" "memory" (memory 2 65536 shared))';

function assemble(body: string, memory = ENTRY): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(`(module ${memory} ${body})`);
  try {
    module.setFeatures(binaryen.Features.All);
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

describe('build/core.wasm', () => {
  let results: { name: string; problem?: string }[];
  beforeAll(async () => {
    results = await checkCore();
  });

  it('passes every check', () => {
    expect(results.length).toBeGreaterThanOrEqual(7);
    expect(results.filter(({ problem }) => problem)).toEqual([]);
  });

  it('dispatches by one table as large as the switch', async () => {
    const { dispatch } = disassemble(await readModule('build/core.wasm'));
    expect(await dispatchCases()).toBeGreaterThan(200);
    expect(dispatch).toBeGreaterThanOrEqual(await dispatchCases());
  });
});

describe('the checks', () => {
  it('find data segments', () => {
    const bytes = assemble('(data (i32.const 42) "x")');
    expect(coreFaults(bytes)).toEqual([expect.stringContaining('data segments')]);
    expect(addressesWritten(bytes, disassemble(bytes))).toEqual([42]);
  });

  it('find a start function and what it writes', () => {
    const bytes = assemble('(start $f) (func $f (i32.store8 (i32.const 70000) (i32.const 1)))');
    expect(coreFaults(bytes)).toEqual([expect.stringContaining('start function')]);
    expect(addressesWritten(bytes, disassemble(bytes))).toEqual([70000]);
  });

  it('find imports that a CPU has no business with', () => {
    const wrong = assemble('(import "env" "abort" (func (param i32 i32 i32 i32))) (import "env" "device" (func))');
    expect(coreFaults(wrong)).toEqual([
      expect.stringContaining('env.abort'),
      expect.stringContaining('the function env.device'),
    ]);
    const right = assemble(
      '(import "env" "exit" (func (param i32 i32 i32 i32) (result i32))) (import "env" "now" (func))',
    );
    expect(coreFaults(right)).toEqual([]);
  });

  it('count the entries of the largest br_table', () => {
    const chain = assemble(
      '(func (export "f") (param i32) (result i32) (if (i32.eq (local.get 0) (i32.const 1)) (then (return (i32.const 2)))) (i32.const 3))',
    );
    expect(disassemble(chain).dispatch).toBe(0);
    const table = assemble(
      '(func (export "f") (param i32) (block $a (block $b (block $c (br_table $a $b $a $b $c (local.get 0))))))',
    );
    expect(disassemble(table).dispatch).toBe(4);
  });

  it('find blocking waits', () => {
    const wait = (width: string) =>
      `(func (export "f${width}") (result i32) (memory.atomic.wait${width} (i32.const 0) (i${width}.const 0) (i64.const 0)))`;
    expect(disassemble(assemble(wait('32') + wait('64'))).waits).toBe(2);
    expect(
      disassemble(assemble('(func (export "f") (result i32) (memory.atomic.notify (i32.const 0) (i32.const 1)))'))
        .waits,
    ).toBe(0);
  });

  it('read where the layout ends', () => {
    const bytes = assemble('(global (export "MEMORY_FREE") i32 (i32.const 131072))');
    expect(memoryFree(bytes, disassemble(bytes))).toBe(131072);
    expect(memoryFree(assemble(''), disassemble(bytes))).toBeUndefined();
  });
});

describe('unsharing', () => {
  it('changes the memory import alone, wherever it stands among the imports', () => {
    const bytes = assemble(
      '(import "env" "now" (func (result f64))) (import "env" "g" (global i32)) (func (export "f") (result i32) (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))',
    );
    const copy = unshare(bytes);
    expect([...copy].filter((byte, index) => byte !== bytes[index])).toHaveLength(1);
    expect(disassemble(copy)).toEqual({ ...disassemble(bytes), shared: false });
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(copy), {
      env: { memory, now: () => 0, g: new WebAssembly.Global({ value: 'i32' }, 0) },
    });
    (exports.f as () => number)();
    expect(new Uint32Array(memory.buffer)[2]).toBe(1);
  });

  it('refuses a module whose memory is not shared, or that imports none', () => {
    expect(() => unshare(assemble('', '(import "env" "memory" (memory 2 65536))'))).toThrow('not shared');
    expect(() => unshare(assemble('(func (export "f"))', ''))).toThrow('imports no memory');
  });
});
