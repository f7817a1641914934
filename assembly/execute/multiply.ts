// Multiplication and division, with 128-bit intermediates made of 32-bit halves (Wasm has no wide multiply).
// Flags: MUL and IMUL set CF = OF = "the upper half matters"; SF ZF AF PF are undefined, we leave those of the low half.

import { cpu, GPR, raise } from '../state';
import { VECTOR_DE } from '../vectors';
import { CARRY_OVERFLOW, setLazy } from '../flags';
import { put } from './operand';
import { readSized, signed, writeSized } from './sized';

/** Upper 64 bits of an unsigned 64 × 64 product. */
export function highUnsigned(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const middle2 = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (middle2 >> 32);
}
export function highSigned(a: i64, b: i64): i64 {
  return <i64>highUnsigned(<u64>a, <u64>b) - ((a >> 63) & b) - ((b >> 63) & a);
}

/** Two- and three-operand IMUL; T is i16, i32 or i64. */
// @ts-ignore: decorator
@inline export function imul<T>(c: usize, d: usize, a: i64, b: i64): void {
  const low = a * b;
  let lost: bool;
  if (sizeof<T>() == 8) {
    // operands that fit 32 bits cannot overflow: the common case needs no wide product
    lost = (<i64>(<i32>a) != a || <i64>(<i32>b) != b) && highSigned(a, b) != low >> 63;
  } else {
    lost = <i64>(<T>low) != low;
  }
  const r = <i64>(<T>low);
  setLazy(c, CARRY_OVERFLOW, <i64>lost, <i64>lost, r);
  put<T>(d, r);
}

/** MUL r/m64: rDX:rAX = rAX × b. */
export function multiply64(c: usize, b: u64): void {
  const a = load<u64>(c, GPR);
  const low = a * b;
  const high = highUnsigned(a, b);
  const lost: i64 = high != 0 ? 1 : 0;
  store<u64>(c, low, GPR);
  store<u64>(c, high, GPR + 16);
  setLazy(c, CARRY_OVERFLOW, lost, lost, <i64>low);
}

/** MUL and IMUL with one operand: rDX:rAX (AX for bytes) = rAX × value. */
export function multiply(isSigned: bool, size: u32, source: usize): void {
  const rax = cpu + GPR;
  const rdx = cpu + GPR + 16;
  const a = readSized(rax, size);
  const b = readSized(source, size);
  let low: u64;
  let high: u64;
  let lost: bool;
  if (size == 3) {
    low = a * b;
    high = isSigned ? <u64>highSigned(<i64>a, <i64>b) : highUnsigned(a, b);
    lost = isSigned ? <i64>high != (<i64>low) >> 63 : high != 0;
  } else {
    const bits: u32 = 8 << size;
    const product = isSigned ? <u64>(signed(a, size) * signed(b, size)) : a * b;
    low = product & (((<u64>1) << bits) - 1);
    high = (product >> bits) & (((<u64>1) << bits) - 1);
    lost = isSigned ? signed(low, size) != <i64>product : high != 0;
  }
  if (size == 0) store<u16>(rax, <u16>(low | (high << 8)));
  else {
    writeSized(rax, size, low);
    writeSized(rdx, size, high);
  }
  setLazy(cpu, CARRY_OVERFLOW, <i64>lost, <i64>lost, signed(low, size));
}

/** DIV and IDIV; #DE is raised when the divisor is zero or the quotient does not fit. Flags are undefined: untouched. */
export function divide(isSigned: bool, size: u32, source: usize): void {
  const rax = cpu + GPR;
  const rdx = cpu + GPR + 16;
  const b = readSized(source, size);
  if (b == 0) return raise(VECTOR_DE);
  if (size == 3) return isSigned ? divideSigned128(rax, rdx, <i64>b) : divideUnsigned128(rax, rdx, b);
  const bits: u32 = 8 << size;
  const mask: u64 = ((<u64>1) << bits) - 1;
  const dividend: u64 = size == 0 ? load<u16>(rax) : (readSized(rdx, size) << bits) | readSized(rax, size);
  let quotient: u64;
  let remainder: u64;
  if (isSigned) {
    const a = signed(dividend, size + 1);
    const divisor = signed(b, size);
    // i64.MIN / -1 is the one division that traps in Wasm; it overflows 32 bits anyway
    if (divisor == -1 && a == i64.MIN_VALUE) return raise(VECTOR_DE);
    const q = a / divisor;
    if (signed((<u64>q) & mask, size) != q) return raise(VECTOR_DE);
    quotient = (<u64>q) & mask;
    remainder = (<u64>(a % divisor)) & mask;
  } else {
    quotient = dividend / b;
    if (quotient > mask) return raise(VECTOR_DE);
    remainder = dividend % b;
  }
  if (size == 0) store<u16>(rax, <u16>(quotient | (remainder << 8)));
  else {
    writeSized(rax, size, quotient);
    writeSized(rdx, size, remainder);
  }
}

let quotient128: u64 = 0;
let remainder128: u64 = 0;

/** high:low / divisor with high < divisor, by two digits of 32 bits (Knuth's algorithm D for a two-digit divisor). */
function divideWide(high: u64, low: u64, divisor: u64): void {
  if (high == 0) {
    quotient128 = low / divisor;
    remainder128 = low % divisor;
    return;
  }
  const shift = clz<u64>(divisor);
  const d = divisor << shift;
  const dHigh = d >> 32;
  const dLow = d & 0xffffffff;
  const n = shift ? (high << shift) | (low >> (64 - shift)) : high;
  const nLow = low << shift;
  let q1 = n / dHigh;
  let rest = n % dHigh;
  while (q1 >> 32 || q1 * dLow > ((rest << 32) | (nLow >> 32))) {
    q1--;
    rest += dHigh;
    if (rest >> 32) break;
  }
  const n2 = ((n << 32) | (nLow >> 32)) - q1 * d;
  let q0 = n2 / dHigh;
  rest = n2 % dHigh;
  while (q0 >> 32 || q0 * dLow > ((rest << 32) | (nLow & 0xffffffff))) {
    q0--;
    rest += dHigh;
    if (rest >> 32) break;
  }
  quotient128 = (q1 << 32) + q0;
  remainder128 = (((n2 << 32) | (nLow & 0xffffffff)) - q0 * d) >> shift;
}
function divideUnsigned128(rax: usize, rdx: usize, divisor: u64): void {
  const high = load<u64>(rdx);
  if (high >= divisor) return raise(VECTOR_DE);
  divideWide(high, load<u64>(rax), divisor);
  store<u64>(rax, quotient128);
  store<u64>(rdx, remainder128);
}
function divideSigned128(rax: usize, rdx: usize, divisor: i64): void {
  let low = load<u64>(rax);
  let high = load<u64>(rdx);
  const negative = <i64>high < 0;
  if (negative) {
    high = ~high + (low == 0 ? 1 : 0);
    low = 0 - low;
  }
  const size: u64 = divisor < 0 ? 0 - <u64>divisor : <u64>divisor;
  if (high >= size) return raise(VECTOR_DE);
  divideWide(high, low, size);
  const negativeQuotient = negative != divisor < 0;
  if (quotient128 > (negativeQuotient ? <u64>i64.MIN_VALUE : <u64>i64.MAX_VALUE)) return raise(VECTOR_DE);
  store<u64>(rax, negativeQuotient ? 0 - quotient128 : quotient128);
  store<u64>(rdx, negative ? 0 - remainder128 : remainder128);
}
