// Operands of the decoded instruction as text, in Intel's syntax.

import {
  ADDRESS_SIZE,
  BASE,
  DISPLACEMENT,
  IMMEDIATE,
  IMMEDIATE2,
  INDEX,
  KIND_CONTROL,
  KIND_DEBUG,
  KIND_FAR,
  KIND_IMMEDIATE,
  KIND_IMMEDIATE2,
  KIND_MEMORY,
  KIND_MMX,
  KIND_ONE,
  KIND_REGISTER,
  KIND_RELATIVE,
  KIND_SEGMENT,
  KIND_X87,
  KIND_XMM,
  LENGTH,
  NO_REGISTER,
  OPERAND_BYTES,
  OPERAND_FLAGS,
  OPERAND_HIGH,
  OPERAND_IMPLICIT,
  OPERAND_KIND,
  OPERATION,
  OPERAND_REGISTER,
  OPERAND_SIZE,
  OPERAND_VECTOR_INDEX,
  OPERAND_STRIDE,
  OPERANDS,
  REGISTER_RIP,
  SCALE,
  SEGMENT,
  insn,
} from '../decode/insn';
import { Operation } from '../decode/operation';
import { SEG_DS, SEG_SS } from '../state';
import { general, high, segmentName, vector } from './registers';
import { number, truncate } from './text';

const RSP: u32 = 4;
const RBP: u32 = 5;

/** The operand-th operand, of an instruction that stands at `address`; empty for one that is not shown (strings'). */
export function operandText(operand: u32, address: u64): string {
  const record = insn();
  const at = record + OPERANDS + <usize>operand * OPERAND_STRIDE;
  const kind: u32 = load<u8>(at, OPERAND_KIND);
  const bytes: u32 = load<u8>(at, OPERAND_BYTES);
  const register: u32 = load<u8>(at, OPERAND_REGISTER);
  if (kind == KIND_REGISTER) {
    return load<u8>(at, OPERAND_FLAGS) & OPERAND_HIGH ? high(register) : general(register, bytes);
  }
  if (kind == KIND_MEMORY) {
    // MASKMOVQ's [rDI] is implied.
    const flags: u32 = load<u8>(at, OPERAND_FLAGS);
    if (flags & OPERAND_IMPLICIT) return '';
    return sizeName(bytes) + memoryText(flags & OPERAND_VECTOR_INDEX ? register : 0);
  }
  if (kind == KIND_IMMEDIATE) return number(truncate(load<u64>(record, IMMEDIATE), bytes));
  if (kind == KIND_IMMEDIATE2) return number(load<u32>(record, IMMEDIATE2));
  if (kind == KIND_ONE) return '1';
  if (kind == KIND_RELATIVE) {
    const target = address + load<u8>(record, LENGTH) + load<u64>(record, IMMEDIATE);
    return number(truncate(target, 1 << load<u8>(record, OPERAND_SIZE)));
  }
  if (kind == KIND_FAR) {
    const offset = truncate(load<u64>(record, IMMEDIATE), 1 << load<u8>(record, OPERAND_SIZE));
    return number(load<u32>(record, IMMEDIATE2)) + ':' + number(offset);
  }
  if (kind == KIND_SEGMENT) return segmentName(register);
  if (kind == KIND_CONTROL) return 'cr' + register.toString();
  if (kind == KIND_DEBUG) return 'dr' + register.toString();
  if (kind == KIND_X87) return register == 0 ? 'st' : 'st(' + register.toString() + ')';
  if (kind == KIND_MMX) return 'mm' + register.toString();
  if (kind == KIND_XMM) return vector(register, bytes);
  return '';
}

function sizeName(bytes: u32): string {
  if (bytes == 1) return 'byte ptr ';
  if (bytes == 2) return 'word ptr ';
  if (bytes == 4) return 'dword ptr ';
  if (bytes == 6) return 'fword ptr ';
  if (bytes == 8) return 'qword ptr ';
  if (bytes == 10) return 'tbyte ptr ';
  if (bytes == 16) return 'xmmword ptr ';
  if (bytes == 32) return 'ymmword ptr ';
  return '';
}

/**
 * The memory operand: segment where it is not the default one, and the sum that makes the offset. `vectorIndex`: bytes of
 * an index register that is a vector, else 0.
 */
function memoryText(vectorIndex: u32): string {
  const record = insn();
  const width: u32 = 1 << load<u8>(record, ADDRESS_SIZE);
  const base: u32 = load<u8>(record, BASE);
  const index: u32 = load<u8>(record, INDEX);
  const displacement = load<i64>(record, DISPLACEMENT);
  let sum = '';
  if (base == REGISTER_RIP) sum = width == 4 ? 'eip' : 'rip';
  else if (base != NO_REGISTER) sum = general(base, width);
  if (index != NO_REGISTER) {
    if (sum.length) sum += '+';
    sum += vectorIndex ? vector(index, vectorIndex) : general(index, width);
    const scale = 1 << load<u8>(record, SCALE);
    if (scale > 1) sum += '*' + scale.toString();
  }
  if (!sum.length) sum = number(truncate(displacement, width));
  else if (displacement < 0) sum += '-' + number(-displacement);
  else if (displacement > 0) sum += '+' + number(displacement);
  const segment: u32 = load<u8>(record, SEGMENT);
  // SDM vol. 1, table 3-5: a base of rSP or rBP makes the stack segment the default.
  const usual = <u32>(base == RSP || base == RBP ? SEG_SS : SEG_DS);
  const counts = segment != usual && load<u16>(record, OPERATION) != Operation.LEA;
  return (!counts ? '[' : segmentName(segment) + ':[') + sum + ']';
}
