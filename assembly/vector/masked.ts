// Family MASKED: memory accesses by a mask or a vector of indices.

import { missing } from '../missing';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function masked(op: usize): bool {
  return missing(op);
}
