// Runs native.c: instructions on this machine's own processor. Needs gcc and an x86-64 processor that has AVX, FMA and F16C.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASE, RESULT } from './float-module.mjs';

/** Compiles the program and starts it. */
export function startNative() {
  const directory = mkdtempSync(join(tmpdir(), 'float-native-'));
  const program = join(directory, 'native');
  execFileSync('gcc', ['-O1', '-o', program, new URL('native.c', import.meta.url).pathname]);
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const output = child.stdout[Symbol.asyncIterator]();
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);

  /** @param {number} size */
  async function read(size) {
    const parts = [rest];
    let have = rest.length;
    while (have < size) {
      const { value, done } = await output.next();
      if (done) throw new Error('native.c ended early');
      parts.push(value);
      have += value.length;
    }
    const all = Buffer.concat(parts);
    rest = all.subarray(size);
    return all.subarray(0, size);
  }
  return {
    /**
     * The results of a form's cases.
     * @param {import('./forms.mjs').Form} form
     * @param {Buffer} cases
     */
    async run(form, cases) {
      const count = cases.length / CASE;
      const header = Buffer.alloc(24);
      header.writeUInt32LE(count, 0);
      header.writeUInt32LE(form.bytes.length, 4);
      header.set(form.bytes, 8);
      child.stdin.write(header);
      child.stdin.write(cases);
      return read(count * RESULT);
    },
    stop() {
      child.stdin.end();
      rmSync(directory, { recursive: true });
    },
  };
}
