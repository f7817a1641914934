// Segment registers and descriptor tables.

import type { JSX } from 'preact';
import type { DescriptorTable, Segment } from '../../../index.js';
import { segmentWords } from '../machine/cpu-mode.js';
import type { CpuState } from '../machine/session.js';
import { Hex } from './hex.js';

const NAMES = ['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'tr', 'ldt'] as const;
const TABLES = ['gdt', 'idt'] as const;

export function Segments({ state, base }: { state: CpuState; base: CpuState | undefined }): JSX.Element {
  const longMode = (state.sregs.efer & 0x400n) !== 0n;
  return (
    <div class="scrolls" role="region" aria-label="Segments" tabIndex={0}>
      <table class="segments">
        <caption>Segments</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Register</span>
            </th>
            <th scope="col">Selector</th>
            <th scope="col">Base</th>
            <th scope="col">Limit</th>
            <th scope="col">Attributes</th>
          </tr>
        </thead>
        <tbody>
          {NAMES.map((name) => {
            const segment = state.sregs[name];
            return (
              <SegmentRow key={name} name={name} changed={base !== undefined && !same(segment, base.sregs[name])}>
                <td>
                  <Hex value={segment.selector} digits={4} />
                </td>
                <td>
                  <Hex value={segment.base} digits={16} />
                </td>
                <td>
                  <Hex value={segment.limit} digits={8} />
                </td>
                <td class="attributes">{segmentWords(segment, longMode)}</td>
              </SegmentRow>
            );
          })}
          {TABLES.map((name) => {
            const table = state.sregs[name];
            return (
              <SegmentRow key={name} name={name} changed={base !== undefined && !same(table, base.sregs[name])}>
                <td />
                <td>
                  <Hex value={table.base} digits={16} />
                </td>
                <td>
                  <Hex value={table.limit} digits={8} />
                </td>
                <td class="attributes">descriptor table</td>
              </SegmentRow>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function SegmentRow({
  name,
  changed,
  children,
}: {
  name: string;
  changed: boolean;
  children: JSX.Element[];
}): JSX.Element {
  return (
    <tr class={changed ? 'changed' : undefined}>
      <th scope="row">
        {name.toUpperCase()}
        {changed && <span class="visually-hidden"> changed</span>}
      </th>
      {children}
    </tr>
  );
}

function same<T extends Segment | DescriptorTable>(a: T, b: T): boolean {
  return (Object.keys(a) as (keyof T)[]).every((key) => a[key] === b[key]);
}
