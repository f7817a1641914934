// Family X87.

import { missing } from '../missing';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function x87(op: usize): bool {
  return missing(op);
}
