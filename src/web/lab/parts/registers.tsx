// The registers of the vCPU. What has changed since the guest last stood still has a mark.

import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { Regs } from '../../../index.js';
import { LastStop, type Compared } from '../machine/changes.js';
import { modeWords, pagingWords, privilege } from '../machine/cpu-mode.js';
import {
  CR0_BITS,
  CR3_BITS,
  CR4_BITS,
  EFER_BITS,
  FLAGS,
  iopl,
  isSet,
  setBits,
  type Bit,
} from '../machine/register-bits.js';
import { registersText } from '../machine/registers-text.js';
import type { Session } from '../machine/session.js';
import { FpuRegisters } from './fpu-registers.js';
import { Hex } from './hex.js';
import './registers.css';
import { Segments } from './segments.js';

const LEFT: readonly (keyof Regs)[] = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp'];
const RIGHT: readonly (keyof Regs)[] = ['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];

export function RegistersPanel({ session }: { session: Session }): JSX.Element {
  const lastStop = useMemo(() => new LastStop(), [session]);
  const place = useRef<HTMLElement>(null);
  const state = session.state.value;
  const compared = state === undefined ? undefined : lastStop.take(state, session.status.peek());
  return (
    <section class="panel registers broad" aria-label="Registers" ref={place}>
      <div class="panel-head">
        <h2>Registers</h2>
        {compared !== undefined && <Copy text={() => registersText(compared.state)} />}
      </div>
      {compared === undefined ? <p class="nothing">There is no machine yet.</p> : <All compared={compared} />}
      <FpuRegisters session={session} />
    </section>
  );
}

function Copy({ text }: { text: () => string }): JSX.Element {
  const done = useSignal('');
  const copy = (): void => {
    navigator.clipboard.writeText(text()).then(
      () => (done.value = 'Copied'),
      () => (done.value = 'The browser does not allow it'),
    );
  };
  return (
    <button type="button" class="copy" onClick={copy} onBlur={() => (done.value = '')}>
      <span aria-live="polite">{done.value || 'Copy all'}</span>
    </button>
  );
}

function All({ compared: { state, base } }: { compared: Compared }): JSX.Element {
  const { regs, sregs } = state;
  const row = (name: keyof Regs): JSX.Element => (
    <Row key={name} name={name.toUpperCase()} changed={base !== undefined && base.regs[name] !== regs[name]}>
      <Hex value={regs[name]} digits={16} />
    </Row>
  );
  const control = (name: 'cr0' | 'cr2' | 'cr3' | 'cr4' | 'efer', digits: number, bits: readonly Bit[]): JSX.Element => (
    <Row name={name.toUpperCase()} changed={base !== undefined && base.sregs[name] !== sregs[name]}>
      <Hex value={sregs[name]} digits={digits} />
      {bits.length > 0 && <BitNames bits={bits} />}
    </Row>
  );
  const pcid = isSet(sregs.cr4, { name: 'PCIDE', bit: 17, about: '' });
  return (
    <>
      <p class="mode">
        {modeWords(regs, sregs)} · CPL {privilege(regs, sregs)} · {pagingWords(sregs)}
      </p>
      <div class="general">
        <table>
          <caption class="visually-hidden">Instruction pointer and general registers</caption>
          <tbody>{(['rip', ...LEFT] as const).map(row)}</tbody>
        </table>
        <table>
          <caption class="visually-hidden">Flags and registers of 64-bit mode</caption>
          <tbody>
            <Row name="RFLAGS" changed={base !== undefined && base.regs.rflags !== regs.rflags}>
              <Hex value={regs.rflags} digits={8} />
            </Row>
            {RIGHT.map(row)}
          </tbody>
        </table>
      </div>
      <Flags rflags={regs.rflags} before={base?.regs.rflags} />
      <table class="control">
        <caption>Control registers</caption>
        <tbody>
          {control('cr0', 8, setBits(sregs.cr0, CR0_BITS))}
          {control('cr2', 16, [])}
          {control('cr3', 16, pcid ? [] : setBits(sregs.cr3 & 0xfffn, CR3_BITS))}
          {control('cr4', 8, setBits(sregs.cr4, CR4_BITS))}
          {control('efer', 8, setBits(sregs.efer, EFER_BITS))}
        </tbody>
      </table>
      <Segments state={state} base={base} />
    </>
  );
}

function Row({
  name,
  changed,
  children,
}: {
  name: string;
  changed: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <tr class={changed ? 'changed' : undefined}>
      <th scope="row">
        {name}
        {changed && <span class="visually-hidden"> changed</span>}
      </th>
      <td>{children}</td>
    </tr>
  );
}

function Flags({ rflags, before }: { rflags: bigint; before: bigint | undefined }): JSX.Element {
  return (
    <ul class="flags" aria-label="Flags">
      {FLAGS.map((flag) => {
        const set = isSet(rflags, flag);
        const changed = before !== undefined && isSet(before, flag) !== set;
        return (
          <li key={flag.name} class={`${set ? 'set' : ''} ${changed ? 'changed' : ''}`} title={flag.about}>
            {flag.name}
            <span class="visually-hidden">{set ? ' set' : ' clear'}</span>
            {changed && <span class="visually-hidden">, changed</span>}
          </li>
        );
      })}
      <li class={iopl(rflags) > 0 ? 'set' : ''} title="I/O privilege level">
        IOPL {iopl(rflags)}
      </li>
    </ul>
  );
}

function BitNames({ bits }: { bits: readonly Bit[] }): JSX.Element {
  return (
    <span class="bits">
      {bits.map(({ name, about }) => (
        <span key={name} title={about}>
          {name}{' '}
        </span>
      ))}
    </span>
  );
}
