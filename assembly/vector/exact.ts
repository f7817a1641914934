// Scalar arithmetic whose result happens to be exact while MXCSR rounds to nearest and masks everything but has not met an inexact
// result yet: programs that use doubles for integers may never meet one.

import { Operation } from '../decode/operation';
import { cpu, MXCSR } from '../state';
import { BASE, DST, SRC, V_SIZE } from '../uop';

/** Rounding control and masks: nearest, all masked. */
const CONTROL: u32 = 0x7f80;
const USUAL: u32 = 0x1f80;

// @ts-ignore: decorator
@inline function isRegular(a: f64): bool {
  const size = abs<f64>(a);
  return a == 0 || (size >= 2.2250738585072014e-308 && size < Infinity);
}
/** Significant bits of two numbers of 53 each that would be zero in their product, at least. */
// @ts-ignore: decorator
@inline function trailingZeros(a: f64): u64 {
  return ctz<u64>(reinterpret<u64>(a) | 0x10000000000000);
}
function sum(a: f64, b: f64): bool {
  const r = a + b;
  const part = r - a;
  result = r;
  return isRegular(r) && a - (r - part) + (b - part) == 0;
}
function product(a: f64, b: f64): bool {
  result = a * b;
  if (a == 0 || b == 0) return true;
  return abs<f64>(result) > 2.2250738585072014e-308 && result - result == 0 && trailingZeros(a) + trailingZeros(b) > 52;
}
let result: f64 = 0;

/** Does the operation if it can; false = nothing is done. */
export function exactly(op: usize, operation: u32): bool {
  if ((load<u32>(cpu, MXCSR) & CONTROL) != USUAL) return false;
  const to = <usize>load<u16>(op, DST);
  const from = <usize>load<u16>(op, BASE);
  const a = load<f64>(from);
  const b = load<f64>(load<u32>(op, SRC));
  let done = false;
  switch (operation) {
    case Operation.ADDSD:
      done = isRegular(a) && isRegular(b) && sum(a, b);
      break;
    case Operation.SUBSD:
      done = isRegular(a) && isRegular(b) && sum(a, -b);
      break;
    case Operation.MULSD:
      done = isRegular(a) && isRegular(b) && product(a, b);
      break;
    case Operation.DIVSD: {
      if (b == 0 || !isRegular(a) || !isRegular(b)) return false;
      const quotient = a / b;
      done = a == 0 || (abs<f64>(quotient) > 2.2250738585072014e-308 && product(quotient, b) && result == a);
      result = quotient;
      break;
    }
    case Operation.CVTTSD2SI: {
      if (!isRegular(b)) return false;
      if (load<u8>(op, V_SIZE) == 3) {
        const whole = <i64>b;
        if (<f64>whole != b || b >= 9223372036854775808.0) return false;
        store<i64>(to, whole);
      } else {
        const whole = <i32>b;
        if (<f64>whole != b) return false;
        store<u64>(to, <u64>(<u32>whole));
      }
      return true;
    }
  }
  if (!done) return false;
  v128.store(to, v128.load(from));
  store<f64>(to, result);
  return true;
}
