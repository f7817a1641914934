// How late a periodic timer may be before it gives up ticks. With the real clock the host may stop a machine for hours; guests
// that count ticks want the few of a short delay made up for, and nobody wants an hour of them.

/** In nanoseconds. */
export const MOST_LAG = 1e9;
