// Finds and compiles build/core.wasm, once per process: the second Vm starts without reading or compiling anything.

import { CoreError } from './error.js';

/** The module and what its binary says about the memory it imports. */
export interface CoreModule {
  module: WebAssembly.Module;
  limits: MemoryLimits;
}

/** The `env.memory` import of a module. */
export interface MemoryLimits {
  initialPages: number;
  maximumPages: number;
  shared: boolean;
}

// A page that is not cross-origin isolated has no shared memory; the same sources are built for that, too.
const CORE_FILE = typeof SharedArrayBuffer === 'undefined' ? 'core.unshared.wasm' : 'core.wasm';
const CORE_URL = new URL(`../../build/${CORE_FILE}`, import.meta.url);
let cached: Promise<CoreModule> | undefined;

/**
 * The compiled core. `source`, the bytes of a module, overrides where it comes from and is not cached. Throws CoreError when the core has not been built.
 */
export function loadCoreModule(source?: Uint8Array): Promise<CoreModule> {
  if (source !== undefined) return compile(source);
  cached ??= loadCoreBytes().then(compile);
  cached.catch(() => (cached = undefined));
  return cached;
}

async function compile(bytes: Uint8Array): Promise<CoreModule> {
  const limits = memoryLimits(bytes);
  return { module: await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>), limits };
}

/** The bytes of the core as it has been built. */
export async function loadCoreBytes(): Promise<Uint8Array> {
  if (CORE_URL.protocol === 'file:') {
    const { readFile } = await import('node:fs/promises');
    return readFile(CORE_URL).catch(() => {
      throw new CoreError(`the CPU core ${CORE_URL.pathname} is missing; make it with "npm run build"`);
    });
  }
  const response = await fetch(CORE_URL);
  if (!response.ok)
    throw new CoreError(`the CPU core ${CORE_URL.href} cannot be fetched: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const IMPORT_SECTION = 2;
const KIND_MEMORY = 2;

/** Reads the limits of the imported memory; JavaScript's API does not tell them (type reflection is not shipped). */
export function memoryLimits(bytes: Uint8Array): MemoryLimits {
  let at = 8;
  const leb = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  const skipName = (): void => {
    const length = leb();
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++]!;
    const size = leb();
    const end = at + size;
    if (section === IMPORT_SECTION) {
      for (let left = leb(); left > 0; left--) {
        skipName();
        skipName();
        const kind = bytes[at++]!;
        if (kind === KIND_MEMORY) {
          const flags = bytes[at++]!;
          const initialPages = leb();
          return { initialPages, maximumPages: flags & 1 ? leb() : 65536, shared: (flags & 2) !== 0 };
        }
        // A function's type index; the core imports neither tables nor globals.
        leb();
      }
    }
    at = end;
  }
  throw new CoreError('the CPU core imports no memory: this file is not build/core.wasm');
}
