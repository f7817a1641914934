// Compiles family FLOAT alone (float.entry.ts) and runs its cases.

import asc from 'assemblyscript/asc';
import { operationNumbers, SHAPE } from './forms.mjs';

/** @typedef {import('./forms.mjs').Form} Form */

export const CASE = 112;
export const RESULT = 64;

/**
 * How float.entry.ts is to use the run loop's handlers: lower/vector-float.ts has none for 256 bits, and copies the first source's
 * other elements beside the result of a scalar VEX form.
 * @param {Form} form
 */
function inlined({ operation, shape }) {
  if (shape & SHAPE.wide) return 0;
  if (shape & (SHAPE.flags | SHAPE.registerResult)) return 1;
  if (/S[SD]$|^CVTSI2/.test(operation)) return operation.endsWith('D') ? 8 : 4;
  return 1;
}
/** Cases at most that are made at once. */
export const BATCH = 8192;

/** @param {string} optimisation */
export async function compileFloat(optimisation) {
  /** @type {Uint8Array | undefined} */
  let binary;
  const entry = new URL('float.entry.ts', import.meta.url).pathname;
  const flags = `${optimisation} --runtime stub --noAssert --importMemory --sharedMemory --enable threads --enable simd --initialMemory 2000 --maximumMemory 65536 --noExportMemory --use abort=`;
  const result = await asc.main(
    [entry, '--baseDir', '/', '--config', 'none', '--outFile', 'float.wasm', ...flags.split(' ')],
    {
      writeFile: (/** @type {string} */ _name, /** @type {Uint8Array | string} */ contents) => {
        if (typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (result.error || !binary) {
    throw new Error(`compiling ${entry}: ${result.error?.message ?? 'no output'}\n${result.stderr.toString()}`);
  }
  const memory = new WebAssembly.Memory({ initial: 2000, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(/** @type {Uint8Array<ArrayBuffer>} */ (binary), {
    env: { memory },
  });
  const exports = /** @type {any} */ (instance.exports);
  exports.attach(0);
  const numbers = operationNumbers();
  const cases = (Number(exports.MEMORY_FREE.value) + 63) & ~63;
  const results = cases + BATCH * CASE;
  return {
    /** @param {boolean} value CR4.OSXMMEXCPT */
    setOsxmmexcpt(value) {
      exports.setOsxmmexcpt(value ? 1 : 0);
    },
    /** How many settings of MXCSR there are (mxcsrOf() in float.entry.ts). */
    settings: Number(exports.SETTING_COUNT.value),
    /**
     * @param {Form} form
     * @param {number} setting number of an MXCSR
     * @param {bigint} seed
     * @param {number} count
     */
    make(form, setting, seed, count) {
      exports.generate(form.type, form.order, setting, seed, cases, count, form.elements);
      return new Uint8Array(memory.buffer, cases, count * CASE);
    },
    /**
     * The results for the cases made last.
     * @param {Form} form
     * @param {number} count
     */
    execute(form, count) {
      const number = numbers.get(form.operation);
      if (number === undefined) throw new Error(`no operation is called ${form.operation}`);
      exports.execute(number, form.shape, form.size, form.control, cases, results, count, inlined(form));
      return new Uint8Array(memory.buffer, results, count * RESULT);
    },
  };
}
