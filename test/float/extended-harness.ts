// Compiles test/float/extended.entry.ts and calls it with numbers.

import asc from 'assemblyscript/asc';

/** A sign and exponent of 16 bits, and a significand with its integer bit. */
export interface Extended {
  readonly se: number;
  readonly sig: bigint;
}
export interface Result extends Extended {
  /** IE DE ZE OE UE PE, bits 0-5. */
  readonly exceptions: number;
  readonly roundedUp: boolean;
}

export const OPERATIONS = [
  'add',
  'subtract',
  'multiply',
  'divide',
  'squareRoot',
  'roundToInteger',
  'remainder',
  'exponentialMinusOne',
  'yLog2x',
  'yLog2xPlus1',
  'arctangent',
  'sine',
  'cosine',
  'tangent',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

interface Exports {
  calculate(operation: number, control: number, a: bigint, ae: number, b: bigint, be: number): void;
  exceptions(): number;
  readonly significand: { readonly value: bigint };
  readonly exponent: { readonly value: number };
  readonly roundedUp: { readonly value: number };
}

export type Calculate = (operation: OperationName, control: number, a: Extended, b?: Extended) => Result;

export async function buildExtended(): Promise<Calculate> {
  let binary: Uint8Array | undefined;
  const entry = new URL('extended.entry.ts', import.meta.url).pathname;
  const flags =
    '-O2 --runtime stub --importMemory --sharedMemory --enable threads --enable simd --initialMemory 2000 --maximumMemory 65536 --noExportMemory --config none --use abort=';
  const { error, stderr } = await asc.main([entry, '--baseDir', '/', '--outFile', 'float.wasm', ...flags.split(' ')], {
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== 'string') binary = contents;
    },
  });
  if (error || !binary) throw new Error(`compiling ${entry}: ${error?.message ?? 'no output'}\n${stderr.toString()}`);
  const memory = new WebAssembly.Memory({ initial: 2000, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>, { env: { memory } });
  const wasm = instance.exports as unknown as Exports;
  const zero: Extended = { se: 0, sig: 0n };
  return (operation, control, a, b = zero) => {
    wasm.calculate(OPERATIONS.indexOf(operation), control, a.sig, a.se, b.sig, b.se);
    return {
      sig: BigInt.asUintN(64, wasm.significand.value),
      se: wasm.exponent.value,
      exceptions: wasm.exceptions(),
      roundedUp: wasm.roundedUp.value !== 0,
    };
  };
}
