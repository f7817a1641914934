// Instructions that are executed out of line, by execute/rare.ts.

import { ACCESS_READ, ACCESS_WRITE, cpu, T1 } from '../state';
import {
  DISP,
  RARE_ADDRESS_SIZE,
  RARE_CONDITION,
  RARE_IMM2,
  RARE_MEMORY,
  RARE_OPERATION,
  RARE_PREFIXES,
  RARE_REGISTER,
  RARE_SELECTOR,
  RARE_SIZE,
  SEG,
  SRC,
  Uop,
} from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { emit, setDst, setSrc } from './emit';
import { immediate, kind, operand, operandSize, register } from './operand';
import { emitLinear, memory, rawAddress, storeFrom } from './address';

/** Anything executed by execute/rare.ts. Memory operand: its linear address is put in T0 first. */
export function lowerRare(operation: u32, ends: bool, access: u32 = ACCESS_READ): usize {
  const i = I.insn();
  const count = <u32>load<u8>(i, I.OPERAND_COUNT);
  let hasMemory = false;
  for (let k: u32 = 0; k < count; k++) {
    if (kind(k) == I.KIND_MEMORY) {
      rawAddress();
      const bytes = <u32>load<u8>(operand(k), I.OPERAND_BYTES);
      // INVLPG accesses nothing: no segment refuses it (SDM vol. 2, INVLPG)
      emitLinear(operation == Operation.INVLPG ? 0 : bytes ? bytes : 1, access);
      hasMemory = true;
    }
  }
  const op = emit(ends ? Uop.RARE_END : Uop.RARE);
  let registerNumber: u32 = 0;
  for (let k: i32 = <i32>count - 1; k >= 0; k--) {
    const o = kind(k);
    if (o == I.KIND_REGISTER) {
      if (k == 0) setDst(op, register(k));
      else setSrc(op, register(k));
    } else if (o == I.KIND_SEGMENT || o == I.KIND_CONTROL || o == I.KIND_DEBUG)
      registerNumber = load<u8>(operand(k), I.OPERAND_REGISTER);
  }
  if (count && kind(0) == I.KIND_REGISTER && !load<u32>(op, SRC)) setSrc(op, register(0));
  store<u16>(op, <u16>operation, RARE_OPERATION);
  store<u8>(op, <u8>operandSize(), RARE_SIZE);
  store<u8>(op, load<u8>(i, I.ADDRESS_SIZE), RARE_ADDRESS_SIZE);
  store<u8>(op, load<u8>(i, I.CONDITION), RARE_CONDITION);
  store<u8>(op, <u8>load<u32>(i, I.PREFIXES), RARE_PREFIXES);
  store<u8>(op, <u8>registerNumber, RARE_REGISTER);
  store<u8>(op, hasMemory ? 1 : 0, RARE_MEMORY);
  store<u8>(op, load<u8>(i, I.SEGMENT), SEG);
  store<i32>(op, <i32>immediate(), DISP);
  store<u16>(op, <u16>load<u32>(i, I.IMMEDIATE2), RARE_SELECTOR);
  store<u8>(op, <u8>load<u32>(i, I.IMMEDIATE2), RARE_IMM2);
  return op;
}
/** Result of a rare operation goes to a register or memory: computed into T1, then stored. */
export function lowerRareResult(operation: u32, size: u32): void {
  if (kind(0) == I.KIND_MEMORY) {
    memory(1 << size, ACCESS_WRITE);
    const op = emit(Uop.RARE);
    store<u16>(op, <u16>operation, RARE_OPERATION);
    store<u8>(op, <u8>size, RARE_SIZE);
    setDst(op, cpu + T1);
    storeFrom(cpu + T1, size, 0);
  } else {
    const op = lowerRare(operation, false);
    setDst(op, register(0));
  }
}
/** String instructions (and XLAT) find their operands themselves; the former end their block, so that a REP one can be cut anywhere. */
export function lowerString(operation: u32, handler: u32): void {
  const op = emit(handler);
  store<u16>(op, <u16>operation, RARE_OPERATION);
  store<u8>(op, <u8>operandSize(), RARE_SIZE);
  store<u8>(op, load<u8>(I.insn(), I.ADDRESS_SIZE), RARE_ADDRESS_SIZE);
  store<u8>(op, <u8>load<u32>(I.insn(), I.PREFIXES), RARE_PREFIXES);
  store<u8>(op, load<u8>(I.insn(), I.SEGMENT), SEG);
}
