// Builds one part of the CPU's core as a Wasm module that wasm2c can turn into C: `node fuzzing/module.mjs decode|paging FILE`.
// The sources and the entry are those of the tests. wasm2c 1.0.32 knows neither threads nor SIMD, and these parts need
// them little: memory is not shared, and atomic accesses become plain ones, which with one thread is the same.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = { decode: 'test/decode/entry.ts', paging: 'test/paging/entry.ts' };

/** What paging calls in the block cache, and what the write log calls in the hypervisor. */
const STUBS = {
  'assembly/decode/block.ts': `
export let codeAddress: usize = 0;
export let codeSize: u32 = 0;
export let codeCalls: u32 = 0;
export function codeWritten(host: usize, size: u32): void { codeAddress = host; codeSize = size; codeCalls++; }
export function lookAgain(): void {}
`,
  'assembly/imports.ts': `
export function exitHandler(reason: i32, gpaLow: i32, gpaHigh: i32, info: i32): i32 { return 0; }
export function hostTicks(): f64 { return 0; }
`,
};

/** Read-modify-write in one thread. */
const PLAIN = `
// @ts-ignore: decorator
@inline function plainOr<T>(at: usize, value: T, offset: usize = 0): T { const old = load<T>(at + offset); store<T>(at + offset, old | value); return old; }
// @ts-ignore: decorator
@inline function plainAnd<T>(at: usize, value: T, offset: usize = 0): T { const old = load<T>(at + offset); store<T>(at + offset, old & value); return old; }
// @ts-ignore: decorator
@inline function plainAdd<T>(at: usize, value: T, offset: usize = 0): T { const old = load<T>(at + offset); store<T>(at + offset, old + value); return old; }
// @ts-ignore: decorator
@inline function plainXchg<T>(at: usize, value: T, offset: usize = 0): T { const old = load<T>(at + offset); store<T>(at + offset, value); return old; }
// @ts-ignore: decorator
@inline function plainCmpxchg<T>(at: usize, expected: T, value: T, offset: usize = 0): T { const old = load<T>(at + offset); if (old == expected) store<T>(at + offset, value); return old; }
`;
const ATOMIC = /\batomic\.(load|store|or|and|add|cmpxchg|xchg)</g;
/** Nobody waits where there is one thread. */
const NOTIFY = /\batomic\.notify\(([^;]*)\);/g;

/** @param {string} text */
function withoutAtomics(text) {
  let needs = false;
  const plain = text.replace(NOTIFY, ';').replace(ATOMIC, (_, /** @type {string} */ name) => {
    if (name === 'load' || name === 'store') return `${name}<`;
    needs = true;
    return `plain${name[0].toUpperCase()}${name.slice(1)}<`;
  });
  return needs ? plain + PLAIN : plain;
}

const [target, output] = process.argv.slice(2);
if (!(target in ENTRIES) || output === undefined) {
  process.stderr.write(`usage: node fuzzing/module.mjs ${Object.keys(ENTRIES).join('|')} FILE\n`);
  process.exit(2);
}
const flags = '-O3 --noAssert --runtime stub --initialMemory 2000 --config none --use abort=';
const { error, stderr } = await asc.main([ENTRIES[target], '--outFile', 'out.wasm', ...flags.split(' ')], {
  readFile: (name, base) => {
    const path = join(base || ROOT, name);
    const stub = target === 'paging' ? STUBS[relative(ROOT, path)] : undefined;
    try {
      return stub ?? withoutAtomics(readFileSync(path, 'utf8'));
    } catch {
      return null;
    }
  },
  writeFile: (name, contents) => {
    if (name.endsWith('.wasm')) writeFileSync(output, contents);
  },
  listFiles: () => [],
});
if (error) {
  process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
  process.exit(1);
}
