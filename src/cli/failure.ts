// What ends a command without success: one line for the person, and a status for scripts.

/** Statuses that mean something by themselves. A guest's own, from the debug-exit port, are odd; these are 1 or even. */
export const Status = {
  Success: 0,
  Failure: 1,
  Usage: 2,
  /** `fuzz` has found something. */
  Found: 4,
  /** As timeout(1) has it. */
  TimedOut: 124,
  /** The guest crashed: a triple fault. As of a process ended by SIGABRT. */
  Crashed: 134,
  /** As of a process ended by SIGINT. */
  Interrupted: 130,
} as const;

/** Something could not be done; the message says what and where. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly status: number = Status.Failure;
}

/** The command line asks for something that cannot be. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  override readonly status = Status.Usage;
}

/** The one line that says what went wrong; whole stacks only for bugs of our own. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.split('\n').join(' ');
}
