// Conversions between formats and integers, vectors and scalars.

import { convert, fromInteger, toInteger } from '../float/convert';
import { TRUNCATE, useRounding } from '../float/environment';
import { Operation } from '../decode/operation';
import { DISP, DST, SRC, V_SIZE } from '../uop';
import { accepted, finishScalar, finishVector, gathered, getLane, putLane, vectorBytes } from './float-lane';

// @ts-ignore: decorator
@inline function source(op: usize): usize {
  return load<u32>(op, SRC);
}
/** Elements of format F become elements of format T from the lowest on; what is left of the vector is zero. */
function formats<F, T>(op: usize, count: usize): bool {
  clearGathered();
  for (let i: usize = 0; i < count; i++) putLane<T>(gathered(), i, convert<F, T>(getLane<F>(source(op), i)));
  return finishVector(op);
}
function integers<T>(op: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    putLane<T>(gathered(), i, fromInteger<T>(<i64>load<i32>(source(op) + i * 4)));
  }
}
function toIntegers<F>(op: usize, count: usize): void {
  clearGathered();
  for (let i: usize = 0; i < count; i++) {
    putLane<u32>(gathered(), i, <u64>toInteger<F>(getLane<F>(source(op), i), 32));
  }
}
// @ts-ignore: decorator
@inline function clearGathered(): void {
  const zero = v128.splat<i64>(0);
  v128.store(gathered(), zero);
  v128.store(gathered(), zero, 16);
}
/** The result is 64 bits: an MMX register, or the lower half of an XMM register whose upper one stays. */
function finishLow(op: usize): bool {
  if (!accepted()) return false;
  store<u64>(load<u16>(op, DST), load<u64>(gathered()));
  return true;
}
/** From a general-purpose register of 32 or 64 bits. */
function fromRegister<T>(op: usize): bool {
  const value = load<u8>(op, V_SIZE) == 3 ? load<i64>(source(op)) : <i64>load<i32>(source(op));
  return finishScalar<T>(op, fromInteger<T>(value));
}
/** To a general-purpose register; 32 bits clear the upper half. */
function toRegister<F>(op: usize): bool {
  const long = load<u8>(op, V_SIZE) == 3;
  const value = toInteger<F>(getLane<F>(source(op), 0), long ? 64 : 32);
  if (!accepted()) return false;
  store<u64>(load<u16>(op, DST), long ? <u64>value : <u64>(<u32>value));
  return true;
}

export function convertVector(op: usize, operation: u32): bool {
  const bytes = vectorBytes(op);
  switch (operation) {
    case Operation.CVTPI2PS:
      integers<u32>(op, 2);
      return finishLow(op);
    case Operation.CVTPI2PD:
      integers<u64>(op, 2);
      return finishVector(op);
    case Operation.CVTDQ2PS:
      integers<u32>(op, bytes / 4);
      return finishVector(op);
    case Operation.CVTDQ2PD:
      integers<u64>(op, bytes / 8);
      return finishVector(op);
    case Operation.CVTSI2SS:
      return fromRegister<u32>(op);
    case Operation.CVTSI2SD:
      return fromRegister<u64>(op);
    case Operation.CVTTSS2SI:
      useRounding(TRUNCATE);
      return toRegister<u32>(op);
    case Operation.CVTSS2SI:
      return toRegister<u32>(op);
    case Operation.CVTTSD2SI:
      useRounding(TRUNCATE);
      return toRegister<u64>(op);
    case Operation.CVTSD2SI:
      return toRegister<u64>(op);
    case Operation.CVTTPS2PI:
      useRounding(TRUNCATE);
      toIntegers<u32>(op, 2);
      return finishLow(op);
    case Operation.CVTPS2PI:
      toIntegers<u32>(op, 2);
      return finishLow(op);
    case Operation.CVTTPD2PI:
      useRounding(TRUNCATE);
      toIntegers<u64>(op, 2);
      return finishLow(op);
    case Operation.CVTPD2PI:
      toIntegers<u64>(op, 2);
      return finishLow(op);
    case Operation.CVTTPS2DQ:
      useRounding(TRUNCATE);
      toIntegers<u32>(op, bytes / 4);
      return finishVector(op);
    case Operation.CVTPS2DQ:
      toIntegers<u32>(op, bytes / 4);
      return finishVector(op);
    case Operation.CVTTPD2DQ:
      useRounding(TRUNCATE);
      toIntegers<u64>(op, bytes / 8);
      return finishVector(op);
    case Operation.CVTPD2DQ:
      toIntegers<u64>(op, bytes / 8);
      return finishVector(op);
    case Operation.CVTPS2PD:
      return formats<u32, u64>(op, bytes / 8);
    case Operation.CVTPD2PS:
      return formats<u64, u32>(op, bytes / 8);
    case Operation.CVTSS2SD:
      return finishScalar<u64>(op, convert<u32, u64>(getLane<u32>(source(op), 0)));
    case Operation.CVTSD2SS:
      return finishScalar<u32>(op, convert<u64, u32>(getLane<u64>(source(op), 0)));
    case Operation.VCVTPH2PS:
      return formats<u16, u32>(op, bytes / 4);
    default: {
      // VCVTPS2PH; bit 2: as MXCSR says (SDM vol. 2, table of its immediate)
      const control = load<u32>(op, DISP);
      if (!(control & 4)) useRounding(control & 3);
      return formats<u32, u16>(op, bytes / 4);
    }
  }
}
