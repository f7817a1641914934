// Builds the decoder alone into a Wasm module and calls it from TypeScript.

import asc from 'assemblyscript/asc';
import type { RawDecoder } from '../../src/fuzz/decode/raw-decoder.js';

/** What test/decode/entry.ts exports; constants are Wasm globals. */
interface Exports {
  attach(index: number): void;
  initTables(): void;
  decode(bytes: number, available: number, codeSize: number): number;
  decodeMany(bytes: number, count: number, codeSize: number): number;
  mapRow(map: number, opcode: number): number;
  rowKind(row: number): number;
  branchWidth(kind: number): number;
  branchRow(row: number, index: number): number;
  rowOperation(row: number): number;
  tablesUsed(): number;
  [constant: string]: unknown;
}

export interface Harness extends RawDecoder {
  readonly exports: Exports;
}

/** Compiles the module (a few seconds) and writes its tables. */
export async function buildDecoder(optimisation: string): Promise<Harness> {
  let binary: Uint8Array | undefined;
  const entry = new URL('entry.ts', import.meta.url).pathname;
  const flags = `${optimisation} --runtime stub --importMemory --sharedMemory --enable threads --enable simd --initialMemory 2000 --maximumMemory 65536 --noExportMemory`;
  const result = await asc.main([entry, '--baseDir', '/', '--outFile', 'decoder.wasm', ...flags.split(' ')], {
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== 'string') binary = contents;
    },
  });
  if (result.error || !binary)
    throw new Error(`compiling ${entry}: ${result.error?.message ?? 'no output'}\n${result.stderr.toString()}`);
  const memory = new WebAssembly.Memory({ initial: 2000, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>, {
    env: {
      memory,
      abort: () => {
        throw new Error('abort in the decoder');
      },
    },
  });
  const exports = instance.exports as unknown as Exports;
  const constant = (name: string): number => {
    const global = exports[name];
    if (!(global instanceof WebAssembly.Global)) throw new Error(`test/decode/entry.ts exports no constant ${name}`);
    return Number(global.value);
  };
  exports.attach(0);
  exports.initTables();
  return {
    exports,
    decode: exports.decode,
    bytes: new Uint8Array(memory.buffer),
    record: new DataView(memory.buffer, constant('cpu') + constant('INSN')),
    constant,
    scratch: constant('MEMORY_FREE'),
  };
}
