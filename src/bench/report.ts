// The result as people read it in a terminal.

import { FLOAT_LOOPS } from './loops.js';
import type { BenchResult, HostDescription, KickRow } from './result.js';
import { bar, textTable, type Column } from './text-table.js';

const BAR = 24;

/** The figures of the patch's own mail (2013, i7-2640M at 2.8 GHz, Linux 3.9-rc5), in cycles: context, not measured here. */
const FIGURES_2013: readonly (readonly [string, number])[] = [
  ['wildcard MMIO', 3529],
  ['PV MMIO', 1878],
  ['PIO', 1846],
];

const left = (title: string): Column => ({ title, align: 'left' });
const right = (title: string): Column => ({ title, align: 'right' });

/** The text, with a newline at its end. */
export function report(result: BenchResult): string {
  const { host, settings } = result;
  const parts = [
    [
      hostLine(host),
      `Figures are the fastest of ${settings.repetitions} repetitions of at least 2^${settings.goal} TSC ticks each; the median stands beside them.`,
      `The guest's TSC is the host's clock at ${settings.tscKhz / 1e6} GHz: ns = cycles / ${settings.tscKhz / 1e6}. The loop around a kick is included; alone it takes ${result.baseline.emptyLoopNs.toFixed(1)} ns.`,
    ],
    kickTable(result.rows),
    baseline(result),
    doorbells(result),
    resets(result),
    history(),
    cpu(result),
  ];
  return parts
    .filter((part) => part.length > 0)
    .map((part) => `${part.join('\n')}\n`)
    .join('\n');
}

function hostLine(host: HostDescription): string {
  if ('node' in host)
    return `Node ${host.node}, V8 ${host.v8}, ${host.platform}, ${host.processors} × ${host.processor}`;
  const memory = host.sharedMemory ? 'shared memory' : 'no shared memory';
  return `${host.browser}, ${host.platform}, ${host.processors} processors, ${memory}, a clock of ${host.clockStepNs / 1e3} µs`;
}

function kickTable(rows: readonly KickRow[]): string[] {
  const most = Math.max(...rows.map(({ ns }) => ns));
  const columns = [
    left('paging'),
    left('kick'),
    ...['cycles', 'ns', 'median ns', 'decodes', 'walks', '× PIO', '× crossing'].map(right),
    left(''),
  ];
  return [
    'What a kick costs; decodes and page walks are the hypervisor’s, per exit',
    ...textTable(
      columns,
      rows.map((row, index) => [
        row.paging === rows[index - 1]?.paging ? '' : row.paging,
        row.kick,
        row.cycles.toFixed(0),
        row.ns.toFixed(1),
        row.medianNs.toFixed(1),
        perExit(row.decodesPerExit),
        perExit(row.walksPerExit),
        row.ratioToPio.toFixed(2),
        row.ratioToCrossing.toFixed(1),
        bar(row.ns, most, BAR),
      ]),
    ),
  ];
}

/** Whole numbers as such, so that 0 is told from nearly 0. */
function perExit(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value < 0.005 ? '<0.01' : value.toFixed(2);
}

function baseline({ rows, baseline: { crossingNs, crossingMedianNs, emptyLoopNs } }: BenchResult): string[] {
  const lines = [
    `Crossing: one call from Wasm to JavaScript and one atomic add to shared memory: ${crossingNs.toFixed(1)} ns (median ${crossingMedianNs.toFixed(1)})`,
  ];
  const of = (kick: string, paging: string): number | undefined =>
    rows.find((row) => row.kick === kick && row.paging === paging)?.ns;
  for (const paging of new Set(rows.map((row) => row.paging))) {
    const pv = of('pv', paging);
    const wildcard = of('mmio-wildcard', paging);
    const pio = of('pio-wildcard', paging);
    if (pv === undefined || wildcard === undefined || pio === undefined) continue;
    const alone = pv - emptyLoopNs;
    const [toPio, toCrossing, aloneToCrossing, saved] = [
      pv / pio,
      pv / crossingNs,
      alone / crossingNs,
      wildcard / pv,
    ].map((ratio) => ratio.toFixed(2));
    lines.push(
      `${paging}: a PV kick costs ${toPio} × a PIO kick and ${toCrossing} × the crossing (${aloneToCrossing} × without the loop around it); a wildcard MMIO kick ${saved} × a PV kick`,
    );
  }
  return lines;
}

function doorbells({ doorbells: rows }: BenchResult): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  return [
    `A PV kick (${first.paging}) by the number of doorbells registered`,
    ...textTable(
      ['doorbells', 'ns', 'median ns', '× first'].map(right),
      rows.map(({ doorbells: count, ns, medianNs }) => [
        count.toLocaleString('en-US'),
        ns.toFixed(1),
        medianNs.toFixed(1),
        (ns / first.ns).toFixed(2),
      ]),
    ),
  ];
}

function resets({ resets: rows }: BenchResult): string[] {
  if (rows.length === 0) return [];
  return [
    'A guest put back to a snapshot after each run, by the pages it writes to; copying is that of as many pages alone',
    ...textTable(
      [left('paging'), ...['pages', 'resets/s', 'µs', 'median µs', 'restore µs', '× copying'].map(right)],
      rows.map((row, index) => [
        row.paging === rows[index - 1]?.paging ? '' : row.paging,
        String(row.pages),
        Math.round(row.perSecond).toLocaleString('en-US'),
        ...[row.ns, row.medianNs, row.restoreNs].map((ns) => (ns / 1e3).toFixed(1)),
        row.ratioToCopy?.toFixed(2) ?? '',
      ]),
    ),
  ];
}

function history(): string[] {
  const most = Math.max(...FIGURES_2013.map(([, cycles]) => cycles));
  return [
    'For context, not measured here: KVM in 2013 (i7-2640M, 2.8 GHz, Linux 3.9-rc5, EPT), from the mail that proposed PV MMIO',
    ...textTable(
      [left('kick'), right('cycles'), left('')],
      FIGURES_2013.map(([kick, cycles]) => [kick, String(cycles), bar(cycles, most, BAR)]),
    ),
  ];
}

function cpu({ cpu: rows, cpuGeometricMean, baseline: { dispatchMips, dispatchMedianMips } }: BenchResult): string[] {
  if (rows.length === 0 || cpuGeometricMean === null) return [];
  const float = rows.filter(({ name }) => FLOAT_LOOPS.some((loop) => loop === name));
  const integer = rows.filter((row) => !float.includes(row));
  const most = Math.max(dispatchMips, ...rows.map(({ mips }) => mips));
  const line = (name: string, mips: number, median?: number): string[] => [
    name,
    mips.toFixed(0),
    median?.toFixed(0) ?? '',
    bar(mips, most, BAR),
  ];
  return [
    'The CPU: millions of guest instructions a second in loops of compiled 64-bit C',
    ...textTable(
      [left('loop'), right('MIPS'), right('median'), left('')],
      [
        ...integer.map(({ name, mips, medianMips }) => line(name, mips, medianMips)),
        line('geometric mean', cpuGeometricMean),
        ...float.map(({ name, mips, medianMips }) => line(name, mips, medianMips)),
        line('bare dispatch', dispatchMips, dispatchMedianMips),
      ],
    ),
    'Bare dispatch: nine pre-decoded operations in a loop by one br_table, without flags, paging or TLB, in the same run.',
  ];
}
