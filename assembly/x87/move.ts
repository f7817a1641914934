// Loads, stores, exchanges and constants.

import { DENORMAL, INVALID, meet, met, UP, NEAREST, rounding } from '../float/environment';
import { fromDouble, fromSingle, notDenormal, toDouble, toSingle, wasDenormal } from '../float/extended/convert';
import { decimalHigh, fromDecimal, toDecimal, toInteger } from '../float/extended/integer';
import { deliverInteger } from '../float/extended/round';
import {
  BIAS,
  deliver,
  deliverZero,
  exponent,
  INTEGER_BIT,
  kindOf,
  QNAN,
  QUIET_BIT,
  SIGN,
  significand,
  SNAN,
} from '../float/extended/value';
import { raised } from '../state';
import { read16, read32, read64, write16, write32, write64 } from '../paging/access';
import {
  C1,
  exponentAt,
  hasRoom,
  isEmpty,
  popStack,
  prepareFull,
  prevented,
  pushFault,
  pushStack,
  put,
  report,
  reportPrevented,
  reportResult,
  setStatus,
  setValid,
  st,
  stackFault,
  status,
  storePrevented,
  unmasked,
} from './registers';
import { probed, read80, readHigh, write80 } from './operand';

// ---------------------------------------------------------------- from memory
/** A single or double precision number to `significand` and `exponent`. False = raised. */
export function readFloat(at: u64, bytes: u32): bool {
  if (bytes == 4) {
    const bits = <u32>read32(at);
    if (raised) return false;
    fromSingle(bits);
    return true;
  }
  const bits = read64(at);
  if (raised) return false;
  fromDouble(bits);
  return true;
}
/** A signed integer of 2, 4 or 8 bytes, likewise. */
export function readInteger(at: u64, bytes: u32): bool {
  let value: i64;
  if (bytes == 2) value = <i64>(<i16>read16(at));
  else if (bytes == 4) value = <i64>(<i32>read32(at));
  else value = <i64>read64(at);
  if (raised) return false;
  notDenormal();
  deliverInteger(value < 0 ? SIGN : 0, <u64>(value < 0 ? 0 - value : value));
  return true;
}
function pushed(): void {
  if (!hasRoom()) return pushFault();
  pushStack(significand, exponent);
  setStatus(status() & ~C1);
}

export function loadFloat(at: u64, bytes: u32): bool {
  if (bytes == 10) {
    const low = read80(at);
    if (raised) return false;
    deliver(low, readHigh);
    pushed();
    return true;
  }
  if (!readFloat(at, bytes)) return false;
  if (!hasRoom()) {
    pushFault();
    return true;
  }
  const signaling = kindOf(significand, exponent) == SNAN;
  if (!wasDenormal && !signaling) {
    pushed();
    return true;
  }
  prepareFull();
  meet(signaling ? INVALID : DENORMAL);
  // a denormal is loaded even if it is not masked
  if (signaling && prevented()) return true;
  report(met, false);
  pushStack(signaling ? significand | QUIET_BIT : significand, exponent);
  return true;
}
export function loadInteger(at: u64, bytes: u32): bool {
  if (!readInteger(at, bytes)) return false;
  pushed();
  return true;
}
export function loadDecimal(at: u64): bool {
  const low = read80(at);
  if (raised) return false;
  deliverInteger(readHigh & SIGN, fromDecimal(low, readHigh));
  pushed();
  return true;
}

