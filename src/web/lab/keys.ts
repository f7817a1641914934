// The keyboard: one key for each button, where no text is being typed.

import { useEffect } from 'preact/hooks';
import type { Session } from './machine/session.js';

export function useKeys(session: Session): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      if (event.target instanceof Element && event.target.closest(busyWith(event.key))) return;
      const action = actionOf(event.key, session);
      if (action === undefined) return;
      event.preventDefault();
      void action();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [session]);
}

/** Where text is typed, or keys are the guest's. */
export const TYPED = 'input, select, textarea, .xterm, .keyboard';

/** Where a key means something else: letters where text is typed or chosen, Space also on what it presses. */
function busyWith(key: string): string {
  return key === ' ' ? `${TYPED}, button, a, summary, [role=tab]` : TYPED;
}

function actionOf(key: string, session: Session): (() => Promise<void>) | undefined {
  switch (key.toLowerCase()) {
    case ' ':
      return () => (session.status.value === 'running' ? session.pause() : session.run());
    case 's':
      return () => session.step();
    case 'r':
      return () => session.reset();
    case 't':
      return () => session.snapshot();
    case 'e':
      return () => session.restore();
    case 'p':
      return session.status.value === 'running' ? () => session.pressPower() : undefined;
    default:
      return undefined;
  }
}
