// Which operations of family FLOAT have handlers of their own in the run loop.

import { BASE, DST, HANDLER, Uop, V_256, V_FLAGS, V_SIZE } from '../uop';
import { Operation } from '../decode/operation';
import { emit, setDst, setSrc } from './emit';

/** Those of the SS and SD forms leave the rest of the vector alone: bytes that come from the first source when that is not the
 * destination too. 0 = no handler of its own. */
let element: usize = 0;
function scalar(handler: u32, bytes: usize): u32 {
  element = bytes;
  return handler;
}
function handlerOf(operation: u32, wide: bool, long: bool): u32 {
  element = 0;
  switch (operation) {
    case Operation.ADDSD:
      return scalar(Uop.ADDSD, 8);
    case Operation.SUBSD:
      return scalar(Uop.SUBSD, 8);
    case Operation.MULSD:
      return scalar(Uop.MULSD, 8);
    case Operation.DIVSD:
      return scalar(Uop.DIVSD, 8);
    case Operation.SQRTSD:
      return scalar(Uop.SQRTSD, 8);
    case Operation.MINSD:
      return scalar(Uop.MINSD, 8);
    case Operation.MAXSD:
      return scalar(Uop.MAXSD, 8);
    case Operation.ADDSS:
      return scalar(Uop.ADDSS, 4);
    case Operation.SUBSS:
      return scalar(Uop.SUBSS, 4);
    case Operation.MULSS:
      return scalar(Uop.MULSS, 4);
    case Operation.DIVSS:
      return scalar(Uop.DIVSS, 4);
    case Operation.SQRTSS:
      return scalar(Uop.SQRTSS, 4);
    case Operation.MINSS:
      return scalar(Uop.MINSS, 4);
    case Operation.MAXSS:
      return scalar(Uop.MAXSS, 4);
    case Operation.CVTSI2SD:
      return scalar(long ? Uop.CVTSI2SD64 : Uop.CVTSI2SD32, 8);
    case Operation.CVTSS2SD:
      return scalar(Uop.CVTSS2SD, 8);
    case Operation.CVTSD2SS:
      return scalar(Uop.CVTSD2SS, 4);
    case Operation.COMISD:
    case Operation.UCOMISD:
      return Uop.COMISD;
    case Operation.COMISS:
    case Operation.UCOMISS:
      return Uop.COMISS;
    case Operation.CVTTSD2SI:
      return long ? Uop.CVTTSD2SI64 : Uop.CVTTSD2SI32;
  }
  if (wide) return 0;
  switch (operation) {
    case Operation.ADDPD:
      return Uop.ADDPD;
    case Operation.SUBPD:
      return Uop.SUBPD;
    case Operation.MULPD:
      return Uop.MULPD;
    case Operation.DIVPD:
      return Uop.DIVPD;
    case Operation.ADDPS:
      return Uop.ADDPS;
    case Operation.SUBPS:
      return Uop.SUBPS;
    case Operation.MULPS:
      return Uop.MULPS;
    case Operation.DIVPS:
      return Uop.DIVPS;
  }
  return 0;
}

/** Exchanges FLOAT for a handler of its own, if there is one, in the micro-operation just made. */
export function quicken(op: usize, operation: u32): void {
  const handler = handlerOf(operation, (load<u8>(op, V_FLAGS) & V_256) != 0, load<u8>(op, V_SIZE) == 3);
  if (!handler) return;
  store<u16>(op, <u16>handler, HANDLER);
  const to = <usize>load<u16>(op, DST);
  const from = <usize>load<u16>(op, BASE);
  if (!element || to == from) return;
  // behind the arithmetic, which may fault
  if (element == 4) copy(Uop.MOVX32, to + 4, from + 4);
  copy(Uop.MOVX64, to + 8, from + 8);
}
function copy(handler: u32, to: usize, from: usize): void {
  const op = emit(handler);
  setDst(op, to);
  setSrc(op, from);
}
