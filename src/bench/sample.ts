// What to report of several repetitions of a measurement: the fastest, which other load on the machine disturbs least, and
// the median, which says how typical it is.

export interface Sample {
  /** The fastest repetition. */
  readonly min: number;
  readonly median: number;
}

/** Throws RangeError for no values at all. */
export function sampleOf(values: readonly number[]): Sample {
  if (values.length === 0) throw new RangeError('sampleOf: there is nothing to sum up');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median };
}

/** The geometric mean, the fair one for speeds of unlike programs. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
