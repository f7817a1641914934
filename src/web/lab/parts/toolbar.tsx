// What is run, and the buttons that run it.

import type { JSX } from 'preact';
import { GUESTS, type GuestName } from '../machine/guests.js';
import type { Session } from '../machine/session.js';
import { DOORBELL_MODES, KICK_KINDS, PAGING_MODES, type Settings } from '../machine/settings.js';
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
        <CopyLink />
        <Help />
      </div>
    </section>
  );
}

function Choices({ session }: { session: Session }): JSX.Element {
  const settings = session.settings.value;
  const image = session.image.value;
  return (
    <div class="choices">
      <label>
        Guest
        <select
          value={image === undefined ? settings.guest : ''}
          onChange={({ currentTarget }) => void session.change({ guest: currentTarget.value as GuestName })}
        >
          {image !== undefined && <option value="">{image.name}</option>}
          {GUESTS.map(({ name, about }) => (
            <option key={name} value={name} title={about}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Choice session={session} name="paging" label="Paging" values={PAGING_MODES} />
      <Choice session={session} name="doorbells" label="Doorbells" values={DOORBELL_MODES} />
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
