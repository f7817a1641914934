// Arithmetic as Wasm has it, where that gives the same bits and no flag that MXCSR does not have already: it rounds to nearest, masks
// everything and has PE set (MXCSR_PLAIN), operands are not denormal and no NaN, the result is a normal number. The run loop has
// these functions inline; where one of them says false, nothing is done and float() does it.
//
// A normal result says much about its operands: none was infinite or NaN, for a product or a quotient none was zero.

import { FLAG_KIND, MXCSR_PLAIN, RFLAGS } from '../state';
import { BASE, DST, SRC } from '../uop';
import { ARITHMETIC, CF, EXPLICIT, ZF } from '../flags';

// @ts-ignore: decorator
@inline function to(op: usize): usize {
  return <usize>load<u16>(op, DST);
}
// @ts-ignore: decorator
@inline function first(op: usize): usize {
  return <usize>load<u16>(op, BASE);
}
// @ts-ignore: decorator
@inline function last(op: usize): usize {
  return <usize>load<u32>(op, SRC);
}
// @ts-ignore: decorator
@inline export function isPlain(c: usize): bool {
  return load<u32>(c, MXCSR_PLAIN) != 0;
}

// the sign is shifted out; zero wraps round to the largest
// @ts-ignore: decorator
@inline function notDenormal64(a: u64): bool {
  return (a << 1) - 1 >= 0x1fffffffffffff;
}
// @ts-ignore: decorator
@inline function normal64(a: u64): bool {
  return (a << 1) - 0x20000000000000 < 0xffc0000000000000;
}
// @ts-ignore: decorator
@inline function notDenormal32(a: u32): bool {
  return (a << 1) - 1 >= 0xffffff;
}
// @ts-ignore: decorator
@inline function normal32(a: u32): bool {
  return (a << 1) - 0x1000000 < 0xfe000000;
}
/** Results: the smallest normal number may be the rounding of a tiny one, which is an underflow (float/round.ts). */
// @ts-ignore: decorator
@inline function aboveTiny64(a: u64): bool {
  return (a << 1) - 0x20000000000002 < 0xffbffffffffffffe;
}
// @ts-ignore: decorator
@inline export function aboveTiny32(a: u32): bool {
  return (a << 1) - 0x1000002 < 0xfdfffffe;
}
// @ts-ignore: decorator
@inline function aboveTiny64x2(a: v128): v128 {
  const size = f64x2.abs(a);
  return v128.and(f64x2.gt(size, i64x2.splat(0x10000000000000)), f64x2.lt(size, i64x2.splat(0x7ff0000000000000)));
}
// @ts-ignore: decorator
@inline function aboveTiny32x4(a: v128): v128 {
  return i32x4.lt_u(i32x4.sub(i32x4.shl(a, 1), i32x4.splat(0x1000002)), i32x4.splat(0xfdfffffe));
}
// all lanes; adding one to the exponent of a normal number gives neither 0 nor 1
// @ts-ignore: decorator
@inline function normal64x2(a: v128): v128 {
  return v128.and(i64x2.add(a, i64x2.splat(0x10000000000000)), i64x2.splat(0x7fe0000000000000));
}
// @ts-ignore: decorator
@inline function normal32x4(a: v128): v128 {
  return v128.and(i32x4.add(a, i32x4.splat(0x800000)), i32x4.splat(0x7f000000));
}

