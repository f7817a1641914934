// Wasm's own arithmetic out of line: what the run loop has no handler for, and operands that are zero. Every lane must be zero or a
// normal number, before and after, and no result zero that was not so exactly; then nothing is to be reported but
// inexactness, which MXCSR has already (MXCSR_PLAIN) or which cannot be.

import { PREDICATES } from '../float/compare';
import { Operation } from '../decode/operation';
import { cpu } from '../state';
import { BASE, DISP, DST, SRC, V_256, V_FLAGS, V_VEX } from '../uop';
import { exactly } from './exact';
import { gathered } from './float-lane';
import { plainConversion } from './plain-convert';
import { isPlain } from './quick';

/** Whether all lanes of the last pieces were of the kind that plain arithmetic can do. */
export let fit: bool = false;
export function setFit(value: bool): void {
  fit = value;
}

// @ts-ignore: decorator
@inline function smallestNormal<T>(): v128 {
  return sizeof<T>() == 8 ? i64x2.splat(0x10000000000000) : i32x4.splat(0x800000);
}
// @ts-ignore: decorator
@inline function infinite<T>(): v128 {
  return sizeof<T>() == 8 ? i64x2.splat(0x7ff0000000000000) : i32x4.splat(0x7f800000);
}
// @ts-ignore: decorator
@inline function isZero<T>(a: v128): v128 {
  return v128.eq<T>(a, i64x2.splat(0));
}
/** Lanes that are zero or normal numbers. */
// @ts-ignore: decorator
@inline export function regular<T>(a: v128): v128 {
  const size = v128.abs<T>(a);
  return v128.and(v128.or(v128.ge<T>(size, smallestNormal<T>()), isZero<T>(a)), v128.lt<T>(size, infinite<T>()));
}
/** The same for results that may have been rounded: the smallest normal number may stand for a tiny one, an underflow. */
// @ts-ignore: decorator
@inline export function regularResult<T>(a: v128): v128 {
  const size = v128.abs<T>(a);
  return v128.and(v128.or(v128.gt<T>(size, smallestNormal<T>()), isZero<T>(a)), v128.lt<T>(size, infinite<T>()));
}
/** Lanes of a mask that are not in another. */
// @ts-ignore: decorator
@inline function without(a: v128, b: v128): v128 {
  return v128.andnot(a, b);
}
// @ts-ignore: decorator
@inline export function require<T>(mask: v128): void {
  fit = fit && v128.all_true<i32>(mask);
}

function addPieces<T>(a: v128, b: v128): v128 {
  const r = v128.add<T>(a, b);
  require<T>(v128.and(v128.and(regular<T>(a), regular<T>(b)), regular<T>(r)));
  return r;
}
function multiplyPieces<T>(a: v128, b: v128): v128 {
  const r = v128.mul<T>(a, b);
  const lost = without(isZero<T>(r), v128.or(isZero<T>(a), isZero<T>(b)));
  require<T>(without(v128.and(v128.and(regular<T>(a), regular<T>(b)), regularResult<T>(r)), lost));
  return r;
}
function dividePieces<T>(a: v128, b: v128): v128 {
  const r = v128.div<T>(a, b);
  const lost = v128.or(without(isZero<T>(r), isZero<T>(a)), isZero<T>(b));
  require<T>(without(v128.and(v128.and(regular<T>(a), regular<T>(b)), regularResult<T>(r)), lost));
  return r;
}
function rootPieces<T>(a: v128): v128 {
  require<T>(v128.and(regular<T>(a), v128.ge<T>(a, i64x2.splat(0))));
  return v128.sqrt<T>(a);
}
/** What the relation's three outcomes are in the predicate (float/compare.ts). */
function comparePieces<T>(a: v128, b: v128, code: u32): v128 {
  const outcomes = <u32>(PREDICATES >> ((code & 15) << 2));
  const never = i64x2.splat(0);
  return v128.or(
    v128.or(outcomes & 1 ? v128.lt<T>(a, b) : never, outcomes & 2 ? v128.eq<T>(a, b) : never),
    outcomes & 4 ? v128.gt<T>(a, b) : never,
  );
}
function roundPieces<T>(a: v128, control: u32): v128 {
  require<T>(regular<T>(a));
  switch (control & 4 ? 0 : control & 3) {
    case 0:
      return v128.nearest<T>(a);
    case 1:
      return v128.floor<T>(a);
    case 2:
      return v128.ceil<T>(a);
    default:
      return v128.trunc<T>(a);
  }
}
function evenLanes<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? v128.shuffle<f64>(a, b, 0, 2) : v128.shuffle<f32>(a, b, 0, 2, 4, 6);
}
function oddLanes<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? v128.shuffle<f64>(a, b, 1, 3) : v128.shuffle<f32>(a, b, 1, 3, 5, 7);
}
function negated<T>(a: v128): v128 {
  return v128.neg<T>(a);
}
/** The sign bits of lanes 0 and 2. */
// @ts-ignore: decorator
@inline function evenSigns<T>(): v128 {
  return sizeof<T>() == 8 ? i64x2(<i64>0x8000000000000000, 0) : i64x2.splat(0x80000000);
}

