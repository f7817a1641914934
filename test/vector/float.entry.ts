// Family FLOAT alone, for the tests: makes operands, and executes one operation on many of them as a micro-operation of the run
// loop would. A case is as native.c reads it, a result as it writes it.

import { cpu, CR4, GPR, MXCSR, raised, RAISED_VECTOR, setRaised, X87, YMM, YMM_HIGH } from '../../assembly/state';
import { CR4_OSXMMEXCPT } from '../../assembly/control';
import { setMxcsr } from '../../assembly/float/environment';
import { getFlags, setFlags } from '../../assembly/flags';
import { BASE, DISP, DST, SRC, V_256, V_FLAGS, V_OPERATION, V_SIZE, V_VEX } from '../../assembly/uop';
import { Operation } from '../../assembly/decode/operation';
import { float } from '../../assembly/vector/float';
import {
  addDouble,
  addDoubles,
  addSingle,
  addSingles,
  compareDouble,
  compareSingle,
  divideDouble,
  divideDoubles,
  divideSingle,
  divideSingles,
  doubleFrom32,
  doubleFrom64,
  greaterDouble,
  greaterSingle,
  lesserDouble,
  lesserSingle,
  multiplyDouble,
  multiplyDoubles,
  multiplySingle,
  multiplySingles,
  narrow,
  rootDouble,
  rootSingle,
  subtractDouble,
  subtractDoubles,
  subtractSingle,
  subtractSingles,
  truncateTo32,
  truncateTo64,
  widen,
} from '../../assembly/vector/quick';

export { attach, cpu, MEMORY_FREE } from '../../assembly/state';

const CASE: usize = 112;
const RESULT: usize = 64;
const A: usize = 32;
const B: usize = 64;
const CASE_MXCSR: usize = 96;

