// x87 instructions: one micro-operation each, which makes its own memory access.

import { ACCESS_READ, ACCESS_WRITE } from '../state';
import { SEG, Uop, V_OPERATION, X_BYTES, X_ESCAPE, X_OPCODE, X_REGISTER, X_TO_REGISTER } from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { direct, emitLinear, putAddress, rawAddress } from './address';
import { claimed, x87Available } from './available';
import { emit, emitUndefined } from './emit';
import { kind, operand } from './operand';

function writes(operation: u32): bool {
  switch (operation) {
    case Operation.FST:
    case Operation.FSTP:
    case Operation.FIST:
    case Operation.FISTP:
    case Operation.FISTTP:
    case Operation.FBSTP:
    case Operation.FNSTCW:
    case Operation.FNSTSW:
    case Operation.FNSTENV:
    case Operation.FNSAVE:
      return true;
  }
  return false;
}

export function lowerX87(operation: u32): void {
  if (!claimed()) return emitUndefined(operation);
  if (!x87Available()) return;
  const i = I.insn();
  const count = <u32>load<u8>(i, I.OPERAND_COUNT);
  const bytes: u32 = count && kind(0) == I.KIND_MEMORY ? load<u8>(operand(0), I.OPERAND_BYTES) : 0;
  if (bytes) {
    rawAddress();
    if (!direct()) emitLinear(bytes, writes(operation) ? ACCESS_WRITE : ACCESS_READ);
  }
  const op = emit(Uop.X87);
  if (bytes) putAddress(op);
  const escape = <u32>load<u8>(i, I.OPCODE);
  const modrm = <u32>load<u8>(i, I.MODRM);
  const toRegister = kind(0) == I.KIND_X87 && !(load<u8>(operand(0), I.OPERAND_FLAGS) & I.OPERAND_IMPLICIT);
  store<u16>(op, <u16>operation, V_OPERATION);
  store<u8>(op, <u8>bytes, X_BYTES);
  store<u8>(op, <u8>escape, X_ESCAPE);
  store<u8>(op, <u8>(modrm & 7), X_REGISTER);
  store<u8>(op, toRegister ? 1 : 0, X_TO_REGISTER);
  store<u16>(op, <u16>(((escape & 7) << 8) | modrm), X_OPCODE);
  store<u8>(op, load<u8>(i, I.SEGMENT), SEG);
}
