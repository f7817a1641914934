// What is run, and the buttons that run it.

import type { JSX } from 'preact';
import { GUESTS, type Guest, type GuestName } from '../machine/guests.js';
import type { Session } from '../machine/session.js';
import { nameOf } from '../machine/dropped.js';
import { CPU_MODELS, DOORBELL_MODES, KICK_KINDS, PAGING_MODES, type Settings } from '../machine/settings.js';
import { CopyLink } from './copy-link.js';
import { Help } from './help.js';

interface Button {
  label: string;
  key: string;
  action: () => Promise<void>;
  disabled?: boolean;
}

export function Toolbar({ session }: { session: Session }): JSX.Element {
  const status = session.status.value;
  const running = status === 'running';
  const busy = status === 'loading';
  const buttons: Button[] = [
    running
      ? { label: 'Pause', key: 'Space', action: () => session.pause() }
      : { label: 'Run', key: 'Space', action: () => session.run(), disabled: busy },
    { label: 'Step', key: 'S', action: () => session.step(), disabled: running || busy || status === 'ended' },
    { label: 'Reset', key: 'R', action: () => session.reset(), disabled: busy },
    { label: 'Snapshot', key: 'T', action: () => session.snapshot(), disabled: busy },
    { label: 'Restore', key: 'E', action: () => session.restore(), disabled: busy || !session.saved.value },
  ];
  return (
    <section class="toolbar" aria-label="Machine">
      <Choices session={session} />
      <div class="buttons" role="group" aria-label="Control">
        {buttons.map(({ label, key, action, disabled = false }) => (
          <button
            key={label}
            type="button"
            class={label === 'Run' || label === 'Pause' ? 'primary' : ''}
            disabled={disabled}
            aria-keyshortcuts={key}
            onClick={() => void action()}
          >
            {label} <kbd aria-hidden="true">{key}</kbd>
          </button>
        ))}
      </div>
      <div class="extras" role="group" aria-label="Page">
        <button
          type="button"
          class="plain"
          disabled={!running}
          aria-keyshortcuts="P"
          title="Presses the machine’s power button: an operating system shuts down"
          onClick={() => void session.pressPower()}
        >
          Power <kbd aria-hidden="true">P</kbd>
        </button>
        <CopyLink />
        <Help />
      </div>
    </section>
  );
}

function Choices({ session }: { session: Session }): JSX.Element {
  const settings = session.settings.value;
  const dropped = session.dropped.value;
  return (
    <div class="choices">
      <label>
        Guest
        <select
          value={dropped === undefined ? settings.guest : ''}
          onChange={({ currentTarget }) => void session.change({ guest: currentTarget.value as GuestName })}
        >
          {dropped !== undefined && <option value="">{nameOf(dropped)}</option>}
          {GUESTS.map((guest: Guest) => (
            <option key={guest.name} value={guest.name} title={guest.about}>
              {guest.title ?? guest.name}
            </option>
          ))}
        </select>
      </label>
      <Choice session={session} name="paging" label="Paging" values={PAGING_MODES} />
      <Choice session={session} name="doorbells" label="Doorbells" values={DOORBELL_MODES} />

      <Choice session={session} name="cpu" label="Processor" values={CPU_MODELS} />
      <Choice session={session} name="kick" label="Kick" values={KICK_KINDS} disabled={settings.guest !== 'kicker'} />
    </div>
  );
}

interface ChoiceProps<K extends keyof Settings> {
  session: Session;
  name: K;
  label: string;
  values: readonly Settings[K][];
  disabled?: boolean;
}

function Choice<K extends keyof Settings>({
  session,
  name,
  label,
  values,
  disabled = false,
}: ChoiceProps<K>): JSX.Element {
  return (
    <label>
      {label}
      <select
        value={session.settings.value[name]}
        disabled={disabled}
        onChange={({ currentTarget }) => void session.change({ [name]: currentTarget.value })}
      >
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}