// @ts-ignore: decorator
@inline function double(c: usize, op: usize, result: f64): bool {
  const fits =
    isPlain(c) &&
    aboveTiny64(reinterpret<u64>(result)) &&
    notDenormal64(load<u64>(first(op))) &&
    notDenormal64(load<u64>(last(op)));
  if (fits) store<f64>(to(op), result);
  return fits;
}
// @ts-ignore: decorator
@inline export function addDouble(c: usize, op: usize): bool {
  return double(c, op, load<f64>(first(op)) + load<f64>(last(op)));
}
// @ts-ignore: decorator
@inline export function subtractDouble(c: usize, op: usize): bool {
  return double(c, op, load<f64>(first(op)) - load<f64>(last(op)));
}
// @ts-ignore: decorator
@inline export function multiplyDouble(c: usize, op: usize): bool {
  return double(c, op, load<f64>(first(op)) * load<f64>(last(op)));
}
// @ts-ignore: decorator
@inline export function divideDouble(c: usize, op: usize): bool {
  return double(c, op, load<f64>(first(op)) / load<f64>(last(op)));
}
// @ts-ignore: decorator
@inline export function rootDouble(c: usize, op: usize): bool {
  const bits = load<u64>(last(op));
  if (!isPlain(c) || <i64>bits < 0 || !normal64(bits)) return false;
  store<f64>(to(op), sqrt<f64>(load<f64>(last(op))));
  return true;
}
// @ts-ignore: decorator
@inline function single(c: usize, op: usize, result: f32): bool {
  const fits =
    isPlain(c) &&
    aboveTiny32(reinterpret<u32>(result)) &&
    notDenormal32(load<u32>(first(op))) &&
    notDenormal32(load<u32>(last(op)));
  if (fits) store<f32>(to(op), result);
  return fits;
}
// @ts-ignore: decorator
@inline export function addSingle(c: usize, op: usize): bool {
  return single(c, op, load<f32>(first(op)) + load<f32>(last(op)));
}
// @ts-ignore: decorator
@inline export function subtractSingle(c: usize, op: usize): bool {
  return single(c, op, load<f32>(first(op)) - load<f32>(last(op)));
}
// @ts-ignore: decorator
@inline export function multiplySingle(c: usize, op: usize): bool {
  return single(c, op, load<f32>(first(op)) * load<f32>(last(op)));
}
// @ts-ignore: decorator
@inline export function divideSingle(c: usize, op: usize): bool {
  return single(c, op, load<f32>(first(op)) / load<f32>(last(op)));
}
// @ts-ignore: decorator
@inline export function rootSingle(c: usize, op: usize): bool {
  const bits = load<u32>(last(op));
  if (!isPlain(c) || <i32>bits < 0 || !normal32(bits)) return false;
  store<f32>(to(op), sqrt<f32>(load<f32>(last(op))));
  return true;
}

