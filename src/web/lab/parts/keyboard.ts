// The keys that are pressed while the screen has the focus, for the machine's keyboard. Tab stays the page's: it leads out again.

export class Keyboard {
  readonly #send: (key: string, down: boolean) => void;
  readonly #held = new Set<string>();

  constructor(send: (key: string, down: boolean) => void) {
    this.#send = send;
  }

  readonly down = (event: KeyboardEvent): void => {
    if (event.code === 'Tab' || event.code === '') return;
    event.preventDefault();
    this.#held.add(event.code);
    this.#send(event.code, true);
  };

  readonly up = (event: KeyboardEvent): void => {
    if (!this.#held.delete(event.code)) return;
    event.preventDefault();
    this.#send(event.code, false);
  };

  /** Nobody would tell of keys that are let go elsewhere. */
  readonly letGo = (): void => {
    for (const code of this.#held) this.#send(code, false);
    this.#held.clear();
  };
}
