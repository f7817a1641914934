// BMI1, BMI2, ADX, and the counts of leading and trailing zeros.

import { FEATURE_BMI1, FEATURE_LZCNT } from '../state';
import {
  ADCX,
  ADOX,
  AUX,
  BASE,
  BEXTR,
  BLSI,
  BLSMSK,
  BLSR,
  BSF,
  BSR,
  BZHI,
  IMM,
  LZCNT,
  MULX,
  PDEP,
  PEXT,
  TZCNT,
  Uop,
} from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { value } from './address';
import { has, vexDefined } from './available';
import { lowerScan } from './bit';
import { emit, emitUndefined, setDst, setSrc } from './emit';
import { immediate, register, sizeOf } from './operand';
import { isVex } from './vector';

/** LZCNT and TZCNT; a processor without them ignores their F3 and does BSR and BSF. */
export function lowerCount(leading: bool): void {
  const size = sizeOf(0);
  if (!has(leading ? FEATURE_LZCNT : FEATURE_BMI1)) lowerScan(leading ? BSR : BSF);
  else if (size == 1) lowerScan(leading ? LZCNT : TZCNT);
  else onto(leading ? Uop.LZCNT32 : Uop.TZCNT32, 1);
}

/** The 32-bit handler or the one behind it for 64 bits, from the operand `source` into the first one. */
function onto(handler: u32, source: usize): usize {
  const size = sizeOf(0);
  const s = value(source, size);
  const op = emit(handler + size - 2);
  setDst(op, register(0));
  setSrc(op, s);
  return op;
}
/** The same with a register operand, or an immediate if that is what it is, at BASE. */
function onto2(handler: u32, source: usize, other: usize): void {
  store<u16>(onto(handler, source), <u16>register(other), BASE);
}
function general(operation: u32, source: usize, other: usize): void {
  const size = sizeOf(0);
  const s = value(source, size);
  const op = emit(Uop.BMI);
  setDst(op, register(0));
  setSrc(op, s);
  store<u16>(op, <u16>register(other), BASE);
  store<u8>(op, <u8>(operation | (size << 4)), AUX);
}

/** ANDN to ADOX in Operation's order. */
export function lowerBmi(operation: u32): void {
  if (isVex() && !vexDefined()) return emitUndefined(0);
  switch (operation) {
    case Operation.ANDN:
      return onto2(Uop.ANDN32, 2, 1);
    case Operation.SHLX:
      return onto2(Uop.SHLX32, 1, 2);
    case Operation.SHRX:
      return onto2(Uop.SHRX32, 1, 2);
    case Operation.SARX:
      return onto2(Uop.SARX32, 1, 2);
    case Operation.RORX:
      store<i64>(onto(Uop.RORX32, 1), immediate(), IMM);
      return;
    case Operation.BLSR:
      return general(BLSR, 1, 0);
    case Operation.BLSMSK:
      return general(BLSMSK, 1, 0);
    case Operation.BLSI:
      return general(BLSI, 1, 0);
    case Operation.BZHI:
      return general(BZHI, 1, 2);
    case Operation.BEXTR:
      return general(BEXTR, 1, 2);
    case Operation.PDEP:
      return general(PDEP, 2, 1);
    case Operation.PEXT:
      return general(PEXT, 2, 1);
    case Operation.MULX:
      return general(MULX, 2, 1);
    case Operation.ADCX:
      return general(ADCX, 1, 0);
    default:
      return general(ADOX, 1, 0);
  }
}
