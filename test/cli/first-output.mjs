// Measures how long it takes from the start of the process to the first byte of a guest's output. For people, not for the
// test runner: node test/cli/first-output.mjs [RUNS]

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const guest = fileURLToPath(new URL('../../guests/hello-long/hello-long.bin', import.meta.url));

/** @param {string[]} args @returns {Promise<number>} milliseconds */
function firstOutput(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let first = NaN;
    child.stdout.once('data', () => (first = performance.now() - start));
    child.on('error', reject);
    child.on('close', () => resolve(first));
  });
}

/** @param {string} what @param {string[]} args @param {number} runs */
async function report(what, args, runs) {
  const times = [];
  for (let run = 0; run < runs; run++) times.push(await firstOutput(args));
  times.sort((a, b) => a - b);
  console.log(`${what}: fastest ${times[0]?.toFixed(0)} ms, median ${times[runs >> 1]?.toFixed(0)} ms of ${runs} runs`);
}

const runs = Math.max(1, Number(process.argv[2] ?? 20));
await report('node alone, one line', ['-e', 'console.log(1)'], runs);
await report('doorbell run, first line of the guest', [program, 'run', guest], runs);
