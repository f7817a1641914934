// Shifts and rotates (SDM vol. 2: RCL/RCR/ROL/ROR, SAL/SAR/SHL/SHR, SHLD, SHRD). A masked count of zero changes no flag.
// OF is defined for counts of 1 only; for others we give what current processors give: the formula of count 1 applied to
// the last step.

import { CARRY_OVERFLOW, getCF, setCarryOverflow, setLazy } from '../flags';
import { RCL, RCR, ROL, ROR, SAR, SHR } from '../uop';
import { readSized, signed, writeSized } from './sized';
import { put } from './operand';
import { cpu } from '../state';

// @ts-ignore: decorator
@inline function setShift(c: usize, carry: i64, overflow: i64, r: i64): void {
  setLazy(c, CARRY_OVERFLOW, carry, overflow, r);
}

/** T is i32 or i64; the count is masked and not zero. */
// @ts-ignore: decorator
@inline export function shl<T>(c: usize, d: usize, count: u32): void {
  const bits: u32 = sizeof<T>() << 3;
  const a = load<T>(d);
  const r = a << (<T>count);
  const carry = <i64>((a >> (<T>(bits - count))) & 1);
  setShift(c, carry, carry ^ (<i64>(r < 0)), <i64>r);
  put<T>(d, <i64>r);
}
// @ts-ignore: decorator
@inline export function shr32(c: usize, d: usize, count: u32): void {
  const a = load<u32>(d);
  const r = a >> count;
  setShift(c, (a >> (count - 1)) & 1, ((r >> 30) ^ (r >> 31)) & 1, <i64>(<i32>r));
  store<u64>(d, r);
}
// @ts-ignore: decorator
@inline export function shr64(c: usize, d: usize, count: u32): void {
  const a = load<u64>(d);
  const r = a >> count;
  setShift(c, (a >> (count - 1)) & 1, <i64>(((r >> 62) ^ (r >> 63)) & 1), <i64>r);
  store<u64>(d, r);
}
// @ts-ignore: decorator
@inline export function sar<T>(c: usize, d: usize, count: u32): void {
  const a = load<T>(d);
  const r = a >> (<T>count);
  setShift(c, <i64>((a >> (<T>(count - 1))) & 1), 0, <i64>r);
  put<T>(d, <i64>r);
}

/** Any shift or rotate of any size; the count is taken as the instruction gives it. */
export function shift(operation: u32, size: u32, d: usize, rawCount: u32): void {
  const bits: u32 = 8 << size;
  let count = rawCount & (size == 3 ? 63 : 31);
  const a = readSized(d, size);
  if (count == 0) return writeSized(d, size, a); // a 32-bit register still loses its upper half
  const mask: u64 = bits == 64 ? ~(<u64>0) : ((<u64>1) << bits) - 1;
  let r: u64 = 0;
  let carry: u64 = 0;
  let overflow: u64 = 0;
  switch (operation) {
    case ROL: {
      const n = count & (bits - 1);
      r = n ? ((a << n) | (a >> (bits - n))) & mask : a;
      carry = r & 1;
      overflow = carry ^ (r >> (bits - 1));
      break;
    }
    case ROR: {
      const n = count & (bits - 1);
      r = n ? ((a >> n) | (a << (bits - n))) & mask : a;
      carry = r >> (bits - 1);
      overflow = carry ^ ((r >> (bits - 2)) & 1);
      break;
    }
    case RCL: {
      // through carry: modulo 9 and 17 for bytes and words, the count already masked
      count %= bits + 1;
      carry = getCF() ? 1 : 0;
      r = a;
      for (let i: u32 = 0; i < count; i++) {
        const top = r >> (bits - 1);
        r = ((r << 1) | carry) & mask;
        carry = top;
      }
      overflow = carry ^ (r >> (bits - 1));
      break;
    }
    case RCR: {
      count %= bits + 1;
      carry = getCF() ? 1 : 0;
      r = a;
      for (let i: u32 = 0; i < count; i++) {
        const low = r & 1;
        r = (r >> 1) | (carry << (bits - 1));
        carry = low;
      }
      overflow = (r >> (bits - 1)) ^ ((r >> (bits - 2)) & 1);
      break;
    }
    case SHR: {
      r = count < 64 ? a >> count : 0;
      carry = (a >> (count - 1)) & 1;
      overflow = ((r >> (bits - 1)) ^ (r >> (bits - 2))) & 1;
      break;
    }
    case SAR: {
      const s = signed(a, size);
      const n = count > bits - 1 ? bits - 1 : count;
      r = (<u64>(s >> n)) & mask;
      carry = (<u64>(s >> (count - 1 > bits - 1 ? bits - 1 : count - 1))) & 1;
      overflow = 0;
      break;
    }
    default: {
      r = (a << count) & mask;
      carry = count <= bits ? (a >> (bits - count)) & 1 : 0;
      overflow = carry ^ (r >> (bits - 1));
      break;
    }
  }
  if (operation <= RCR) {
    // RCL and RCR by a multiple of 9 or 17 change nothing, flags included
    if (operation < RCL || count != 0) setCarryOverflow(<u32>carry, (<u32>overflow) & 1);
  } else {
    setShift(cpu, carry, overflow & 1, signed(r, size));
  }
  writeSized(d, size, r);
}

/** SHLD and SHRD. A 16-bit count over 16 is undefined; as current processors do, bits come in from the pair again. */
export function doubleShift(right: bool, size: u32, d: usize, s: usize, rawCount: u32): void {
  const count = rawCount & (size == 3 ? 63 : 31);
  const bits: u32 = 8 << size;
  const a = readSized(d, size);
  if (count == 0) return writeSized(d, size, a);
  const b = readSized(s, size);
  let r: u64;
  let carry: u64;
  if (size == 1) {
    // a 48-bit train a:b:a (left) or a:b:a (right) shows what 17…31 give
    const train = (a << 32) | (b << 16) | a;
    if (right) {
      r = (train >> count) & 0xffff;
      carry = (train >> (count - 1)) & 1;
    } else {
      r = (train >> (32 - count)) & 0xffff;
      carry = (train >> (48 - count)) & 1;
    }
  } else {
    const mask: u64 = bits == 64 ? ~(<u64>0) : 0xffffffff;
    if (right) {
      r = ((a >> count) | (b << (bits - count))) & mask;
      carry = (a >> (count - 1)) & 1;
    } else {
      r = ((a << count) | (b >> (bits - count))) & mask;
      carry = (a >> (bits - count)) & 1;
    }
  }
  setShift(cpu, carry, ((a ^ r) >> (bits - 1)) & 1, signed(r, size));
  writeSized(d, size, r);
}
