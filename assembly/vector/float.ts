// Family FLOAT: single and double precision arithmetic on XMM and YMM registers, governed by MXCSR.

import { useMxcsr } from '../float/environment';
import { Operation } from '../decode/operation';
import { V_OPERATION } from '../uop';
import { compareFlags, binary, horizontal, unary } from './float-arithmetic';
import { convertVector } from './float-convert';
import { dotProduct } from './float-dot';
import { fusedMultiply } from './float-fused';
import { plain } from './plain';

/** Executes a micro-operation of the family. False = raised, and nothing has changed but MXCSR's flags. */
export function float(op: usize): bool {
  const operation = <u32>load<u16>(op, V_OPERATION);
  if (plain(op, operation)) return true;
  useMxcsr();
  if (operation >= <u32>Operation.VFMADDSUB132PS) return fusedMultiply(op, operation);
  switch (operation) {
    case Operation.ADDPS:
    case Operation.ADDPD:
    case Operation.ADDSS:
    case Operation.ADDSD:
    case Operation.MULPS:
    case Operation.MULPD:
    case Operation.MULSS:
    case Operation.MULSD:
    case Operation.SUBPS:
    case Operation.SUBPD:
    case Operation.SUBSS:
    case Operation.SUBSD:
    case Operation.MINPS:
    case Operation.MINPD:
    case Operation.MINSS:
    case Operation.MINSD:
    case Operation.DIVPS:
    case Operation.DIVPD:
    case Operation.DIVSS:
    case Operation.DIVSD:
    case Operation.MAXPS:
    case Operation.MAXPD:
    case Operation.MAXSS:
    case Operation.MAXSD:
    case Operation.CMPPS:
    case Operation.CMPPD:
    case Operation.CMPSS:
    case Operation.CMPSD:
      return binary(op, operation);
    case Operation.SQRTPS:
    case Operation.SQRTPD:
    case Operation.SQRTSS:
    case Operation.SQRTSD:
    case Operation.RSQRTPS:
    case Operation.RSQRTSS:
    case Operation.RCPPS:
    case Operation.RCPSS:
    case Operation.ROUNDPS:
    case Operation.ROUNDPD:
    case Operation.ROUNDSS:
    case Operation.ROUNDSD:
      return unary(op, operation);
    case Operation.UCOMISS:
    case Operation.UCOMISD:
    case Operation.COMISS:
    case Operation.COMISD:
      return compareFlags(op, operation);
    case Operation.HADDPS:
    case Operation.HADDPD:
    case Operation.HSUBPS:
    case Operation.HSUBPD:
    case Operation.ADDSUBPS:
    case Operation.ADDSUBPD:
      return horizontal(op, operation);
    case Operation.DPPS:
    case Operation.DPPD:
      return dotProduct(op, operation);
    default:
      return convertVector(op, operation);
  }
}
