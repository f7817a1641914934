// Family PACKED: moves, shuffles, logic and integers on MMX, XMM and YMM registers.

import { missing } from '../missing';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function packed(op: usize): bool {
  return missing(op);
}