/** 16 bytes of an operation named by its PS form. */
function piece<T>(operation: u32, a: v128, b: v128, control: u32): v128 {
  switch (operation) {
    case Operation.ADDPS:
      return addPieces<T>(a, b);
    case Operation.SUBPS:
      return addPieces<T>(a, negated<T>(b));
    case Operation.MULPS:
      return multiplyPieces<T>(a, b);
    case Operation.DIVPS:
      return dividePieces<T>(a, b);
    case Operation.MINPS:
      require<T>(v128.and(regular<T>(a), regular<T>(b)));
      return v128.pmin<T>(b, a); // a < b ? a : b
    case Operation.MAXPS:
      require<T>(v128.and(regular<T>(a), regular<T>(b)));
      return v128.pmax<T>(b, a);
    case Operation.CMPPS:
      require<T>(v128.and(regular<T>(a), regular<T>(b)));
      return comparePieces<T>(a, b, control);
    case Operation.SQRTPS:
      return rootPieces<T>(b);
    case Operation.ROUNDPS:
      return roundPieces<T>(b, control);
    case Operation.HADDPS:
      return addPieces<T>(evenLanes<T>(a, b), oddLanes<T>(a, b));
    case Operation.HSUBPS:
      return addPieces<T>(evenLanes<T>(a, b), negated<T>(oddLanes<T>(a, b)));
    default: // ADDSUBPS
      return addPieces<T>(a, v128.xor(b, evenSigns<T>()));
  }
}
function whole<T>(op: usize, operation: u32, control: u32): bool {
  const a = <usize>load<u16>(op, BASE);
  const b = <usize>load<u32>(op, SRC);
  const to = <usize>load<u16>(op, DST);
  fit = true;
  const low = piece<T>(operation, v128.load(a), v128.load(b), control);
  if (load<u8>(op, V_FLAGS) & V_256) {
    const high = piece<T>(operation, v128.load(a, 16), v128.load(b, 16), control);
    if (fit) v128.store(to, high, 16);
  }
  if (fit) v128.store(to, low);
  return fit;
}
function lowest<T>(op: usize, operation: u32, control: u32): bool {
  const a = <usize>load<u16>(op, BASE);
  const b = <usize>load<u32>(op, SRC);
  fit = true;
  const result = piece<T>(operation, v128.splat<T>(load<T>(a)), v128.splat<T>(load<T>(b)), control);
  if (!fit) return false;
  const to = <usize>load<u16>(op, DST);
  v128.store(to, v128.load(a));
  store<T>(to, v128.extract_lane<T>(result, 0));
  return true;
}
/** `form`: PS, PD, SS, SD. */
function four(op: usize, base: u32, form: u32, control: u32): bool {
  switch (form) {
    case 0:
      return whole<f32>(op, base, control);
    case 1:
      return whole<f64>(op, base, control);
    case 2:
      return lowest<f32>(op, base, control);
    default:
      return lowest<f64>(op, base, control);
  }
}

