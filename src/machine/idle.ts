// Waiting while the guest is halted, at no cost to the host: until a time of the guest's clock, or until somebody outside
// has something for it.

/** The longest single wait in milliseconds: what setTimeout() can take is far more, but a clock may be put forward. */
const LONGEST_MS = 60_000;

export class Idle {
  #wake: (() => void) | undefined;
  #woken = false;

  /** Something has come from outside: the guest is looked at now, or does not begin to wait the next time. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#wake?.();
  };

  /** Somebody waits just now. */
  get waiting(): boolean {
    return this.#wake !== undefined;
  }

  /** What has come so far has been seen. */
  begin(): void {
    this.#woken = false;
  }

  /** Resolves after so many milliseconds (Infinity: never by itself), or when wake() has been called since begin(). */
  async wait(milliseconds: number): Promise<void> {
    if (this.#woken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
