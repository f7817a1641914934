// What a kick costs a guest whose vCPU has a thread of its own: the doorbell, answered there by an atomic add, beside the ways
// that take a round trip to the thread of the devices, and the same kicks in the devices' thread. All of one run:
//
//   node tools/thread-kicks.mjs [--paging ept|npt|shadow] [--goal N] [--repetitions N] [--json]
//
// The guest `vmexit` measures by its TSC, passes of 2^goal ticks (guests/README.md). Of the repetitions the best counts, as in
// `doorbell bench`: what is slower was disturbed.

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

/** @type {typeof import('../src/index.js')} */
const { Pc } = await import(new URL('../dist/index.js', import.meta.url).href);

const TSC_KHZ = 2_800_000;
const KICKS = ['mmio-none', 'mmio-wildcard', 'pio-wildcard', 'hypercall', 'cpuid', 'pv'];

const { values: options } = parseArgs({
  options: {
    paging: { type: 'string', default: 'ept' },
    goal: { type: 'string', default: '26' },
    repetitions: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

const kernel = new Uint8Array(await readFile(new URL('../guests/vmexit/vmexit.bin', import.meta.url)));

/**
 * Ticks of each kick with the loop around it, and of the loop alone (`empty`).
 * @param {boolean} thread
 * @returns {Promise<Record<string, number>>}
 */
async function measure(thread) {
  let text = '';
  const pc = await Pc.create({
    kernel,
    memory: 16 * 2 ** 20,
    paging: /** @type {import('../src/vmm/options.js').PagingMode} */ (options.paging),
    clock: 'real',
    tscKhz: TSC_KHZ,
    thread,
    devices: ['doorbells'],
    cmdline: `goal=${options.goal} raw empty ${KICKS.join(' ')}`,
    ...(options.paging === 'npt' ? { cpu: { vendor: 'amd' } } : {}),
    serial: (bytes) => void (text += new TextDecoder().decode(bytes)),
  });
  try {
    const { reason, status } = await pc.run();
    if (status !== 1) throw new Error(`the guest vmexit has ended by ${reason}`);
  } finally {
    pc.close();
  }
  return Object.fromEntries(
    text.split('\n').map((line) => {
      const [name = '', , iterations, spent] = line.split(' ');
      return [name, Number(spent) / Number(iterations)];
    }),
  );
}

/**
 * The best of all repetitions, less the loop.
 * @param {boolean} thread
 * @returns {Promise<Record<string, number>>}
 */
async function best(thread) {
  /** @type {Record<string, number>[]} */
  const runs = [];
  for (let left = Number(options.repetitions); left > 0; left--) runs.push(await measure(thread));
  /** @param {string} row */
  const least = (row) => Math.min(...runs.map((run) => run[row] ?? NaN));
  return Object.fromEntries(KICKS.map((kick) => [kick, Math.max(1, least(kick) - least('empty'))]));
}

const here = await best(false);
const there = await best(true);
const rows = KICKS.map((kick) => ({
  kick,
  here: (here[kick] ?? NaN) * (1e6 / TSC_KHZ),
  there: (there[kick] ?? NaN) * (1e6 / TSC_KHZ),
  ratioToPv: (there[kick] ?? NaN) / (there['pv'] ?? NaN),
}));
if (options.json) console.log(JSON.stringify({ paging: options.paging, rows }));
else {
  console.log(`under ${options.paging}, nanoseconds a kick`);
  console.log('kick            devices’ thread    own thread    times pv');
  for (const { kick, here: one, there: other, ratioToPv } of rows) {
    const cells = [one.toFixed(0).padStart(16), other.toFixed(0).padStart(14), ratioToPv.toFixed(1).padStart(12)];
    console.log(`${kick.padEnd(15)}${cells.join('')}`);
  }
}
