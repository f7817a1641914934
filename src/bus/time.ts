// Guest time as a device sees it: it asks what time it is, and to be called at another.

/** Something that happens once, at a time; set() it again for the next. */
export interface Timer {
  /** When it is due, in nanoseconds since power-on; Infinity while it is not set. */
  readonly deadline: number;
  /** Due at `at` nanoseconds since power-on, instead of whenever it was due before. A time that is past is due at once. */
  set(at: number): void;
  cancel(): void;
}

/** The clock of a machine. Times are nanoseconds since power-on, as numbers: exact for 104 days. */
export interface TimeSource {
  now(): number;
  /** A timer that is not set yet. `fire` is called when it is due, never inside set(), with the time it was due at. */
  timer(fire: (due: number) => void): Timer;
}
