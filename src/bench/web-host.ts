// The benchmark in a browser: guests over HTTP, lanes in Web Workers, and a clock that browsers make coarse. Works from a
// static server as it is (beside guests/ and build/) and through bundlers, which want every URL written out.

import { AssetError, readAsset } from '../core/asset.js';
import { BenchError } from './bench-error.js';
import { clockStep } from './clock-step.js';
import type { BenchHost, GuestPath, LaneThread } from './host.js';
import type { LaneOptions } from './kick-lane.js';
import type { LaneAnswer } from './lane-server.js';

const GUESTS: Record<GuestPath, URL> = {
  'vmexit/vmexit.bin': new URL('../../guests/vmexit/vmexit.bin', import.meta.url),
  'bench/expected.json': new URL('../../guests/bench/expected.json', import.meta.url),
  'bench/sieve.bin': new URL('../../guests/bench/sieve.bin', import.meta.url),
  'bench/crc32.bin': new URL('../../guests/bench/crc32.bin', import.meta.url),
  'bench/sha256.bin': new URL('../../guests/bench/sha256.bin', import.meta.url),
  'bench/quicksort.bin': new URL('../../guests/bench/quicksort.bin', import.meta.url),
  'bench/tree.bin': new URL('../../guests/bench/tree.bin', import.meta.url),
  'bench/matrix.bin': new URL('../../guests/bench/matrix.bin', import.meta.url),
  'bench/mix.bin': new URL('../../guests/bench/mix.bin', import.meta.url),
  'bench/bytecode.bin': new URL('../../guests/bench/bytecode.bin', import.meta.url),
  'bench/fib.bin': new URL('../../guests/bench/fib.bin', import.meta.url),
  'bench/strings.bin': new URL('../../guests/bench/strings.bin', import.meta.url),
  'bench/nbody-sse2.bin': new URL('../../guests/bench/nbody-sse2.bin', import.meta.url),
  'bench/mandelbrot-sse2.bin': new URL('../../guests/bench/mandelbrot-sse2.bin', import.meta.url),
  'bench/nbody-x87.bin': new URL('../../guests/bench/nbody-x87.bin', import.meta.url),
  'bench/mandelbrot-x87.bin': new URL('../../guests/bench/mandelbrot-x87.bin', import.meta.url),
};

export async function guestFile(path: GuestPath): Promise<Uint8Array> {
  return readAsset(GUESTS[path]).catch((error: unknown) => {
    throw error instanceof AssetError ? new BenchError(`guest: ${error.message}`, { cause: error }) : error;
  });
}

/** The first message to a lane's worker; those after it are requests. */
export interface LaneStart {
  kickLane: LaneOptions;
}

function startLane(options: LaneOptions): LaneThread {
  const worker = new Worker(new URL('./web-lane.js', import.meta.url), { type: 'module', name: 'doorbell kicks' });
  worker.postMessage({ kickLane: options } satisfies LaneStart);
  return {
    listen: (answered, ended) => {
      worker.addEventListener('message', ({ data }: MessageEvent<LaneAnswer>) => answered(data));
      worker.addEventListener('error', ({ message }) => {
        ended(new Error(`the worker that measures ${options.paging} has failed: ${message || 'it cannot be loaded'}`));
      });
    },
    request: (request) => worker.postMessage(request),
    close: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
}

interface UserAgentData {
  brands: { brand: string; version: string }[];
  platform: string;
}

/** What the browser calls itself: its brand where it tells one, else the end of the user agent's string. */
function browser({ userAgent, userAgentData }: Navigator & { userAgentData?: UserAgentData }): string {
  const brands =
    userAgentData?.brands.filter(({ brand }) => !/^not|brand$/i.test(brand.replaceAll(/[^a-z]/gi, ''))) ?? [];
  const [brand] = brands.toSorted((a, b) => Number(a.brand === 'Chromium') - Number(b.brand === 'Chromium'));
  if (brand !== undefined) return `${brand.brand} ${brand.version}`;
  const [, name, version] = /(Firefox|Edg|Chrome|Version)\/([\d.]+)/.exec(userAgent) ?? [];
  if (name === undefined) return userAgent;
  return `${name === 'Version' ? 'Safari' : name} ${version}`;
}

let step: number | undefined;

export const webHost: BenchHost = {
  guestFile,
  startLane,
  clockStep: () => (step ??= clockStep()),
  describe: () => ({
    browser: browser(navigator),
    platform: (navigator as { userAgentData?: UserAgentData }).userAgentData?.platform ?? navigator.platform,
    processors: navigator.hardwareConcurrency,
    isolated: globalThis.crossOriginIsolated,
    sharedMemory: typeof SharedArrayBuffer !== 'undefined',
    clockStepNs: Math.round(webHost.clockStep() * 1e6),
  }),
};
