// Serves the built pages to the browsers, twice: below /isolated with the headers that give a page shared memory, below
// /plain without.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
};
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export interface SiteServer {
  /** `http://127.0.0.1:PORT`, to be followed by /isolated or /plain, a name of `places`, and a path. */
  readonly origin: string;
  close(): Promise<void>;
}

/** `places`: name in the URL → directory. */
export async function serve(places: Readonly<Record<string, string>>): Promise<SiteServer> {
  const server = createServer((request, response) => {
    const [, headers, place, ...rest] = decodeURIComponent(new URL(request.url!, 'http://x').pathname).split('/');
    // what browsers ask for by themselves is no fault of a page
    if (request.url === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    const root = places[place ?? ''];
    const path = normalize(join(root ?? '', rest.join('/')));
    if (root === undefined || !path.startsWith(root + sep)) {
      response.writeHead(404).end();
      return;
    }
    readFile(path).then(
      (body) => {
        const type = TYPES[extname(path)] ?? 'application/octet-stream';
        const isolation = headers === 'isolated' ? ISOLATION : {};
        response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length, ...isolation }).end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