// @ts-ignore: decorator
@inline function doubles(c: usize, op: usize, result: v128): bool {
  const fits =
    isPlain(c) &&
    i64x2.all_true(aboveTiny64x2(result)) &&
    i64x2.all_true(normal64x2(v128.load(first(op)))) &&
    i64x2.all_true(normal64x2(v128.load(last(op))));
  if (fits) v128.store(to(op), result);
  return fits;
}
// @ts-ignore: decorator
@inline export function addDoubles(c: usize, op: usize): bool {
  return doubles(c, op, f64x2.add(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline export function subtractDoubles(c: usize, op: usize): bool {
  return doubles(c, op, f64x2.sub(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline export function multiplyDoubles(c: usize, op: usize): bool {
  return doubles(c, op, f64x2.mul(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline export function divideDoubles(c: usize, op: usize): bool {
  return doubles(c, op, f64x2.div(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline function singles(c: usize, op: usize, result: v128): bool {
  const fits =
    isPlain(c) &&
    i32x4.all_true(
      i32x4.min_u(
        aboveTiny32x4(result),
        i32x4.min_u(normal32x4(v128.load(first(op))), normal32x4(v128.load(last(op)))),
      ),
    );
  if (fits) v128.store(to(op), result);
  return fits;
}
// @ts-ignore: decorator
@inline export function addSingles(c: usize, op: usize): bool {
  return singles(c, op, f32x4.add(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline export function subtractSingles(c: usize, op: usize): bool {
  return singles(c, op, f32x4.sub(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline export function multiplySingles(c: usize, op: usize): bool {
  return singles(c, op, f32x4.mul(v128.load(first(op)), v128.load(last(op))));
}
// @ts-ignore: decorator
@inline export function divideSingles(c: usize, op: usize): bool {
  return singles(c, op, f32x4.div(v128.load(first(op)), v128.load(last(op))));
}

// comparisons and exact conversions raise nothing for such operands, whatever MXCSR says
// @ts-ignore: decorator
@inline export function lesserDouble(op: usize): bool {
  const a = load<f64>(first(op));
  const b = load<f64>(last(op));
  if (!notDenormal64(load<u64>(first(op))) || !notDenormal64(load<u64>(last(op)))) return false;
  if (a < b) store<f64>(to(op), a);
  else if (a >= b) store<f64>(to(op), b);
  else return false;
  return true;
}
// @ts-ignore: decorator
@inline export function greaterDouble(op: usize): bool {
  const a = load<f64>(first(op));
  const b = load<f64>(last(op));
  if (!notDenormal64(load<u64>(first(op))) || !notDenormal64(load<u64>(last(op)))) return false;
  if (a > b) store<f64>(to(op), a);
  else if (a <= b) store<f64>(to(op), b);
  else return false;
  return true;
}
// @ts-ignore: decorator
@inline export function lesserSingle(op: usize): bool {
  const a = load<f32>(first(op));
  const b = load<f32>(last(op));
  if (!notDenormal32(load<u32>(first(op))) || !notDenormal32(load<u32>(last(op)))) return false;
  if (a < b) store<f32>(to(op), a);
  else if (a >= b) store<f32>(to(op), b);
  else return false;
  return true;
}
// @ts-ignore: decorator
@inline export function greaterSingle(op: usize): bool {
  const a = load<f32>(first(op));
  const b = load<f32>(last(op));
  if (!notDenormal32(load<u32>(first(op))) || !notDenormal32(load<u32>(last(op)))) return false;
  if (a > b) store<f32>(to(op), a);
  else if (a <= b) store<f32>(to(op), b);
  else return false;
  return true;
}
// @ts-ignore: decorator
@inline function setRelation(c: usize, flags: u32): void {
  store<u64>(c, (load<u64>(c, RFLAGS) & ~(<u64>ARITHMETIC)) | flags, RFLAGS);
  store<u32>(c, EXPLICIT, FLAG_KIND);
}
// @ts-ignore: decorator
@inline export function compareDouble(c: usize, op: usize): bool {
  const a = load<f64>(to(op));
  const b = load<f64>(last(op));
  if (!notDenormal64(load<u64>(to(op))) || !notDenormal64(load<u64>(last(op)))) return false;
  if (!(a <= b || a > b)) return false;
  setRelation(c, a < b ? CF : a == b ? ZF : 0);
  return true;
}
// @ts-ignore: decorator
@inline export function compareSingle(c: usize, op: usize): bool {
  const a = load<f32>(to(op));
  const b = load<f32>(last(op));
  if (!notDenormal32(load<u32>(to(op))) || !notDenormal32(load<u32>(last(op)))) return false;
  if (!(a <= b || a > b)) return false;
  setRelation(c, a < b ? CF : a == b ? ZF : 0);
  return true;
}
// @ts-ignore: decorator
@inline export function truncateTo32(c: usize, op: usize): bool {
  const x = load<f64>(last(op));
  if (!isPlain(c) || !(x > -2147483649.0 && x < 2147483648.0)) return false;
  store<u64>(to(op), <u64>(<u32>(<i32>x)));
  return true;
}
// @ts-ignore: decorator
@inline export function truncateTo64(c: usize, op: usize): bool {
  const x = load<f64>(last(op));
  if (!isPlain(c) || !(x >= -9223372036854775808.0 && x < 9223372036854775808.0)) return false;
  store<i64>(to(op), <i64>x);
  return true;
}
/** 32 bits always fit into a double. */
// @ts-ignore: decorator
@inline export function doubleFrom32(op: usize): void {
  store<f64>(to(op), <f64>load<i32>(last(op)));
}
// @ts-ignore: decorator
@inline export function doubleFrom64(c: usize, op: usize): bool {
  const value = load<i64>(last(op));
  // rounded, perhaps, beyond 2^53
  if (!isPlain(c) && <u64>(value + 0x20000000000000) > 0x40000000000000) return false;
  store<f64>(to(op), <f64>value);
  return true;
}
// @ts-ignore: decorator
@inline export function widen(op: usize): bool {
  const bits = load<u32>(last(op));
  if (!notDenormal32(bits) || bits << 1 >= 0xff000000) return false;
  store<f64>(to(op), <f64>load<f32>(last(op)));
  return true;
}
// @ts-ignore: decorator
@inline export function narrow(c: usize, op: usize): bool {
  const result = <f32>load<f64>(last(op));
  if (!isPlain(c) || !aboveTiny32(reinterpret<u32>(result))) return false;
  store<f32>(to(op), result);
  return true;
}
