// The guest's code around RIP, or wherever one looks.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Disassembly } from '../../../index.js';
import { hex } from '../../../machine/hex.js';
import type { Session } from '../machine/session.js';
import { AddressField } from './address-field.js';
import './disassembly.css';
import { Hex } from './hex.js';
import { useLook } from './look.js';

/** Lines; those before the address are as many as can be found. */
const BEFORE = 5;
const LINES = 16;

export function DisassemblyPanel({ session }: { session: Session }): JSX.Element {
  const place = useRef<HTMLElement>(null);
  const target = useSignal<'RIP' | bigint>('RIP');
  const look = useLook(session, place, async (pc) => {
    const { value } = target;
    // As many lines whatever is found before, so that the panel keeps its height.
    const found = await pc.disassemble({
      ...(value === 'RIP' ? {} : { address: value }),
      count: LINES,
      before: BEFORE,
    });
    return { ...found, lines: found.lines.slice(0, LINES) };
  });
  const { value, error } = look.value;
  return (
    <section class="panel disassembly" aria-label="Disassembly" ref={place}>
      <div class="panel-head">
        <h2>Disassembly</h2>
        {value !== undefined && <span class="width">{value.bits}-bit code</span>}
      </div>
      <AddressField id="disassembly-address" target={target} names={['RIP']} />
      {error !== '' && <p role="alert">{error}</p>}
      {value !== undefined && <Lines code={value} />}
    </section>
  );
}

function Lines({ code: { bits, rip, lines } }: { code: Disassembly }): JSX.Element {
  if (lines.length === 0)
    return <p class="nothing">Nothing can be read there: no page is mapped, or no memory is behind it.</p>;
  const digits = bits === 64 ? 16 : 8;
  return (
    <div class="scrolls" role="region" aria-label="Code" tabIndex={0}>
      <table>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Bytes</th>
            <th scope="col">Instruction</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ address, bytes, text }, place) => {
            const current = address === rip;
            return (
              <tr key={place} class={current ? 'current' : undefined} aria-current={current ? 'step' : undefined}>
                <th scope="row">
                  <span class="pointer" aria-hidden="true">
                    {current ? '▶' : ''}
                  </span>
                  {current && <span class="visually-hidden">Next: </span>}
                  <Hex value={address} digits={digits} />
                </th>
                <td class="bytes">{Array.from(bytes, (byte) => hex(byte, 2)).join(' ')}</td>
                <td class="text">{text}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
