// DPPS and DPPD: dot products of chosen elements.

import { add, multiply } from '../float/arithmetic';
import { Operation } from '../decode/operation';
import { BASE, DISP, SRC } from '../uop';
import { accepted, finishVector, gathered, getLane, putLane, vectorBytes } from './float-lane';

/** Products, or zeros where the immediate leaves them out, in place of the vector's elements. */
function products<T>(op: usize, bytes: usize, control: u32): void {
  const a = <usize>load<u16>(op, BASE);
  const b = <usize>load<u32>(op, SRC);
  for (let i: usize = 0; i < bytes / sizeof<T>(); i++) {
    const element = <u32>(i & (16 / sizeof<T>() - 1));
    const chosen = control & (16 << element);
    putLane<T>(gathered(), i, chosen ? multiply<T>(getLane<T>(a, i), getLane<T>(b, i)) : 0);
  }
}
/** Elements that are `apart` from another get the sum of both. */
function sums<T>(bytes: usize, apart: usize): void {
  for (let i: usize = 0; i < bytes / sizeof<T>(); i += 2 * apart) {
    putLane<T>(gathered(), i, add<T>(getLane<T>(gathered(), i), getLane<T>(gathered(), i + apart)));
  }
}
/** The sum in the lowest element of each 16 bytes goes where the immediate has it, zero elsewhere. */
function spread<T>(bytes: usize, control: u32): void {
  for (let at = gathered(); at < gathered() + bytes; at += 16) {
    const sum = getLane<T>(at, 0);
    for (let i: u32 = 0; i < 16 / sizeof<T>(); i++) putLane<T>(at, i, control & (1 << i) ? sum : 0);
  }
}

/** Products, their sums in pairs, the sum of these: each step is rounded and raises exceptions of its own, which keep the next
 * from being done (SDM vol. 2, DPPS). */
export function dotProduct(op: usize, operation: u32): bool {
  const control = load<u32>(op, DISP);
  const bytes = vectorBytes(op);
  if (operation == <u32>Operation.DPPD) {
    products<u64>(op, bytes, control);
    if (!accepted()) return false;
    sums<u64>(bytes, 1);
    spread<u64>(bytes, control);
  } else {
    products<u32>(op, bytes, control);
    if (!accepted()) return false;
    sums<u32>(bytes, 1);
    if (!accepted()) return false;
    sums<u32>(bytes, 2);
    spread<u32>(bytes, control);
  }
  return finishVector(op);
}
