// Families of operations that share their form as micro-operations and the room that executes them: ranges of operation.ts.

import { Operation } from './operation';

export const FAMILY_GENERAL: u32 = 0;
/** Arithmetic that MXCSR governs: vector/float.ts. */
export const FAMILY_FLOAT: u32 = 1;
/** Moves, shuffles, logic and integers on MMX, XMM and YMM registers: vector/packed.ts. */
export const FAMILY_PACKED: u32 = 2;
/** Several memory accesses by a mask or a vector of indices: vector/masked.ts. */
export const FAMILY_MASKED: u32 = 3;
/** AES, SHA, carry-less multiplication: vector/crypto.ts. */
export const FAMILY_CRYPTO: u32 = 4;
/** x87/x87.ts. */
export const FAMILY_X87: u32 = 5;

export function familyOf(operation: u32): u32 {
  if (operation < <u32>Operation.CVTPI2PS || operation > <u32>Operation.FIRST_UNIMPLEMENTED) return FAMILY_GENERAL;
  if (operation < <u32>Operation.MOVUPS) return FAMILY_FLOAT;
  if (operation == <u32>Operation.MASKMOVQ || operation == <u32>Operation.MASKMOVDQU) return FAMILY_MASKED;
  if (operation >= <u32>Operation.FADD) return FAMILY_X87;
  if (operation >= <u32>Operation.SHA1NEXTE) return FAMILY_CRYPTO;
  return operation >= <u32>Operation.VMASKMOVPS ? FAMILY_MASKED : FAMILY_PACKED;
}
