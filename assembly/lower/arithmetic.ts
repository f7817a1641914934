// Arithmetic, logic, shifts, multiplication and division, CRC32.

import { ACCESS_READ, ACCESS_WRITE, cpu, T1, T2 } from '../state';
import { AUX, BASE, IMM, MEM_READ, MEM_WRITE, Uop, ROL, ROR, SAR, SHL, SHR } from '../uop';
import * as I from '../decode/insn';
import { emit, setDst, setImmediate, setSrc } from './emit';
import { immediate, kind, register, sizeOf, source } from './operand';
import { emitMemory, isLocked, loadForUpdate, loadTo, memory, putBack, storeUpdated, updated, value } from './address';

function fusedMemory(index: u32, size: u32): u32 {
  if (index == 7 && size == 0) return Uop.CMP8_M;
  if (size < 2) return 0;
  const wide = size - 2;
  switch (index) {
    case 0:
      return Uop.ADD32_M + wide;
    case 1:
      return Uop.OR32_M + wide;
    case 4:
      return Uop.AND32_M + wide;
    case 5:
      return Uop.SUB32_M + wide;
    case 6:
      return Uop.XOR32_M + wide;
    case 7:
      return Uop.CMP32_M + wide;
    default:
      return 0;
  }
}
export function lowerArithmetic(index: u32): void {
  const size = sizeOf(0);
  const base = Uop.ADD8 + index * 4 + size;
  if (kind(0) == I.KIND_MEMORY) {
    if (index == 7) {
      loadTo(cpu + T1, size);
      const op = emit(base);
      setDst(op, cpu + T1);
      source(op, 1);
      return;
    }
    if (size >= 2 && (index == 0 || index == 5) && !isLocked()) {
      memory(1 << size, ACCESS_READ | ACCESS_WRITE);
      const handler = (index == 0 ? Uop.ADD32_RMW : Uop.SUB32_RMW) + size - 2;
      source(emitMemory(handler, size, MEM_READ | MEM_WRITE), 1);
      return;
    }
    loadForUpdate(size);
    const op = emit(base);
    setDst(op, cpu + T1);
    source(op, 1);
    storeUpdated(cpu + T1, size);
    return;
  }
  if (kind(1) == I.KIND_MEMORY) {
    const fused = fusedMemory(index, size);
    if (fused) {
      memory(1 << size, ACCESS_READ);
      setDst(emitMemory(fused, size, MEM_READ), register(0));
      return;
    }
    loadTo(cpu + T1, size);
    const op = emit(base);
    setDst(op, register(0));
    setSrc(op, cpu + T1);
    return;
  }
  const op = emit(base);
  setDst(op, register(0));
  source(op, 1);
}
export function lowerTest(): void {
  const size = sizeOf(0);
  const d = value(0, size);
  const op = emit(Uop.TEST8 + size);
  setDst(op, d);
  source(op, 1);
}
/** INC, DEC, NEG, NOT. */
export function lowerUnary(first: u32): void {
  const size = sizeOf(0);
  const d = updated(size);
  setDst(emit(first + size), d);
  putBack(size);
}
export function lowerShift(reg: u32): void {
  const operation = reg == 6 ? SHL : reg;
  const size = sizeOf(0);
  const d = updated(size);
  const byImmediate = kind(1) != I.KIND_REGISTER;
  const count = kind(1) == I.KIND_ONE ? 1 : (<u32>immediate()) & (size == 3 ? 63 : 31);
  let handler: u32 = 0;
  if (size >= 2 && byImmediate && count) {
    if (operation == SHL) handler = Uop.SHL32_I;
    else if (operation == SHR) handler = Uop.SHR32_I;
    else if (operation == SAR) handler = Uop.SAR32_I;
    else if (operation == ROL) handler = Uop.ROL32_I;
    else if (operation == ROR) handler = Uop.ROR32_I;
  } else if (size >= 2 && !byImmediate) {
    if (operation == SHL) handler = Uop.SHL32_CL;
    else if (operation == SHR) handler = Uop.SHR32_CL;
    else if (operation == SAR) handler = Uop.SAR32_CL;
  }
  const op = emit(handler ? handler + size - 2 : Uop.SHIFT);
  setDst(op, d);
  store<u8>(op, <u8>(operation | (size << 4)), AUX);
  if (byImmediate) setImmediate(op, count);
  else setSrc(op, register(1));
  putBack(size);
}
export function lowerDoubleShift(right: u32): void {
  const size = sizeOf(0);
  const d = updated(size);
  let count = cpu + T2;
  if (kind(2) == I.KIND_REGISTER) count = register(2);
  else {
    // the count is named by a 16-bit address: it goes through T2
    const move = emit(Uop.MOV64);
    setDst(move, count);
    setImmediate(move, immediate());
  }
  const op = emit(Uop.DOUBLE_SHIFT);
  setDst(op, d);
  setSrc(op, register(1));
  store<u8>(op, <u8>(right | (size << 4)), AUX);
  store<u16>(op, <u16>count, BASE);
  putBack(size);
}
/** MUL, DIV and one-operand IMUL, IDIV. */
export function lowerWide(handler: u32, isSigned: u32): void {
  const size = sizeOf(0);
  const s = value(0, size);
  const op = emit(handler);
  setSrc(op, s);
  store<u8>(op, <u8>(isSigned | (size << 4)), AUX);
}
export function lowerImul(): void {
  const count = load<u8>(I.insn(), I.OPERAND_COUNT);
  if (count == 1) return lowerWide(Uop.MULTIPLY, 1);
  const size = sizeOf(0);
  const s = value(1, size);
  if (count == 2) {
    const op = emit(Uop.IMUL16 + size - 1);
    setDst(op, register(0));
    setSrc(op, s);
    return;
  }
  const op = emit(size == 1 ? Uop.IMUL16_I : Uop.IMUL32_I + size - 2);
  setDst(op, register(0));
  store<i64>(op, immediate(), IMM);
  setSrc(op, s);
}
export function lowerCrc32(): void {
  const size = sizeOf(1);
  const s = value(1, size);
  const op = emit(Uop.CRC32);
  setDst(op, register(0));
  setSrc(op, s);
  store<u8>(op, <u8>size, AUX);
}
