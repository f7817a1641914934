// What the guest shows: its serial console, and once it has drawn there, its text screen. Both lie in one place, which has room
// for the larger one, so that nothing on the page moves when the other is looked at, or comes into being.

import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef } from 'preact/hooks';
import type { Session } from '../machine/session.js';
import { ScreenFollower } from '../machine/text-screen.js';
import { ConsolePanel, type SerialConsole } from './console.js';
import './displays.css';
import { useSeen } from './look.js';
import { ScreenPanel } from './screen.js';

type Display = 'serial' | 'screen';
const NAMES = { serial: 'Serial console', screen: 'VGA text screen' } as const;

interface DisplaysProps {
  session: Session;
  serial: SerialConsole;
  send: (bytes: Uint8Array) => void;
}

export function Displays({ session, serial, send }: DisplaysProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const follower = useMemo(() => new ScreenFollower(session), [session]);
  const chosen = useSignal<Display | undefined>(undefined);
  const seen = useSeen(place);
  const sendKey = useCallback((key: string, down: boolean) => session.key(key, down), [session]);
  const written = follower.written.value;
  // The screen comes to the front by itself unless something was chosen, or is being typed.
  const front: Display = !written ? 'serial' : (chosen.value ?? 'screen');

  useSignalEffect(() => {
    void session.state.value;
    void session.status.value;
    follower.shown = seen.value && follower.written.value && (chosen.value ?? 'screen') === 'screen';
    follower.look();
  });
  useEffect(() => () => follower.stop(), [follower]);

  const tabs: readonly Display[] = written ? ['serial', 'screen'] : ['serial'];
  const turn = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    if (!written) return;
    chosen.value = front === 'serial' ? 'screen' : 'serial';
    document.getElementById(`tab-${chosen.value}`)?.focus();
    event.preventDefault();
  };
  return (
    <div class="displays" ref={place}>
      <div class="tabs" role="tablist" aria-label="What the guest shows" onKeyDown={turn}>
        {tabs.map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={front === name}
            aria-controls={`display-${name}`}
            tabIndex={front === name ? 0 : -1}
            onClick={() => (chosen.value = name)}
          >
            {NAMES[name]}
          </button>
        ))}
      </div>
      <div class="stack">
        <div
          id="display-serial"
          role="tabpanel"
          aria-labelledby="tab-serial"
          class={front === 'serial' ? '' : 'behind'}
          onFocusIn={() => (chosen.value ??= 'serial')}
        >
          <ConsolePanel serial={serial} send={send} />
        </div>
        <div id="display-screen" role="tabpanel" aria-label={NAMES.screen} class={front === 'screen' ? '' : 'behind'}>
          <ScreenPanel follower={follower} send={sendKey} />
        </div>
      </div>
    </div>
  );
}
