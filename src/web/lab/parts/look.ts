// Panels that ask the machine for something: at every stop, and with each look at the registers while the guest runs. Nobody
// is asked for a panel that cannot be seen: in a hidden page, a closed <details>, or scrolled away while the guest runs.

import { useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import { useEffect, useRef, type MutableRef } from 'preact/hooks';
import type { Pc } from '../../../index.js';
import type { Remote } from '../../client/index.js';
import type { Session } from '../machine/session.js';

/** Whether an element is on the screen, and the page is looked at. */
export function useSeen(place: MutableRef<Element | null>): ReadonlySignal<boolean> {
  const seen = useSignal(false);
  useEffect(() => {
    let inside = false;
    const tell = (): void => {
      seen.value = inside && document.visibilityState === 'visible';
    };
    const observer = new IntersectionObserver(
      (entries) => {
        inside = entries.at(-1)!.isIntersecting;
        tell();
      },
      { rootMargin: '200px' },
    );
    observer.observe(place.current!);
    document.addEventListener('visibilitychange', tell);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', tell);
    };
  }, [place, seen]);
  return seen;
}

export interface Look<T> {
  readonly value: T | undefined;
  /** Why there is none. */
  readonly error: string;
}

/** What `ask` finds, kept up to date; asked anew when one of the signals that it reads changes, too. */
export function useLook<T>(
  session: Session,
  place: MutableRef<Element | null>,
  ask: (pc: Remote<Pc>) => Promise<T>,
): ReadonlySignal<Look<T>> {
  const look = useSignal<Look<T>>({ value: undefined, error: '' });
  const seen = useSeen(place);
  const asked = useRef(0);
  useSignalEffect(() => {
    const state = session.state.value;
    const onScreen = seen.value;
    const running = session.status.peek() === 'running';
    const { pc } = session;
    if (pc === undefined || state === undefined || place.current === null) return;
    if (running ? !onScreen : document.visibilityState === 'hidden' || !place.current.checkVisibility()) return;
    const turn = ++asked.current;
    ask(pc).then(
      (value) => {
        if (turn === asked.current) look.value = { value, error: '' };
      },
      (error: unknown) => {
        // A machine that was closed meanwhile answers nothing; the next one will be asked.
        if (turn !== asked.current || pc !== session.pc || session.status.value === 'loading') return;
        look.value = { value: undefined, error: error instanceof Error ? error.message : String(error) };
      },
    );
  });
  return look;
}
