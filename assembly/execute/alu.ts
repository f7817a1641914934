// Integer arithmetic and logic on two values, with the lazy flags they leave. T is a signed type, so that loads sign-extend
// as the flags want it; `put` cuts the result to the register's size again.

import { put } from './operand';
import { ADDITION, DECREMENT, getCF, INCREMENT, setLazy, setLogic, setStep, SUBTRACTION } from '../flags';

// @ts-ignore: decorator
@inline export function add<T>(c: usize, d: usize, b: i64): void {
  const a = <i64>load<T>(d);
  const r = <i64>(<T>(a + b));
  setLazy(c, ADDITION, a, b, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function sub<T>(c: usize, d: usize, b: i64): void {
  const a = <i64>load<T>(d);
  const r = <i64>(<T>(a - b));
  setLazy(c, SUBTRACTION, a, b, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function cmp<T>(c: usize, d: usize, b: i64): void {
  const a = <i64>load<T>(d);
  setLazy(c, SUBTRACTION, a, b, <i64>(<T>(a - b)));
}
// @ts-ignore: decorator
@inline export function adc<T>(c: usize, d: usize, b: i64): void {
  const carry = <i64>getCF();
  const a = <i64>load<T>(d);
  const r = <i64>(<T>(a + b + carry));
  setLazy(c, ADDITION + <u32>carry, a, b, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function sbb<T>(c: usize, d: usize, b: i64): void {
  const carry = <i64>getCF();
  const a = <i64>load<T>(d);
  const r = <i64>(<T>(a - b - carry));
  setLazy(c, SUBTRACTION + <u32>carry, a, b, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function and<T>(c: usize, d: usize, b: i64): void {
  const r = (<i64>load<T>(d)) & b;
  setLogic(c, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function or<T>(c: usize, d: usize, b: i64): void {
  const r = (<i64>load<T>(d)) | b;
  setLogic(c, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function xor<T>(c: usize, d: usize, b: i64): void {
  const r = (<i64>load<T>(d)) ^ b;
  setLogic(c, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function test<T>(c: usize, d: usize, b: i64): void {
  setLogic(c, (<i64>load<T>(d)) & b);
}
// @ts-ignore: decorator
@inline export function inc<T>(c: usize, d: usize): void {
  const a = <i64>load<T>(d);
  const r = <i64>(<T>(a + 1));
  setStep(c, INCREMENT, a, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function dec<T>(c: usize, d: usize): void {
  const a = <i64>load<T>(d);
  const r = <i64>(<T>(a - 1));
  setStep(c, DECREMENT, a, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function neg<T>(c: usize, d: usize): void {
  const b = <i64>load<T>(d);
  const r = <i64>(<T>(0 - b));
  setLazy(c, SUBTRACTION, 0, b, r);
  put<T>(d, r);
}
// @ts-ignore: decorator
@inline export function not<T>(d: usize): void {
  put<T>(d, ~(<i64>load<T>(d)));
}
// @ts-ignore: decorator
@inline export function exchange<T>(d: usize, s: usize): void {
  const a = <i64>load<T>(d);
  put<T>(d, <i64>load<T>(s));
  put<T>(s, a);
}
