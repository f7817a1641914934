// `doorbell bench`: measures, and prints the table or the JSON.

import { FULL, QUICK, report, runBench, type BenchOptions as RunOptions, type Kick } from '../bench/index.js';
import { nodeHost } from '../bench/node-host.js';
import type { PagingMode } from '../vmm/options.js';
import { Status } from './failure.js';

export interface BenchOptions {
  json?: boolean;
  quick?: boolean;
  goal?: number;
  paging?: PagingMode[];
  kick?: Kick[];
}

/** Prints the result to standard output; what is under way, to standard error if that is a terminal. */
export async function benchCommand({ json, quick, goal, paging, kick }: BenchOptions): Promise<number> {
  const settings = quick === true ? QUICK : FULL;
  const terminal = process.stderr.isTTY;
  const options: RunOptions = {
    ...settings,
    goal: goal ?? settings.goal,
    paging: paging === undefined ? settings.paging : settings.paging.filter((mode) => paging.includes(mode)),
    kicks: kick ?? settings.kicks,
    progress: (what) => {
      if (terminal) process.stderr.write(`\r\u001b[K${what} …`);
    },
  };
  const result = await runBench(options, nodeHost);
  if (terminal) process.stderr.write('\r\u001b[K');
  process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : report(result));
  return Status.Success;
}
