// PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM vol. 2, 4.1): two strings of bytes or words against each other. The
// elements of the second source are the bits of all masks here.

import { ARITHMETIC, CF, getFlags, OF, setFlags, SF, ZF } from '../flags';
import { cpu, YMM, YMM_HIGH } from '../state';
import { V_SIZE, V_VEX } from '../uop';
import { gpr, putMask } from './move';
import { flags, immediate, last, put, target } from './operands';

/** Bits of the immediate. */
const WORDS: u32 = 1;
const SIGNED: u32 = 2;
const NEGATE: u32 = 0x10;
const ONLY_VALID: u32 = 0x20;
const UPPER: u32 = 0x40; // the last index instead of the first, elements instead of bits
/** Kinds of comparison, bits 3-2. */
const EQUAL_ANY: u32 = 0;
const RANGES: u32 = 1;
const EQUAL_EACH: u32 = 2;

let lengthA: u32 = 0;
let lengthB: u32 = 0;

// @ts-ignore: decorator
@inline function bitsOf(mask: v128, words: bool): u32 {
  return words ? i16x8.bitmask(mask) : i8x16.bitmask(mask);
}
// @ts-ignore: decorator
@inline function equal(a: v128, b: v128, words: bool): u32 {
  return bitsOf(words ? i16x8.eq(a, b) : i8x16.eq(a, b), words);
}
/** Which elements of b are at least the one in all elements of a. */
function notBelow(a: v128, b: v128, control: u32): u32 {
  if (control & WORDS) return i16x8.bitmask(control & SIGNED ? i16x8.ge_s(b, a) : i16x8.ge_u(b, a));
  return i8x16.bitmask(control & SIGNED ? i8x16.ge_s(b, a) : i8x16.ge_u(b, a));
}
function notAbove(a: v128, b: v128, control: u32): u32 {
  if (control & WORDS) return i16x8.bitmask(control & SIGNED ? i16x8.le_s(b, a) : i16x8.le_u(b, a));
  return i8x16.bitmask(control & SIGNED ? i8x16.le_s(b, a) : i8x16.le_u(b, a));
}
/** An element of the first source in all elements. */
// @ts-ignore: decorator
@inline function spread(x: usize, index: u32, words: bool): v128 {
  return words ? v128.load16_splat(x + (index << 1)) : v128.load8_splat(x + index);
}

/** IntRes1: the comparison before its polarity. */
function compare(x: usize, b: v128, control: u32): u32 {
  const words = (control & WORDS) != 0;
  const elements: u32 = words ? 8 : 16;
  const all: u32 = (1 << elements) - 1;
  const validA: u32 = (1 << lengthA) - 1;
  const validB: u32 = (1 << lengthB) - 1;
  let result: u32 = 0;
  switch ((control >> 2) & 3) {
    case EQUAL_ANY: {
      for (let i: u32 = 0; i < lengthA; i++) result |= equal(spread(x, i, words), b, words);
      return result & validB;
    }
    case RANGES: {
      for (let i: u32 = 0; i + 1 < lengthA; i += 2) {
        result |= notBelow(spread(x, i, words), b, control) & notAbove(spread(x, i + 1, words), b, control);
      }
      return result & validB;
    }
    case EQUAL_EACH: {
      // two elements beyond both ends are equal, one beyond its end is not
      return (equal(load<v128>(x), b, words) & validA & validB) | (all & ~(validA | validB));
    }
    default: {
      // equal ordered: the first source stands in the second from here on, as far as that goes
      result = all;
      for (let i: u32 = 0; i < lengthA; i++) {
        const here = equal(spread(x, i, words), b, words) & validB;
        result &= (here >> i) | (all & ~(all >> i));
      }
      return result;
    }
  }
}

/** Length up to the first zero element. */
function implicitLength(source: usize, words: bool): u32 {
  const zeros = equal(load<v128>(source), i64x2.splat(0), words);
  return min<u32>(ctz<u32>(zeros), words ? 8 : 16);
}
/** Absolute value of EAX or EDX (RAX, RDX with REX.W), at most all elements. */
function explicitLength(register: usize, long: bool, words: bool): u32 {
  const value = long ? load<i64>(register) : <i64>load<i32>(register);
  return <u32>min<u64>(<u64>(value < 0 ? -value : value), words ? 8 : 16);
}

/** Compares, sets the flags, and returns IntRes2. */
function result(op: usize, explicit: bool): u32 {
  const control = immediate(op);
  const x = target(op);
  const y = last(op);
  const words = (control & WORDS) != 0;
  if (explicit) {
    const long = load<u8>(op, V_SIZE) == 3;
    lengthA = explicitLength(gpr(0), long, words);
    lengthB = explicitLength(gpr(2), long, words);
  } else {
    lengthA = implicitLength(x, words);
    lengthB = implicitLength(y, words);
  }
  const elements: u32 = words ? 8 : 16;
  let bits = compare(x, load<v128>(y), control);
  if (control & NEGATE) bits ^= control & ONLY_VALID ? (1 << lengthB) - 1 : (1 << elements) - 1;
  setFlags(
    (getFlags() & ~ARITHMETIC) |
      (bits ? CF : 0) |
      (lengthB < elements ? ZF : 0) |
      (lengthA < elements ? SF : 0) |
      (bits & 1 ? OF : 0),
  );
  return bits;
}

/** PCMPESTRI, PCMPISTRI: ECX = index of the first or last bit, or the number of elements. */
export function compareIndex(op: usize, explicit: bool): bool {
  const bits = result(op, explicit);
  const control = immediate(op);
  const elements: u32 = control & WORDS ? 8 : 16;
  return putMask(gpr(1), !bits ? elements : control & UPPER ? 31 - clz<u32>(bits) : ctz<u32>(bits));
}
/** PCMPESTRM, PCMPISTRM: XMM0 = the bits, or elements of all ones and zeros. */
export function compareMask(op: usize, explicit: bool): bool {
  const bits = result(op, explicit);
  const control = immediate(op);
  let mask = i32x4.replace_lane(i64x2.splat(0), 0, bits);
  if (control & UPPER) {
    if (control & WORDS) {
      const each = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
      mask = i16x8.eq(v128.and(i16x8.splat(<i16>bits), each), each);
    } else {
      const each = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
      const bytes = v128.shuffle<i8>(mask, mask, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
      mask = i8x16.eq(v128.and(bytes, each), each);
    }
  }
  put(cpu + YMM, mask);
  if (flags(op) & V_VEX) store<v128>(cpu + YMM, i64x2.splat(0), YMM_HIGH);
  return true;
}
