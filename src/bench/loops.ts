// The names of the C loops in guests/bench.

/** Loops of integers and pointers: the geometric mean is theirs. */
export const INTEGER_LOOPS = [
  'sieve',
  'crc32',
  'sha256',
  'quicksort',
  'tree',
  'matrix',
  'mix',
  'bytecode',
  'fib',
  'strings',
] as const;
/** The same floating-point loops for SSE2 and for the x87. */
export const FLOAT_LOOPS = ['nbody-sse2', 'mandelbrot-sse2', 'nbody-x87', 'mandelbrot-x87'] as const;
/** In the order of the table. */
export const LOOPS = [...INTEGER_LOOPS, ...FLOAT_LOOPS] as const;
export type LoopName = (typeof LOOPS)[number];