// ---------------------------------------------------------------- to memory
function popIf(pop: bool): void {
  if (pop) popStack();
}
/** The value has been written, or writing it has raised something. */
function stored(pop: bool): bool {
  if (raised) return false;
  reportResult();
  popIf(pop);
  return true;
}
function storedEmpty(pop: bool): bool {
  if (raised) return false;
  stackFault(false);
  popIf(pop);
  return true;
}
/** An unmasked exception keeps the value from being written, but not from a fault of the address. */
function refused(at: u64, bytes: u32): bool {
  if (!probed(at, bytes, true)) return false;
  reportPrevented();
  return true;
}
function refusedEmpty(at: u64, bytes: u32): bool {
  if (!probed(at, bytes, true)) return false;
  stackFault(false);
  return true;
}
export function storeFloat(at: u64, bytes: u32, pop: bool): bool {
  if (isEmpty(0)) {
    if (unmasked(INVALID)) return refusedEmpty(at, bytes);
    if (bytes == 4) write32(at, 0xffc00000);
    else if (bytes == 8) write64(at, 0xfff8000000000000);
    else write80(at, INTEGER_BIT | QUIET_BIT, 0xffff);
    return storedEmpty(pop);
  }
  const sig = load<u64>(st(0));
  const se = exponentAt(st(0));
  prepareFull();
  if (bytes == 10) {
    write80(at, sig, se);
    if (raised) return false;
    setStatus(status() & ~C1);
    popIf(pop);
    return true;
  }
  if (bytes == 4) {
    const value = toSingle(sig, se);
    if (storePrevented()) return refused(at, bytes);
    write32(at, value);
  } else {
    const value = toDouble(sig, se);
    if (storePrevented()) return refused(at, bytes);
    write64(at, value);
  }
  return stored(pop);
}
function writeInteger(at: u64, bytes: u32, value: i64): void {
  if (bytes == 2) write16(at, value);
  else if (bytes == 4) write32(at, value);
  else write64(at, value);
}
export function storeInteger(at: u64, bytes: u32, truncate: bool, pop: bool): bool {
  if (isEmpty(0)) {
    if (unmasked(INVALID)) return refusedEmpty(at, bytes);
    writeInteger(at, bytes, (<i64>-1) << ((bytes << 3) - 1));
    return storedEmpty(pop);
  }
  prepareFull();
  const value = toInteger(load<u64>(st(0)), exponentAt(st(0)), bytes << 3, truncate);
  if (storePrevented()) return refused(at, bytes);
  writeInteger(at, bytes, value);
  return stored(pop);
}
export function storeDecimal(at: u64): bool {
  if (isEmpty(0)) {
    if (unmasked(INVALID)) return refusedEmpty(at, 10);
    write80(at, 0xc000000000000000, 0xffff);
    return storedEmpty(true);
  }
  prepareFull();
  const low = toDecimal(load<u64>(st(0)), exponentAt(st(0)));
  if (storePrevented()) return refused(at, 10);
  write80(at, low, decimalHigh);
  return stored(true);
}

// ---------------------------------------------------------------- between registers
export function loadRegister(i: u32): void {
  if (isEmpty(i) || !hasRoom()) {
    if (stackFault(!isEmpty(i))) pushStack(significand, exponent);
    return;
  }
  const from = st(i);
  deliver(load<u64>(from), exponentAt(from));
  pushed();
}
export function storeRegister(i: u32, pop: bool): void {
  if (isEmpty(0)) {
    if (!stackFault(false)) return;
    put(st(i), significand, exponent);
  } else {
    put(st(i), load<u64>(st(0)), exponentAt(st(0)));
    setStatus(status() & ~C1);
  }
  setValid(i);
  popIf(pop);
}
/** FSTPNCE: an empty ST(0) is no stack fault; nothing is copied. */
export function storeQuietly(i: u32): void {
  if (!isEmpty(0)) return storeRegister(i, true);
  setStatus(status() & ~C1);
  popStack();
}
export function exchange(i: u32): void {
  const a = st(0);
  const b = st(i);
  if (isEmpty(0) || isEmpty(i)) {
    if (!stackFault(false)) return;
    if (isEmpty(0)) put(a, significand, exponent);
    if (isEmpty(i)) put(b, significand, exponent);
    setValid(0);
    setValid(i);
  } else setStatus(status() & ~C1);
  const sig = load<u64>(a);
  const se = exponentAt(a);
  put(a, load<u64>(b), exponentAt(b));
  put(b, sig, se);
}
/** FCMOVcc: empty registers count whether it moves or not. C1 stays. */
export function moveIf(taken: bool, i: u32): void {
  if (isEmpty(0) || isEmpty(i)) {
    if (!stackFault(false)) return;
    put(st(0), significand, exponent);
    return setValid(0);
  }
  if (taken) put(st(0), load<u64>(st(i)), exponentAt(st(i)));
}

// ---------------------------------------------------------------- constants
/** The constants of FLD1 … FLDZ, rounded as rounding control says (SDM vol. 2, FLD1; none of the irrational ones is near a tie). */
export function loadConstant(which: u32): void {
  prepareFull();
  switch (which) {
    case 0:
      deliver(INTEGER_BIT, BIAS);
      break;
    case 1: // log2 10
      constant(0xd49a784bcd1b8afe, BIAS + 1, false);
      break;
    case 2: // log2 e
      constant(0xb8aa3b295c17f0bb, BIAS, true);
      break;
    case 3: // π
      constant(0xc90fdaa22168c234, BIAS + 1, true);
      break;
    case 4: // log10 2
      constant(0x9a209a84fbcff798, BIAS - 2, true);
      break;
    case 5: // ln 2
      constant(0xb17217f7d1cf79ab, BIAS - 1, true);
      break;
    default:
      deliverZero(0);
      break;
  }
  pushed();
}
/** A significand that goes on behind its 64 bits, with more than half or less. */
function constant(sig: u64, se: u32, more: bool): void {
  const up = rounding == UP || (rounding == NEAREST && more);
  deliver(sig + u64(up), se);
}
