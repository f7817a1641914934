// Compiles test/x87/entry.ts: x87 instructions without a machine around them.

import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The block cache's part: nothing is decoded here. */
const BLOCK_STUB = 'export function codeWritten(host: usize, size: u32): void {} export function lookAgain(): void {}';

export interface X87Module {
  readonly memory: WebAssembly.Memory;
  readonly RECORDS: { readonly value: number };
  readonly RECORD: { readonly value: number };
  readonly OURS: { readonly value: number };
  start(): void;
  run(record: number, to: number): number;
  check(first: number, count: number): number;
}

/** The module with room for so many bytes of records. */
export async function buildX87(room: number): Promise<X87Module> {
  let binary: Uint8Array | undefined;
  const block = join('assembly', 'decode', 'block.ts');
  const flags =
    '-O3 --noAssert --runtime stub --importMemory --noExportMemory --sharedMemory --enable threads --enable simd --initialMemory 1400 --maximumMemory 65536 --config none --use abort=';
  const { error, stderr } = await asc.main(['test/x87/entry.ts', '--outFile', 'x87.wasm', ...flags.split(' ')], {
    readFile: (name, base) => {
      const path = join(base || ROOT, name);
      if (relative(ROOT, path) === block) return BLOCK_STUB;
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== 'string') binary = contents;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`test/x87/entry.ts does not compile: ${error?.message}\n${stderr.toString()}`);
  const memory = new WebAssembly.Memory({ initial: 1400 + Math.ceil(room / 65536), maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>, {
    env: { memory, exit: () => 2, now: () => 0 },
  });
  const module = { ...instance.exports, memory } as unknown as X87Module;
  module.start();
  return module;
}
