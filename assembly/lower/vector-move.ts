// Vector instructions that only move: loads, stores, and copies between registers.

import { ACCESS_READ, ACCESS_WRITE } from '../state';
import { MEM_PLAIN, MEM_READ, Uop } from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { emitMemory, memory, storeFrom } from './address';
import { emit, setDst, setSrc } from './emit';
import { kind, operand } from './operand';
import { isVex, loadVector, storeVector, vectorRegister } from './vector';

function copy(handler: u32): void {
  const op = emit(handler);
  setDst(op, vectorRegister(0));
  setSrc(op, vectorRegister(1));
}
/** Store 4 or 8 bytes of the register operand, from `from` bytes up. */
function storeScalar(bytes: u32, from: usize): void {
  memory(bytes, ACCESS_WRITE);
  storeFrom(vectorRegister(1) + from, bytes == 4 ? 2 : 3, MEM_PLAIN);
}
/** A whole register to or from memory or another one. */
function whole(): void {
  const bytes = <u32>load<u8>(operand(0), I.OPERAND_BYTES);
  if (kind(0) == I.KIND_MEMORY) {
    memory(bytes, ACCESS_WRITE);
    storeVector(vectorRegister(1), bytes, 0);
  } else if (kind(1) == I.KIND_MEMORY) loadVector(vectorRegister(0), bytes);
  else copy(bytes == 32 ? Uop.MOVX256 : Uop.MOVX128);
}
/** MOVD and MOVQ: between memory, a general-purpose, an MMX and an XMM register; into XMM the rest is cleared. */
function element(bytes: u32): void {
  const size: u32 = bytes == 4 ? 2 : 3;
  if (kind(0) == I.KIND_MEMORY) return storeScalar(bytes, 0);
  if (kind(0) == I.KIND_XMM) {
    if (kind(1) == I.KIND_MEMORY) loadVector(vectorRegister(0), bytes);
    else copy(bytes == 4 ? Uop.CLEARX32 : Uop.CLEARX64);
  } else if (kind(1) == I.KIND_MEMORY) {
    memory(bytes, ACCESS_READ);
    setDst(emitMemory(Uop.LOAD8 + size, size, MEM_READ), vectorRegister(0));
  } else copy(Uop.MOV8 + size);
}
/** MOVSS and MOVSD: from memory the rest is cleared, between registers it stays; three operands are no plain move. */
function scalar(bytes: u32): bool {
  if (kind(0) == I.KIND_MEMORY) storeScalar(bytes, 0);
  else if (kind(1) == I.KIND_MEMORY) loadVector(vectorRegister(0), bytes);
  else if (isVex()) return false;
  else copy(bytes == 4 ? Uop.MOVX32 : Uop.MOVX64);
  return true;
}
/** MOVLPS, MOVHPS and the like: 8 bytes of a register; loading merges, which VEX does with a third operand. */
function half(from: usize): bool {
  if (kind(0) == I.KIND_MEMORY) {
    storeScalar(8, from);
    return true;
  }
  if (isVex()) return false;
  memory(8, ACCESS_READ);
  setDst(emitMemory(Uop.LOAD64, 3, MEM_READ), vectorRegister(0) + from);
  return true;
}

/** False = it is no plain move: a micro-operation of the family. */
export function lowerVectorMove(operation: u32): bool {
  switch (operation) {
    case Operation.MOVAPS:
    case Operation.MOVAPD:
    case Operation.MOVUPS:
    case Operation.MOVUPD:
    case Operation.MOVDQA:
    case Operation.MOVDQU:
    case Operation.LDDQU:
    case Operation.MOVNTPS:
    case Operation.MOVNTPD:
    case Operation.MOVNTDQ:
    case Operation.MOVNTDQA:
      whole();
      return true;
    case Operation.MOVD:
      element(4);
      return true;
    case Operation.MOVQ:
    case Operation.MOVNTQ:
      element(8);
      return true;
    case Operation.MOVSS:
      return scalar(4);
    case Operation.MOVSD:
      return scalar(8);
    case Operation.MOVLPS:
    case Operation.MOVLPD:
      return half(0);
    case Operation.MOVHPS:
    case Operation.MOVHPD:
      return half(8);
  }
  return false;
}
