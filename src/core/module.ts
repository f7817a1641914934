// Finds and compiles build/core.wasm, once per process: the second Vm starts without reading or compiling anything. A browser
// compiles it while it arrives.

import { AssetError, fetchAsset, readAsset } from './asset.js';
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
const CORE_URL =
  typeof SharedArrayBuffer === 'undefined'
    ? new URL('../../build/core.unshared.wasm', import.meta.url)
    : new URL('../../build/core.wasm', import.meta.url);
/** The memory import stands in the first few hundred bytes of a core. */
const HEAD = 4096;
let cached: Promise<CoreModule> | undefined;

/**
 * The compiled core. `source`, the bytes of a module, overrides where it comes from and is not cached. Throws CoreError when the core has not been built.
 */
export function loadCoreModule(source?: Uint8Array): Promise<CoreModule> {
  if (source !== undefined) return compile(source);
  cached ??= load().catch((error: unknown) => {
    throw error instanceof AssetError ? missing(error) : error;
  });
  cached.catch(() => (cached = undefined));
  return cached;
}

function load(): Promise<CoreModule> {
  return CORE_URL.protocol === 'file:' ? readAsset(CORE_URL).then(compile) : stream();
}

async function compile(bytes: Uint8Array): Promise<CoreModule> {
  const limits = memoryLimits(bytes);
  return { module: await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>), limits };
}

async function stream(): Promise<CoreModule> {
  const response = await fetchAsset(CORE_URL);
  // A server that does not know the type of .wasm files costs the streaming, not the machine.
  if (!response.headers.get('content-type')?.startsWith('application/wasm')) {
    return compile(new Uint8Array(await response.arrayBuffer()));
  }
  const copy = response.clone();
  const [module, limits] = await Promise.all([WebAssembly.compileStreaming(response), head(copy).then(memoryLimits)]);
  return { module, limits };
}

/** The first bytes of a response, at least HEAD unless it is shorter. */
async function head(response: Response): Promise<Uint8Array> {
  const reader = response.body!.getReader();
  let bytes = new Uint8Array();
  while (bytes.length < HEAD) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    const longer = new Uint8Array(bytes.length + value.length);
    longer.set(bytes);
    longer.set(value, bytes.length);
    bytes = longer;
  }
  await reader.cancel();
  return bytes;
}

/** The bytes of the core as it has been built. Throws CoreError. */
export function loadCoreBytes(): Promise<Uint8Array> {
  return readAsset(CORE_URL).catch((error: unknown) => {
    throw error instanceof AssetError ? missing(error) : error;
  });
}

function missing(cause: AssetError): CoreError {
  const advice = CORE_URL.protocol === 'file:' ? '; make it with "npm run build"' : '';
  return new CoreError(`the CPU core ${cause.message}${advice}`, { cause });
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
