// What a kick costs in Chromium beside what it costs in Node, on this machine:
//   node test/browser/kicks.mjs [--rounds N] [--plain | --unshared] [--json]
// Node and Chromium measure by turns, so that a drift of the machine touches both; of each the fastest of all rounds counts.
// `--plain` serves the page without the headers that isolate it: no shared memory, and a clock of 100 µs, so that passes are long
// and a loaded machine interrupts every one. `--unshared` isolates it, for the finer clock, and takes shared memory away.
// Needs `npm run build`.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { chromium } from 'playwright-core';

/** @typedef {import('../../src/bench/result.js').BenchResult} BenchResult */

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = '<!doctype html><html lang="en"><title>Kicks</title><link rel="icon" href="data:,">';
/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json' };
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    plain: { type: 'boolean', default: false },
    unshared: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
  },
});

/** What workers load before all else with `--unshared`. */
const UNSHARE = '/unshare.js';
const WORKERS = /\/web-(?:lane|bench-worker)\.js$/;

/** @param {string} path @returns {Promise<Buffer>} */
async function served(path) {
  if (path === '/') return Buffer.from(PAGE);
  if (path === UNSHARE) return Buffer.from('delete globalThis.SharedArrayBuffer;');
  const bytes = await readFile(join(root, path));
  if (!options.unshared || !WORKERS.test(path)) return bytes;
  return Buffer.concat([Buffer.from(`import '${UNSHARE}';\n`), bytes]);
}

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
  const headers = options.plain ? {} : ISOLATED;
  served(path).then(
    (bytes) => {
      const type = path === '/' ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream');
      response.writeHead(200, { ...headers, 'content-type': type, 'cache-control': 'no-store' }).end(bytes);
    },
    () => response.writeHead(404, headers).end(),
  );
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

const browser = await chromium.launch({ executablePath: options.chromium, args: ['--no-sandbox'] });
/** @type {BenchResult[]} */
const inNode = [];
/** @type {BenchResult[]} */
const inChromium = [];
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.error(`page: ${message.text()}`));
  page.on('pageerror', (error) => console.error(`page: ${error.message}`));
  await page.goto(`http://127.0.0.1:${port}/`);
  for (let round = 1; round <= Number(options.rounds); round++) {
    process.stderr.write(`round ${round} of ${options.rounds}: Chromium …`);
    const web = /** @type {BenchResult} */ (
      await page.evaluate(async (entrance) => {
        const { runBenchInWorker, QUICK } = await import(entrance);
        return runBenchInWorker({ ...QUICK, resets: [], cpuDivisor: 0 });
      }, '/dist/bench/web-bench.js')
    );
    inChromium.push(web);
    process.stderr.write(' Node …\n');
    // Passes as long as those in the page, whose clock may be coarse: longer ones are interrupted more often.
    const run = `(${nodeRun})(${JSON.stringify(new URL('dist/bench/', `file://${root}`).href)}, ${web.settings.goal})`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', run], { maxBuffer: 2 ** 24 });
    inNode.push(JSON.parse(stdout));
  }
} finally {
  await browser.close();
  server.close();
}

/** Runs in a Node process of its own, as the other half does in a page. @param {string} dist @param {number} goal */
async function nodeRun(dist, goal) {
  const { runBench, QUICK } = await import(`${dist}index.js`);
  const { nodeHost } = await import(`${dist}node-host.js`);
  process.stdout.write(JSON.stringify(await runBench({ ...QUICK, goal, resets: [], cpuDivisor: 0 }, nodeHost)));
}

/** The fastest of several results. @param {BenchResult[]} results */
function fastest(results) {
  const least = (/** @type {(result: BenchResult) => number} */ value) => Math.min(...results.map(value));
  const [first] = /** @type {[BenchResult]} */ (results);
  return [
    ...first.rows.map(({ paging, kick, decodesPerExit, walksPerExit }, index) => ({
      name: `${paging} ${kick}`,
      ns: least(({ rows }) => /** @type {BenchResult['rows'][0]} */ (rows[index]).ns),
      decodesPerExit,
      walksPerExit,
    })),
    ...first.doorbells.map(({ paging, doorbells }, index) => ({
      name: `${paging} pv, doorbells: ${doorbells}`,
      ns: least((result) => /** @type {BenchResult['doorbells'][0]} */ (result.doorbells[index]).ns),
    })),
    { name: 'crossing', ns: least(({ baseline }) => baseline.crossingNs) },
    { name: 'empty loop', ns: least(({ baseline }) => baseline.emptyLoopNs) },
    { name: 'bare dispatch, one operation', ns: least(({ baseline }) => 1e3 / baseline.dispatchMips) },
  ];
}

const node = fastest(inNode);
const web = fastest(inChromium);
const rows = node.map((row, index) => {
  const { ns: nodeNs, ...what } = row;
  const { ns: chromiumNs } = /** @type {typeof row} */ (web[index]);
  return { ...what, nodeNs, chromiumNs, ratio: chromiumNs / nodeNs };
});
const [{ host: nodeHost }] = /** @type {[BenchResult]} */ (inNode);
const [{ host: webHost, settings }] = /** @type {[BenchResult]} */ (inChromium);
if (options.json) {
  console.log(JSON.stringify({ rows, node: nodeHost, chromium: webHost, settings }));
} else {
  console.log(`Node:     ${JSON.stringify(nodeHost)}`);
  console.log(`Chromium: ${JSON.stringify(webHost)}, goal 2^${settings.goal}`);
  console.log(`${'nanoseconds'.padEnd(32)}${'Node'.padStart(10)}${'Chromium'.padStart(10)}${'ratio'.padStart(8)}`);
  for (const { name, nodeNs, chromiumNs, ratio } of rows) {
    console.log(
      name.padEnd(32) +
        nodeNs.toFixed(2).padStart(10) +
        chromiumNs.toFixed(2).padStart(10) +
        ratio.toFixed(2).padStart(8),
    );
  }
}
