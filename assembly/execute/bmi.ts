// BMI1, BMI2 and ADX (SDM vol. 2, by name). Flags that the manual calls undefined: OF, SF and AF are 0 and PF is as of the
// result after LZCNT and TZCNT, AF is 0 and PF is as of the result after the others.

import { cpu, GPR } from '../state';
import { ADCX, BEXTR, BLSI, BLSMSK, BLSR, BZHI, MULX, PDEP, PEXT } from '../uop';
import { CARRY_OVERFLOW, getCF, getOF, setCarry, setCarryOverflow, setLazy } from '../flags';
import { highUnsigned } from './multiply';
import { put } from './operand';
import { readSized, signed, writeSized } from './sized';

/** LZCNT and TZCNT; T is an unsigned type. */
// @ts-ignore: decorator
@inline export function count<T>(c: usize, d: usize, s: usize, leading: bool): void {
  const value = load<T>(s);
  // Wasm's counts of zero are the width too
  const result = <i64>(leading ? clz<T>(value) : ctz<T>(value));
  setLazy(c, CARRY_OVERFLOW, value ? 0 : 1, 0, result);
  store<u64>(d, result);
}

/** BEXTR: `length` bits from bit `start` on. */
function extract(value: u64, start: u32, length: u32): u64 {
  if (start > 63) return 0;
  const shifted = value >> start;
  return length > 63 ? shifted : shifted & (((<u64>1) << length) - 1);
}

/** A run of ones in a mask that begins at bit `at`, which is one of them. */
// @ts-ignore: decorator
@inline function runAt(mask: u64, at: u64): u64 {
  return ctz<u64>(~(mask >> at));
}
// @ts-ignore: decorator
@inline function ones(count: u64): u64 {
  return count > 63 ? ~(<u64>0) : ((<u64>1) << count) - 1;
}
/** PDEP and PEXT go by runs of ones in the mask: masks are mostly few of them. */
function deposit(value: u64, mask: u64): u64 {
  let result: u64 = 0;
  let rest = value;
  for (let m = mask; m;) {
    const at = ctz<u64>(m);
    const length = runAt(m, at);
    const field = ones(length);
    result |= (rest & field) << at;
    if (length > 63) break;
    rest >>= length;
    m &= ~(field << at);
  }
  return result;
}
function gather(value: u64, mask: u64): u64 {
  let result: u64 = 0;
  let filled: u64 = 0;
  for (let m = mask; m;) {
    const at = ctz<u64>(m);
    const length = runAt(m, at);
    const field = ones(length);
    result |= ((value >> at) & field) << filled;
    filled += length;
    m &= ~(field << at);
  }
  return result;
}

/** MULX: rDX × source, high half to `d`, low half to `low`; when they are one register the high half stays. */
function multiplyNoFlags(size: u32, d: usize, s: u64, low: usize): void {
  const a = readSized(cpu + GPR + 16, size);
  const product = a * s;
  if (size == 3) {
    const high = highUnsigned(a, s);
    store<u64>(low, product);
    store<u64>(d, high);
  } else {
    store<u64>(low, product & 0xffffffff);
    store<u64>(d, product >> 32);
  }
}

/** ADCX and ADOX: addition with CF or OF as the carry in and out, the other flags untouched. */
function addWith(carryFlag: bool, size: u32, d: usize, s: u64): void {
  const a = readSized(d, size);
  const carry: u64 = (carryFlag ? getCF() : getOF()) ? 1 : 0;
  const sum = a + s + carry;
  let out: u32;
  if (size == 3) out = sum < a || (carry && sum == a) ? 1 : 0;
  else out = <u32>(sum >> 32);
  if (carryFlag) setCarry(out);
  else setCarryOverflow(getCF() ? 1 : 0, out);
  writeSized(d, size, sum);
}

/** Everything that has no handler of its own; `v` is the register in VEX.vvvv. */
export function bmi(operation: u32, size: u32, d: usize, s: usize, v: usize): void {
  const value = readSized(s, size);
  let carry: bool = false;
  let result: u64 = 0;
  switch (operation) {
    case BLSR:
      result = value & (value - 1);
      carry = value == 0;
      break;
    case BLSMSK:
      result = value ^ (value - 1);
      carry = value == 0;
      break;
    case BLSI:
      result = value & (0 - value);
      carry = value != 0;
      break;
    case BZHI: {
      const index: u32 = load<u8>(v);
      carry = index > <u32>((8 << size) - 1);
      result = carry ? value : value & (((<u64>1) << index) - 1);
      break;
    }
    case BEXTR:
      result = extract(value, load<u8>(v), load<u8>(v, 1));
      break;
    case PDEP:
      return writeSized(d, size, deposit(readSized(v, size), value));
    case PEXT:
      return writeSized(d, size, gather(readSized(v, size), value));
    case MULX:
      return multiplyNoFlags(size, d, value, v);
    default:
      return addWith(operation == ADCX, size, d, value);
  }
  setLazy(cpu, CARRY_OVERFLOW, carry ? 1 : 0, 0, signed(result, size));
  writeSized(d, size, result);
}
