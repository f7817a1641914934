// The counters of a run: as one line of JSON for scripts, or as a table for people.

import type { VmStats } from '../vmm/vm.js';
import { textTable, type Column } from '../bench/text-table.js';

/** What `--stats=json` prints; scripts rely on these names. */
export interface RunStats {
  instructions: number;
  seconds: number;
  mips: number;
  exits: Record<string, { count: number; decodes: number; walks: number; ns: number }>;
  /** Instructions the guest used that the CPU does not have, by mnemonic. */
  unimplemented: Record<string, number>;
}

/** `mnemonic` names an operation by its number. */
export function runStats(
  { instructions, exits, unimplemented }: VmStats,
  seconds: number,
  mnemonic: (operation: number) => string,
): RunStats {
  const named: Record<string, number> = {};
  for (const [operation, times] of Object.entries(unimplemented)) {
    const name = mnemonic(Number(operation));
    named[name] = (named[name] ?? 0) + times;
  }
  return {
    instructions,
    seconds: rounded(seconds, 6),
    mips: seconds > 0 ? rounded(instructions / seconds / 1e6, 3) : 0,
    exits: Object.fromEntries(
      Object.entries(exits).map(([name, { count, decodes, walks, ns }]) => [name, { count, decodes, walks, ns }]),
    ),
    unimplemented: named,
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const number = (title: string): Column => ({ title, align: 'right' });

/** What the table shows besides. */
export interface TableExtras {
  exits: VmStats['exits'];
  /** Of one host processor's time, how much this process took: 1 is all of it. */
  cpuShare: number;
}

/** Of all exits, how many needed no decode; 1 of none. */
export function decodeFreeShare(exits: VmStats['exits']): number {
  const all = Object.values(exits);
  const count = all.reduce((sum, each) => sum + each.count, 0);
  return count === 0 ? 1 : all.reduce((sum, each) => sum + each.decodeFree, 0) / count;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The table, with a newline at its end. */
export function statsTable(
  { instructions, seconds, mips, exits, unimplemented }: RunStats,
  { exits: counters, cpuShare }: TableExtras,
): string {
  const lines = [
    `${instructions.toLocaleString('en-US')} instructions in ${seconds.toFixed(3)} s: ${mips.toFixed(1)} MIPS`,
    `host processor ${percent(cpuShare)}, exits without a decode ${percent(decodeFreeShare(counters))}`,
  ];
  const rows = Object.entries(exits);
  if (rows.length > 0) {
    lines.push(
      ...textTable(
        [
          { title: 'exit', align: 'left' },
          ...['count', 'per s', 'no decode', 'decodes', 'walks', 'ns each'].map(number),
        ],
        rows.map(([name, { count, decodes, walks, ns }]) => [
          name,
          count.toLocaleString('en-US'),
          seconds > 0 ? Math.round(count / seconds).toLocaleString('en-US') : '',
          percent((counters[name]?.decodeFree ?? 0) / count),
          ...[decodes, walks].map((value) => value.toLocaleString('en-US')),
          (ns / count).toFixed(0),
        ]),
      ),
    );
  }
  const missing = Object.entries(unimplemented);
  if (missing.length > 0) {
    const list = missing.map(([name, times]) => `${name} ${times.toLocaleString('en-US')}`).join(', ');
    lines.push(`not there, raised #UD: ${list}`);
  }
  return `${lines.join('\n')}\n`;
}
