// Loading the core: what its binary says about memory, the views over memory that grows, and errors that say what to do.

import { describe, expect, it } from 'vitest';
import { CoreMemory, WASM_PAGE } from '../../src/core/memory.js';
import { loadCoreModule, memoryLimits } from '../../src/core/module.js';
import { readLayout } from '../../src/core/layout.js';

/** (module (import "env" "f" (func)) (import "env" "memory" (memory 3 70000 shared))), by the binary format's tables. */
const SHARED_IMPORT = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 4, 1, 0x60, 0, 0], // type section: () -> ()
  ...[2, 25, 2], // import section, two imports
  ...[3, 0x65, 0x6e, 0x76, 1, 0x66, 0, 0], // "env" "f" func type 0
  ...[3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3, 3, 0xf0, 0xa2, 0x04], // "env" "memory"
]);

describe('memoryLimits', () => {
  it('reads the limits of a shared import behind other imports', () => {
    expect(memoryLimits(SHARED_IMPORT)).toEqual({ initialPages: 3, maximumPages: 70000, shared: true });
  });

  it('says so when there is no memory import', () => {
    expect(() => memoryLimits(SHARED_IMPORT.subarray(0, 8))).toThrow(/imports no memory/);
  });
});

describe('loadCoreModule', () => {
  it('compiles once per process', async () => {
    const [first, second] = await Promise.all([loadCoreModule(), loadCoreModule()]);
    expect(second.module).toBe(first.module);
    // 65536 pages are the 4 GiB that 32-bit addresses reach.
    expect(first.limits).toMatchObject({ maximumPages: 65536, shared: true });
  });
});

describe('readLayout', () => {
  it('names what a module lacks', () => {
    expect(() => readLayout({ GPR: new WebAssembly.Global({ value: 'i32' }, 0) })).toThrow(/exports no PAGE_SIZE, /);
  });
});

describe('CoreMemory', () => {
  it.each([true, false])('grows and renews its views (shared: %s)', (shared) => {
    const memory = new CoreMemory({ initialPages: 1, maximumPages: 3, shared });
    memory.u8[7] = 42;
    memory.ensure(WASM_PAGE + 1);
    expect(memory.size).toBe(2 * WASM_PAGE);
    expect(memory.u8[7]).toBe(42);
    memory.u64[WASM_PAGE / 8] = 0x1122_3344_5566_7788n;
    expect(memory.view.getUint32(WASM_PAGE, true)).toBe(0x5566_7788);
    expect(() => memory.ensure(4 * WASM_PAGE)).toThrow(/cannot grow to 262144/);
    expect(memory.size).toBe(2 * WASM_PAGE);
  });
});

describe('the layout', () => {
  it('keeps a vCPU within its page, and the pages below 64 KiB, where a micro-operation can name them', async () => {
    const { module, limits } = await loadCoreModule();
    const { memory } = new CoreMemory(limits);
    const instance = new WebAssembly.Instance(module, { env: { memory, exit: () => 0, now: () => 0 } });
    const value = (name: string): number => (instance.exports[name] as WebAssembly.Global).value as number;
    expect(value('STATE_END')).toBeLessThanOrEqual(value('STATE_SIZE'));
    expect(value('VCPUS') + value('MAX_VCPUS') * value('STATE_SIZE')).toBeLessThanOrEqual(0x10000);
  });
});
