// Conversions as Wasm has them, while MXCSR rounds to nearest, masks everything and has PE set.

import { Operation } from '../decode/operation';
import { BASE, DST, SRC, V_256, V_FLAGS, V_SIZE } from '../uop';
import { aboveTiny32 } from './quick';
import { fit, regular, regularResult, require, setFit } from './plain';

/** Two pieces of 16 bytes, or one. */
function put(op: usize, low: v128, high: v128): bool {
  if (!fit) return false;
  const to = <usize>load<u16>(op, DST);
  v128.store(to, low);
  if (load<u8>(op, V_FLAGS) & V_256) v128.store(to, high, 16);
  return true;
}
/** The lanes are integers that fit into 32 bits; not -2^31, which is rare. */
// @ts-ignore: decorator
@inline function requireInteger<T>(a: v128): void {
  const limit = sizeof<T>() == 8 ? f64x2.splat(2147483648.0) : f32x4.splat(2147483648.0);
  require<T>(v128.lt<T>(v128.abs<T>(a), limit));
}
function integers32(a: v128, nearest: bool): v128 {
  const whole = nearest ? f32x4.nearest(a) : a;
  requireInteger<f32>(whole);
  return i32x4.trunc_sat_f32x4_s(whole);
}
function integers64(a: v128, nearest: bool): v128 {
  const whole = nearest ? f64x2.nearest(a) : f64x2.trunc(a);
  requireInteger<f64>(whole);
  return i32x4.trunc_sat_f64x2_s_zero(whole);
}
function narrow(a: v128): v128 {
  const r = f32x4.demote_f64x2_zero(a);
  // a result that is zero must have been so
  const lost = v128.andnot(f64x2.eq(f64x2.promote_low_f32x4(r), i64x2.splat(0)), f64x2.eq(a, i64x2.splat(0)));
  require<f64>(v128.andnot(regular<f64>(a), lost));
  require<f32>(regularResult<f32>(r));
  return r;
}
function widen(a: v128): v128 {
  const low = v128.shuffle<i64>(a, i64x2.splat(0), 0, 2);
  require<f32>(regular<f32>(low));
  return f64x2.promote_low_f32x4(low);
}
// @ts-ignore: decorator
@inline function both(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(low, high, 0, 2);
}
// @ts-ignore: decorator
@inline function upper(a: v128): v128 {
  return v128.shuffle<i64>(a, a, 1, 1);
}
/** To a general-purpose register; the value is an integral one. */
function toRegister(op: usize, whole: f64): bool {
  const to = <usize>load<u16>(op, DST);
  if (load<u8>(op, V_SIZE) == 3) {
    if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0)) return false;
    store<i64>(to, <i64>whole);
  } else {
    if (!(whole >= -2147483648.0 && whole < 2147483648.0)) return false;
    store<u64>(to, <u64>(<u32>(<i32>whole)));
  }
  return true;
}
function scalar<T>(op: usize, value: T): bool {
  const to = <usize>load<u16>(op, DST);
  v128.store(to, v128.load(load<u16>(op, BASE)));
  store<T>(to, value);
  return true;
}

export function plainConversion(op: usize, operation: u32): bool {
  const at = <usize>load<u32>(op, SRC);
  const low = v128.load(at);
  const high = v128.load(at, 16);
  const wide = (load<u8>(op, V_FLAGS) & V_256) != 0;
  const none = i64x2.splat(0);
  setFit(true);
  switch (operation) {
    case Operation.CVTDQ2PS:
      return put(op, f32x4.convert_i32x4_s(low), f32x4.convert_i32x4_s(high));
    case Operation.CVTDQ2PD:
      return put(op, f64x2.convert_low_i32x4_s(low), f64x2.convert_low_i32x4_s(upper(low)));
    case Operation.CVTTPS2DQ:
      return put(op, integers32(low, false), wide ? integers32(high, false) : none);
    case Operation.CVTPS2DQ:
      return put(op, integers32(low, true), wide ? integers32(high, true) : none);
    case Operation.CVTTPD2DQ:
      return put(op, both(integers64(low, false), wide ? integers64(high, false) : none), none);
    case Operation.CVTPD2DQ:
      return put(op, both(integers64(low, true), wide ? integers64(high, true) : none), none);
    case Operation.CVTPS2PD:
      return put(op, widen(low), wide ? widen(upper(low)) : none);
    case Operation.CVTPD2PS:
      return put(op, both(narrow(low), wide ? narrow(high) : none), none);
    case Operation.CVTSS2SD: {
      require<f32>(regular<f32>(f32x4.splat(load<f32>(at))));
      return fit && scalar<f64>(op, <f64>load<f32>(at));
    }
    case Operation.CVTSD2SS: {
      const result = <f32>load<f64>(at);
      return (aboveTiny32(reinterpret<u32>(result)) || load<f64>(at) == 0) && scalar<f32>(op, result);
    }
    case Operation.CVTSI2SS:
      if (load<u8>(op, V_SIZE) == 3) return scalar<f32>(op, <f32>load<i64>(at));
      return scalar<f32>(op, <f32>load<i32>(at));
    case Operation.CVTTSS2SI:
      return toRegister(op, trunc<f64>(<f64>load<f32>(at)));
    case Operation.CVTSS2SI:
      return toRegister(op, nearest<f64>(<f64>load<f32>(at)));
    case Operation.CVTTSD2SI:
      return toRegister(op, trunc<f64>(load<f64>(at)));
    case Operation.CVTSD2SI:
      return toRegister(op, nearest<f64>(load<f64>(at)));
    default:
      return false;
  }
}
