// `doorbell run`: a guest in a PC, its serial port on the terminal.

import type { Pc } from '../machine/pc.js';
import type { RunResult } from '../machine/run-result.js';
import type { MachineOptions } from './machine-options.js';
import { runSession } from './session.js';

export interface RunOptions extends MachineOptions {
  stats?: 'table' | 'json';
}

/** Runs the image to its end; returns the process status. */
export async function runCommand(path: string | undefined, options: RunOptions): Promise<number> {
  const { stats } = options;
  if (stats === undefined) return runSession(path, options);
  const { LiveStats } = await import('./live-stats.js');
  const live = new LiveStats(stats === 'table');
  try {
    return await runSession(path, options, {
      started: (pc) => live.watch(pc),
      printed: (bytes) => live.printed(bytes),
      ended: async (pc, result) => {
        const cpuShare = live.close();
        await printStats(pc, result, cpuShare, stats);
      },
    });
  } finally {
    live.close();
  }
}

async function printStats(pc: Pc, { seconds }: RunResult, cpuShare: number, format: 'table' | 'json'): Promise<void> {
  const { runStats, statsTable } = await import('./stats-report.js');
  const counters = pc.vm.stats();
  let mnemonic = String as (operation: number) => string;
  if (Object.keys(counters.unimplemented).length > 0) {
    const { loadInspector } = await import('../core/inspect.js');
    const inspector = await loadInspector();
    mnemonic = (operation) => inspector.operationName(operation).toUpperCase();
  }
  const stats = runStats(counters, seconds, mnemonic);
  process.stderr.write(
    format === 'json' ? `${JSON.stringify(stats)}\n` : statsTable(stats, { exits: counters.exits, cpuShare }),
  );
}