let state: u64 = 0;
function random(): u64 {
  state += 0x9e3779b97f4a7c15;
  let z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
function below(n: u32): u32 {
  return <u32>(((random() >> 32) * n) >> 32);
}
function between(low: i32, high: i32): i32 {
  return low + <i32>below(high - low + 1);
}

/** What elements are: 0 half, 1 single, 2 double, 3 integer of 32 bits, 4 of 64. */
function bitsOf(type: u32): u64 {
  return type == 0 ? 16 : type == 1 || type == 3 ? 32 : 64;
}
function fractionOf(type: u32): u64 {
  return type == 0 ? 10 : type == 1 ? 23 : 52;
}
function assemble(type: u32, negative: u64, exponent: i64, fraction: u64): u64 {
  const f = fractionOf(type);
  const top = <i64>((1 << (bitsOf(type) - f - 1)) - 1);
  const e = exponent < 0 ? 0 : exponent > top ? top : exponent;
  return ((negative & 1) << (bitsOf(type) - 1)) | ((<u64>e) << f) | (fraction & ((1 << f) - 1));
}
/** Fractions that are near ties and carries more often than chance has it. */
function fraction(type: u32): u64 {
  const f = fractionOf(type);
  const r = random();
  switch (below(10)) {
    case 0:
      return 0;
    case 1:
      return ~(<u64>0);
    case 2:
      return (<u64>1) << below(<u32>f);
    case 3:
      return r << below(<u32>f);
    case 4:
      return r >> (64 - below(<u32>f));
    case 5:
      return ~(r << below(<u32>f));
    case 6:
      return ~((<u64>1) << below(<u32>f));
    default:
      return r;
  }
}
function special(type: u32): u64 {
  const top: i64 = (1 << (bitsOf(type) - fractionOf(type) - 1)) - 1;
  const half = top >> 1;
  const sign = random();
  switch (below(14)) {
    case 0:
    case 1:
      return assemble(type, sign, 0, 0);
    case 2:
      return assemble(type, sign, top, 0); // infinity
    case 3:
      return assemble(type, sign, top, fraction(type) | 1); // NaN of either kind
    case 4:
      return assemble(type, sign, top, random() | ((<u64>1) << (fractionOf(type) - 1)));
    case 5:
      return assemble(type, sign, top, (random() & ~((<u64>1) << (fractionOf(type) - 1))) | 1);
    case 6:
      return assemble(type, sign, 0, (<u64>1) << below(<u32>fractionOf(type)));
    case 7:
      return assemble(type, sign, 0, fraction(type));
    case 8:
      return assemble(type, sign, 1, 0);
    case 9:
      return assemble(type, sign, top - 1, ~(<u64>0));
    case 10:
      return assemble(type, sign, 0, ~(<u64>0));
    default:
      return assemble(type, sign, half + between(-1, 2), below(2) ? 0 : fraction(type));
  }
}
function value(type: u32): u64 {
  const r = random();
  if (type == 3 || type == 4) {
    const wide = (r >> (bitsOf(type) == 32 ? 32 : 0)) >> below(<u32>bitsOf(type));
    const near: u64 = below(4) ? wide : ((<u64>1) << below(<u32>bitsOf(type))) + between(-2, 2);
    return below(2) ? near : 0 - near;
  }
  const top: i64 = (1 << (bitsOf(type) - fractionOf(type) - 1)) - 1;
  const half = top >> 1;
  switch (below(12)) {
    case 0:
      return special(type);
    case 1:
      return r;
    case 2:
      return assemble(type, r, 0, random() >> below(64)); // mostly denormal
    case 3:
    case 4:
    case 5:
      return assemble(type, r, half + between(-4, 4), fraction(type));
    case 6:
    case 7:
      return assemble(type, r, half + between(-2, 67), fraction(type)); // like integers
    case 8:
      // the smallest normal number of this format or of the one below
      if (below(2) && type) return assemble(type, r, half - (type == 1 ? 15 : 127) + between(-1, 1), fraction(type));
      return assemble(type, r, between(0, 3), fraction(type));
    case 9:
      return assemble(type, r, top - between(1, 4), fraction(type));
    default:
      return assemble(type, r, <i64>(random() >> 1) % top, fraction(type));
  }
}
function exponent(type: u32, a: u64): i64 {
  return (a >> fractionOf(type)) & ((1 << (bitsOf(type) - fractionOf(type) - 1)) - 1);
}
/** Most partners are those for which Wasm's own arithmetic just does or just does not do. */
let edgy: bool = false;
/** A second operand that does something interesting to the first. */
function partner(type: u32, a: u64): u64 {
  if (type == 3 || type == 4) return value(type);
  const r = random();
  const f = <i32>fractionOf(type);
  const top: i64 = (1 << (bitsOf(type) - fractionOf(type) - 1)) - 1;
  const half = top >> 1;
  const e = exponent(type, a);
  if (edgy && below(4) == 0) {
    // as many trailing zeros as make the product exact, or one less
    const zeros = <i32>ctz<u64>(a | ((<u64>1) << f)) + between(-1, 1);
    return assemble(type, r, half + between(-4, 4), (r | 1) << (zeros < f ? f - zeros : 0));
  }
  switch (edgy ? 6 + below(4) : below(12)) {
    case 0:
      return a ^ ((r & 1) << (bitsOf(type) - 1)) ^ ((r >> 8) & (r >> 16) & 7); // nearly the same, or its negative
    case 1:
      return assemble(type, r, half - e + between(-f - 4, 4), fraction(type)); // product about to underflow
    case 2:
      return assemble(type, r, top + half - e + between(-3, 2), fraction(type)); // overflow
    case 3:
      return assemble(type, r, e + half + between(-4, f + 4), fraction(type)); // quotient about to underflow
    case 4:
      return assemble(type, r, e + half - top + between(-2, 3), fraction(type)); // overflow
    case 5:
    case 6:
      return assemble(type, r, e + between(-f - 3, f + 3), fraction(type));
    case 7: {
      // product about the smallest normal number
      const quotient =
        type == 2
          ? reinterpret<u64>(2.2250738585072014e-308 / reinterpret<f64>(a))
          : <u64>reinterpret<u32>(<f32>1.1754943508222875e-38 / reinterpret<f32>(<u32>a));
      return exponent(type, quotient) == <i64>top ? a : quotient + between(-2, 2);
    }
    case 8:
      // quotient about the smallest normal number
      return assemble(type, r, e + half - 1, a) + between(-2, 2);
    default:
      return value(type);
  }
}
/** An addend for a product. */
function addend(type: u32, a: u64, b: u64): u64 {
  if (type > 2) return value(type);
  const r = random();
  const half: i64 = ((1 << (bitsOf(type) - fractionOf(type) - 1)) - 1) >> 1;
  const f = <i32>fractionOf(type);
  switch (below(6)) {
    case 0: {
      // what the product is about, negated
      const product =
        type == 2
          ? reinterpret<u64>(reinterpret<f64>(a) * reinterpret<f64>(b))
          : <u64>reinterpret<u32>(reinterpret<f32>(<u32>a) * reinterpret<f32>(<u32>b));
      // Wasm leaves open which NaN comes out
      const noNaN = exponent(type, product) == 2 * half + 1 ? 0 : product;
      return noNaN ^ ((<u64>1) << (bitsOf(type) - 1)) ^ ((r >> 8) & (r >> 16) & 7);
    }
    case 1:
    case 2:
    case 3:
      return assemble(
        type,
        r,
        exponent(type, a) + exponent(type, b) - half + between(-2 * f - 5, 2 * f + 5),
        fraction(type),
      );
    default:
      return value(type);
  }
}

function put(type: u32, at: usize, i: usize, v: u64): void {
  if (bitsOf(type) == 64) store<u64>(at + i * 8, v);
  else if (bitsOf(type) == 32) store<u32>(at + i * 4, <u32>v);
  else store<u16>(at + i * 2, <u16>v);
}
const SETTINGS: u32 = 16;
const EDGY: u32 = 56;
/** Rounding control, FTZ and DAZ by number with all masked and nothing met; then the same with PE met; then any masks and flags; at
 * last to nearest and all masked again, with or without PE, for edgy operands. */
function mxcsrOf(setting: u32): u32 {
  if (setting >= EDGY) return (setting & 1 ? 0x1fa0 : 0x1f80) | (setting & 2 ? 0x8000 : 0) | (setting & 4 ? 0x40 : 0);
  const modes = ((setting & 3) << 13) | (setting & 4 ? 0x8000 : 0) | (setting & 8 ? 0x40 : 0);
  if (setting < SETTINGS) return 0x1f80 | modes;
  if (setting < 2 * SETTINGS) return 0x1fa0 | modes;
  const masks = setting < 3 * SETTINGS ? ~((<u32>0x80) << (setting % 6)) : <u32>random();
  return modes | (masks & 0x1f80) | (below(2) ? 0 : (<u32>random()) & 0x3f);
}
export const SETTING_COUNT: u32 = 4 * SETTINGS;

/** Which registers (D destination, A first source, B last) hold operands that go together: D or A with B; for FMA the factors, the
 * third being the addend; B alone. */
export const PAIR: u32 = 0;
export const FACTORS_D_B: u32 = 1;
export const FACTORS_A_D: u32 = 2;
export const FACTORS_A_B: u32 = 3;
export const SOURCE: u32 = 4;

/** Makes `count` cases, in each register `elements` of those that matter and anything beside. */
export function generate(type: u32, order: u32, setting: u32, seed: u64, at: usize, count: u32, elements: u32): void {
  state = seed;
  edgy = setting >= EDGY;
  for (let k: u32 = 0; k < count; k++) {
    for (let i: usize = 0; i < CASE_MXCSR; i += 8) store<u64>(at + i, random());
    const calm = below(3) == 0 && !edgy; // nothing special in any element, so that vectors as a whole are plain
    for (let i: usize = 0; i < elements; i++) {
      let x = value(type);
      let y = partner(type, x);
      let z = below(2) ? value(type) : addend(type, x, y);
      if (calm && type < 3) {
        const half: i64 = ((1 << (bitsOf(type) - fractionOf(type) - 1)) - 1) >> 1;
        x = assemble(type, x >> (bitsOf(type) - 1), half + between(-9, 9), x);
        y = assemble(type, y >> (bitsOf(type) - 1), half + between(-9, 9), y);
        z = assemble(type, z >> (bitsOf(type) - 1), half + between(-9, 9), z);
      }
      put(type, at, i, order == FACTORS_A_D || order == SOURCE ? y : order == FACTORS_A_B ? z : x);
      put(type, at + A, i, order == FACTORS_D_B ? z : order == SOURCE ? y : x);
      put(type, at + B, i, order == FACTORS_A_D ? z : order == SOURCE ? x : y);
    }
    store<u32>(at + CASE_MXCSR, mxcsrOf(setting));
    at += CASE;
  }
}

export const SHAPE_VEX: u32 = 1;
export const SHAPE_256: u32 = 2;
/** VEX-encoded, with two operands. */
export const SHAPE_TWO: u32 = 4;
export const SHAPE_MMX_SOURCE: u32 = 8;
export const SHAPE_MMX_RESULT: u32 = 16;
export const SHAPE_REGISTER_SOURCE: u32 = 32;
export const SHAPE_REGISTER_RESULT: u32 = 64;
export const SHAPE_FLAGS: u32 = 128;

let osxmmexcpt: bool = true;
export function setOsxmmexcpt(value: bool): void {
  osxmmexcpt = value;
}

/** What the run loop does first where it has a handler for the operation. */
function quickly(op: usize, operation: u32): bool {
  switch (operation) {
    case Operation.ADDSD:
      return addDouble(cpu, op);
    case Operation.SUBSD:
      return subtractDouble(cpu, op);
    case Operation.MULSD:
      return multiplyDouble(cpu, op);
    case Operation.DIVSD:
      return divideDouble(cpu, op);
    case Operation.SQRTSD:
      return rootDouble(cpu, op);
    case Operation.MINSD:
      return lesserDouble(op);
    case Operation.MAXSD:
      return greaterDouble(op);
    case Operation.ADDSS:
      return addSingle(cpu, op);
    case Operation.SUBSS:
      return subtractSingle(cpu, op);
    case Operation.MULSS:
      return multiplySingle(cpu, op);
    case Operation.DIVSS:
      return divideSingle(cpu, op);
    case Operation.SQRTSS:
      return rootSingle(cpu, op);
    case Operation.MINSS:
      return lesserSingle(op);
    case Operation.MAXSS:
      return greaterSingle(op);
    case Operation.ADDPD:
      return addDoubles(cpu, op);
    case Operation.SUBPD:
      return subtractDoubles(cpu, op);
    case Operation.MULPD:
      return multiplyDoubles(cpu, op);
    case Operation.DIVPD:
      return divideDoubles(cpu, op);
    case Operation.ADDPS:
      return addSingles(cpu, op);
    case Operation.SUBPS:
      return subtractSingles(cpu, op);
    case Operation.MULPS:
      return multiplySingles(cpu, op);
    case Operation.DIVPS:
      return divideSingles(cpu, op);
    case Operation.COMISD:
      return compareDouble(cpu, op);
    case Operation.COMISS:
      return compareSingle(cpu, op);
    case Operation.UCOMISD:
      return compareDouble(cpu, op);
    case Operation.UCOMISS:
      return compareSingle(cpu, op);
    case Operation.CVTTSD2SI:
      return load<u8>(op, V_SIZE) == 3 ? truncateTo64(cpu, op) : truncateTo32(cpu, op);
    case Operation.CVTSS2SD:
      return widen(op);
    case Operation.CVTSD2SS:
      return narrow(cpu, op);
    case Operation.CVTSI2SD:
      if (load<u8>(op, V_SIZE) == 3) return doubleFrom64(cpu, op);
      doubleFrom32(op);
      return true;
  }
  return false;
}

/** Executes the operation on `count` cases and writes the results. `inline`: 0 by float() alone; 1 by the run loop's handlers first; 4
 * or 8 likewise, and that many bytes are the element beside which the first source's are copied by other micro-operations. */
export function execute(
  operation: u32,
  shape: u32,
  size: u32,
  control: i32,
  cases: usize,
  results: usize,
  count: u32,
  inline: u32,
): void {
  const room = results + <usize>count * RESULT;
  const first = cpu + YMM;
  const second = first + 32;
  const third = first + 64;
  let destination = first;
  if (shape & SHAPE_MMX_RESULT) destination = cpu + X87;
  if (shape & SHAPE_REGISTER_RESULT) destination = cpu + GPR;
  let source = third;
  if (shape & SHAPE_MMX_SOURCE) source = cpu + X87 + 32;
  if (shape & SHAPE_REGISTER_SOURCE) source = cpu + GPR + 16;
  memory.fill(room, 0, 32);
  store<u16>(room, <u16>destination, DST);
  store<u32>(room, source, SRC);
  store<u16>(room, <u16>(shape & SHAPE_TWO ? source : shape & SHAPE_VEX ? second : destination), BASE);
  store<i32>(room, control, DISP);
  store<u16>(room, <u16>operation, V_OPERATION);
  store<u8>(room, <u8>size, V_SIZE);
  store<u8>(room, <u8>((shape & SHAPE_VEX ? V_VEX : 0) | (shape & SHAPE_256 ? V_256 : 0)), V_FLAGS);
  store<u64>(cpu, osxmmexcpt ? CR4_OSXMMEXCPT : 0, CR4);
  for (let k: u32 = 0; k < count; k++) {
    memory.copy(first, cases, 96);
    store<u64>(cpu + X87, load<u64>(cases));
    store<u64>(cpu + X87 + 32, load<u64>(cases, B));
    store<u64>(cpu + GPR, load<u64>(cases));
    store<u64>(cpu + GPR + 16, load<u64>(cases, B));
    setMxcsr(load<u32>(cases, CASE_MXCSR));
    setFlags(0x8d7);
    setRaised(0);
    const handled = inline && quickly(room, operation);
    if (handled && shape & SHAPE_VEX && inline > 1) memory.copy(destination + inline, second + inline, 16 - inline);
    const done = handled || float(room);
    // the lowering's part
    if (done && shape & SHAPE_VEX && !(shape & (SHAPE_256 | SHAPE_REGISTER_RESULT | SHAPE_FLAGS))) {
      v128.store(first, v128.splat<i64>(0), YMM_HIGH);
    }
    memory.copy(results, first, 32);
    store<u32>(results, load<u32>(cpu, MXCSR), 32);
    store<u32>(results, getFlags() & 0x8d5, 36);
    store<u64>(results, load<u64>(cpu + GPR), 40);
    store<u64>(results, load<u64>(cpu + X87), 48);
    store<u32>(results, done == (raised != 0) ? 99 : done ? 0 : load<u32>(cpu, RAISED_VECTOR) == 19 ? 1 : 98, 56);
    store<u32>(results, 0, 60);
    cases += CASE;
    results += RESULT;
  }
}
