// The parts of the core that fuzzing services run must stay what wasm2c 1.0.32 can translate: no imports, no threads, no SIMD.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const WASM_DIS = new URL('../../node_modules/.bin/wasm-dis', import.meta.url).pathname;

it.each(['decode', 'paging'])(
  '%s',
  async (target) => {
    const directory = await mkdtemp(join(tmpdir(), 'doorbell-fuzzing-'));
    const file = join(directory, `${target}.wasm`);
    await run(process.execPath, [new URL('../../fuzzing/module.mjs', import.meta.url).pathname, target, file]);
    const module = new WebAssembly.Module(await readFile(file));
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(WebAssembly.Module.exports(module).map(({ name }) => name)).toContain(
      target === 'decode' ? 'decode' : 'translate',
    );
    const { stdout } = await run(WASM_DIS, [file, '--all-features'], { maxBuffer: 2 ** 26 });
    expect(stdout).not.toMatch(/\batomic\.|v128|\bshared\b/);
    await rm(directory, { recursive: true });
  },
  60_000,
);
