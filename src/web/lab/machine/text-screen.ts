// What the guest has on its text screen, asked for while somebody looks.

import { signal, type ReadonlySignal } from '@preact/signals';
import { TEXT_COLOURS, TEXT_COLUMNS, TEXT_ROWS, type TextScreen } from '../../../index.js';
import type { Session } from './session.js';

export { TEXT_COLOURS, TEXT_COLUMNS, TEXT_ROWS, type TextScreen };

/** Milliseconds between two looks at a screen that is shown, and at one of which nothing is known yet. */
const SHOWN_MS = 50;
const HIDDEN_MS = 500;

/** Light grey on black: what a blank cell has. */
const BLANK = 0x07;

/** Whether anything has been drawn: a character, or another colour. */
export function drawnOn({ lines, attributes }: TextScreen): boolean {
  return attributes.some((attribute) => attribute !== BLANK) || lines.some((line) => /[^ ]/.test(line));
}

/** Follows the screen of the session's machine, and of the next one. */
export class ScreenFollower {
  readonly #session: Session;
  readonly #screen = signal<TextScreen | undefined>(undefined);
  readonly #written = signal(false);
  #pc: Session['pc'];
  #shown = false;
  #asking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Undefined before the first look at a machine. */
  get screen(): ReadonlySignal<TextScreen | undefined> {
    return this.#screen;
  }
  /** The guest has drawn on it since the machine was made. */
  get written(): ReadonlySignal<boolean> {
    return this.#written;
  }

  /** Looks more often at a screen that is shown. */
  set shown(shown: boolean) {
    this.#shown = shown;
    if (shown) this.look();
  }

  /** Now, and again as long as the guest runs. */
  look(): void {
    clearTimeout(this.#timer);
    const session = this.#session;
    const { pc } = session;
    if (pc === undefined || document.visibilityState === 'hidden') return;
    if (pc !== this.#pc) {
      this.#pc = pc;
      this.#screen.value = undefined;
      this.#written.value = false;
    }
    if (!this.#asking) {
      this.#asking = true;
      pc.vga
        .screen(this.#screen.value?.generation ?? -1)
        .then((screen) => {
          if (screen === undefined || pc !== this.#pc) return;
          this.#screen.value = screen;
          if (drawnOn(screen)) this.#written.value = true;
        })
        // A machine that was closed meanwhile has no screen.
        .catch(() => {})
        .finally(() => (this.#asking = false));
    }
    if (session.status.peek() === 'running') {
      this.#timer = setTimeout(() => this.look(), this.#shown ? SHOWN_MS : HIDDEN_MS);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
