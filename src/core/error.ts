/** The CPU core cannot be loaded, or its memory cannot be had: what is wrong, and what to do. */
export class CoreError extends Error {
  override readonly name = 'CoreError';
}
