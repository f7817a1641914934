// Family CRYPTO: AES, SHA and carry-less multiplication.

import { missing } from '../missing';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function crypto(op: usize): bool {
  return missing(op);
}
