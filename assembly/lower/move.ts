// Moves, conversions, exchanges, LEA, and what depends on a condition.

import { ACCESS_READ, ACCESS_WRITE, cpu, SEG_SS, segment, SEGMENT_SELECTOR, T0, T1, T2 } from '../state';
import { AUX, MEM_PLAIN, MEM_READ, MEM_WRITE, RARE_OPERATION, RARE_REGISTER, Uop } from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { emit, setDst, setImmediate, setSrc } from './emit';
import { kind, operand, operandSize, register, sizeOf, source } from './operand';
import {
  emitMemory,
  isLocked,
  loadForUpdate,
  loadTo,
  loadUpdate,
  memBase,
  memory,
  putAddress,
  rawAddress,
  storeFrom,
  storeUpdated,
  useAddressIn,
  value,
} from './address';

export function lowerMov(plainForm: bool): void {
  const size = sizeOf(0);
  const plain: u32 = plainForm ? MEM_PLAIN : 0;
  if (kind(0) == I.KIND_MEMORY) {
    memory(1 << size, ACCESS_WRITE);
    source(emitMemory(Uop.STORE8 + size, size, MEM_WRITE | plain), 1);
  } else if (kind(1) == I.KIND_MEMORY) {
    loadTo(register(0), size);
  } else {
    const op = emit(Uop.MOV8 + size);
    setDst(op, register(0));
    source(op, 1);
  }
}
export function lowerExtend(isSigned: bool): void {
  const to = sizeOf(0);
  const from = sizeOf(1);
  if (from >= to) {
    // MOVSXD with a 16- or 32-bit operand size: a plain move of that size
    const s = value(1, to);
    const op = emit(Uop.MOV8 + to);
    setDst(op, register(0));
    setSrc(op, s);
    return;
  }
  if (kind(1) == I.KIND_MEMORY && to >= 2) {
    memory(1 << from, ACCESS_READ);
    let handler: u32;
    if (!isSigned) handler = from == 0 ? Uop.LOADZX8_32 : Uop.LOADZX16_32;
    else if (from == 2) handler = Uop.LOADSX32_64;
    else handler = (from == 0 ? Uop.LOADSX8_32 : Uop.LOADSX16_32) + (to - 2);
    setDst(emitMemory(handler, from, MEM_READ), register(0));
    return;
  }
  const s = value(1, from);
  let handler: u32;
  if (!isSigned) handler = from == 0 ? (to == 1 ? Uop.MOVZX8_16 : Uop.MOVZX8_32) : Uop.MOVZX16_32;
  else if (from == 2) handler = Uop.MOVSX32_64;
  else if (from == 0) handler = Uop.MOVSX8_16 + (to - 1);
  else handler = Uop.MOVSX16_32 + (to - 2);
  const op = emit(handler);
  setDst(op, register(0));
  setSrc(op, s);
}
export function lowerLea(): void {
  const size = operandSize();
  const addressSize = <u32>load<u8>(I.insn(), I.ADDRESS_SIZE);
  rawAddress();
  if (addressSize == 1) {
    const op = emit(Uop.OFFSET16);
    putAddress(op);
    setDst(op, cpu + T0);
    useAddressIn(cpu + T0);
  } else if (addressSize == 2 && size == 3) {
    const op = emit(Uop.LEA32);
    putAddress(op);
    setDst(op, register(0));
    return;
  }
  if (size == 1) {
    const sum = emit(Uop.LEA32);
    putAddress(sum);
    setDst(sum, cpu + T1);
    const op = emit(Uop.MOV16);
    setDst(op, register(0));
    setSrc(op, cpu + T1);
    return;
  }
  const op = emit(size == 3 ? Uop.LEA64 : Uop.LEA32);
  putAddress(op);
  setDst(op, register(0));
}
export function lowerXchg(): void {
  const size = sizeOf(0);
  if (kind(0) == I.KIND_MEMORY || kind(1) == I.KIND_MEMORY) {
    const r = kind(0) == I.KIND_MEMORY ? register(1) : register(0);
    loadForUpdate(size);
    storeUpdated(r, size);
    const op = emit(Uop.MOV8 + size);
    setDst(op, r);
    setSrc(op, cpu + T1);
    return;
  }
  const op = emit(Uop.XCHG8 + size);
  setDst(op, register(0));
  setSrc(op, register(1));
}
/** XADD, CMPXCHG: destination in a register or by way of T1. */
export function lowerExchange(handler: u32): void {
  const size = sizeOf(0);
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) {
    // the register that changes in between may be part of the address: it is worked out once
    memory(1 << size, ACCESS_READ | ACCESS_WRITE);
    if (memBase != cpu + T0) {
      const address = emit(Uop.LEA64);
      putAddress(address);
      setDst(address, cpu + T0);
      useAddressIn(cpu + T0);
    }
    loadUpdate(size);
    if (handler == Uop.XADD && isLocked()) return exchangeAddLocked(size);
  }
  const op = emit(handler);
  setDst(op, inMemory ? cpu + T1 : register(0));
  setSrc(op, register(1));
  store<u8>(op, <u8>(size << 4), AUX);
  if (inMemory) storeUpdated(cpu + T1, size);
}
/** XADD whose register changes only when memory has: what is before may have to be done again. */
function exchangeAddLocked(size: u32): void {
  const old = emit(Uop.MOV8 + size);
  setDst(old, cpu + T2);
  setSrc(old, cpu + T1);
  const sum = emit(Uop.ADD8 + size);
  setDst(sum, cpu + T1);
  setSrc(sum, register(1));
  storeUpdated(cpu + T1, size);
  const back = emit(Uop.MOV8 + size);
  setDst(back, register(1));
  setSrc(back, cpu + T2);
}
export function lowerCmov(): void {
  const size = sizeOf(0);
  const s = value(1, size); // memory is read whether the condition is met or not
  const op = emit(Uop.CMOV16 + size - 1);
  setDst(op, register(0));
  setSrc(op, s);
  store<u8>(op, load<u8>(I.insn(), I.CONDITION), AUX);
}
export function lowerSetcc(): void {
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) memory(1, ACCESS_WRITE);
  const op = emit(Uop.SETCC);
  setDst(op, inMemory ? cpu + T1 : register(0));
  store<u8>(op, load<u8>(I.insn(), I.CONDITION), AUX);
  if (inMemory) storeFrom(cpu + T1, 0, MEM_PLAIN);
}
export function lowerMovbe(): void {
  const size = sizeOf(0);
  const toMemory = kind(0) == I.KIND_MEMORY;
  if (toMemory) memory(1 << size, ACCESS_WRITE);
  const s = toMemory ? register(1) : value(1, size);
  const op = emit(Uop.BYTE_SWAP);
  setDst(op, toMemory ? cpu + T1 : register(0));
  setSrc(op, s);
  store<u8>(op, <u8>size, AUX);
  if (toMemory) storeFrom(cpu + T1, size, MEM_PLAIN);
}
/** MOV to or from a segment register. True = it ends the block: loading SS holds back events for one instruction. */
export function lowerMovSegment(): bool {
  if (kind(0) == I.KIND_SEGMENT) {
    const target = <u32>load<u8>(operand(0), I.OPERAND_REGISTER);
    const s = value(1, 1);
    const op = emit(target == SEG_SS ? Uop.RARE_END : Uop.RARE);
    store<u16>(op, <u16>Operation.MOV_SEG, RARE_OPERATION);
    store<u8>(op, <u8>target, RARE_REGISTER);
    setSrc(op, s);
    return target == SEG_SS;
  }
  const s = segment(load<u8>(operand(1), I.OPERAND_REGISTER)) + SEGMENT_SELECTOR;
  if (kind(0) == I.KIND_MEMORY) {
    memory(2, ACCESS_WRITE);
    storeFrom(s, 1, MEM_PLAIN);
  } else {
    const op = emit(operandSize() == 1 ? Uop.MOV16 : Uop.MOVZX16_32);
    setDst(op, register(0));
    setSrc(op, s);
  }
  return false;
}
export function lowerBswap(): void {
  if (operandSize() != 1) return setDst(emit(operandSize() == 3 ? Uop.BSWAP64 : Uop.BSWAP32), register(0));
  // a 16-bit BSWAP is undefined; current processors clear the word
  const op = emit(Uop.MOV16);
  setDst(op, register(0));
  setImmediate(op, 0);
}