/** Products, of which the immediate chooses some, and their sums in pairs. */
function dot<T>(op: usize, at: usize): void {
  const control = load<u32>(op, DISP);
  const products = multiplyPieces<T>(
    v128.load(<usize>load<u16>(op, BASE) + at),
    v128.load(<usize>load<u32>(op, SRC) + at),
  );
  v128.store(gathered() + at, products);
  const count: u32 = 16 / sizeof<T>();
  for (let i: u32 = 0; i < count; i++) if (!(control & (16 << i))) store<T>(gathered() + at + i * sizeof<T>(), 0);
  const chosen = v128.load(gathered() + at);
  let sum = addPieces<T>(evenLanes<T>(chosen, chosen), oddLanes<T>(chosen, chosen));
  if (sizeof<T>() == 4) sum = addPieces<T>(evenLanes<T>(sum, sum), oddLanes<T>(sum, sum));
  v128.store(gathered() + at, sum);
  for (let i: u32 = 0; i < count; i++) if (!(control & (1 << i))) store<T>(gathered() + at + i * sizeof<T>(), 0);
}
function dotProduct<T>(op: usize): bool {
  const to = <usize>load<u16>(op, DST);
  const wide = (load<u8>(op, V_FLAGS) & V_256) != 0;
  fit = true;
  dot<T>(op, 0);
  if (wide) dot<T>(op, 16);
  if (!fit) return false;
  v128.store(to, v128.load(gathered()));
  if (wide) v128.store(to, v128.load(gathered(), 16), 16);
  return true;
}

/** Does the operation if it can; false = nothing is done. */
export function plain(op: usize, operation: u32): bool {
  switch (operation) {
    case Operation.MINPS:
    case Operation.MINPD:
    case Operation.MINSS:
    case Operation.MINSD:
      return four(op, Operation.MINPS, operation - Operation.MINPS, 0);
    case Operation.MAXPS:
    case Operation.MAXPD:
    case Operation.MAXSS:
    case Operation.MAXSD:
      return four(op, Operation.MAXPS, operation - Operation.MAXPS, 0);
    case Operation.CMPPS:
    case Operation.CMPPD:
    case Operation.CMPSS:
    case Operation.CMPSD: {
      const code = load<u32>(op, DISP) & (load<u8>(op, V_FLAGS) & V_VEX ? 31 : 7);
      return four(op, Operation.CMPPS, operation - Operation.CMPPS, code);
    }
  }
  if (!isPlain(cpu)) return exactly(op, operation);
  switch (operation) {
    case Operation.ADDPS:
    case Operation.ADDPD:
    case Operation.ADDSS:
    case Operation.ADDSD:
      return four(op, Operation.ADDPS, operation - Operation.ADDPS, 0);
    case Operation.SUBPS:
    case Operation.SUBPD:
    case Operation.SUBSS:
    case Operation.SUBSD:
      return four(op, Operation.SUBPS, operation - Operation.SUBPS, 0);
    case Operation.MULPS:
    case Operation.MULPD:
    case Operation.MULSS:
    case Operation.MULSD:
      return four(op, Operation.MULPS, operation - Operation.MULPS, 0);
    case Operation.DIVPS:
    case Operation.DIVPD:
    case Operation.DIVSS:
    case Operation.DIVSD:
      return four(op, Operation.DIVPS, operation - Operation.DIVPS, 0);
    case Operation.SQRTPS:
    case Operation.SQRTPD:
    case Operation.SQRTSS:
    case Operation.SQRTSD:
      return four(op, Operation.SQRTPS, operation - Operation.SQRTPS, 0);
    case Operation.ROUNDPS:
    case Operation.ROUNDPD:
    case Operation.ROUNDSS:
    case Operation.ROUNDSD:
      return four(op, Operation.ROUNDPS, operation - Operation.ROUNDPS, load<u32>(op, DISP));
    case Operation.HADDPS:
    case Operation.HADDPD:
      return four(op, Operation.HADDPS, operation - Operation.HADDPS, 0);
    case Operation.HSUBPS:
    case Operation.HSUBPD:
      return four(op, Operation.HSUBPS, operation - Operation.HSUBPS, 0);
    case Operation.ADDSUBPS:
    case Operation.ADDSUBPD:
      return four(op, Operation.ADDSUBPS, operation - Operation.ADDSUBPS, 0);
    case Operation.DPPS:
      return dotProduct<f32>(op);
    case Operation.DPPD:
      return dotProduct<f64>(op);
    default:
      return plainConversion(op, operation);
  }
}
