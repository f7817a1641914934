// What the keys do: a dialog that `?` opens.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { TYPED } from '../keys.js';

const KEYS = [
  { keys: ['Space'], does: 'run, or pause' },
  { keys: ['S'], does: 'step: one instruction' },
  { keys: ['R'], does: 'reset: a new machine' },
  { keys: ['T'], does: 'take a snapshot' },
  { keys: ['E'], does: 'restore the snapshot' },
  { keys: ['P'], does: 'press the power button' },
  { keys: ['?'], does: 'this help' },
] as const;

export function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key !== '?' || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target instanceof Element && event.target.closest(`${TYPED}, dialog`)) return;
      event.preventDefault();
      dialog.current?.showModal();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
  return (
    <>
      <button
        type="button"
        class="plain"
        aria-haspopup="dialog"
        aria-keyshortcuts="?"
        onClick={() => dialog.current?.showModal()}
      >
        Keys <kbd aria-hidden="true">?</kbd>
      </button>
      <dialog
        class="help"
        aria-labelledby="help-heading"
        ref={dialog}
        onClick={({ target }) => target === dialog.current && dialog.current?.close()}
      >
        <form method="dialog">
          <h2 id="help-heading">Keys</h2>
          <dl>
            {KEYS.map(({ keys, does }) => (
              <div key={does}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
          <p class="note">
            They work where no text is typed. The console and the text screen take every key but Tab once they have the
            focus; Ctrl+Shift+V pastes into the console. An image dropped on the page is run as the guest.
          </p>
          <button type="submit" class="primary">
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}
