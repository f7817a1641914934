// Arithmetic, comparisons and roots of vectors and scalars, exactly and element by element.

import { add, divide, multiply, squareRoot, subtract } from '../float/arithmetic';
import { EQUAL, LESS, maximum, minimum, predicate, relate, UNORDERED } from '../float/compare';
import { toIntegral } from '../float/convert';
import { useRounding } from '../float/environment';
import { reciprocal, reciprocalRoot } from '../float/estimate';
import { Operation } from '../decode/operation';
import { ARITHMETIC, CF, PF, setFlags, ZF } from '../flags';
import { cpu, RFLAGS } from '../state';
import { BASE, DISP, DST, SRC, V_FLAGS, V_VEX } from '../uop';
import { accepted, finishScalar, finishVector, gathered, getLane, putLane, vectorBytes } from './float-lane';

/** One element of an operation named by its PS form. */
function combine<T>(operation: u32, a: u64, b: u64, code: u32): u64 {
  switch (operation) {
    case Operation.ADDPS:
      return add<T>(a, b);
    case Operation.SUBPS:
      return subtract<T>(a, b);
    case Operation.MULPS:
      return multiply<T>(a, b);
    case Operation.DIVPS:
      return divide<T>(a, b);
    case Operation.MINPS:
      return minimum<T>(a, b);
    case Operation.MAXPS:
      return maximum<T>(a, b);
    default:
      return predicate<T>(a, b, code) ? ~(<u64>0) : 0;
  }
}
function combineAll<T>(op: usize, operation: u32, code: u32): bool {
  const a = <usize>load<u16>(op, BASE);
  const b = <usize>load<u32>(op, SRC);
  const count = vectorBytes(op) / sizeof<T>();
  for (let i: usize = 0; i < count; i++) {
    putLane<T>(gathered(), i, combine<T>(operation, getLane<T>(a, i), getLane<T>(b, i), code));
  }
  return finishVector(op);
}
function combineOne<T>(op: usize, operation: u32, code: u32): bool {
  const a = getLane<T>(load<u16>(op, BASE), 0);
  const b = getLane<T>(load<u32>(op, SRC), 0);
  return finishScalar<T>(op, combine<T>(operation, a, b, code));
}

/** Two sources. Of each operation there are PS, PD, SS and SD, in this order. */
export function binary(op: usize, operation: u32): bool {
  // the operations are four each, from ADDPS on and from SUBPS on
  const form = (operation - (operation < <u32>Operation.SUBPS ? <u32>Operation.ADDPS : <u32>Operation.SUBPS)) & 3;
  const code = load<u32>(op, DISP) & (load<u8>(op, V_FLAGS) & V_VEX ? 31 : 7);
  switch (form) {
    case 0:
      return combineAll<u32>(op, operation, code);
    case 1:
      return combineAll<u64>(op, operation - 1, code);
    case 2:
      return combineOne<u32>(op, operation - 2, code);
    default:
      return combineOne<u64>(op, operation - 3, code);
  }
}

/** One element of an operation with one source. */
function transform<T>(operation: u32, a: u64, silently: bool): u64 {
  switch (operation) {
    case Operation.SQRTPS:
    case Operation.SQRTPD:
    case Operation.SQRTSS:
    case Operation.SQRTSD:
      return squareRoot<T>(a);
    case Operation.RSQRTPS:
    case Operation.RSQRTSS:
      return reciprocalRoot(a);
    case Operation.RCPPS:
    case Operation.RCPSS:
      return reciprocal(a);
    default:
      return toIntegral<T>(a, silently);
  }
}
function transformAll<T>(op: usize, operation: u32, silently: bool): bool {
  const source = <usize>load<u32>(op, SRC);
  const count = vectorBytes(op) / sizeof<T>();
  for (let i: usize = 0; i < count; i++) {
    putLane<T>(gathered(), i, transform<T>(operation, getLane<T>(source, i), silently));
  }
  return finishVector(op);
}
export function unary(op: usize, operation: u32): bool {
  const control = load<u32>(op, DISP);
  // bit 2: as MXCSR says; bit 3: no precision exception (SDM vol. 2, figure 4-24)
  if (operation >= <u32>Operation.ROUNDPS && !(control & 4)) useRounding(control & 3);
  const silently = (control & 8) != 0;
  switch (operation) {
    case Operation.SQRTPD:
    case Operation.ROUNDPD:
      return transformAll<u64>(op, operation, silently);
    case Operation.SQRTSS:
    case Operation.RSQRTSS:
    case Operation.RCPSS:
    case Operation.ROUNDSS:
      return finishScalar<u32>(op, transform<u32>(operation, getLane<u32>(load<u32>(op, SRC), 0), silently));
    case Operation.SQRTSD:
    case Operation.ROUNDSD:
      return finishScalar<u64>(op, transform<u64>(operation, getLane<u64>(load<u32>(op, SRC), 0), silently));
    default:
      return transformAll<u32>(op, operation, silently);
  }
}

/** UCOMISS, UCOMISD, COMISS, COMISD: the relation as ZF, PF and CF. */
export function compareFlags(op: usize, operation: u32): bool {
  const a = <usize>load<u16>(op, DST);
  const b = <usize>load<u32>(op, SRC);
  const signalling = operation >= <u32>Operation.COMISS;
  const relation =
    (operation - <u32>Operation.UCOMISS) & 1
      ? relate<u64>(load<u64>(a), load<u64>(b), signalling)
      : relate<u32>(load<u32>(a), load<u32>(b), signalling);
  if (!accepted()) return false;
  const flags = relation == UNORDERED ? ZF | PF | CF : relation == EQUAL ? ZF : relation == LESS ? CF : 0;
  setFlags((load<u32>(cpu, RFLAGS) & ~ARITHMETIC) | flags);
  return true;
}

/** Sums or differences of neighbours, the first source's in the lower half of each 16 bytes; or differences and sums of elements in turn. */
function neighbours<T>(op: usize, negative: bool, alternating: bool): bool {
  const count = vectorBytes(op) / sizeof<T>();
  const half: usize = 8 / sizeof<T>();
  for (let i: usize = 0; i < count; i++) {
    let at = <usize>load<u16>(op, BASE);
    let a: u64;
    let b: u64;
    if (alternating) {
      a = getLane<T>(at, i);
      b = getLane<T>(load<u32>(op, SRC), i);
    } else {
      if (i & half) at = load<u32>(op, SRC);
      const first = (i & ~(2 * half - 1)) + 2 * (i & (half - 1));
      a = getLane<T>(at, first);
      b = getLane<T>(at, first + 1);
    }
    const difference = alternating ? !(i & 1) : negative;
    putLane<T>(gathered(), i, difference ? subtract<T>(a, b) : add<T>(a, b));
  }
  return finishVector(op);
}
export function horizontal(op: usize, operation: u32): bool {
  const negative = operation == <u32>Operation.HSUBPS || operation == <u32>Operation.HSUBPD;
  const alternating = operation >= <u32>Operation.ADDSUBPS;
  if ((operation - <u32>Operation.HADDPS) & 1) return neighbours<u64>(op, negative, alternating);
  return neighbours<u32>(op, negative, alternating);
}
