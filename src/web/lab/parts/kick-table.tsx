// The table of kicks: a row for each kind, filled by the benchmark while it runs in workers of its own.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { KICKS, PAGING_MODES, type Kick, type KickRow } from '../../../bench/web-bench.js';
import type { PagingMode } from '../../../index.js';
import type { Session } from '../machine/session.js';
import { BenchRun, keyOf } from './bench-run.js';
import { NONE } from './figures.js';

const ABOUT: Record<Kick, string> = {
  cpuid: 'an exit that every processor makes; no device',
  hypercall: 'VMCALL, which the hypervisor takes as a kick',
  'pio-none': 'OUT to a device in the machine’s thread',
  'pio-wildcard': 'OUT to an eventfd: the measure of all others',
  'pio-datamatch': 'OUT to an eventfd that wants one value',
  'mmio-none': 'a store to a device: walk, decode, emulate',
  'mmio-wildcard': 'a store to an eventfd, still decoded',
  'mmio-datamatch': 'a store to an eventfd that wants one value',
  pv: 'a store to a doorbell: the address is enough',
};

export function KickTable({ session }: { session: Session }): JSX.Element {
  const bench = useMemo(() => new BenchRun(), [session]);
  const all = useSignal(false);
  /** What the table shows: it changes only when a run begins or nothing has been measured. */
  const shown = useSignal<readonly PagingMode[] | undefined>(undefined);
  const running = bench.running.value;
  const chosen = all.value ? PAGING_MODES : [session.settings.value.paging];
  const modes = shown.value ?? chosen;
  const start = (): void => {
    shown.value = chosen;
    void bench.start(session, chosen);
  };
  return (
    <section class="panel kicks" aria-labelledby="kicks-heading">
      <h2 id="kicks-heading">What a kick costs</h2>
      <div class="bench">
        <button type="button" class="primary" onClick={() => (running ? bench.stop() : start())}>
          {running ? 'Stop the bench' : 'Run the bench'}
        </button>
        <label>
          Measure
          <select
            value={all.value ? 'all' : 'present'}
            disabled={running}
            onChange={({ currentTarget }) => {
              all.value = currentTarget.value === 'all';
              if (bench.rows.value.size === 0) shown.value = undefined;
            }}
          >
            <option value="present">paging {session.settings.value.paging}</option>
            <option value="all">all paging modes</option>
          </select>
        </label>
        <div class="how-far">
          <progress max={1} value={bench.share.value} aria-label="Progress of the bench" />
          <p
            role="status"
            aria-live={running ? 'off' : 'polite'}
            data-bench={running ? 'running' : bench.share.value === 1 ? 'done' : 'idle'}
          >
            {bench.progress.value || 'not measured yet; the guest is paused meanwhile'}
          </p>
        </div>
      </div>
      <div class="scroll" role="region" aria-labelledby="kicks-heading" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Kick</th>
              <th scope="col">ns</th>
              <th scope="col">
                <abbr title="times pio-wildcard, same paging mode">× PIO</abbr>
              </th>
              <th scope="col">
                <abbr title="times a bare call from Wasm to JavaScript with an atomic add">× call</abbr>
              </th>
              <th scope="col">
                <abbr title="instructions that the hypervisor decoded, per exit">decodes</abbr>
              </th>
              <th scope="col">
                <abbr title="page walks that the hypervisor made, per exit">walks</abbr>
              </th>
              <td class="bar-column" />
            </tr>
          </thead>
          {modes.map((paging) => (
            <Group key={paging} paging={paging} bench={bench} titled={modes.length > 1} />
          ))}
        </table>
      </div>
      <p class="note">
        Time of one kick, the fastest repetition. A bare call from Wasm to JavaScript with an atomic add:{' '}
        <span class="number">{nanoseconds(bench.crossingNs.value)} ns</span>.
      </p>
    </section>
  );
}

function nanoseconds(ns: number | undefined): string {
  return ns === undefined ? NONE : ns.toFixed(ns < 1000 ? 1 : 0);
}

function Group({ paging, bench, titled }: { paging: PagingMode; bench: BenchRun; titled: boolean }): JSX.Element {
  const rows = KICKS.map((kick) => bench.rows.value.get(keyOf(paging, kick)));
  const times = rows.flatMap((row) => (row === undefined ? [] : [row.ns]));
  const slowest = Math.max(...times);
  const fastest = Math.min(...times);
  return (
    <tbody aria-label={`paging ${paging}`}>
      {titled && (
        <tr class="group">
          <th scope="rowgroup" colSpan={7}>
            paging {paging}
          </th>
        </tr>
      )}
      {KICKS.map((kick, index) => {
        const row = rows[index];
        const share = row === undefined ? 0 : row.ns / slowest;
        return <Row key={kick} kick={kick} paging={paging} row={row} share={share} fastest={row?.ns === fastest} />;
      })}
    </tbody>
  );
}

interface RowProps {
  kick: Kick;
  paging: PagingMode;
  row: KickRow | undefined;
  share: number;
  fastest: boolean;
}

function Row({ kick, paging, row, share, fastest }: RowProps): JSX.Element {
  const long = (row?.decodesPerExit ?? 0) > 0;
  return (
    <tr
      class={`${kick === 'pv' ? 'pv' : ''} ${long ? 'long' : ''}`}
      style={`--share: ${(share * 100).toFixed(2)}%`}
      data-kick={kick}
      data-paging={paging}
    >
      <th scope="row" title={ABOUT[kick]}>
        {kick}
        {fastest && (
          <>
            {' '}
            <span class="mark">fastest</span>
          </>
        )}
      </th>
      <td data-column="ns">{nanoseconds(row?.ns)}</td>
      <td data-column="ratioToPio">{ratio(row?.ratioToPio)}</td>
      <td data-column="ratioToCrossing">{ratio(row?.ratioToCrossing)}</td>
      <td data-column="decodesPerExit">{count(row?.decodesPerExit)}</td>
      <td data-column="walksPerExit">{count(row?.walksPerExit)}</td>
      <td class="bar-column" aria-hidden="true">
        <div class="bar" />
      </td>
    </tr>
  );
}

function ratio(value: number | undefined): string {
  return value === undefined ? NONE : value.toFixed(value < 9.995 ? 2 : 1);
}

/** Whole where it is whole: 0 decodes are exactly none. */
function count(value: number | undefined): string {
  if (value === undefined) return NONE;
  return Number.isInteger(value) ? `${value}` : value.toFixed(2);
}
