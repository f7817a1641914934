// The page walk of a linear address: the guest's table entries from the top, and beside each the entries of EPT or NPT by which
// its own address was found; with shadow paging the entries of the shadow table, which is all that the processor walks then.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { LookUp, PagingMode, TableEntry, WalkStep } from '../../../index.js';
import { hex } from '../../../machine/hex.js';
import type { CpuState, Session } from '../machine/session.js';
import { endWords, entryWords, splitAddress } from '../../../machine/walk-words.js';
import { AddressField } from './address-field.js';
import { Hex } from './hex.js';
import { useLook } from './look.js';
import './walk.css';

const NAMES = ['RIP', 'RSP', 'CR2'] as const;
type Name = (typeof NAMES)[number];

const TABLES: Readonly<Record<PagingMode, string>> = { ept: 'EPT', npt: 'NPT', shadow: 'Shadow table' };

/** Linear address of what a register points to. */
function addressOf({ regs, sregs }: CpuState, name: Name): bigint {
  const long = (sregs.efer & 0x400n) !== 0n && sregs.cs.l !== 0;
  if (name === 'CR2') return sregs.cr2;
  if (long) return name === 'RIP' ? regs.rip : regs.rsp;
  const address =
    name === 'RIP'
      ? sregs.cs.base + regs.rip
      : sregs.ss.base + (regs.rsp & (sregs.ss.db !== 0 ? 0xffff_ffffn : 0xffffn));
  return BigInt.asUintN(32, address);
}

export function WalkPanel({ session }: { session: Session }): JSX.Element {
  const place = useRef<HTMLElement>(null);
  const target = useSignal<Name | bigint>('RIP');
  const look = useLook(session, place, (pc) => {
    const { value } = target;
    return pc.vcpu.lookUp(typeof value === 'bigint' ? value : addressOf(session.state.value!, value));
  });
  const { value, error } = look.value;
  return (
    <section class="panel walk" aria-label="Page walk" ref={place}>
      <h2>Page walk</h2>
      <AddressField id="walk-address" target={target} names={NAMES} />
      {error !== '' && <p role="alert">{error}</p>}
      {value !== undefined && <Walk walk={value} />}
    </section>
  );
}

function Walk({ walk }: { walk: LookUp }): JSX.Element {
  const { paging, steps, shadow, guest, end } = walk;
  return (
    <>
      <Parts walk={walk} />
      <p class={`end ${end === 'mapped' ? '' : 'fails'}`}>{endWords(walk)}</p>
      <div class={`tables ${paging === 'shadow' ? 'shadowed' : ''}`}>
        {steps.length > 0 && (
          <div>
            <div class="heads" aria-hidden="true">
              <span>The guest's tables{guest === 'none' ? ' (paging is off)' : ''}</span>
              {paging !== 'shadow' && <span>{TABLES[paging]}: how that address is found</span>}
            </div>
            <ol class="steps" aria-label="The guest's tables">
              {steps.map((step, index) => (
                <Step key={index} step={step} paging={paging} />
              ))}
            </ol>
          </div>
        )}
        {paging === 'shadow' && <Shadow entries={shadow} />}
      </div>
    </>
  );
}

/** What the processor walks in the guest's place. */
function Shadow({ entries }: { entries: readonly TableEntry[] }): JSX.Element {
  return (
    <div>
      <h3>{TABLES.shadow}: what the processor walks</h3>
      {entries.length === 0 ? (
        <p class="nothing">There is none for this address space yet.</p>
      ) : (
        <Entries entries={entries} label={TABLES.shadow} />
      )}
    </div>
  );
}

/** The linear address, cut where the tables cut it. */
function Parts({ walk }: { walk: LookUp }): JSX.Element {
  return (
    <dl class="parts" aria-label="The linear address">
      <div class="whole">
        <dt>linear</dt>
        <dd>
          <Hex value={walk.linear} digits={16} />
        </dd>
      </div>
      {splitAddress(walk).map(({ name, high, low, value }) => (
        <div key={name}>
          <dt>
            {name} <span class="range">{`${high}:${low}`}</span>
          </dt>
          <dd>
            <code>
              {name === 'sign' || name.startsWith('offset') || low === 0 ? `0x${hex(value, 1)}` : String(value)}
            </code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Step({ step: { entry, gpa, nested }, paging }: { step: WalkStep; paging: PagingMode }): JSX.Element {
  return (
    <li>
      {entry !== undefined ? (
        <Entry entry={entry} inRegister={gpa === undefined} />
      ) : (
        <div class="entry goal">
          <span class="name">address</span> <Hex value={gpa!} digits={12} />
        </div>
      )}
      {paging !== 'shadow' && (
        <Entries
          entries={nested}
          label={`${TABLES[paging]} entries for ${gpa === undefined ? 'it' : `0x${hex(gpa, 1)}`}`}
        />
      )}
    </li>
  );
}

function Entries({ entries, label }: { entries: readonly TableEntry[]; label: string }): JSX.Element {
  if (entries.length === 0) return <p class="nothing">The processor has it in a register.</p>;
  return (
    <ul class="entries" aria-label={label}>
      {entries.map((entry) => (
        <li key={entry.level}>
          <Entry entry={entry} />
        </li>
      ))}
    </ul>
  );
}

function Entry({ entry, inRegister = false }: { entry: TableEntry; inRegister?: boolean }): JSX.Element {
  const { name, index, address, value, size, flags, meaning } = entry;
  const bad = meaning === 'absent' || meaning === 'reserved';
  return (
    <div class={`entry ${bad ? 'bad' : ''}`}>
      <span class="name">
        {name} {index}
      </span>{' '}
      <Hex value={value} digits={size * 2} />{' '}
      {flags.length > 0 && (
        <span class="entry-flags">
          <span class="visually-hidden">flags </span>
          {flags.join(' ')}
        </span>
      )}
      <span class="meaning">
        {bad ? '✕ ' : '→ '}
        {entryWords(entry)}
        <span class="place">{inRegister ? ', kept in a register' : ` (entry at 0x${hex(address, 1)})`}</span>
      </span>
    </div>
  );
}
