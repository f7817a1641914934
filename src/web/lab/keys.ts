// The keyboard: one key for each button, where no text is being typed.

import { useEffect } from 'preact/hooks';
import type { Session } from './machine/session.js';

export function useKeys(session: Session): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      if (event.target instanceof Element && event.target.closest('input, select, textarea, button, .xterm')) return;
      const action = actionOf(event.key, session);
      if (action === undefined) return;
      event.preventDefault();
      void action();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [session]);
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
    default:
      return undefined;
  }
}
