// Family FLOAT: single and double precision arithmetic.

import { missing } from '../missing';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function float(op: usize): bool {
  return missing(op);
}
