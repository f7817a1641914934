// FMA: products and sums rounded once.

import { fuse } from '../float/fused';
import { Operation } from '../decode/operation';
import { cpu } from '../state';
import { BASE, DST, SRC } from '../uop';
import { finishScalar, finishVector, gathered, getLane, putLane, vectorBytes } from './float-lane';
import { fuseDouble, fusedFit, fuseSingle } from './plain-fused';
import { isPlain } from './quick';

/** In the enumeration: three orders of twenty, each ADDSUB and SUBADD (PS, PD), then MADD, MSUB, NMADD, NMSUB (PS, PD, SS, SD). */
const ORDER: u32 = 20;
const FIRST_FOUR: u32 = 4;

/** ±(a × b) ± c. */
function fused<T>(a: u64, b: u64, c: u64, negateProduct: bool, negateAddend: bool): u64 {
  if (isPlain(cpu)) {
    if (sizeof<T>() == 8) {
      const x = reinterpret<f64>(a);
      const z = reinterpret<f64>(c);
      const result = fuseDouble(negateProduct ? -x : x, reinterpret<f64>(b), negateAddend ? -z : z);
      if (fusedFit) return reinterpret<u64>(result);
    } else {
      const x = reinterpret<f32>(<u32>a);
      const z = reinterpret<f32>(<u32>c);
      const result = fuseSingle(negateProduct ? -x : x, reinterpret<f32>(<u32>b), negateAddend ? -z : z);
      if (fusedFit) return reinterpret<u32>(result);
    }
  }
  return fuse<T>(a, b, c, negateProduct, negateAddend);
}
/** Element `i`. Bit 0 of `signs`: the addend is negated, bit 1: the product is. */
function element<T>(op: usize, order: u32, i: usize, signs: u32): u64 {
  const first = getLane<T>(load<u16>(op, DST), i);
  const second = getLane<T>(load<u16>(op, BASE), i);
  const third = getLane<T>(load<u32>(op, SRC), i);
  const negateAddend = (signs & 1) != 0;
  const negateProduct = (signs & 2) != 0;
  if (order == 0) return fused<T>(first, third, second, negateProduct, negateAddend);
  if (order == 1) return fused<T>(second, first, third, negateProduct, negateAddend);
  return fused<T>(second, third, first, negateProduct, negateAddend);
}
/** `turn`: bit 0 of the signs changes from one element to the next. */
function all<T>(op: usize, order: u32, signs: u32, turn: u32): bool {
  const count = vectorBytes(op) / sizeof<T>();
  for (let i: usize = 0; i < count; i++) {
    putLane<T>(gathered(), i, element<T>(op, order, i, signs));
    signs ^= turn;
  }
  return finishVector(op);
}
/** The others of the 16 bytes stay: they come from the destination, not from the first source. */
function one<T>(op: usize, order: u32, signs: u32): bool {
  return finishScalar<T>(op, element<T>(op, order, 0, signs), load<u16>(op, DST));
}

export function fusedMultiply(op: usize, operation: u32): bool {
  const number = operation - <u32>Operation.VFMADDSUB132PS;
  const order = number / ORDER;
  const kind = number % ORDER;
  if (kind < FIRST_FOUR) {
    const signs = kind < 2 ? 1 : 0; // VFMADDSUB subtracts in element 0
    return kind & 1 ? all<u64>(op, order, signs, 1) : all<u32>(op, order, signs, 1);
  }
  const signs = (kind - FIRST_FOUR) >> 2;
  switch (kind & 3) {
    case 0:
      return all<u32>(op, order, signs, 0);
    case 1:
      return all<u64>(op, order, signs, 0);
    case 2:
      return one<u32>(op, order, signs);
    default:
      return one<u64>(op, order, signs);
  }
}
