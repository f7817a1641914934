/** A measurement that would not mean what its row says: what was measured, and what went wrong. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
